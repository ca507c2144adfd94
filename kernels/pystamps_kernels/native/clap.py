"""Native twins of the CLAP filter: transforms by ``scipy.fft``, all else threaded over windows."""

import math
from typing import Any

import numba
import numpy as np
import scipy.fft
from numba import prange
from numpy.typing import NDArray

from ..clap_windows import (
    BATCH_SAMPLES,
    GAUSSIAN,
    check_grid,
    corner_starts,
    plane_groups,
    taper_ramp,
    window_starts,
)
from .compile import inline, kernel

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
    threads = numba.get_num_threads()

    filtered = np.empty((n_i, n_j, m), np.complex64)
    for planes in plane_groups(m, column_start.size * n_edge**2):
        n_planes = planes.stop - planes.start
        total = np.zeros((n_planes, n_i, n_j), np.complex128)
        windows = np.empty((n_planes, column_start.size, n_edge, n_edge), np.complex128)
        for first, ramp in zip(row_start, row_ramp, strict=True):
            _gather(ph_grid, planes.start, first, column_start, n_win, windows)
            spectrum = scipy.fft.fft2(windows, overwrite_x=True, workers=threads)
            _respond(spectrum.reshape(-1, n_edge, n_edge), float(alpha), float(beta), low_pass)
            tapered = scipy.fft.ifft2(spectrum, overwrite_x=True, workers=threads)
            _overlap_add(tapered, ramp, column_ramp, first, column_start, total)
        filtered[:, :, planes] = np.moveaxis(total, 0, 2)
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
    if min(n_i, n_j) < n_w:
        return filtered
    corners = np.stack(
        (corner_starts(cells[:, 0], n_i, n_w), corner_starts(cells[:, 1], n_j, n_w)), axis=1
    )
    own = cells - corners
    turn = np.exp(2j * np.pi / n_w * np.arange(n_w))
    threads = numba.get_num_threads()
    step = max(1, BATCH_SAMPLES // (n_w * n_w * m))
    for first in range(0, len(cells), step):
        batch = slice(first, first + step)
        windows = np.empty((len(cells[batch]), m, n_w, n_w), np.complex128)
        _gather_cells(ph_grid, corners[batch], own[batch], int(slc_osf), windows)
        spectrum = scipy.fft.fft2(windows, overwrite_x=True, workers=threads)
        _respond(spectrum.reshape(-1, n_w, n_w), float(alpha), float(beta), low_pass)
        _sample(spectrum, own[batch], turn, filtered[batch])
    return filtered


@inline
def _without_nan(value: Any) -> Any:
    return 0j if math.isnan(value.real) or math.isnan(value.imag) else complex(value)


@kernel
def _gather(
    ph_grid: Array, plane: int, first: int, column_start: Array, n_win: int, windows: Array
) -> None:
    """Copy the windows of one strip of the grid into the upper left of their padded squares."""
    n_planes, n_windows = windows.shape[:2]
    for item in prange(n_planes * n_windows):
        p, q = item // n_windows, item % n_windows
        window = windows[p, q]
        window[:] = 0
        for a in range(n_win):
            for b in range(n_win):
                window[a, b] = _without_nan(ph_grid[first + a, column_start[q] + b, plane + p])


@kernel
def _overlap_add(
    tapered: Array,
    ramp: Array,
    column_ramp: Array,
    first: int,
    column_start: Array,
    total: Array,
) -> None:
    """Add the tapered windows of one strip to the planes, from left to right."""
    n_win = ramp.size
    for item in prange(total.shape[0] * n_win):
        p, a = item // n_win, item % n_win
        if ramp[a] < 0:
            continue
        for q in range(column_start.size):
            for b in range(n_win):
                if column_ramp[q, b] >= 0:
                    weight = ramp[a] + column_ramp[q, b] + 1e-6
                    total[p, first + a, column_start[q] + b] += tapered[p, q, a, b] * weight


@kernel
def _gather_cells(ph_grid: Array, corners: Array, own: Array, slc_osf: int, windows: Array) -> None:
    """Copy the window around each cell, the cell itself (and its oversampled copies) set to 0."""
    n_cells, m, n_w, _ = windows.shape
    for cell in prange(n_cells):
        for a in range(n_w):
            for b in range(n_w):
                away = max(abs(a - own[cell, 0]), abs(b - own[cell, 1]))
                row, column = corners[cell, 0] + a, corners[cell, 1] + b
                for k in range(m):
                    windows[cell, k, a, b] = _without_nan(ph_grid[row, column, k])
                if away == 0:
                    windows[cell, :, a, b] = 0
                if away < slc_osf:
                    windows[cell, 0, a, b] = 0


@kernel
def _sample(spectrum: Array, own: Array, turn: Array, filtered: Array) -> None:
    """Evaluate the inverse transform at one sample of each window."""
    n_cells, m, n_w, _ = spectrum.shape
    for item in prange(n_cells * m):
        cell, k = item // m, item % m
        window = spectrum[cell, k]
        total = 0j
        for u in range(n_w):
            row = 0j
            for v in range(n_w):
                row += window[u, v] * turn[v * own[cell, 1] % n_w]
            total += row * turn[u * own[cell, 0] % n_w]
        filtered[cell, k] = total / (n_w * n_w)


@kernel
def _respond(spectra: Array, alpha: float, beta: float, low_pass: Array) -> None:
    """Multiply each spectrum by its adaptive and low-pass response, in place."""
    n = spectra.shape[1]
    half = n // 2
    n_blocks = (len(spectra) + 15) // 16
    for block in prange(n_blocks):
        padded, rows, smooth = np.zeros((n + 6, n)), np.zeros((n, n + 6)), np.empty((n, n))
        ordered = np.empty(n * n)
        for item in range(block * 16, min(len(spectra), block * 16 + 16)):
            spectrum = spectra[item]
            for u in range(n):
                centred, line = padded[3 + (u + half) % n], spectrum[u]
                for v in range(half):
                    re, im = line[v].real, line[v].imag
                    centred[v + half] = math.sqrt(re * re + im * im)
                for v in range(half, n):
                    re, im = line[v].real, line[v].imag
                    centred[v - half] = math.sqrt(re * re + im * im)
            for u in range(n):
                for v in range(n):
                    rows[u, v + 3] = (
                        GAUSSIAN[0] * padded[u, v]
                        + GAUSSIAN[1] * padded[u + 1, v]
                        + GAUSSIAN[2] * padded[u + 2, v]
                        + GAUSSIAN[3] * padded[u + 3, v]
                        + GAUSSIAN[4] * padded[u + 4, v]
                        + GAUSSIAN[5] * padded[u + 5, v]
                        + GAUSSIAN[6] * padded[u + 6, v]
                    )
            for u in range(n):
                for v in range(n):
                    smooth[u, v] = (
                        GAUSSIAN[0] * rows[u, v]
                        + GAUSSIAN[1] * rows[u, v + 1]
                        + GAUSSIAN[2] * rows[u, v + 2]
                        + GAUSSIAN[3] * rows[u, v + 3]
                        + GAUSSIAN[4] * rows[u, v + 4]
                        + GAUSSIAN[5] * rows[u, v + 5]
                        + GAUSSIAN[6] * rows[u, v + 6]
                    )
                    ordered[u * n + v] = smooth[u, v]
            median = _median(ordered)
            if median == 0:
                median = 1.0
            for u in range(n):
                for v in range(n):
                    ratio = smooth[(u + half) % n, v] / median
                    smooth[(u + half) % n, v] = ratio if alpha == 1 else ratio**alpha
            for u in range(n):
                line, centred, low = spectrum[u], smooth[(u + half) % n], low_pass[u]
                for v in range(half):
                    line[v] *= beta * max(centred[v + half] - 1, 0.0) + low[v]
                for v in range(half, n):
                    line[v] *= beta * max(centred[v - half] - 1, 0.0) + low[v]


@inline
def _median(values: Array) -> Any:
    """Mean of the two middle values of an even number; `values` is reordered.

    Counting, which is vectorised, first narrows the interval that holds both; the few values in it
    are then selected.
    """
    n, middle = values.size, values.size // 2
    low, high, n_below = -np.inf, np.inf, 0
    pivot = 0.0
    for k in range(n):
        pivot += values[k] / n
    for _ in range(12):
        count = 0
        for k in range(n):
            count += 1 if values[k] < pivot else 0
        if count > middle:
            high = pivot
        elif count < middle:
            low, n_below = pivot, count
        else:
            break
        pivot = (max(low, 0.0) + high) / 2 if high < np.inf else 2 * pivot
    n_kept = 0
    for k in range(n):
        value = values[k]
        values[n_kept] = value
        n_kept += 1 if low <= value < high else 0
    if n_kept <= middle - n_below:  # NaN among the values
        return np.nan
    kept = values[:n_kept]
    _select(kept, middle - n_below)
    below = kept[0]
    for k in range(1, middle - n_below):
        below = max(below, kept[k])
    return (below + kept[middle - n_below]) / 2


@inline
def _select(values: Array, place: int) -> None:
    """Reorder so that ``values[place]`` has its rank and smaller ones stand before it."""
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            break
