"""Grids over points: who lies in which cell, and that they are in proportion to the points."""

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...errors import StageError

_ALWAYS = 10_000_000  # cells that no machine minds
_PER_POINT = 20_000  # cells for every point, the most that a sparse scene of islands needs


def cells_along(position: FloatArray, size: float, margin: float) -> IntArray:
    """Return the cell of each point along one axis, from 0, in the class of `position` (n,) [m].

    The grid begins `margin` [m] before the first point; the last cell joins the one before.
    """
    real = position.dtype.type
    offset = position - position.min() + real(margin)
    cell = np.ceil(offset / real(size)).astype(np.int64) - 1
    return np.asarray(np.minimum(cell, cell.max() - 1))


def by_cell(number: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Sort points by the number of their cell, `number` (n,) int64.

    Returns
    -------
    order : (n,) int64
        Points cell after cell, ascending in each.
    cells : (n_cell,) int64
        Occupied cells, ascending.
    starts : (n_cell + 1,) int64
        Where each cell starts in `order`, and n.
    """
    cells, counts = np.unique(number, return_counts=True)
    starts = np.concatenate(([0], np.cumsum(counts)))
    return np.argsort(number, kind="stable"), cells, starts


def check_grid(shape: tuple[int, int], size: float, n_points: int, parameter: str) -> None:
    """Refuse a grid that is absurdly large for its points, before it takes memory.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    size : float
        Cell size [m].
    n_points : int
        Points that are put into it.
    parameter : str
        StaMPS parameter that sets the cell size.

    Raises
    ------
    StageError
        Says how far the points reach.
    """
    n_row, n_col = shape
    if n_row * n_col <= max(_ALWAYS, _PER_POINT * n_points):
        return
    north, east = n_row * size / 1000, n_col * size / 1000
    raise StageError(
        f"{n_points:,} points over {north:,.0f} x {east:,.0f} km need a grid of {n_row:,} x "
        f"{n_col:,} cells of {size:g} m: positions are wrong or lie too far apart; check "
        f"ps1.lonlat, or take a larger {parameter}"
    )
