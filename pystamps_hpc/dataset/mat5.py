"""MAT files of level 5 (``-v6``, ``-v7``): scanned by header, read in place, written in pieces.

Numeric matrices are mapped instead of loaded and stream to disk with little memory; other values
are small and read whole by ``mat5values``.

References
----------
"MAT-File Format", The MathWorks.
"""

import io
import math
import struct
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ..errors import MatError
from .mapped import release
from .mat5values import (
    CLASSES,
    COMPLEX_FLAG,
    COMPRESSED,
    LOGICAL_FLAG,
    MATRIX,
    STORED,
    Header,
    decode,
    numeric_parts,
    parse_header,
    parse_tag,
)
from .matobjects import text_of_object
from .matvalues import REAL_DTYPES, Stream, gather, joined, matlab_class, pieces, readable
from .rows import ALL, AnyArray

HEADER_BYTES = 128
HEADER = (
    b"MATLAB 5.0 MAT-file, written by pystamps-hpc".ljust(116)
    + bytes(8)  # no subsystem data
    + struct.pack("<H", 0x0100)
    + b"IM"
)
"""First bytes of every file: without a date, so that equal contents are equal files."""

BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
SUBSYSTEM_AT = 116  # where the header says what objects refer to; zero or blanks: to nothing

_CLASS_CODES = {name: code for code, name in CLASSES.items()}
_STORED_CODES = {kind: code for code, kind in STORED.items()}
_BLANKS = int.from_bytes(8 * b" ", "little")
_BEGINNING_BYTES = 1024  # holds every header, deflated or not

SMALL_BYTES = 256 << 10
"""A file of this size is read, and written, as one piece: to map each of its variables, or to place
their parts one by one, takes longer than the bytes do."""


@dataclass(frozen=True)
class Element:
    """Place of one variable in a file.

    Attributes
    ----------
    header : Header
        What its head says.
    offset, size : int
        Of the element behind its tag [bytes].
    compressed : bool
        Whether the element is deflated.
    n_bytes : int
        Size of its (inflated) body, which begins with the header [bytes].
    """

    header: Header
    offset: int
    size: int
    compressed: bool
    n_bytes: int


class Mat5File:
    """A level-5 file for reading; its variables are known, their data unread or, if small, held.

    Parameters
    ----------
    path : Path
        Its name.
    byte_order : {"<", ">"}
        How its numbers are stored.
    file : binary file
        Open for reading; closed with this object.
    """

    def __init__(self, path: Path, byte_order: str, file: BinaryIO) -> None:
        self.path = path
        self.byte_order = byte_order
        self._file = file
        self._held: bytes | None = None
        try:
            file.seek(0)
            beginning = file.read(SMALL_BYTES + 1)
            if len(beginning) <= SMALL_BYTES:
                file.close()
                self._file, self._held = io.BytesIO(beginning), beginning
            self._subsystem_at = self._integer("Q", SUBSYSTEM_AT)
            if self._subsystem_at == _BLANKS:
                self._subsystem_at = 0
            self._elements = self._scan()
        except BaseException:
            self._file.close()
            raise
        self.variables = {name: element.header.variable for name, element in self._elements.items()}

    def close(self) -> None:
        """Close the file; rows taken from it stay usable."""
        self._file.close()

    def rows(self, name: str) -> "Mat5Rows":
        """Return a numeric matrix as rows read on demand."""
        element = self._elements[name]
        return Mat5Rows(self.path, self.byte_order, element, self._held)

    def in_place(self, name: str) -> bool:
        """Whether a variable is not deflated."""
        return not self._elements[name].compressed

    def read(self, name: str) -> Any:
        """Return a whole variable; text comes as a matrix of single characters."""
        element = self._elements[name]
        variable = element.header.variable
        if variable.matlab_class in REAL_DTYPES:
            return _by_planes(self.rows(name), variable.shape)
        with readable(self.path, f"'{name}'"):
            value = decode(_body(self.path, element, self._held), self.byte_order)
            if variable.matlab_class == "string":
                return text_of_object(value, self._subsystem().__getitem__)
            return value

    def rewrite(self, target: Path, values: Mapping[str, Any], keep: Collection[str]) -> None:
        """Write a copy with other values that keeps some variables; see :func:`.mat.rewrite_mat`.

        Objects stay right, because what they refer to comes along.
        """
        if self.byte_order != "<":
            raise MatError(
                f"cannot keep {', '.join(keep)} of {self.path}: the file is big-endian; "
                "save it again in MATLAB"
            )
        with target.open("wb") as file:
            file.write(HEADER)
            for name, value in values.items():
                _write_element(target, file, name, value)
            for name in keep:
                file.write(self._bytes(self._elements[name].offset - 8))
            if self._subsystem_at:
                begins_at = file.tell()
                file.write(self._bytes(self._subsystem_at))
                file.seek(SUBSYSTEM_AT)
                file.write(struct.pack("<Q", begins_at))

    def _bytes(self, offset: int) -> bytes:
        """Return the element at an offset with its tag."""
        size = self._integer("I", offset + 4)
        if size > self.path.stat().st_size - offset - 8:
            raise MatError(
                f"cannot read {self.path}: what begins at byte {offset} is longer than the file; "
                "restore it from a copy or save it anew"
            )
        return self._part(offset, 8 + size)

    def _subsystem(self) -> list[AnyArray]:
        """Return the cells that the objects of the file refer to."""
        if not self._subsystem_at:
            raise ValueError("the file lacks what it refers to")
        compressed = self._integer("I", self._subsystem_at) == COMPRESSED
        size = self._integer("I", self._subsystem_at + 4)
        element = self._element(self._subsystem_at + 8, size, compressed)
        body = _body(self.path, element, self._held)
        inner = decode(body, self.byte_order).ravel(order="F")
        byte_order = BYTE_ORDERS[inner[2:4].tobytes()]
        _, _, start, _ = parse_tag(inner, 8, byte_order)  # behind a header of eight bytes
        cells = decode(inner[start:], byte_order)["MCOS"].item()
        return list(cells.ravel(order="F"))

    def _integer(self, kind: str, offset: int) -> int:
        return int(np.frombuffer(self._part(offset, 8), self.byte_order + kind, 1)[0])

    def _scan(self) -> dict[str, Element]:
        file_size = self._file.seek(0, io.SEEK_END)
        found: dict[str, Element] = {}
        offset = HEADER_BYTES
        while offset < file_size:
            tag = self._part(offset, 8)
            if len(tag) < 8:
                raise _truncated(self.path, file_size, offset + 8)
            kind, size = struct.unpack(self.byte_order + "II", tag)
            if kind not in (MATRIX, COMPRESSED):
                raise MatError(f"cannot read {self.path}: no variable begins at byte {offset}")
            if offset + 8 + size > file_size:
                raise _truncated(self.path, file_size, offset + 8 + size)
            element = self._element(offset + 8, size, kind == COMPRESSED)
            name = element.header.variable.name
            if name:  # neither MATLAB's function workspace nor its subsystem has one
                found.pop(name, None)
                found[name] = element
            offset += 8 + size
        return found

    def _part(self, offset: int, size: int) -> bytes:
        """Return so many bytes from an offset on, fewer where the file ends."""
        if self._held is not None:
            return self._held[offset : offset + size]
        self._file.seek(offset)
        return self._file.read(size)

    def _element(self, offset: int, size: int, compressed: bool) -> Element:
        """Parse the header of a variable from the first bytes of it."""
        body = self._part(offset, min(size, _BEGINNING_BYTES))
        n_bytes = size
        with readable(self.path, f"the variable at byte {offset - 8}"):
            if compressed:
                beginning = zlib.decompressobj().decompress(body, _BEGINNING_BYTES)
                _, n_bytes = struct.unpack(self.byte_order + "II", beginning[:8])
                body = beginning[8:]
            header = parse_header(body, self.byte_order)
        return Element(header, offset, size, compressed, n_bytes)


@dataclass(frozen=True)
class Mat5Rows:
    """A numeric matrix of a level-5 file: mapped, or inflated as a whole at the first access.

    That of a small file, whose bytes are `held`, is taken from them.
    """

    path: Path
    byte_order: str
    element: Element
    held: bytes | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns; further dimensions count as columns."""
        n_rows, *rest = self.element.header.variable.shape
        return n_rows, math.prod(rest)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements, by MATLAB class."""
        return self.element.header.variable.dtype

    def __getitem__(self, key: Any, /) -> AnyArray:
        parts = self._parts  # there before memory is taken for what the header promises
        if self.held is not None and isinstance(key, slice) and key == ALL:
            return np.ascontiguousarray(joined([part.T for part in parts], self.dtype))
        try:
            return gather(key, self.shape, self._fetch, self.dtype)
        finally:
            release(parts[0])

    def _fetch(self, columns: slice, rows: slice) -> AnyArray:
        return joined([part[columns, rows] for part in self._parts], self.dtype)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "byte_order": self.byte_order, "element": self.element}

    @cached_property
    def _parts(self) -> list[AnyArray]:
        """Real and imaginary part as stored, each ``(n_columns, n_rows)``."""
        element = self.element
        with readable(self.path, f"'{element.header.variable.name}'"):
            body = _body(self.path, element, self.held)
            parts = numeric_parts(body, element.header, self.byte_order)
            return [part.reshape(self.shape[::-1]) for part in parts]


def _by_planes(rows: Mat5Rows, shape: tuple[int, ...]) -> AnyArray:
    """Read an array of any number of dimensions, row-major, without a second copy of it."""
    _, n_columns, *deeper = shape
    if not deeper:
        return rows[:]
    _ = rows[:0]  # the data are there before memory is taken for what the header promises
    whole = np.empty(shape, rows.dtype)
    for k, place in enumerate(np.ndindex(*deeper[::-1])):
        whole[(..., *place[::-1])] = rows[:, k * n_columns : (k + 1) * n_columns]
    return whole


def _body(path: Path, element: Element, held: bytes | None) -> AnyArray:
    """Return the bytes of a variable behind its tag: mapped, or inflated to the declared size.

    They are those of the file, or of what is held of it.
    """
    if not element.compressed and held is not None:
        return np.frombuffer(held, np.uint8, element.size, element.offset)
    if not element.compressed:
        mapped = np.memmap(path, np.uint8, "r", element.offset, (element.size,))
        return mapped.view(np.ndarray)
    variable = element.header.variable
    most = 16 * math.prod(variable.shape) + element.header.data_at + 40  # two parts of doubles
    if variable.matlab_class in REAL_DTYPES and element.n_bytes > most:
        raise ValueError("more data than its size asks for")
    if held is not None:
        deflated = held[element.offset : element.offset + element.size]
    else:
        with path.open("rb") as file:
            file.seek(element.offset)
            deflated = file.read(element.size)
    stream = zlib.decompressobj()
    inflated = stream.decompress(deflated, 8 + element.n_bytes + 1)
    if not stream.eof or len(inflated) != 8 + element.n_bytes:
        raise ValueError("it inflates to another size than it declares")
    return np.frombuffer(inflated, np.uint8)[8:]


def _truncated(path: Path, size: int, expected: int) -> MatError:
    found = f"{size:,} bytes, at least {expected:,} expected"
    return MatError(f"cannot read {path}: the file is truncated ({found})")


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
        if sum(map(_size, values.values())) > SMALL_BYTES:
            _write_all(path, file, values, compress)
        else:
            whole = io.BytesIO()
            _write_all(path, whole, values, compress)
            file.write(whole.getbuffer())


def _size(value: Any) -> int:
    """Return about how many bytes a matrix or a text takes; a sparse matrix is never small."""
    if isinstance(value, str):
        return 2 * len(value)
    return value.nbytes if isinstance(value, Stream) else SMALL_BYTES + 1


def _write_all(path: Path, file: BinaryIO, values: Mapping[str, Any], compress: bool) -> None:
    file.write(HEADER)
    for name, value in values.items():
        if not compress:
            _write_element(path, file, name, value)
            continue
        whole = io.BytesIO()
        _write_element(path, whole, name, value)
        deflated = zlib.compress(whole.getbuffer())
        file.write(struct.pack("<II", COMPRESSED, len(deflated)))
        file.write(deflated)


def _write_element(path: Path, file: BinaryIO, name: str, value: Any) -> None:
    if isinstance(value, Stream):
        _write_matrix(path, file, name, value)
        return
    from scipy.io import savemat

    alone = io.BytesIO()
    savemat(cast(Any, alone), {name: value}, long_field_names=True)
    file.write(alone.getbuffer()[HEADER_BYTES:])


def _write_matrix(path: Path, file: BinaryIO, name: str, matrix: Stream) -> None:
    """Write a numeric matrix: its header, then every piece at its places in the columns."""
    kind = matlab_class(matrix.dtype)
    assert kind is not None
    stored = REAL_DTYPES[kind].newbyteorder("<")
    if kind == "logical":
        kind, stored, flags = "uint8", np.dtype("u1"), LOGICAL_FLAG
    else:
        flags = COMPLEX_FLAG if matrix.dtype.kind == "c" else 0
    head = (
        _subelement(6, struct.pack("<II", flags | _CLASS_CODES[kind], 0))
        + _subelement(5, struct.pack(f"<{len(matrix.shape)}i", *matrix.shape))
        + _subelement(1, name.encode("ascii"))
    )
    n_rows = matrix.shape[0]
    n_bytes = math.prod(matrix.shape) * stored.itemsize
    padding = bytes(-n_bytes % 8)
    part_bytes = 8 + n_bytes + len(padding)
    n_parts = 2 if flags == COMPLEX_FLAG else 1
    file.write(struct.pack("<II", MATRIX, len(head) + n_parts * part_bytes) + head)
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
