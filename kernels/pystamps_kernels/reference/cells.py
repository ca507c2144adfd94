"""Points and the cells of a grid: sums, the nearest occupied cell, phases given back to points."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .phasors import angle, subtract_phase

Array = NDArray[Any]
Phasors = NDArray[np.complex64]
Phases = NDArray[np.float32]
Ints = NDArray[np.int64]


def grid_accumulate(ph_weight: Array, grid_lin: Array, n_i: int, n_j: int) -> Array:
    """Sum phasors per grid cell, one after the other in ascending row order, in single.

    Parameters
    ----------
    ph_weight : (n, m) complex64
        Phasors; NaN makes its cell NaN.
    grid_lin : (n,) int64
        Cell of each row, ``i * n_j + j`` from 0.
    n_i, n_j : int
        Rows and columns of the grid.

    Returns
    -------
    (n_i, n_j, m) complex64
        Cell sums, 0 in empty cells.

    Raises
    ------
    IndexError
        A cell outside the grid.

    Examples
    --------
    >>> phasors, cell = np.array([[1], [2j], [3]], np.complex64), np.array([3, 0, 3])
    >>> grid_accumulate(phasors, cell, 2, 2).tolist()
    [[[2j], [0j]], [[0j], [(4+0j)]]]
    """
    check_cells(grid_lin, n_i * n_j)
    return added(ph_weight, grid_lin, n_i * n_j).reshape(n_i, n_j, ph_weight.shape[1])


def check_cells(grid_lin: Array, n_cells: int) -> None:
    """Raise ``IndexError`` naming the first cell outside ``range(n_cells)``."""
    outside = np.flatnonzero((grid_lin < 0) | (grid_lin >= n_cells))
    if outside.size:
        raise IndexError(
            f"stage2_grid_accumulate: {outside.size} cells outside the grid of {n_cells}, "
            f"first grid_lin[{outside[0]}] = {grid_lin[outside[0]]}"
        )


def cell_sums(phasors: Phasors, members: Ints, starts: Ints) -> Phasors:
    """Add the phasors of each cell in single precision, in ascending order of the points.

    Parameters
    ----------
    phasors : (n,) complex64
        One interferogram.
    members : (n,) int64
        Point numbers, cell after cell, ascending within a cell.
    starts : (n_cell + 1,) int64
        Where each cell starts in `members`; the last entry is n.

    Returns
    -------
    (n_cell,) complex64
        Sums.

    Notes
    -----
    StaMPS ``uw_grid_wrapped``; docs/science/unwrapping.md, Grid.

    Examples
    --------
    >>> phasors = np.array([1, 2j, 3], np.complex64)
    >>> cell_sums(phasors, np.array([1, 0, 2]), np.array([0, 1, 3])).tolist()
    [2j, (4+0j)]
    """
    return added(phasors[members], cell_of_rows(starts), starts.size - 1)


def added(values: Array, cell: Ints, n_cell: int) -> Array:
    """Add the rows of each cell to (n_cell, ...) of their type, one after the other."""
    sums = np.zeros((n_cell, *values.shape[1:]), values.dtype)
    np.add.at(sums, cell, values)
    return sums


def cell_of_rows(starts: Ints) -> Ints:
    """Return the cell of each row where cell k has rows ``starts[k]`` to ``starts[k + 1]``."""
    return np.repeat(np.arange(starts.size - 1), np.diff(starts))


def nearest_node(node: Ints) -> Ints:
    """Find the nearest occupied cell of every cell; the lowest node number wins a tie.

    Parameters
    ----------
    node : (n_row, n_col) int64
        Node number, -1 in an empty cell; numbered down the columns. At least one node.

    Returns
    -------
    (n_row, n_col) int64
        Node number of the nearest occupied cell.

    Notes
    -----
    First the nearest node within each column, then the best of the columns at growing distance,
    until a further column cannot win. docs/science/unwrapping.md, Nearest node.

    Examples
    --------
    >>> nearest_node(np.array([[0, -1, -1], [-1, -1, 1]])).tolist()
    [[0, 0, 1], [0, 1, 1]]
    """
    n_row, n_col = node.shape
    far = 2 * (n_row + n_col) ** 2
    row = np.arange(n_row)[:, None]
    above = np.maximum.accumulate(np.where(node >= 0, row, -1), axis=0)
    below = np.minimum.accumulate(np.where(node >= 0, row, 2 * n_row)[::-1], axis=0)[::-1]
    up = np.where(above >= 0, (row - above) ** 2, far)
    down = np.where(below < n_row, (below - row) ** 2, far)
    squared = np.minimum(up, down)
    nearest_row = np.where(up <= down, above, below)
    empty = squared == far
    column_node = node[np.where(empty, 0, nearest_row), np.arange(n_col)]

    best, nearest = squared.copy(), np.where(empty, np.iinfo(np.int64).max, column_node)
    for step in range(1, n_col):
        if step**2 > best.max():
            break
        for here, there in (
            (slice(step, None), slice(None, n_col - step)),
            (slice(None, n_col - step), slice(step, None)),
        ):
            distance = np.where(empty[:, there], far, squared[:, there] + step**2)
            other = column_node[:, there]
            tie = (distance == best[:, here]) & (distance < far) & (other < nearest[:, here])
            wins = (distance < best[:, here]) | tie
            best[:, here] = np.where(wins, distance, best[:, here])
            nearest[:, here] = np.where(wins, other, nearest[:, here])
    return nearest


def to_points(phasors: Phasors, grid_phase: Phases, node: Ints) -> Phases:
    """Give each point its node's unwrapped phase plus its own difference from it.

    Parameters
    ----------
    phasors : (n, m) complex64
        Wrapped phase of the points.
    grid_phase : (n_node, m) float32
        Unwrapped phase of the nodes [rad].
    node : (n,) int64
        Node of each point, -1 for a point whose cell has none.

    Returns
    -------
    (n, m) float32
        Phase of the point plus whole cycles [rad]; NaN for a point without node.

    Notes
    -----
    StaMPS ``uw_unwrap_from_grid``; docs/science/unwrapping.md, Back to the points.

    Examples
    --------
    >>> points, nodes = np.exp(1j * np.array([[0.5]])), np.array([[6.0]])
    >>> to_points(points.astype(np.complex64), nodes.astype(np.float32), np.array([0])).round(4)
    array([[6.7832]], dtype=float32)
    """
    grid = grid_phase[np.maximum(node, 0)]
    unwrapped = grid + angle(subtract_phase(phasors, grid))
    return np.where(node[:, None] < 0, np.float32(np.nan), unwrapped)
