"""Elements of level-5 MAT files: from bytes to values, no size trusted beyond the bytes at hand.

References
----------
"MAT-File Format", The MathWorks.
"""

import math
import struct
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from .matvalues import READ_CLASSES, REAL_DTYPES, Variable, joined
from .rows import AnyArray

MATRIX, COMPRESSED = 14, 15
COMPLEX_FLAG, LOGICAL_FLAG = 0x0800, 0x0200
CLASSES = {
    1: "cell",
    2: "struct",
    3: "object",
    4: "char",
    5: "sparse",
    6: "double",
    7: "single",
    8: "int8",
    9: "uint8",
    10: "int16",
    11: "uint16",
    12: "int32",
    13: "uint32",
    14: "int64",
    15: "uint64",
    16: "function_handle",
    17: "opaque",
}
STORED = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_DEEPEST = 16  # levels of cells and structs


@dataclass(frozen=True)
class Header:
    """What the head of a matrix element says.

    Attributes
    ----------
    variable : Variable
        Name, dimensions and class.
    code : int
        The class as stored.
    logical : bool
        Whether the logical flag is set (also on a sparse matrix).
    data_at : int
        Where the data begin [bytes].
    """

    variable: Variable
    code: int
    logical: bool
    data_at: int


def parse_tag(body: Any, at: int, byte_order: str) -> tuple[int, int, int, int]:
    """Return kind, size and start of the data of a subelement, and where the next one begins.

    Raises
    ------
    ValueError, struct.error
        The subelement does not end within the bytes at hand.
    """
    kind, size = struct.unpack_from(byte_order + "II", body, at)
    if kind >> 16:  # up to four bytes are packed into the tag itself
        kind, size, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if size > 4:
            raise ValueError(f"{size} bytes packed into four")
    else:
        start, after = at + 8, at + 8 + size + -size % 8
    if start + size > len(body):
        raise ValueError(f"{size:,} bytes announced, {max(0, len(body) - start):,} follow")
    return kind, size, start, after


def parse_header(body: Any, byte_order: str) -> Header:
    """Parse the head of a matrix element; the data need not be among the bytes at hand.

    Raises
    ------
    ValueError, KeyError, struct.error
        It is damaged.
    """
    _, size, start, at = parse_tag(body, 0, byte_order)
    (flags,) = struct.unpack_from(byte_order + "I", body, start)
    code = flags & 0xFF
    kind = CLASSES[code]
    shape: tuple[int, ...] = (1, 1)
    if kind != "opaque":
        _, size, start, at = parse_tag(body, at, byte_order)
        shape = struct.unpack_from(f"{byte_order}{size // 4}i", body, start)
        if not 2 <= len(shape) <= 32 or min(shape) < 0:
            raise ValueError(f"dimensions {shape[:32]}")
    name, at = _name(body, at, byte_order)
    if kind == "opaque":
        _, at = _name(body, at, byte_order)
        kind, at = _name(body, at, byte_order)
        if kind in READ_CLASSES and kind != "string":
            kind = "opaque"
    logical = bool(flags & LOGICAL_FLAG)
    if logical and kind in REAL_DTYPES:
        kind = "logical"
    return Header(Variable(name, shape, kind, bool(flags & COMPLEX_FLAG)), code, logical, at)


def decode(body: AnyArray, byte_order: str, depth: int = _DEEPEST) -> Any:
    """Return the value of a matrix element from its bytes.

    Parameters
    ----------
    body : array of uint8
        The element behind its tag.
    byte_order : {"<", ">"}
        Of the file.
    depth : int
        How many levels of cells, structs and objects are followed.

    Returns
    -------
    ndarray or scipy.sparse.csc_array
        Text as single characters; a cell as an array of objects; a struct as a structured array
        of objects; an object as what refers to it.

    Raises
    ------
    ValueError, KeyError, struct.error
        The bytes contradict each other, or the class has no known form.
    """
    if not len(body):  # an empty matrix within a cell
        return np.zeros((0, 0))
    header = parse_header(body, byte_order)
    kind, shape, at = header.variable.matlab_class, header.variable.shape, header.data_at
    if kind in REAL_DTYPES:
        parts = numeric_parts(body, header, byte_order)
        return joined(parts, header.variable.dtype).reshape(shape, order="F")
    if kind == "char":
        return _characters(body, at, math.prod(shape), byte_order).reshape(shape, order="F")
    if kind == "sparse":
        return _sparse(body, header, byte_order)
    if depth == 0:
        raise ValueError("cells and structs are nested too deeply")
    if CLASSES[header.code] == "opaque":
        return _matrices(body, at, 1, byte_order, depth)[0]
    if kind == "cell":
        found = _matrices(body, at, math.prod(shape), byte_order, depth)
        return found.reshape(shape, order="F")
    if kind == "struct":
        return _struct(body, header, byte_order, depth)
    raise ValueError(f"class {kind} is not read")


def numeric_parts(body: AnyArray, header: Header, byte_order: str) -> list[AnyArray]:
    """Return the real and, where there is one, the imaginary part as stored, flat.

    Raises
    ------
    ValueError, struct.error
        Their sizes are not those that the dimensions ask for.
    """
    parts = []
    at = header.data_at
    for _ in range(1 + header.variable.complex):
        part, at = _numbers(body, at, byte_order)
        if len(part) != math.prod(header.variable.shape):
            raise ValueError(f"{len(part):,} elements stored")
        parts.append(part)
    return parts


def _numbers(body: AnyArray, at: int, byte_order: str) -> tuple[AnyArray, int]:
    kind, size, start, after = parse_tag(body, at, byte_order)
    if kind not in STORED:
        raise ValueError(f"elements of type {kind}")
    return body[start : start + size].view(byte_order + STORED[kind]), after


def _name(body: Any, at: int, byte_order: str) -> tuple[str, int]:
    _, size, start, after = parse_tag(body, at, byte_order)
    return bytes(body[start : start + size]).rstrip(b"\0").decode("ascii"), after


def _characters(body: AnyArray, at: int, count: int, byte_order: str) -> AnyArray:
    """Return `count` units of UTF-16, each as one character."""
    if count == 0:
        return np.empty(0, "<U1")
    kind, size, start, _ = parse_tag(body, at, byte_order)
    encoding = _ENCODINGS[kind]
    if encoding in ("utf-16", "utf-32"):
        encoding += {"<": "-le", ">": "-be"}[byte_order]
    text = body[start : start + size].tobytes().decode(encoding, "replace")
    units = np.frombuffer(text.encode("utf-16-le"), "<u2")
    if len(units) != count:
        raise ValueError(f"{len(units):,} characters stored")
    return units.astype("<u4").view("<U1")


def _sparse(body: AnyArray, header: Header, byte_order: str) -> Any:
    variable = header.variable
    rows, at = _numbers(body, header.data_at, byte_order)
    edges, at = _numbers(body, at, byte_order)
    parts = []
    for _ in range(1 + variable.complex):
        part, at = _numbers(body, at, byte_order)
        parts.append(part)
    kind = np.dtype(bool if header.logical else complex if variable.complex else float)
    return sparse_matrix(joined(parts, kind), rows, edges, variable.shape)


def sparse_matrix(values: AnyArray, rows: AnyArray, edges: AnyArray, shape: Any) -> Any:
    """Return a sparse matrix from the three arrays of MATLAB, once they have been checked.

    Parameters
    ----------
    values : (n,) array
        The elements, column by column.
    rows : (n,) array of int
        Row of each, from 0.
    edges : (n_columns + 1,) array of int
        Where each column begins, and where the last one ends; behind it nothing counts.

    Raises
    ------
    ValueError
        They contradict each other or the shape.
    """
    n_rows, n_columns = shape
    if len(edges) != n_columns + 1 or not len(edges):
        raise ValueError(f"{len(edges):,} column edges stored")
    edges = edges.astype(np.int64)
    n = int(edges[-1])
    if edges[0] != 0 or (np.diff(edges) < 0).any() or n > min(len(values), len(rows)):
        raise ValueError("its column edges are not in order")
    rows = rows[:n].astype(np.int64)
    if n and not 0 <= rows.min() <= rows.max() < n_rows:
        raise ValueError("rows outside of the matrix")
    from scipy.sparse import csc_array

    return csc_array((values[:n], rows, edges), shape=cast(Any, (n_rows, n_columns)))


def _matrices(body: AnyArray, at: int, count: int, byte_order: str, depth: int) -> AnyArray:
    """Return the values of matrix elements that follow each other."""
    if count > (len(body) - at) // 8:
        raise ValueError(f"{count:,} cells announced")
    found = np.empty(count, object)
    for k in range(count):
        kind, size, start, at = parse_tag(body, at, byte_order)
        if kind != MATRIX:
            raise ValueError(f"cell of type {kind}")
        found[k] = decode(body[start : start + size], byte_order, depth - 1)
    return found


def _struct(body: AnyArray, header: Header, byte_order: str, depth: int) -> AnyArray:
    _, _, start, at = parse_tag(body, header.data_at, byte_order)
    (length,) = struct.unpack_from(byte_order + "i", body.data, start)
    _, size, start, at = parse_tag(body, at, byte_order)
    if length < 1 or size % length:
        raise ValueError("its field names are damaged")
    names = [
        body[place : place + length].tobytes().partition(b"\0")[0].decode("ascii")
        for place in range(start, start + size, length)
    ]
    shape = header.variable.shape
    values = _matrices(body, at, math.prod(shape) * len(names), byte_order, depth)
    found: AnyArray = np.empty(shape, [(name, object) for name in names])
    for k, name in enumerate(names):
        found[name] = values[k :: len(names)].reshape(shape, order="F")
    return found
