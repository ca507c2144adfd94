"""MAT files of version 7.3: HDF5 with MATLAB's attributes, behind a user block of 512 bytes.

References
----------
Specification of the dataset, sections 3.2 and 3.3.
"""

import io
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
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

USER_BLOCK_BYTES = 512
HEADER = (
    b"MATLAB 7.3 MAT-file, Platform: any, written by pystamps-hpc, HDF5 schema 1.00 .".ljust(116)
    + bytes(8)  # no subsystem data
    + struct.pack("<H", 0x0200)
    + b"IM"
)
"""First bytes of every file: without a date, so that equal contents are equal files."""

_DECODE = {"logical": 1, "char": 2}
_DEFLATED_CHUNK = 16384


class Mat73File:
    """A version-7.3 file opened for reading; its variables are known, their data unread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _open(path)
        self.variables = {
            name: _variable(name, item) for name, item in self._file.items() if name[0] != "#"
        }

    def close(self) -> None:
        """Close the file; rows taken from it stay usable."""
        self._file.close()

    def rows(self, name: str) -> "Mat73Rows":
        """Return a numeric matrix as rows read on demand."""
        return Mat73Rows(self.path, self.variables[name])

    def in_place(self, name: str) -> bool:
        """Whether a variable is read in parts: always, at worst by chunks."""
        return name in self.variables

    def read(self, name: str) -> Any:
        """Return a whole variable; text comes as a matrix of single characters."""
        return self._read(self._file[name])

    def _read(self, item: Any) -> Any:
        variable = _variable("", item)
        kind = variable.matlab_class
        if kind == "sparse":
            return _read_sparse(item, variable.shape, variable.complex)
        if kind == "struct":
            return self._read_struct(item)
        if "MATLAB_empty" in item.attrs:
            empty_dtype = {"char": np.dtype("U1"), "cell": np.dtype(object)}
            return np.empty(variable.shape, empty_dtype.get(kind) or variable.dtype)
        values = np.ascontiguousarray(item[()].T).reshape(variable.shape)
        if kind == "cell":
            return self._dereference(values)
        if kind == "char":
            return np.ascontiguousarray(values.astype("<u4")).view("<U1")
        if kind in REAL_DTYPES:
            return _plain(values).astype(variable.dtype, copy=False)
        raise MatError(f"cannot read {self.path}: class {kind} is not supported")

    def _dereference(self, references: AnyArray) -> AnyArray:
        found = np.empty(references.shape, object)
        for place, reference in np.ndenumerate(references):
            found[place] = self._read(self._file[reference])
        return found

    def _read_struct(self, group: Any) -> AnyArray:
        """Return the fields as scipy does: a structured array of objects."""
        fields = {}
        for name, item in group.items():
            if "MATLAB_class" in item.attrs:  # a single struct holds its values directly
                fields[name] = np.empty((1, 1), object)
                fields[name][0, 0] = self._read(item)
            else:
                fields[name] = self._dereference(item[()].T)
        shape = next(iter(fields.values())).shape if fields else (1, 1)
        found: AnyArray = np.empty(shape, [(name, object) for name in fields])
        for name, values in fields.items():
            found[name] = values
        return found


@dataclass(frozen=True)
class Mat73Rows:
    """A numeric matrix of a version-7.3 file, read in place in both directions."""

    path: Path
    variable: Variable

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        return self.variable.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements, by MATLAB class."""
        return self.variable.dtype

    def __getitem__(self, key: Any, /) -> AnyArray:
        if 0 in self.shape:  # the data set holds the shape instead
            nothing = np.empty(self.shape[::-1], self.dtype)
            return gather(key, self.shape, lambda c, r: nothing[c, r], self.dtype)
        with readable(self.path), _open(self.path) as file:
            stored = file[self.variable.name]
            return gather(key, self.shape, lambda c, r: _plain(stored[c, r]), self.dtype)


def _open(path: Path) -> Any:
    # no lock: published files never change, and some parallel file systems cannot lock
    return h5py.File(path, "r", locking=False)


def _variable(name: str, item: Any) -> Variable:
    """Read the class and the shape of a data set or group from its attributes."""
    kind = item.attrs.get("MATLAB_class", b"")
    kind = kind.decode("ascii") if isinstance(kind, bytes) else str(kind)
    if isinstance(item, h5py.Group):
        if "MATLAB_sparse" not in item.attrs:
            return Variable(name, (1, 1), kind or "struct", False)
        is_complex = "data" in item and item["data"].dtype.names is not None
        n_rows, n_columns = int(item.attrs["MATLAB_sparse"]), item["jc"].size - 1
        return Variable(name, (n_rows, n_columns), "sparse", is_complex)
    is_complex = item.dtype.names is not None and "real" in item.dtype.names
    if not kind:
        kind = matlab_class(item.dtype["real"] if is_complex else item.dtype) or "unknown"
    dimensions = item[()] if "MATLAB_empty" in item.attrs else item.shape[::-1]
    shape = (*map(int, dimensions), *(1 for _ in range(2 - len(dimensions))))
    return Variable(name, shape, kind, is_complex)


def _plain(values: AnyArray) -> AnyArray:
    """Return MATLAB's pairs of real and imaginary part as complex numbers."""
    if values.dtype.names is None:
        return values
    part = values.dtype["real"].newbyteorder("=")
    pairs = np.ascontiguousarray(values, np.dtype([("real", part), ("imag", part)]))
    plain: AnyArray = pairs.view(np.complex64 if part == np.float32 else np.complex128)
    return plain


def _read_sparse(group: Any, shape: tuple[int, ...], is_complex: bool) -> Any:
    logical = group.attrs.get("MATLAB_class") in (b"logical", "logical")
    dtype: Any = bool if logical else complex if is_complex else float
    if "data" not in group:
        return scipy.sparse.csc_array(cast(Any, shape), dtype=dtype)
    values = _plain(group["data"][()]).astype(dtype)
    parts = (values, group["ir"][()].astype(np.int64), group["jc"][()].astype(np.int64))
    return scipy.sparse.csc_array(parts, shape=cast(Any, shape))


def write(path: Path, values: Mapping[str, Any], compress: bool) -> None:
    """Write a version-7.3 file.

    Parameters
    ----------
    path : Path
        The file; replaced if it exists.
    values : mapping of str to Stream, str or sparse array
        Its variables.
    compress : bool
        Deflate matrices; they can then only be read by whole chunks.
    """
    with _Disk(path) as disk:
        with h5py.File(
            disk,
            "w",
            userblock_size=USER_BLOCK_BYTES,
            libver=("earliest", "v108"),  # MATLAB reads no later formats
            rdcc_nbytes=256 << 20,  # deflated chunks are filled by several blocks of rows
        ) as file:
            for name, value in values.items():
                if isinstance(value, str):
                    _write_text(file, name, value)
                elif isinstance(value, Stream):
                    _write_matrix(disk, file, name, value, compress)
                else:
                    _write_sparse(file, name, value)
        disk.seek(0)
        disk.write(HEADER)


class _Disk(io.FileIO):
    """File that keeps its first error until asked: HDF5 crashes when it closes a failed file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.path = path
        self.failure: OSError | None = None

    def __exit__(self, *exception: object) -> None:
        self.close()
        self.check()

    def check(self) -> None:
        """Raise the error that was kept."""
        if self.failure is not None:
            raise self.failure

    def write(self, data: Any, /) -> int:
        rest = memoryview(data).cast("B")
        n_bytes = len(rest)
        try:
            while rest and self.failure is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.failure = error
        return n_bytes

    def truncate(self, size: int | None = None, /) -> int:
        try:
            if self.failure is None:
                return super().truncate(size)
        except OSError as error:
            self.failure = error
        return size or 0


def _write_text(file: Any, name: str, text: str) -> None:
    units = np.frombuffer(text.encode("utf-16-le"), "<u2")
    if units.size == 0:
        item = _empty(file, name, (0, 0))
    else:
        item = file.create_dataset(name, data=units[:, None])
    _describe(item, "char")


def _write_matrix(disk: _Disk, file: Any, name: str, matrix: Stream, compress: bool) -> None:
    kind = matlab_class(matrix.dtype)
    assert kind is not None
    if 0 in matrix.shape:
        for _ in pieces(matrix, disk.path, name):  # the ranks that hold the rows wait to be asked
            pass
        _describe(_empty(file, name, matrix.shape), kind)
        return
    stored = np.dtype("u1") if kind == "logical" else REAL_DTYPES[kind].newbyteorder("<")
    plain = stored
    if matrix.dtype.kind == "c":
        plain = np.dtype(f"<c{2 * stored.itemsize}")
        stored = np.dtype([("real", stored), ("imag", stored)])
    layout: dict[str, Any] = {}
    if compress and math.prod(matrix.shape) > 1:
        n_rows, *rest = matrix.shape
        layout = {"chunks": (*(1 for _ in rest), min(n_rows, _DEFLATED_CHUNK))}
        layout |= {"compression": "gzip", "compression_opts": 6}
    item = file.create_dataset(name, matrix.shape[::-1], stored, **layout)
    for rows, piece in pieces(matrix, disk.path, name):
        item[..., rows] = np.ascontiguousarray(piece.T, plain).view(stored)
        disk.check()
    _describe(item, kind)


def _write_sparse(file: Any, name: str, matrix: Any) -> None:
    group = file.create_group(name)
    values = matrix.data
    kind = "logical" if values.dtype == bool else "double"
    group.attrs["MATLAB_sparse"] = np.uint64(matrix.shape[0])
    _describe(group, kind)
    group["jc"] = matrix.indptr.astype("<u8")
    if matrix.nnz == 0:
        return
    group["ir"] = matrix.indices.astype("<u8")
    if values.dtype.kind == "c":
        values = values.view([("real", "<f8"), ("imag", "<f8")])
    group["data"] = values.astype("u1") if kind == "logical" else values


def _empty(file: Any, name: str, shape: tuple[int, ...]) -> Any:
    item = file.create_dataset(name, data=np.array(shape, "<u8"))
    item.attrs["MATLAB_empty"] = np.uint8(1)
    return item


def _describe(item: Any, kind: str) -> None:
    item.attrs["MATLAB_class"] = np.bytes_(kind)
    if kind in _DECODE:
        item.attrs["MATLAB_int_decode"] = np.int32(_DECODE[kind])
