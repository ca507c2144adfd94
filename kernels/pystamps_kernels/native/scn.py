"""Filters in time and in space that find spatially correlated noise."""

import math
from typing import Any

import numpy as np
from numba import float64, int64, prange

from .compile import inline, kernel

BLOCK = 16  # cells that share their room
VECTOR = 32  # columns that rows are padded to, so that none is left for a slow rest


@kernel
def temporal_highpass(phase: Any, weights: Any, origin: Any) -> Any:
    """Native twin of :func:`reference.scn.temporal_highpass`."""
    n_ps, n_use = phase.shape
    high_pass = np.empty((n_ps, n_use), np.float64)
    for point in prange(n_ps):
        for k in range(n_use):
            high_pass[point, k] = 0.0
        for image in range(n_use):
            value = float64(phase[point, image])
            for k in range(n_use):
                high_pass[point, k] += value * weights[image, k]
        for k in range(n_use):
            high_pass[point, k] = phase[point, k] - high_pass[point, k] - origin[k]
    return high_pass


@inline
def _span(cell: int, row: int, cells: Any, starts: Any, width: int) -> Any:
    """Return first place and end of the PS in three cells around `cell`, `row` rows above it."""
    left = cell + row * width - 1
    return starts[np.searchsorted(cells, left)], starts[np.searchsorted(cells, left + 3)]


@inline
def _near(cell: int, order: Any, cells: Any, starts: Any, width: int, n_near: int) -> Any:
    """Return the `n_near` PS of the cell and its eight neighbours in ascending order."""
    near = np.empty(n_near, np.int64)
    count = 0
    for row in range(-1, 2):
        begin, end = _span(cell, row, cells, starts, width)
        near[count : count + end - begin] = order[begin:end]
        count += end - begin
    near.sort()
    return near


@kernel
def spatial_lowpass(
    phase: Any,
    xy: Any,
    order: Any,
    cells: Any,
    starts: Any,
    width: int,
    sigma: float,
    first: int,
    stop: int,
) -> Any:
    """Native twin of :func:`reference.scn.spatial_lowpass`; one cell after the other.

    The phase of a cell's surroundings is copied once, to rows of whole vectors.
    """
    n_use = phase.shape[1]
    padded = -(-n_use // VECTOR) * VECTOR
    low_pass = np.zeros((stop - first, n_use), np.float64)
    radius = np.float32((4.0 * sigma) ** 2)
    scale = 2.0 * sigma**2
    n_near = np.zeros(cells.shape[0], np.int64)
    for cell in prange(cells.shape[0]):
        for place in range(starts[cell], starts[cell + 1]):
            if first <= order[place] < stop and n_near[cell] == 0:
                for above in range(-1, 2):
                    begin, end = _span(cells[cell], above, cells, starts, width)
                    n_near[cell] += end - begin
    active = np.nonzero(n_near)[0]
    most = n_near.max() if n_near.size else 0
    for block in prange((active.shape[0] + BLOCK - 1) // BLOCK):
        around, row = np.zeros((most, padded)), np.empty(padded)
        x, y = np.empty(most, np.float32), np.empty(most, np.float32)
        squares, weights = np.empty(most, np.float32), np.empty(most)
        members = np.empty(most + 1, np.int64)
        for cell in active[block * BLOCK : (block + 1) * BLOCK]:
            near = _near(cells[cell], order, cells, starts, width, n_near[cell])
            for i in range(near.size):
                x[i], y[i] = xy[near[i], 0], xy[near[i], 1]
                for column in range(n_use):
                    around[i, column] = phase[near[i], column]
            for point in order[starts[cell] : starts[cell + 1]]:
                if not first <= point < stop:
                    continue
                own_x, own_y = xy[point, 0], xy[point, 1]
                for i in range(near.size):
                    dx, dy = own_x - x[i], own_y - y[i]
                    squares[i] = dx * dx + dy * dy
                count = 0
                for i in range(near.size):
                    members[count] = i
                    count += int64(squares[i] < radius)
                total = 0.0
                for i in range(count):
                    weights[i] = math.exp(-float64(squares[members[i]]) / scale)
                    total += weights[i]
                _weighted_sum(around, members, weights, count, row)
                for column in range(n_use):
                    low_pass[point - first, column] = row[column] / total
    return low_pass


@inline
def _weighted_sum(values: Any, members: Any, weights: Any, count: int, row: Any) -> None:
    """Add weighted rows in order, four at a time."""
    row[:] = 0.0
    whole = count // 4 * 4
    for i in range(0, whole, 4):
        a, b = values[members[i]], values[members[i + 1]]
        c, d = values[members[i + 2]], values[members[i + 3]]
        wa, wb, wc, wd = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        for k in range(row.size):
            row[k] = (((row[k] + wa * a[k]) + wb * b[k]) + wc * c[k]) + wd * d[k]
    for i in range(whole, count):
        a, wa = values[members[i]], weights[i]
        for k in range(row.size):
            row[k] += wa * a[k]
