"""Points and the cells of a grid; threaded over cells, columns and points."""

import math
from typing import Any

import numpy as np
from numba import float64, prange
from numpy.typing import NDArray

from ..reference.cells import check_cells
from .angle import radians
from .compile import inline, kernel
from .phasors import ROWS, times, turn_back

Array = NDArray[Any]


def grid_accumulate(ph_weight: Array, grid_lin: Array, n_i: int, n_j: int) -> Array:
    """Native twin of :func:`reference.cells.grid_accumulate`."""
    check_cells(grid_lin, n_i * n_j)
    order = np.argsort(grid_lin, kind="stable")
    first = np.searchsorted(grid_lin[order], np.arange(n_i * n_j + 1))
    return _sums(ph_weight, order, first).reshape(n_i, n_j, ph_weight.shape[1])


def cell_sums(phasors: Array, members: Array, starts: Array) -> Array:
    """Native twin of :func:`reference.cells.cell_sums`."""
    return _sums(phasors.reshape(-1, 1), members, starts).reshape(-1)


@kernel
def _sums(values: Array, order: Array, first: Array) -> Array:
    """Add the rows ``order[first[k]:first[k + 1]]`` of each cell k, one after the other."""
    n_cells, m = first.size - 1, values.shape[1]
    sums = np.zeros((n_cells, m), np.complex64)
    for cell in prange(n_cells):
        for row in order[first[cell] : first[cell + 1]]:
            for k in range(m):
                sums[cell, k] += values[row, k]
    return sums


@kernel
def _nearest_in_column(node: Any) -> Any:
    """Squared distance to the nearest node of the same column, -1 without; the upper wins."""
    n_row, n_col = node.shape
    distance = np.empty((n_row, n_col), np.int64)
    winner = np.empty((n_row, n_col), np.int64)
    for j in prange(n_col):
        above = -1
        for i in range(n_row):
            if node[i, j] >= 0:
                above = i
            distance[i, j] = (i - above) ** 2 if above >= 0 else -1
            winner[i, j] = node[above, j] if above >= 0 else -1
        below = -1
        for i in range(n_row - 1, -1, -1):
            if node[i, j] >= 0:
                below = i
            if below >= 0 and (distance[i, j] < 0 or (below - i) ** 2 < distance[i, j]):
                distance[i, j] = (below - i) ** 2
                winner[i, j] = node[below, j]
    return distance, winner


@inline
def _closer(squared: Any, node: Any, best: Any, nearest: Any) -> Any:
    """Whether a candidate wins: nearer, or as near with a lower number."""
    return best < 0 or squared < best or (squared == best and node < nearest)


@kernel
def _nearest_along_rows(distance: Any, winner: Any) -> Any:
    """Nearest node of every cell from the nearest ones of the columns."""
    n_row, n_col = distance.shape
    result = np.empty((n_row, n_col), np.int64)
    for i in prange(n_row):
        for j in range(n_col):
            best = distance[i, j]
            nearest = winner[i, j]
            for step in range(1, max(j, n_col - 1 - j) + 1):
                if 0 <= best < step * step:
                    break
                for other in (j - step, j + step):
                    if 0 <= other < n_col and distance[i, other] >= 0:
                        squared = distance[i, other] + step * step
                        if _closer(squared, winner[i, other], best, nearest):
                            best = squared
                            nearest = winner[i, other]
            result[i, j] = nearest
    return result


def nearest_node(node: Any) -> Any:
    """Native twin of :func:`reference.cells.nearest_node`."""
    return _nearest_along_rows(*_nearest_in_column(node))


@kernel
def to_points(phasors: Any, grid_phase: Any, node: Any) -> Any:
    """Native twin of :func:`reference.cells.to_points`; angles in double, rounded once."""
    n, m = phasors.shape
    unwrapped = np.empty((n, m), np.float32)
    for block in prange((n + ROWS - 1) // ROWS):
        re, im = np.empty(m, np.float32), np.empty(m, np.float32)
        for p in range(block * ROWS, min(n, (block + 1) * ROWS)):
            if node[p] < 0:
                unwrapped[p] = np.nan
                continue
            grid = grid_phase[node[p]]
            turn_back(phasors[p], grid, re, im)
            for k in range(m):
                own = radians(float64(im[k]), float64(re[k]))
                unwrapped[p, k] = grid[k] + np.float32(own)
    return unwrapped


@kernel
def to_points_single(phasors: Any, grid_phase: Any, node: Any) -> Any:
    """Native twin of :func:`reference.cells.to_points`; the C library's functions."""
    n, m = phasors.shape
    unwrapped = np.empty((n, m), np.float32)
    for p in prange(n):
        if node[p] < 0:
            unwrapped[p] = np.nan
            continue
        for k in range(m):
            grid = grid_phase[node[p], k]
            real, imag = times(phasors[p, k], math.cos(grid), -math.sin(grid))
            unwrapped[p, k] = grid + math.atan2(imag, real)
    return unwrapped
