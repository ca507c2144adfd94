"""Points sorted into square cells, so that all neighbours of a point lie in nine of them."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ..shared.grid import by_cell

_SLACK = 1.001  # neighbours are decided in single; a cell must not be narrower than that reach


@dataclass(frozen=True)
class CellGrid:
    """Points by cell.

    Parameters
    ----------
    order : (n,) int64
        Points sorted by cell, ascending inside a cell.
    cells : (n_cell,) int64
        Ascending numbers, ``row * width + column``, of the occupied cells.
    starts : (n_cell + 1,) int64
        First place of each cell in `order`, and the end.
    width : int
        Cells per row, with an empty column on either side.
    """

    order: IntArray
    cells: IntArray
    starts: IntArray
    width: int


def cell_grid(xy: FloatArray, reach: float) -> CellGrid:
    """Sort points into cells that are at least `reach` [m] wide; `xy` is (n, 2) float32 [m]."""
    size = reach * _SLACK
    column, row = np.floor((xy.astype(np.float64) - xy.min(axis=0)) / size).astype(np.int64).T + 1
    width = int(column.max()) + 2
    return CellGrid(*by_cell(row * width + column), width)
