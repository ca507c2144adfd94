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
from typing import Any, BinaryIO

import numpy as np

from ..errors import MatError
from .contents import Content, content
from .mapped import release
from .mat5values import (
    COMPRESSED,
    MATRIX,
    Header,
    decode,
    numeric_parts,
    parse_header,
    parse_tag,
)
from .mat5writing import HEADER, HEADER_BYTES, write_element
from .matobjects import text_of_object
from .matvalues import REAL_DTYPES, gather, joined, readable
from .rows import ALL, AnyArray

BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
SUBSYSTEM_AT = 116  # where the header says what objects refer to; zero or blanks: to nothing

_BLANKS = int.from_bytes(8 * b" ", "little")
_BEGINNING_BYTES = 1024  # holds every header, deflated or not


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
    held : Content or None
        All of the file, if it is small.
    """

    def __init__(
        self, path: Path, byte_order: str, file: BinaryIO, held: Content | None = None
    ) -> None:
        self.path = path
        self.byte_order = byte_order
        self._file = file
        self._held = None if held is None else held.data
        try:
            self._subsystem_at = self._integer("Q", SUBSYSTEM_AT)
            if self._subsystem_at == _BLANKS:
                self._subsystem_at = 0
            self._elements = held.once("elements", self._scan) if held else self._scan()
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
        return Mat5Rows(self.path, self.byte_order, element, self._held is not None)

    def in_place(self, name: str) -> bool:
        """Whether a variable is not deflated."""
        return not self._elements[name].compressed

    def read(self, name: str) -> Any:
        """Return a whole variable; text comes as a matrix of single characters."""
        element = self._elements[name]
        variable = element.header.variable
        if variable.matlab_class in REAL_DTYPES and self._held is None:
            return _by_planes(self.rows(name), variable.shape)
        with readable(self.path, f"'{name}'"):
            body = _body(self.path, element, self._held)
            if variable.matlab_class in REAL_DTYPES:
                parts = numeric_parts(body, element.header, self.byte_order)
                whole = joined(parts, variable.dtype).reshape(variable.shape, order="F")
                return np.array(whole, order="C")
            value = decode(body, self.byte_order)
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
                write_element(target, file, name, value)
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

    One of a `small` file is read whenever it is asked for: thousands of patches hold nothing then.
    """

    path: Path
    byte_order: str
    element: Element
    small: bool = False

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
        if self.small and not self.element.compressed:
            with readable(self.path, f"'{self.element.header.variable.name}'"):
                body = np.frombuffer(_stored(self.path, self.element), np.uint8)
            return self._gathered(key, self._parts_of(body))
        parts = self._parts  # there before memory is taken for what the header promises
        try:
            return self._gathered(key, parts)
        finally:
            release(parts[0])

    def _gathered(self, key: Any, parts: list[AnyArray]) -> AnyArray:
        if self.small and isinstance(key, slice) and key == ALL:
            return np.array(joined([part.T for part in parts], self.dtype), order="C")

        def fetch(columns: slice, rows: slice) -> AnyArray:
            return joined([part[columns, rows] for part in parts], self.dtype)

        return gather(key, self.shape, fetch, self.dtype)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("path", "byte_order", "element", "small")}

    @cached_property
    def _parts(self) -> list[AnyArray]:
        """Real and imaginary part as stored, each ``(n_columns, n_rows)``."""
        with readable(self.path, f"'{self.element.header.variable.name}'"):
            return self._parts_of(_body(self.path, self.element, None))

    def _parts_of(self, body: AnyArray) -> list[AnyArray]:
        with readable(self.path, f"'{self.element.header.variable.name}'"):
            parts = numeric_parts(body, self.element.header, self.byte_order)
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
        deflated = _stored(path, element)
    stream = zlib.decompressobj()
    inflated = stream.decompress(deflated, 8 + element.n_bytes + 1)
    if not stream.eof or len(inflated) != 8 + element.n_bytes:
        raise ValueError("it inflates to another size than it declares")
    return np.frombuffer(inflated, np.uint8)[8:]


def _stored(path: Path, element: Element) -> bytes:
    """Read the bytes of a variable as the file has them."""
    held = content(path)
    if held is not None:
        return held.data[element.offset : element.offset + element.size]
    with path.open("rb") as file:
        file.seek(element.offset)
        return file.read(element.size)


def _truncated(path: Path, size: int, expected: int) -> MatError:
    found = f"{size:,} bytes, at least {expected:,} expected"
    return MatError(f"cannot read {path}: the file is truncated ({found})")
