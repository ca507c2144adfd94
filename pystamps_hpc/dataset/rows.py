"""Two-dimensional data read by rows (PS) or by columns (interferograms), wherever they live."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ComplexArray = NDArray[np.complexfloating]
AnyArray = NDArray[Any]

ALL = slice(None)


class Rows(Protocol):
    """Anything of shape ``(n_ps, n_ifg)`` that is read as ``a[rows]`` or ``a[:, ifgs]``.

    An array in memory, a variable still on disk, or rows distributed over ranks. ``rows`` is a
    slice or an index array, ``ifgs`` an integer, a slice or an index array; the answer is an
    array in memory.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        ...

    def __getitem__(self, key: Any, /) -> AnyArray: ...


@dataclass(frozen=True)
class ComputedRows:
    """A :class:`Rows` that is computed when it is read, so that nobody holds it whole.

    Parameters
    ----------
    shape : tuple of int
        Numbers of rows and columns.
    dtype : numpy.dtype
        Type of the elements.
    of : callable
        ``of(rows, columns)`` returns a block; rows and columns are slices or index arrays.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    of: Callable[[Any, Any], AnyArray]

    def __getitem__(self, key: Any, /) -> AnyArray:
        """Compute rows, ``a[rows]``, or columns, ``a[:, ifgs]``."""
        rows, columns = key if isinstance(key, tuple) else (key, ALL)
        if isinstance(columns, int | np.integer):
            return self.of(rows, slice(columns, columns + 1))[:, 0]
        return self.of(rows, columns)


def block(source: Rows, rows: Any, columns: Any) -> AnyArray:
    """Read a block: whole columns straight away, otherwise rows first.

    Parameters
    ----------
    source : Rows
        What is read.
    rows : slice or index array
        Rows.
    columns : slice or index array
        Columns.
    """
    if is_all(columns):
        return source[rows]
    if is_all(rows) and not isinstance(source, np.ndarray):
        return source[:, columns]
    wanted = source[rows]
    if isinstance(columns, np.ndarray):
        return np.take(wanted, columns, axis=1)
    return wanted[:, columns]


def is_all(key: Any) -> bool:
    """Whether rows or columns are all there are, ``[:]``."""
    return isinstance(key, slice) and key == ALL


def applied(
    fn: Callable[[AnyArray], AnyArray], source: Rows, dtype: "np.typing.DTypeLike"
) -> ComputedRows:
    """Return rows to which a function of every element is applied when they are read."""
    return ComputedRows(
        source.shape, np.dtype(dtype), lambda rows, columns: fn(block(source, rows, columns))
    )


def with_column(values: Rows, place: int, fill: Any) -> Any:
    """Put a column of `fill` in at `place`; an array stays one, other rows are computed.

    Parameters
    ----------
    values : (..., n) array or (n_rows, n) Rows
        Columns.
    place : int
        Where the new column will stand.
    fill : scalar or (n_rows,) array
        What it holds; for rows that are computed a scalar.

    Returns
    -------
    array or Rows
        With n + 1 columns.
    """
    if isinstance(values, np.ndarray):
        return np.insert(values, place, fill, axis=-1)
    source = np.insert(np.arange(values.shape[1]), place, -1)

    def of(rows: Any, columns: Any) -> AnyArray:
        if is_all(columns):
            return np.insert(values[rows], place, fill, axis=1)
        wanted = source[columns]
        read = block(values, rows, np.maximum(wanted, 0))
        return np.where(wanted < 0, np.asarray(fill, read.dtype), read)

    return ComputedRows((values.shape[0], len(source)), values.dtype, of)


def without_column(values: Rows, place: int) -> Any:
    """Leave the column at `place` out; an array stays one, other rows are computed."""
    if isinstance(values, np.ndarray):
        return np.delete(values, place, axis=-1)
    return chosen_columns(values, np.delete(np.arange(values.shape[1]), place))


def filled_columns(source: Rows, columns: IntArray, value: float) -> ComputedRows:
    """Return rows in which some columns hold a value."""
    filled = np.isin(np.arange(source.shape[1]), columns)

    def of(rows: Any, which: Any) -> AnyArray:
        values = block(source, rows, which)
        return np.where(filled[which], values.dtype.type(value), values)

    return ComputedRows(source.shape, source.dtype, of)


def spread_columns(source: Rows, columns: IntArray, n_columns: int) -> ComputedRows:
    """Put columns where they are among all, (n_rows, n_columns); the others are zero."""
    place = np.full(n_columns, -1)
    place[columns] = np.arange(len(columns))

    def of(rows: Any, which: Any) -> AnyArray:
        wanted = place[which]
        values = block(source, rows, np.maximum(wanted, 0))
        return np.where(wanted < 0, np.zeros((), values.dtype), values)

    return ComputedRows((source.shape[0], n_columns), source.dtype, of)


def chosen_columns(source: Rows, columns: IntArray) -> ComputedRows:
    """Return some columns of all rows."""
    return ComputedRows(
        (source.shape[0], len(columns)),
        source.dtype,
        lambda rows, which: block(source, rows, columns[which]),
    )
