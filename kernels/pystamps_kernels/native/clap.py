"""Native twins of the CLAP filter: windows of one strip of the grid share their column transforms.

A window is held as (column, row frequency): the columns of a strip are transformed once, each
window takes its own and is transformed along its rows. A filtered window is needed at one sample
(cells), or is added to others before the columns are transformed back (grid).
"""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ..clap_windows import (
    GAUSSIAN,
    STRIP_SAMPLES,
    check_grid,
    corner_starts,
    plane_groups,
    taper_ramp,
    window_starts,
)
from .compile import inline, kernel
from .fourier import places, transform, turns
from .median import median

Array = NDArray[Any]


def clap_grid(
    ph_grid: Array, alpha: float, beta: float, n_win: int, n_pad: int, low_pass: Array
) -> Array:
    """Native twin of :func:`reference.clap.clap_grid`."""
    n_i, n_j, m = ph_grid.shape
    check_grid("stage2_clap_grid", n_i, n_j, n_win)
    n_edge = n_win + n_pad
    row_start, row_shift = window_starts(n_i, n_win)
    column_start, column_shift = window_starts(n_j, n_win)
    row_ramp, column_ramp = taper_ramp(n_win, row_shift), taper_ramp(n_win, column_shift)
    response = (float(alpha), float(beta), np.ascontiguousarray(low_pass.T))
    fourier = (*turns(n_edge), places(n_edge))

    filtered = np.empty((n_i, n_j, m), np.complex64)
    for group in plane_groups(m, row_start.size * n_win * n_j, STRIP_SAMPLES):
        planes = _planes(ph_grid, group.start, group.stop)
        strips = _filter_strips(
            planes, row_start, row_ramp, column_start, column_ramp, n_edge, *response, *fourier
        )
        _add_strips(strips, row_start, row_ramp, n_edge**2, filtered[:, :, group])
    return filtered


def clap_cells(
    ph_grid: Array,
    cells: Array,
    n_w: int,
    alpha: float,
    beta: float,
    low_pass: Array,
    slc_osf: int,
) -> Array:
    """Native twin of :func:`reference.stage3.clap_cells`."""
    n_i, n_j, m = ph_grid.shape
    filtered = np.zeros((len(cells), m), np.complex128)
    if min(n_i, n_j) < n_w or not len(cells):
        return filtered
    corner = np.stack(
        (corner_starts(cells[:, 0], n_i, n_w), corner_starts(cells[:, 1], n_j, n_w)), axis=1
    )
    order = np.argsort(corner[:, 0], kind="stable")
    cuts = np.flatnonzero(np.diff(corner[order, 0])) + 1
    strips = np.concatenate(([0], cuts, [len(cells)]))
    response = (float(alpha), float(beta), np.ascontiguousarray(low_pass.T))
    fourier = (*turns(n_w), places(n_w))
    for group in plane_groups(m, n_i * n_j, STRIP_SAMPLES):
        planes = _planes(ph_grid, group.start, group.stop)
        reach = np.ones(len(planes), np.int64)
        reach[0] = max(int(slc_osf), 1) if group.start == 0 else 1
        _filter_cells(
            planes, cells, corner, order, strips, reach, *response, *fourier, filtered[:, group]
        )
    return filtered


@kernel
def _planes(ph_grid: Array, first: int, stop: int) -> Array:
    """Copy planes `first` to `stop` of the grid, each contiguous, 0 for NaN."""
    n_i, n_j = ph_grid.shape[:2]
    planes = np.empty((stop - first, n_i, n_j), np.complex64)
    for i in prange(n_i):
        for j in range(n_j):
            for k in range(stop - first):
                value = ph_grid[i, j, first + k]
                missing = math.isnan(value.real) or math.isnan(value.imag)
                planes[k, i, j] = 0 if missing else value
    return planes


@inline
def _column_transforms(
    plane: Array, first: int, n_rows: int, cos: Array, sin: Array, place: Array,
    re: Array, im: Array, turned_re: Array, turned_im: Array,
) -> None:  # fmt: skip
    """Transform the columns of a strip; `turned` is (n_j, n), frequencies in order.

    The strip has `n_rows` rows from `first` on, zeros after them; `re`, `im` (n, n_j) are room.
    """
    n, n_j = re.shape
    for a in range(n_rows):
        for j in range(n_j):
            re[a, j], im[a, j] = plane[first + a, j].real, plane[first + a, j].imag
    re[n_rows:] = 0
    im[n_rows:] = 0
    transform(re, im, cos, sin)
    for u in range(n):
        row_re, row_im = re[place[u]], im[place[u]]
        for j in range(n_j):
            turned_re[j, u] = row_re[j]
            turned_im[j, u] = row_im[j]


@inline
def _respond(
    re: Array, im: Array, alpha: float, beta: float, low_pass: Array, place: Array,
    padded: Array, rows: Array, gain: Array, ordered: Array,
) -> None:  # fmt: skip
    """Compute the adaptive and low-pass response to a spectrum.

    Frequencies of the first axis of `re` and `im` stand at `place`; `gain` (n, n) gets the
    response, frequencies in order. `padded` (n + 6, n) and `rows` (n, n + 6) are room with zeros at
    the borders, `ordered` (n * n) is room.
    """
    n = re.shape[0]
    half = n // 2
    for v in range(n):
        centred, x, y = padded[3 + (v + half) % n], re[place[v]], im[place[v]]
        for u in range(half):
            centred[u + half] = math.sqrt(x[u] * x[u] + y[u] * y[u])
        for u in range(half, n):
            centred[u - half] = math.sqrt(x[u] * x[u] + y[u] * y[u])
    for v in range(n):
        line = rows[v, 3 : n + 3]
        for u in range(n):
            line[u] = (
                GAUSSIAN[0] * padded[v, u]
                + GAUSSIAN[1] * padded[v + 1, u]
                + GAUSSIAN[2] * padded[v + 2, u]
                + GAUSSIAN[3] * padded[v + 3, u]
                + GAUSSIAN[4] * padded[v + 4, u]
                + GAUSSIAN[5] * padded[v + 5, u]
                + GAUSSIAN[6] * padded[v + 6, u]
            )
    for v in range(n):
        wide, smooth = rows[v], ordered[v * n : (v + 1) * n]
        for u in range(n):
            smooth[u] = (
                GAUSSIAN[0] * wide[u]
                + GAUSSIAN[1] * wide[u + 1]
                + GAUSSIAN[2] * wide[u + 2]
                + GAUSSIAN[3] * wide[u + 3]
                + GAUSSIAN[4] * wide[u + 4]
                + GAUSSIAN[5] * wide[u + 5]
                + GAUSSIAN[6] * wide[u + 6]
            )
        target = gain[(v + half) % n]
        for u in range(half):
            target[u + half] = smooth[u]
        for u in range(half, n):
            target[u - half] = smooth[u]
    middle = median(ordered)
    scale = 1 / middle if middle != 0 else 1.0
    if alpha != 1:
        for v in range(n):
            for u in range(n):
                gain[v, u] = (gain[v, u] * scale) ** alpha
        scale = 1.0
    for v in range(n):
        weight, low = gain[v], low_pass[v]
        for u in range(n):
            excess = weight[u] * scale - 1
            weight[u] = beta * (excess if excess > 0 else 0.0) + low[u]


@kernel
def _filter_cells(
    planes: Array, cells: Array, corner: Array, order: Array, strips: Array, reach: Array,
    alpha: float, beta: float, low_pass: Array, cos: Array, sin: Array, place: Array,
    filtered: Array,
) -> None:  # fmt: skip
    """Filter the windows of all cells: one item for each strip of each plane."""
    n, n_j, n_planes = cos.size, planes.shape[2], len(planes)
    for item in prange((strips.size - 1) * n_planes):
        strip, k = item // n_planes, item % n_planes
        plane, members = planes[k], order[strips[strip] : strips[strip + 1]]
        top = corner[members[0], 0]
        re, im = np.empty((n, n_j)), np.empty((n, n_j))
        turned_re, turned_im = np.empty((n_j, n)), np.empty((n_j, n))
        _column_transforms(plane, top, n, cos, sin, place, re, im, turned_re, turned_im)
        span = 2 * reach[k] - 1
        own_re, own_im = np.zeros((n, members.size * span)), np.zeros((n, members.size * span))
        for lane in range(members.size * span):
            cell = members[lane // span]
            p, q = cells[cell, 0] - top, cells[cell, 1] - reach[k] + 1 + lane % span
            if corner[cell, 1] <= q < corner[cell, 1] + n:
                for a in range(n):
                    near = abs(a - p) < reach[k]
                    own_re[a, lane] = 0.0 if near else plane[top + a, q].real
                    own_im[a, lane] = 0.0 if near else plane[top + a, q].imag
        transform(own_re, own_im, cos, sin)
        sum_re, sum_im = np.empty(n), np.empty(n)
        padded, rows = np.zeros((n + 6, n)), np.zeros((n, n + 6))
        gain, ordered = np.empty((n, n)), np.empty(n * n)
        window_re, window_im = np.empty((n, n)), np.empty((n, n))
        for number in range(members.size):
            cell = members[number]
            left = corner[cell, 1]
            p, q = cells[cell, 0] - top, cells[cell, 1] - left
            window_re[:] = turned_re[left : left + n]
            window_im[:] = turned_im[left : left + n]
            for lane in range(number * span, (number + 1) * span):
                column = q - reach[k] + 1 + lane - number * span
                if 0 <= column < n:
                    for u in range(n):
                        window_re[column, u] = own_re[place[u], lane]
                        window_im[column, u] = own_im[place[u], lane]
            transform(window_re, window_im, cos, sin)
            _respond(
                window_re, window_im, alpha, beta, low_pass, place, padded, rows, gain, ordered
            )
            sum_re[:] = 0
            sum_im[:] = 0
            for v in range(n):
                c, s = cos[v * q % n], -sin[v * q % n]
                weight, x, y = gain[v], window_re[place[v]], window_im[place[v]]
                for u in range(n):
                    sum_re[u] += weight[u] * (x[u] * c - y[u] * s)
                    sum_im[u] += weight[u] * (x[u] * s + y[u] * c)
            total = 0j
            for u in range(n):
                turn = complex(cos[u * p % n], -sin[u * p % n])
                total += complex(sum_re[u], sum_im[u]) * turn
            filtered[cell, k] = total / (n * n)


@kernel
def _filter_strips(
    planes: Array, row_start: Array, row_ramp: Array, column_start: Array, column_ramp: Array,
    n: int, alpha: float, beta: float, low_pass: Array, cos: Array, sin: Array, place: Array,
) -> Array:  # fmt: skip
    """Filter the windows of each strip of each plane and add them, from left to right.

    The taper of a window is the sum of a ramp along its rows and one along its columns, so the
    windows of a strip are added twice, as they are and times their ramp, before the columns are
    transformed back. Returns (n_planes, n_strips, n_win, n_j) complex128.
    """
    n_planes, n_strips, n_j = len(planes), row_start.size, planes.shape[2]
    n_win = row_ramp.shape[1]
    strips = np.empty((n_planes, n_strips, n_win, n_j), np.complex128)
    for item in prange(n_planes * n_strips):
        k, strip = item // n_strips, item % n_strips
        re, im = np.empty((n, n_j)), np.empty((n, n_j))
        turned_re, turned_im = np.empty((n_j, n)), np.empty((n_j, n))
        _column_transforms(
            planes[k], row_start[strip], n_win, cos, sin, place, re, im, turned_re, turned_im
        )
        plain, tapered = np.zeros((2, n_j, n)), np.zeros((2, n_j, n))
        padded, rows = np.zeros((n + 6, n)), np.zeros((n, n + 6))
        gain, ordered = np.empty((n, n)), np.empty(n * n)
        window_re, window_im = np.empty((n, n)), np.empty((n, n))
        back_re, back_im = np.empty((n, n)), np.empty((n, n))
        for window in range(column_start.size):
            left = column_start[window]
            window_re[:n_win] = turned_re[left : left + n_win]
            window_im[:n_win] = turned_im[left : left + n_win]
            window_re[n_win:] = 0
            window_im[n_win:] = 0
            transform(window_re, window_im, cos, sin)
            _respond(
                window_re, window_im, alpha, beta, low_pass, place, padded, rows, gain, ordered
            )
            for v in range(n):
                weight, x, y = gain[v], window_re[place[v]], window_im[place[v]]
                line_re, line_im = back_re[v], back_im[v]
                for u in range(n):
                    line_re[u] = weight[u] * x[u]
                    line_im[u] = weight[u] * y[u]
            transform(back_im, back_re, cos, sin)
            for b in range(n_win):
                ramp = column_ramp[window, b]
                if ramp >= 0:
                    _add(back_re[place[b]], ramp, plain[0, left + b], tapered[0, left + b])
                    _add(back_im[place[b]], ramp, plain[1, left + b], tapered[1, left + b])
        for u in range(n):
            for j in range(n_j):
                re[u, j], im[u, j] = plain[0, j, u], plain[1, j, u]
        transform(im, re, cos, sin)
        for a in range(n_win):
            weight = max(row_ramp[strip, a], 0.0) + 1e-6
            for j in range(n_j):
                strips[k, strip, a, j] = complex(re[place[a], j], im[place[a], j]) * weight
        for u in range(n):
            for j in range(n_j):
                re[u, j], im[u, j] = tapered[0, j, u], tapered[1, j, u]
        transform(im, re, cos, sin)
        for a in range(n_win):
            for j in range(n_j):
                strips[k, strip, a, j] += complex(re[place[a], j], im[place[a], j])
    return strips


@inline
def _add(values: Array, ramp: float, plain: Array, tapered: Array) -> None:
    for u in range(values.size):
        plain[u] += values[u]
    for u in range(values.size):
        tapered[u] += values[u] * ramp


@kernel
def _add_strips(
    strips: Array, row_start: Array, row_ramp: Array, samples: int, filtered: Array
) -> None:
    """Add the strips of each plane, from top to bottom; divide by the samples of a window."""
    n_planes, n_strips, n_win, n_j = strips.shape
    for item in prange(filtered.shape[0] * n_planes):
        i, k = item // n_planes, item % n_planes
        total = np.zeros(n_j, np.complex128)
        for strip in range(n_strips):
            a = i - row_start[strip]
            if 0 <= a < n_win and row_ramp[strip, a] >= 0:
                for j in range(n_j):
                    total[j] += strips[k, strip, a, j]
        for j in range(n_j):
            filtered[i, j, k] = total[j] / samples
