"""MAT files of level 5 (``-v6``, ``-v7``): scanned by header, read in place, written in pieces.

Numeric matrices are handled here, so that they are mapped instead of loaded and stream to disk
with little memory; text, sparse matrices, cells and structs are small and go through scipy.

References
----------
"MAT-File Format", The MathWorks; specification of the dataset, section 3.
"""

import io
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import scipy.io
import scipy.sparse

from ..errors import MatError
from .matvalues import (
    REAL_DTYPES,
    Stream,
    Variable,
    gather,
    matlab_class,
    pieces,
    readable,
)
from .rows import AnyArray

HEADER_BYTES = 128
HEADER = (
    b"MATLAB 5.0 MAT-file, written by pystamps-hpc".ljust(116)
    + bytes(8)  # no subsystem data
    + struct.pack("<H", 0x0100)
    + b"IM"
)
"""First bytes of every file: without a date, so that equal contents are equal files."""

_MATRIX, _COMPRESSED = 14, 15
_CLASSES = {
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
    16: "function",
    17: "opaque",
}
_CLASS_CODES = {name: code for code, name in _CLASSES.items()}
_COMPLEX_FLAG, _LOGICAL_FLAG = 0x0800, 0x0200
_STORED = {
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
_STORED_CODES = {kind: code for code, kind in _STORED.items()}
_BEGINNING_BYTES = 1024  # holds every header, deflated or not


@dataclass(frozen=True)
class Element:
    """Place of one variable in a file.

    Attributes
    ----------
    variable : Variable
        What its header says.
    logical : bool
        Whether the logical flag is set (also on a sparse matrix).
    offset, size : int
        Of the element behind its tag [bytes].
    compressed : bool
        Whether the element is deflated.
    data_at : int
        Where the data follow the header, counted in the (inflated) body [bytes].
    """

    variable: Variable
    logical: bool
    offset: int
    size: int
    compressed: bool
    data_at: int


class Mat5File:
    """A level-5 file opened for reading; its variables are known, their data unread."""

    def __init__(self, path: Path, byte_order: str) -> None:
        self.path = path
        self.byte_order = byte_order
        self._file = path.open("rb")
        try:
            self._elements = self._scan()
        except BaseException:
            self._file.close()
            raise
        self.variables = {name: element.variable for name, element in self._elements.items()}

    def close(self) -> None:
        """Close the file; rows taken from it stay usable."""
        self._file.close()

    def rows(self, name: str) -> "Mat5Rows":
        """Return a numeric matrix as rows read on demand."""
        element = self._elements[name]
        return Mat5Rows(self.path, self.byte_order, element)

    def in_place(self, name: str) -> bool:
        """Whether a variable is not deflated."""
        return not self._elements[name].compressed

    def read(self, name: str) -> Any:
        """Return a whole variable; text comes as a matrix of single characters."""
        element = self._elements[name]
        variable = element.variable
        if variable.matlab_class in REAL_DTYPES:
            matrix = self.rows(name)[:]
            return np.ascontiguousarray(matrix.reshape(variable.shape, order="F"))
        value = self._read_with_scipy(element)
        if variable.matlab_class == "sparse":
            dtype = bool if element.logical else complex if variable.complex else float
            return scipy.sparse.csc_array(value, dtype=dtype)
        return value

    def _read_with_scipy(self, element: Element) -> Any:
        """Read one variable as the only one of a file, which also settles repeated names."""
        self._file.seek(0)
        header = self._file.read(HEADER_BYTES)
        self._file.seek(element.offset - 8)
        alone = io.BytesIO(header + self._file.read(8 + element.size))
        try:
            found = scipy.io.loadmat(cast(Any, alone), chars_as_strings=False)
        except Exception as error:  # of every kind, as the damage may be
            raise _damaged(self.path, element.variable.name) from error
        return found[element.variable.name]

    def _scan(self) -> dict[str, Element]:
        file_size = self.path.stat().st_size
        found: dict[str, Element] = {}
        offset = HEADER_BYTES
        while offset < file_size:
            self._file.seek(offset)
            tag = self._file.read(8)
            if len(tag) < 8:
                raise _truncated(self.path, file_size, offset + 8)
            kind, size = struct.unpack(self.byte_order + "II", tag)
            if kind not in (_MATRIX, _COMPRESSED):
                raise MatError(f"cannot read {self.path}: no variable begins at byte {offset}")
            if offset + 8 + size > file_size:
                raise _truncated(self.path, file_size, offset + 8 + size)
            element = self._element(offset + 8, size, kind == _COMPRESSED)
            name = element.variable.name
            if name:  # MATLAB's function workspace has none
                found.pop(name, None)
                found[name] = element
            offset += 8 + size
        return found

    def _element(self, offset: int, size: int, compressed: bool) -> Element:
        """Parse the header of a variable from the first bytes of it."""
        beginning = self._file.read(min(size, _BEGINNING_BYTES))
        try:
            if compressed:
                beginning = zlib.decompressobj().decompress(beginning, _BEGINNING_BYTES)[8:]
            variable, logical, data_at = _parse_header(beginning, self.byte_order)
        except (struct.error, zlib.error, UnicodeDecodeError, KeyError) as error:
            raise _damaged(self.path, f"the variable at byte {offset - 8}") from error
        return Element(variable, logical, offset, size, compressed, data_at)


@dataclass(frozen=True)
class Mat5Rows:
    """A numeric matrix of a level-5 file: mapped, or inflated as a whole at the first access."""

    path: Path
    byte_order: str
    element: Element

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns; further dimensions count as columns."""
        n_rows, *rest = self.element.variable.shape
        return n_rows, math.prod(rest)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements, by MATLAB class."""
        return self.element.variable.dtype

    def __getitem__(self, key: Any, /) -> AnyArray:
        with readable(self.path):
            return gather(key, self.shape, self._fetch, self.dtype)

    def _fetch(self, columns: slice, rows: slice) -> AnyArray:
        real, *imaginary = (part[columns, rows] for part in self._parts)
        if not imaginary:
            return real
        tile = np.empty(real.shape, self.dtype)
        tile.real, tile.imag = real, imaginary[0]
        return tile

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "byte_order": self.byte_order, "element": self.element}

    @cached_property
    def _parts(self) -> list[AnyArray]:
        """Real and imaginary part as stored, each ``(n_columns, n_rows)``."""
        body = self._body()
        n_rows, n_columns = self.shape
        parts = []
        at = self.element.data_at
        for _ in range(1 + self.element.variable.complex):
            kind, n_bytes, start, at = _parse_tag(body, at, self.byte_order)
            if kind not in _STORED or start + n_bytes > len(body):
                raise _damaged(self.path, self.element.variable.name)
            stored = np.dtype(self.byte_order + _STORED[kind])
            if n_bytes != n_rows * n_columns * stored.itemsize:
                raise _damaged(self.path, self.element.variable.name)
            part = body[start : start + n_bytes].view(stored)
            parts.append(part.reshape(n_columns, n_rows))
        return parts

    def _body(self) -> AnyArray:
        element = self.element
        if not element.compressed:
            mapped = np.memmap(self.path, np.uint8, "r", element.offset, (element.size,))
            return mapped.view(np.ndarray)
        with self.path.open("rb") as file:
            file.seek(element.offset)
            deflated = file.read(element.size)
        try:
            return np.frombuffer(zlib.decompress(deflated), np.uint8)[8:]
        except zlib.error as error:
            raise _damaged(self.path, element.variable.name) from error


def _parse_tag(body: Any, at: int, byte_order: str) -> tuple[int, int, int, int]:
    """Return kind, size and start of the data of a subelement, and where the next one begins."""
    kind, size = struct.unpack_from(byte_order + "II", body, at)
    if kind >> 16:  # up to four bytes are packed into the tag itself
        return kind & 0xFFFF, kind >> 16, at + 4, at + 8
    return kind, size, at + 8, at + 8 + size + -size % 8


def _parse_header(body: bytes, byte_order: str) -> tuple[Variable, bool, int]:
    """Return what the head of a matrix element says, its logical flag, and where data begin."""
    _, _, start, at = _parse_tag(body, 0, byte_order)
    (flags,) = struct.unpack_from(byte_order + "I", body, start)
    kind = _CLASSES[flags & 0xFF]
    shape: tuple[int, ...] = (1, 1)
    if kind != "opaque":
        _, size, start, at = _parse_tag(body, at, byte_order)
        shape = struct.unpack_from(f"{byte_order}{size // 4}i", body, start)
    _, size, start, at = _parse_tag(body, at, byte_order)
    if start + size > len(body):
        raise struct.error("the name ends behind the bytes at hand")
    name = body[start : start + size].rstrip(b"\0").decode("ascii")
    logical = bool(flags & _LOGICAL_FLAG)
    if logical and kind in REAL_DTYPES:
        kind = "logical"
    return Variable(name, shape, kind, bool(flags & _COMPLEX_FLAG)), logical, at


def _truncated(path: Path, size: int, expected: int) -> MatError:
    found = f"{size:,} bytes, at least {expected:,} expected"
    return MatError(f"cannot read {path}: the file is truncated ({found})")


def _damaged(path: Path, what: str) -> MatError:
    return MatError(f"cannot read {path}: {what} is damaged")


def write(path: Path, values: Mapping[str, Any], compress: bool) -> None:
    """Write a level-5 file.

    Parameters
    ----------
    path : Path
        The file; replaced if it exists.
    values : mapping of str to Stream, str or sparse array
        Variables in their order in the file.
    compress : bool
        Deflate every variable; they are then never read in place.
    """
    with path.open("wb") as file:
        file.write(HEADER)
        for name, value in values.items():
            if not compress:
                _write_element(path, file, name, value)
                continue
            whole = io.BytesIO()
            _write_element(path, whole, name, value)
            deflated = zlib.compress(whole.getbuffer())
            file.write(struct.pack("<II", _COMPRESSED, len(deflated)))
            file.write(deflated)


def _write_element(path: Path, file: BinaryIO, name: str, value: Any) -> None:
    if isinstance(value, Stream):
        _write_matrix(path, file, name, value)
        return
    alone = io.BytesIO()
    scipy.io.savemat(cast(Any, alone), {name: value}, long_field_names=True)
    file.write(alone.getbuffer()[HEADER_BYTES:])


def _write_matrix(path: Path, file: BinaryIO, name: str, matrix: Stream) -> None:
    """Write a numeric matrix: its header, then every piece at its places in the columns."""
    kind = matlab_class(matrix.dtype)
    assert kind is not None
    stored = REAL_DTYPES[kind].newbyteorder("<")
    if kind == "logical":
        kind, stored, flags = "uint8", np.dtype("u1"), _LOGICAL_FLAG
    else:
        flags = _COMPLEX_FLAG if matrix.dtype.kind == "c" else 0
    head = (
        _subelement(6, struct.pack("<II", flags | _CLASS_CODES[kind], 0))
        + _subelement(5, struct.pack(f"<{len(matrix.shape)}i", *matrix.shape))
        + _subelement(1, name.encode("ascii"))
    )
    n_rows = matrix.shape[0]
    n_bytes = math.prod(matrix.shape) * stored.itemsize
    padding = bytes(-n_bytes % 8)
    part_bytes = 8 + n_bytes + len(padding)
    n_parts = 2 if flags == _COMPLEX_FLAG else 1
    file.write(struct.pack("<II", _MATRIX, len(head) + n_parts * part_bytes) + head)
    parts_at = [file.tell() + k * part_bytes for k in range(n_parts)]
    for at in parts_at:
        file.seek(at)
        file.write(struct.pack("<II", _STORED_CODES[stored.str[1:]], n_bytes))
    for rows, piece in pieces(matrix, path, name):
        flat = piece.reshape(len(piece), -1, order="F")
        for at, part in zip(parts_at, (flat.real, flat.imag), strict=False):
            columns = np.ascontiguousarray(part.T, stored)
            if len(piece) == n_rows:
                file.seek(at + 8)
                file.write(columns.data)
                continue
            for k, column in enumerate(columns):
                file.seek(at + 8 + (k * n_rows + rows.start) * stored.itemsize)
                file.write(column.data)
    for at in parts_at:
        file.seek(at + 8 + n_bytes)
        file.write(padding)


def _subelement(kind: int, data: bytes) -> bytes:
    if 0 < len(data) <= 4:
        return struct.pack("<HH", kind, len(data)) + data.ljust(4, b"\0")
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)
