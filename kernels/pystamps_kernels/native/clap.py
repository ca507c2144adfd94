"""The CLAP filter: windows of one strip of the grid share their column transforms.

A window is held as (column, row frequency): the columns of a strip are transformed once, each
window takes its own and is transformed along its rows. A filtered window is needed at one sample
(cells), or is added to others before the columns are transformed back (grid).

Spectra are smoothed with frequency zero in the middle. Row frequencies are kept in that centred
order; of column frequencies, ``centred`` says in which row of a transform they stand.
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
from ..transforms import places, turns
from .compile import inline, kernel
from .fourier import transform
from .median import median

Array = NDArray[Any]

# Weights of the neighbours one, two and three away; that of the middle is 1.
NEAR = (float(GAUSSIAN[4]), float(GAUSSIAN[5]), float(GAUSSIAN[6]))
WIDE = 4  # windows of a strip that are worked on side by side


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
    response = (float(alpha), float(beta), np.fft.fftshift(low_pass.T))
    fourier = (*turns(n_edge), np.fft.fftshift(places(n_edge)))

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
    """Native twin of :func:`reference.clap.clap_cells`."""
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
    response = (float(alpha), float(beta), np.fft.fftshift(low_pass.T))
    fourier = (*turns(n_w), np.fft.fftshift(places(n_w)))
    samples, frequencies = np.arange(n_w), np.arange(n_w) - n_w // 2
    back = np.exp(2j * np.pi / n_w * np.outer(samples, frequencies)) / n_w**2
    for group in plane_groups(m, n_i * n_j, STRIP_SAMPLES):
        planes = _planes(ph_grid, group.start, group.stop)
        reach = np.ones(len(planes), np.int64)
        reach[0] = max(int(slc_osf), 1) if group.start == 0 else 1
        _filter_cells(
            planes, cells, corner, order, strips, reach, *response, *fourier, back,
            filtered[:, group],
        )  # fmt: skip
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
    plane: Array, first: int, n_rows: int, cos: Array, sin: Array, centred: Array,
    re: Array, im: Array, turned_re: Array, turned_im: Array,
) -> None:  # fmt: skip
    """Transform the columns of a strip; `turned` is (n_j, n), frequencies centred.

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
        row_re, row_im = re[centred[u]], im[centred[u]]
        for j in range(n_j):
            turned_re[j, u] = row_re[j]
            turned_im[j, u] = row_im[j]


@inline
def _respond(
    re: Array, im: Array, alpha: float, beta: float, low_pass: Array, centred: Array,
    padded: Array, down: Array, line: Array, gain: Array, middle: Array,
) -> None:  # fmt: skip
    """Compute the adaptive and low-pass response to the spectra of windows side by side.

    Frequency v of the first axis of `re` and `im` (n, windows * n) stands in row ``centred[v]``;
    `gain` (windows, n, n) gets the responses, centred. `padded` (n + 6, windows * n) and `line`
    (n + 6,) are room with zeros at the borders, `down` (windows * n,) is room, `middle` (2,) that
    of the median.
    """
    n, lanes = re.shape
    for v in range(n):
        magnitude, x, y = padded[3 + v], re[centred[v]], im[centred[v]]
        for u in range(lanes):
            magnitude[u] = math.sqrt(x[u] * x[u] + y[u] * y[u])
    for v in range(n):
        a, b, c, d = padded[v], padded[v + 1], padded[v + 2], padded[v + 3]
        e, f, g = padded[v + 4], padded[v + 5], padded[v + 6]
        for u in range(lanes):
            down[u] = (
                d[u] + NEAR[0] * (c[u] + e[u]) + NEAR[1] * (b[u] + f[u]) + NEAR[2] * (a[u] + g[u])
            )
        for window in range(len(gain)):
            _copy(down[window * n : (window + 1) * n], line[3 : n + 3])
            smooth = gain[window, v]
            for u in range(n):
                smooth[u] = (
                    line[u + 3]
                    + NEAR[0] * (line[u + 2] + line[u + 4])
                    + NEAR[1] * (line[u + 1] + line[u + 5])
                    + NEAR[2] * (line[u] + line[u + 6])
                )
    for window in range(len(gain)):
        flat = gain[window].reshape(n * n)
        level = median(flat, middle)
        scale = 1 / level if level != 0 else 1.0
        if alpha != 1:
            for k in range(n * n):
                flat[k] = (flat[k] * scale) ** alpha
            scale = 1.0
        for v in range(n):
            weight, low = gain[window, v], low_pass[v]
            for u in range(n):
                excess = weight[u] * scale - 1
                weight[u] = beta * (excess if excess > 0 else 0.0) + low[u]


@kernel
def _filter_cells(
    planes: Array, cells: Array, corner: Array, order: Array, strips: Array, reach: Array,
    alpha: float, beta: float, low_pass: Array, cos: Array, sin: Array, centred: Array,
    back: Array, filtered: Array,
) -> None:  # fmt: skip
    """Filter the windows of all cells: one item for each strip of each plane.

    Row p of `back` (n, n) transforms a centred spectrum back at sample p.
    """
    n, n_j, n_planes = cos.size, planes.shape[2], len(planes)
    for item in prange((strips.size - 1) * n_planes):
        k, strip = item // (strips.size - 1), item % (strips.size - 1)
        plane, members = planes[k], order[strips[strip] : strips[strip + 1]]
        top = corner[members[0], 0]
        re, im = np.empty((n, n_j)), np.empty((n, n_j))
        turned_re, turned_im = np.empty((n_j, n)), np.empty((n_j, n))
        _column_transforms(plane, top, n, cos, sin, centred, re, im, turned_re, turned_im)
        span = 2 * reach[k] - 1
        own_re, own_im = np.zeros((n, members.size * span)), np.zeros((n, members.size * span))
        _load_own_columns(plane, cells, corner, members, reach[k], own_re, own_im)
        transform(own_re, own_im, cos, sin)
        sum_re, sum_im = np.empty(n), np.empty(n)
        padded, down, line = np.zeros((n + 6, WIDE * n)), np.empty(WIDE * n), np.zeros(n + 6)
        gain, middle = np.empty((WIDE, n, n)), np.ones(2)
        window_re, window_im = np.zeros((n, WIDE * n)), np.zeros((n, WIDE * n))
        for first in range(0, members.size, WIDE):
            there = min(WIDE, members.size - first)
            for window in range(there):
                cell, lanes = members[first + window], slice(window * n, (window + 1) * n)
                left, q = corner[cell, 1], cells[cell, 1] - corner[cell, 1]
                # begun at the own column, so that the sample there is a plain sum
                for b in range(n):
                    row = b - q if b >= q else b - q + n
                    _copy(turned_re[left + b], window_re[row, lanes])
                    _copy(turned_im[left + b], window_im[row, lanes])
                for away in range(1 - reach[k], reach[k]):
                    if 0 <= q + away < n:
                        own = (first + window) * span + away + reach[k] - 1
                        for u in range(n):
                            window_re[away % n, window * n + u] = own_re[centred[u], own]
                            window_im[away % n, window * n + u] = own_im[centred[u], own]
            transform(window_re, window_im, cos, sin)
            _respond(
                window_re, window_im, alpha, beta, low_pass, centred, padded, down, line,
                gain[:there], middle,
            )  # fmt: skip
            for window in range(there):
                cell, lanes = members[first + window], slice(window * n, (window + 1) * n)
                sum_re[:] = 0
                sum_im[:] = 0
                for v in range(n):
                    weight = gain[window, v]
                    x, y = window_re[centred[v], lanes], window_im[centred[v], lanes]
                    for u in range(n):
                        sum_re[u] += weight[u] * x[u]
                        sum_im[u] += weight[u] * y[u]
                total = 0j
                for u in range(n):
                    total += complex(sum_re[u], sum_im[u]) * back[cells[cell, 0] - top, u]
                filtered[cell, k] = total


@inline
def _load_own_columns(
    plane: Array, cells: Array, corner: Array, members: Array, reach: int, re: Array, im: Array
) -> None:
    """Copy the columns around each cell of a strip, the cell and what is near it left out."""
    n, span, top = re.shape[0], 2 * reach - 1, corner[members[0], 0]
    for lane in range(members.size * span):
        cell = members[lane // span]
        p, q = cells[cell, 0] - top, cells[cell, 1] - reach + 1 + lane % span
        if corner[cell, 1] <= q < corner[cell, 1] + n:
            for a in range(n):
                near = abs(a - p) < reach
                re[a, lane] = 0.0 if near else plane[top + a, q].real
                im[a, lane] = 0.0 if near else plane[top + a, q].imag


@kernel
def _filter_strips(
    planes: Array, row_start: Array, row_ramp: Array, column_start: Array, column_ramp: Array,
    n: int, alpha: float, beta: float, low_pass: Array, cos: Array, sin: Array, centred: Array,
) -> Array:  # fmt: skip
    """Filter the windows of each strip of each plane and add them, from left to right.

    The taper of a window is the sum of a ramp along its rows and one along its columns, so the
    windows of a strip are added twice, as they are and times their ramp, before the columns are
    transformed back. Returns (n_planes, n_strips, n_win, n_j) complex128.
    """
    n_planes, n_strips, n_j = len(planes), row_start.size, planes.shape[2]
    n_win, half = row_ramp.shape[1], n - n // 2
    strips = np.empty((n_planes, n_strips, n_win, n_j), np.complex128)
    for item in prange(n_planes * n_strips):
        k, strip = item // n_strips, item % n_strips
        re, im = np.empty((n, n_j)), np.empty((n, n_j))
        turned_re, turned_im = np.empty((n_j, n)), np.empty((n_j, n))
        _column_transforms(
            planes[k], row_start[strip], n_win, cos, sin, centred, re, im, turned_re, turned_im
        )
        plain, tapered = np.zeros((2, n_j, n)), np.zeros((2, n_j, n))
        padded, down, line = np.zeros((n + 6, WIDE * n)), np.empty(WIDE * n), np.zeros(n + 6)
        gain, middle = np.empty((WIDE, n, n)), np.ones(2)
        window_re, window_im = np.empty((n, WIDE * n)), np.empty((n, WIDE * n))
        back_re, back_im = np.zeros((n, WIDE * n)), np.zeros((n, WIDE * n))
        for first in range(0, column_start.size, WIDE):
            there = min(WIDE, column_start.size - first)
            for b in range(n):
                window_re[b], window_im[b] = 0.0, 0.0
            for window in range(there):
                left, lanes = column_start[first + window], slice(window * n, (window + 1) * n)
                for b in range(n_win):
                    _copy(turned_re[left + b], window_re[b, lanes])
                    _copy(turned_im[left + b], window_im[b, lanes])
            transform(window_re, window_im, cos, sin)
            _respond(
                window_re, window_im, alpha, beta, low_pass, centred, padded, down, line,
                gain[:there], middle,
            )  # fmt: skip
            for v in range(n):
                spectrum, row = centred[v], (v + half) % n
                for window in range(there):
                    lanes = slice(window * n, (window + 1) * n)
                    _times(gain[window, v], window_re[spectrum, lanes], back_re[row, lanes])
                    _times(gain[window, v], window_im[spectrum, lanes], back_im[row, lanes])
            transform(back_im, back_re, cos, sin)
            for window in range(there):
                left, lanes = column_start[first + window], slice(window * n, (window + 1) * n)
                for b in range(n_win):
                    ramp, row = column_ramp[first + window, b], centred[(b + n // 2) % n]
                    if ramp >= 0:
                        _add(back_re[row, lanes], ramp, plain[0, left + b], tapered[0, left + b])
                        _add(back_im[row, lanes], ramp, plain[1, left + b], tapered[1, left + b])
        _columns_back(plain, re, im, cos, sin)
        for a in range(n_win):
            weight, row = max(row_ramp[strip, a], 0.0) + 1e-6, centred[(a + n // 2) % n]
            for j in range(n_j):
                strips[k, strip, a, j] = complex(re[row, j], im[row, j]) * weight
        _columns_back(tapered, re, im, cos, sin)
        for a in range(n_win):
            row = centred[(a + n // 2) % n]
            for j in range(n_j):
                strips[k, strip, a, j] += complex(re[row, j], im[row, j])
    return strips


@inline
def _columns_back(centred: Array, re: Array, im: Array, cos: Array, sin: Array) -> None:
    """Transform columns (2, n_j, n) with centred frequencies back, times n, into `re` and `im`."""
    n, n_j = re.shape
    half = n - n // 2
    for u in range(n):
        for j in range(n_j):
            re[(u + half) % n, j], im[(u + half) % n, j] = centred[0, j, u], centred[1, j, u]
    transform(im, re, cos, sin)


@inline
def _copy(values: Array, row: Array) -> None:
    for u in range(values.size):
        row[u] = values[u]


@inline
def _times(weight: Array, values: Array, row: Array) -> None:
    for u in range(values.size):
        row[u] = weight[u] * values[u]


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
