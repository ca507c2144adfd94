"""MAT files of version 7.3: HDF5 with MATLAB's attributes, behind a user block of 512 bytes.

References
----------
"MAT-File Versions", MATLAB documentation, The MathWorks.
"""

import io
import math
import shutil
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .mat73values import Reader, item_of, plain, variable_of
from .matvalues import REAL_DTYPES, Stream, Variable, gather, matlab_class, pieces, readable
from .places import Place
from .rows import AnyArray

USER_BLOCK_BYTES = 512
HEADER = (
    b"MATLAB 7.3 MAT-file, Platform: any, written by pystamps-hpc, HDF5 schema 1.00 .".ljust(116)
    + bytes(8)  # no subsystem data
    + struct.pack("<H", 0x0200)
    + b"IM"
)
"""First bytes of every file: without a date, so that equal contents are equal files."""

_VERSIONS = ("earliest", "v108")  # MATLAB reads no later formats
_DECODE = {"logical": 1, "char": 2}
_DEFLATED_CHUNK = 16384


class Mat73File:
    """A version-7.3 file opened for reading; its variables are known, their data unread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _open(path)
        try:
            self.variables = {
                name: variable_of(name, item_of(self._file, name))
                for name in self._file
                if name[0] != "#"
            }
        except BaseException:
            self._file.close()
            raise

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
        return Reader(self._file).read(item_of(self._file, name))

    def rewrite(self, target: Path, values: Mapping[str, Any], keep: Collection[str]) -> None:
        """Write a copy with other values that keeps some variables; see :func:`.mat.rewrite_mat`.

        What cells and objects refer to stays in the copy, too.
        """
        shutil.copyfile(self.path, target)
        with _Disk(target, "r+") as disk, h5py.File(disk, "r+", libver=_VERSIONS) as file:
            for name in self.variables:
                if name not in keep:
                    del file[name]
            _write_values(disk, file, values)


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
        with readable(self.path, f"'{self.variable.name}'"), _open(self.path) as file:
            stored = item_of(file, self.variable.name)
            return gather(key, self.shape, lambda c, r: plain(stored[c, r]), self.dtype)


def _open(path: Path) -> Any:
    # no lock: published files never change, and some parallel file systems cannot lock
    return h5py.File(path, "r", locking=False)


def write(path: Path, values: Mapping[str, Any], compress: bool) -> dict[str, Place]:
    """Write a version-7.3 file.

    Parameters
    ----------
    path : Path
        The file; replaced if it exists.
    values : mapping of str to Stream, str or sparse array
        Its variables.
    compress : bool
        Deflate matrices; they can then only be read by whole chunks.

    Returns
    -------
    dict of str to Place
        Where the values belong that were left out.
    """
    with _Disk(path) as disk:
        with h5py.File(
            disk,
            "w",
            userblock_size=USER_BLOCK_BYTES,
            libver=_VERSIONS,
            rdcc_nbytes=256 << 20,  # deflated chunks are filled by several blocks of rows
        ) as file:
            places = _write_values(disk, file, values, compress)
        disk.seek(0)
        disk.write(HEADER)
    return places


def _write_values(
    disk: "_Disk", file: Any, values: Mapping[str, Any], compress: bool = False
) -> dict[str, Place]:
    places = {}
    for name, value in values.items():
        if isinstance(value, str):
            _write_text(file, name, value)
        elif isinstance(value, Stream):
            place = _write_matrix(disk, file, name, value, compress)
            if place is not None:
                places[name] = place
        else:
            _write_sparse(file, name, value)
    return places


class _Disk(io.FileIO):
    """File that keeps its first error until asked: HDF5 crashes when it closes a failed file."""

    def __init__(self, path: Path, mode: str = "w+") -> None:
        super().__init__(path, mode)
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


def _write_matrix(
    disk: _Disk, file: Any, name: str, matrix: Stream, compress: bool
) -> Place | None:
    kind = matlab_class(matrix.dtype)
    assert kind is not None
    left_out = matrix.blocks is None
    if 0 in matrix.shape:
        # the ranks that hold the rows wait to be asked
        for _ in pieces(matrix, disk.path, name) if not left_out else ():
            pass
        _describe(_empty(file, name, matrix.shape), kind)
        return None
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
    for rows, piece in pieces(matrix, disk.path, name) if not left_out else ():
        item[..., rows] = np.ascontiguousarray(piece.T, plain).view(stored)
        disk.check()
    place = None
    if left_out:
        item[(-1,) * item.ndim] = np.zeros((), stored)  # the first value makes room for all
        place = Place(matrix.shape[0], matrix.dtype, plain, (item.id.get_offset(),))
    _describe(item, kind)
    return place


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
