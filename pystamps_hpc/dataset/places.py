"""Where the values of a matrix lie in a file, so that several processes can write their rows."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .rows import AnyArray

Put = Callable[["Place", slice, AnyArray], None]


@dataclass(frozen=True)
class Place:
    """Where the values of a matrix lie in a file, column by column.

    Parameters
    ----------
    n_rows : int
        Rows of the matrix, and values of a column.
    dtype : numpy.dtype
        Type of the elements of the matrix.
    stored : numpy.dtype
        Type of a value in the file.
    parts : tuple of int
        Byte at which the values begin; two bytes where imaginary parts lie behind the real ones.
    """

    n_rows: int
    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    parts: tuple[int, ...]

    def runs(self, rows: slice, values: AnyArray) -> Iterator[tuple[int, AnyArray]]:
        """Yield what is written for some rows.

        Parameters
        ----------
        rows : slice
            Rows of the matrix, with start and stop.
        values : (stop - start, ...) ndarray
            Their values.

        Yields
        ------
        at : int
            Byte of the file.
        run : ndarray
            Values that lie there one behind the other, as they are stored.
        """
        flat = values.reshape(len(values), -1, order="F").astype(self.dtype, copy=False)
        whole = flat.dtype.kind != "c" or self.stored.kind == "c"
        parts = (flat,) if whole else (flat.real, flat.imag)
        for begin, part in zip(self.parts, parts, strict=False):
            columns = np.ascontiguousarray(part.T, self.stored)
            if len(values) == self.n_rows:
                yield begin, columns
                continue
            for k, column in enumerate(columns):
                yield begin + (k * self.n_rows + rows.start) * self.stored.itemsize, column


@contextmanager
def filling(path: Path) -> Iterator[Put]:
    """Open a file of which others write other parts at the same time.

    Yields
    ------
    callable
        Writes values of some rows into their place in the file, see :meth:`Place.runs`.

    Raises
    ------
    OSError
        It cannot be opened or written.

    Notes
    -----
    Opened for writing alone, and without pages that this machine kept of it, a client of NFS sends
    the bytes that were written and not the rest of their pages, which others have written.
    """
    descriptor = os.open(path, os.O_WRONLY)
    try:
        with suppress(OSError, AttributeError):  # an advice: not every file system takes it
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

        def put(place: Place, rows: slice, values: AnyArray) -> None:
            for at, run in place.runs(rows, values):
                _write_at(descriptor, at, run)

        yield put
    finally:
        os.close(descriptor)  # some file systems tell only now that they are full


def _write_at(descriptor: int, at: int, run: AnyArray) -> None:
    rest = run.reshape(-1).view(np.uint8).data
    while rest:
        written = os.pwrite(descriptor, rest, at)
        rest, at = rest[written:], at + written
