"""MATLAB values: what a variable of a MAT file is, whichever container holds it.

Both containers keep a matrix column by column: on disk one interferogram is one contiguous run of
``n_ps`` values, so a matrix there is an array of shape ``(n_ifg, n_ps)``. Everything inside the
program is row-major ``(n_ps, n_ifg)``; the two functions that turn one into the other piece by
piece are :func:`gather` (reading) and :func:`pieces` (writing).
"""

import errno
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MatError
from .rows import AnyArray

REAL_DTYPES: dict[str, np.dtype[Any]] = {
    "double": np.dtype(np.float64),
    "single": np.dtype(np.float32),
    **{f"{u}int{bits}": np.dtype(f"{u}int{bits}") for bits in (8, 16, 32, 64) for u in ("", "u")},
    "logical": np.dtype(np.bool_),
}
"""MATLAB class of a real numeric or logical matrix -> type of its elements."""

TEXT_CLASSES = ("char", "string")

READ_CLASSES = frozenset({*REAL_DTYPES, *TEXT_CLASSES, "sparse", "cell", "struct"})
"""Of other classes, tables and function handles say, only the headers are read."""

_PIECE_BYTES = 16 << 20
_TILE_BYTES = 1 << 20


@dataclass(frozen=True)
class Variable:
    """What the header of a variable says.

    Attributes
    ----------
    name : str
        Its name in the file.
    shape : tuple of int
        MATLAB's dimensions, at least two.
    matlab_class : str
        ``double``, ``single``, ``int8`` ... ``uint64``, ``logical``, ``char``, ``sparse``,
        ``cell``, ``struct``, ``string``; another class by MATLAB's name for it.
    complex : bool
        Whether it has an imaginary part.
    """

    name: str
    shape: tuple[int, ...]
    matlab_class: str
    complex: bool

    @property
    def known(self) -> bool:
        """Whether values of its class are read."""
        return self.matlab_class in READ_CLASSES

    @property
    def writable(self) -> bool:
        """Whether values of its class are written, too."""
        return self.matlab_class in (*REAL_DTYPES, "char", "sparse")

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements of a numeric or logical matrix; follows from the class alone."""
        real = REAL_DTYPES[self.matlab_class]
        if not self.complex:
            return real
        return np.dtype(np.complex64 if real == np.float32 else np.complex128)


@dataclass
class Stream:
    """A matrix to be written that arrives in blocks of rows.

    Attributes
    ----------
    shape : tuple of int
        Dimensions of the whole, at least two.
    dtype : numpy.dtype
        Type of the elements; decides the MATLAB class.
    blocks : iterable of (slice, ndarray) or None
        Rows and their values, in any order; together they cover every row once. None leaves room
        in the file for values that are written later.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Iterable[tuple[slice, AnyArray]] | None

    def __post_init__(self) -> None:
        self.dtype = np.dtype(self.dtype)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


@cache
def matlab_class(dtype: np.dtype[Any]) -> str | None:
    """Return the MATLAB class whose (real or complex) elements have this type, None without one."""
    if dtype.kind == "c":
        dtype = np.dtype(f"f{dtype.itemsize // 2}")
    real = dtype.newbyteorder("=")
    return next((name for name, known in REAL_DTYPES.items() if known == real), None)


@contextmanager
def readable(path: Path, what: str = "the file") -> Iterator[None]:
    """Turn what the libraries raise on a missing or damaged file into one line that names it.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What of it is being read.

    Raises
    ------
    MatError
        It is missing or damaged, or the system refuses it; the cause tells which
        (:func:`pystamps_hpc.errors.is_damage`).
    MemoryError
        It does not fit into memory.
    """
    try:
        yield
    except (MatError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise MatError(f"{path}: file does not exist") from error
    except Exception as error:  # of every kind, as the damage may be
        number = getattr(error, "errno", None)
        if number == errno.ENOMEM:
            raise MemoryError(f"no memory to read {path}") from error
        if number is not None:
            reason = getattr(error, "strerror", None) or os.strerror(number)
            raise MatError(f"cannot read {path}: {reason}") from error
        raise damaged(path, what, str(error)) from error


def damaged(path: Path, what: str, reason: str = "") -> MatError:
    """Return the error of a file whose content is at fault."""
    first = reason.partition("\n")[0][:200]
    return MatError(f"cannot read {path}: {what} is damaged" + (f" ({first})" if first else ""))


def joined(parts: Sequence[AnyArray], dtype: np.dtype[Any]) -> AnyArray:
    """Return a real part, or a real and an imaginary one, as one array of a type."""
    real, *imaginary = parts
    if not imaginary:
        return real.astype(dtype, copy=False)
    whole = np.empty(real.shape, dtype)
    whole.real, whole.imag = real, imaginary[0]
    return whole


def text_of_units(units: Iterable[str]) -> str:
    """Join MATLAB's characters, which are units of UTF-16, without trailing NULs and blanks."""
    pairs = "".join(units).encode("utf-16-le", "surrogatepass")
    return pairs.decode("utf-16-le", "replace").rstrip("\0 ")


def pieces(stream: Stream, path: Path, name: str) -> Iterator[tuple[slice, AnyArray]]:
    """Cut and join the blocks of a stream into pieces worth a transposed copy and a write.

    Yields
    ------
    rows : slice
        Rows of the whole, with start and stop.
    piece : ndarray
        Their values, of as many dimensions as the stream; valid until the next piece.

    Raises
    ------
    MatError
        The blocks do not cover every row.
    """
    assert stream.blocks is not None
    n_rows, *rest = stream.shape
    if isinstance(stream.blocks, list) and 0 < stream.nbytes <= _PIECE_BYTES:
        (rows, block), *more = stream.blocks
        if not more and len(block) == n_rows:  # whole in memory already
            yield slice(0, n_rows), np.asarray(block, stream.dtype).reshape(n_rows, *rest)
            return
    row_bytes = max(1, math.prod(rest) * stream.dtype.itemsize)
    step = max(1, min(n_rows, _PIECE_BYTES // row_bytes))
    joined = np.empty((step, *rest), stream.dtype)
    start = stop = covered = 0  # rows that wait in `joined`
    for rows, block in stream.blocks:
        first, last, _ = rows.indices(n_rows)
        values = np.asarray(block).reshape(last - first, *rest)
        covered += last - first
        if start < stop and (first != stop or last - start > step):
            yield slice(start, stop), joined[: stop - start]
            start = stop
        if last - first >= step:
            for row in range(first, last, step):
                end = min(row + step, last)
                yield slice(row, end), values[row - first : end - first]
            continue
        start = first if start == stop else start
        stop = last
        joined[first - start : stop - start] = values
    if start < stop:
        yield slice(start, stop), joined[: stop - start]
    if covered != n_rows:
        raise MatError(f"cannot write {path}: '{name}' got {covered} of its {n_rows} rows")


def gather(
    key: Any,
    shape: tuple[int, ...],
    fetch: Callable[[slice, slice], AnyArray],
    dtype: np.dtype[Any],
) -> AnyArray:
    """Read ``a[key]`` of a matrix stored column by column, never more than asked for.

    Parameters
    ----------
    key : slice or index array of rows, or a pair (rows, columns)
        With NumPy's meaning; at most one of the two may be an index array.
    shape : (n_rows, n_columns)
        Shape of the matrix.
    fetch : callable
        Reads the stored rectangle ``(columns, rows)``; not asked for an empty result, which can
        have any number of rows.
    dtype : numpy.dtype
        Type of the result.

    Returns
    -------
    ndarray
        Row-major, in memory.
    """
    key = key if isinstance(key, tuple) else (key, slice(None))
    if not any(isinstance(part, int | np.integer | slice) for part in key):
        raise IndexError("rows and columns are both index arrays: take one after the other")
    rows, columns = (_indices(part, n) for part, n in zip(key, shape, strict=True))
    out = np.empty((len(rows), len(columns)), dtype)
    # a tile of the result stays in the processor's cache while the columns are laid into it
    step = max(1, _TILE_BYTES // max(1, len(columns) * dtype.itemsize))
    for window, target, picked in _windows(rows, step) if out.size else ():
        if isinstance(columns, range):
            tile = fetch(slice(columns.start, columns.stop), window)
            out[target] = tile[:, picked].T
            continue
        for k, column in enumerate(columns):
            out[target, k] = fetch(slice(column, column + 1), window)[0, picked]
    return out[tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in key)]


def _indices(key: Any, n: int) -> range | AnyArray:
    """Return the places on an axis of length n that a key names: a stretch or an index array."""
    if isinstance(key, int | np.integer):
        place = range(n)[key]
        return range(place, place + 1)
    if isinstance(key, slice) and key.step in (None, 1):
        start, stop, _ = key.indices(n)
        return range(start, max(start, stop))
    index: AnyArray = np.arange(n)[key]
    if index.ndim != 1:
        raise IndexError("an index is an integer, a slice or a one-dimensional array")
    return index


def _windows(rows: range | AnyArray, step: int) -> Iterator[tuple[slice, Any, Any]]:
    """Cut rows into windows: the stretch to read, where it goes, and what of it is wanted."""
    if isinstance(rows, range):
        for first in range(rows.start, rows.stop, step):
            last = min(first + step, rows.stop)
            yield slice(first, last), slice(first - rows.start, last - rows.start), slice(None)
        return
    if rows.size == 0:
        return
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    edges = np.arange(ordered[0], ordered[-1] + 1 + step, step)
    for low, high in pairwise(np.searchsorted(ordered, edges)):
        if low < high:
            first, last = int(ordered[low]), int(ordered[high - 1]) + 1
            yield slice(first, last), order[low:high], ordered[low:high] - first
