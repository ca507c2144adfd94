"""Rows that are read or computed when they are asked for, so that nobody holds them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dataset.rows import AnyArray, IntArray, Rows


@dataclass(frozen=True)
class Gathered:
    """A :class:`~pystamps_hpc.dataset.rows.Rows` of chosen rows of its sources.

    Parameters
    ----------
    sources : tuple of Rows
        Of equal numbers of columns; their rows count one source after the other.
    where : (n,) int64
        Row of the sources that stands in each row.
    """

    sources: tuple[Rows, ...]
    where: IntArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        return (len(self.where), *self.sources[0].shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return np.result_type(*(source.dtype for source in self.sources))

    def __getitem__(self, key: Any, /) -> AnyArray:
        """Read rows, ``a[rows]``, or columns, ``a[:, ifgs]``."""
        rows, ifgs = key if isinstance(key, tuple) else (key, None)
        where = self.where[rows]
        values: AnyArray | None = None
        start = 0
        for source in self.sources:
            stop = start + source.shape[0]
            here = (where >= start) & (where < stop)
            if here.any():
                row = where[here] - start
                part = source[row] if ifgs is None else source[:, ifgs][row]
                if values is None:
                    values = np.empty((len(where), *part.shape[1:]), self.dtype)
                values[here] = part
            start = stop
        if values is None:
            empty = self.sources[0][:, slice(None) if ifgs is None else ifgs][:0]
            return empty.astype(self.dtype)
        return values


@dataclass(frozen=True)
class Computed:
    """A :class:`~pystamps_hpc.dataset.rows.Rows` of which each row is computed on its own.

    Parameters
    ----------
    shape : tuple of int
        Numbers of rows and columns.
    dtype : numpy.dtype
        Type of the elements.
    compute : callable
        Gives some rows, a slice or an index array.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    compute: Callable[[Any], AnyArray]

    def __getitem__(self, key: Any, /) -> AnyArray:
        """Compute rows, ``a[rows]``, or columns, ``a[:, ifgs]``."""
        rows, ifgs = key if isinstance(key, tuple) else (key, slice(None))
        return self.compute(rows)[:, ifgs]
