"""Rows on disk as arrays of xarray, which reads what is asked for."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from ...dataset.rows import AnyArray, ComputedRows, Rows, block


class RowsArray(BackendArray):
    """Rows, or a column of them, as an array that xarray slices.

    Parameters
    ----------
    rows : Rows, (n, k)
        Where values come from.
    column : int, optional
        The array is this column alone, (n,).
    """

    def __init__(self, rows: Rows, column: int | None = None) -> None:
        self.rows = rows
        self.column = column
        self.shape = tuple(rows.shape if column is None else rows.shape[:1])
        self.dtype = np.dtype(rows.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read what xarray asks for."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> AnyArray:
        """Read rows and columns, each an integer, a slice or an index array."""
        parts = key if self.column is None else (key[0], self.column)
        slices = [slice(k, k + 1) if isinstance(k, int | np.integer) else k for k in parts]
        found = block(self.rows, slices[0], slices[1])
        squeezed = tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in parts)
        values: AnyArray = found[squeezed]
        return values


def lazily(rows: Rows, column: int | None = None) -> indexing.LazilyIndexedArray:
    """Return rows, or a column of them, as what a variable of xarray holds."""
    return indexing.LazilyIndexedArray(RowsArray(rows, column))


def deferred(shape: tuple[int, int], dtype: Any, make: Callable[[], Rows]) -> ComputedRows:
    """Return rows that are made, once, when something of them is read.

    Parameters
    ----------
    shape : (int, int)
        Numbers of rows and columns.
    dtype : numpy.dtype
        Type of the elements.
    make : callable
        Makes them.
    """
    held = cache(make)
    return ComputedRows(shape, np.dtype(dtype), lambda rows, columns: block(held(), rows, columns))
