"""The CLAP filter: planes, tables and groups of what :mod:`.clap_strips` loops over."""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ..clap_windows import (
    STRIP_SAMPLES,
    check_grid,
    corners,
    plane_groups,
    taper_ramp,
    window_starts,
)
from ..transforms import places, turns
from .clap_response import MARGIN
from .clap_strips import add_strips, filter_cells, filter_strips
from .compile import kernel

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
    row_ramp = taper_ramp(n_win, row_shift)
    column_ramp = taper_ramp(n_win, column_shift)
    tables = _tables(n_edge, alpha, beta, low_pass, np.float64)

    filtered = np.empty((n_i, n_j, m), np.complex64)
    for group in plane_groups(m, row_start.size * n_win * n_j, STRIP_SAMPLES):
        planes = _planes(ph_grid, group, n_edge, np.float64)
        strips = filter_strips(planes, n_i, row_start, row_ramp, column_start, column_ramp, *tables)
        add_strips(strips, row_start, row_ramp, n_edge**2, filtered[:, :, group])
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
    return _clap_cells(ph_grid, cells, n_w, alpha, beta, low_pass, slc_osf, np.float32)


def clap_cells_single(
    ph_grid: Array,
    cells: Array,
    n_w: int,
    alpha: float,
    beta: float,
    low_pass: Array,
    slc_osf: int,
) -> Array:
    """Native twin of :func:`reference.clap.clap_cells_single`."""
    return _clap_cells(ph_grid, cells, n_w, alpha, beta, low_pass, slc_osf, np.float64)


def _clap_cells(
    ph_grid: Array, cells: Array, n_w: int, alpha: float, beta: float, low_pass: Array,
    slc_osf: int, real: Any,
) -> Array:  # fmt: skip
    """Filter the windows of cells in one class of numbers."""
    n_i, n_j, m = ph_grid.shape
    filtered = np.zeros((len(cells), m), np.complex128)
    if min(n_i, n_j) < n_w or not len(cells):
        return filtered
    corner = corners(cells, (n_i, n_j), n_w)
    order = np.argsort(corner[:, 0], kind="stable")
    cuts = np.flatnonzero(np.diff(corner[order, 0])) + 1
    strips = np.concatenate(([0], cuts, [len(cells)]))
    tables = _tables(n_w, alpha, beta, low_pass, real)
    back = _back(n_w, real)
    for group in plane_groups(m, n_i * n_j, STRIP_SAMPLES):
        planes = _planes(ph_grid, group, n_w, real)
        reach = np.ones(len(planes), np.int64)
        reach[0] = max(int(slc_osf), 1) if group.start == 0 else 1
        filter_cells(
            planes, n_i, cells, corner, order, strips, reach, back, filtered[:, group], *tables
        )
    return filtered


def lanes_of(n: int) -> int:
    """Return the lanes that hold `n` values, whole registers of any class."""
    return -(-n // MARGIN) * MARGIN


def _tables(n: int, alpha: float, beta: float, low_pass: Array, real: Any) -> tuple[Any, ...]:
    """Return what the windows of a filter share.

    That is exponent and weight of the adaptive response (2,), the low-pass response, its rows as a
    transform leaves them, cosines and sines (n,), and where the row of each centred frequency
    begins, with that of a row of zeros for lanes without a frequency.
    """
    lanes, centred = lanes_of(n), np.fft.fftshift(places(n))
    low = np.zeros((n, lanes), real)
    low[centred, :n] = np.fft.fftshift(low_pass.T)
    cos, sin = turns(n)
    turns_of_lanes = np.full(lanes, 2 * n * lanes)
    turns_of_lanes[:n] = centred * lanes
    adaptive = np.array([alpha, beta], real)
    return adaptive, low.ravel(), cos.astype(real), sin.astype(real), turns_of_lanes


def _back(n: int, real: Any) -> Array:
    """Return what transforms centred frequencies, in lanes, back at each sample (2, n, lanes)."""
    wave = np.exp(2j * np.pi / n * np.outer(np.arange(n), np.arange(n) - n // 2)) / n**2
    back = np.zeros((2, n, lanes_of(n)), real)
    back[:, :, :n] = wave.real, wave.imag
    return back


def _planes(ph_grid: Array, group: slice, n: int, real: Any) -> Array:
    """Return planes, real and imaginary parts (n_planes, 2, rows * columns).

    Rows are filled up with zeros to a multiple of the lanes of a window of `n` columns; a row of
    zeros follows the last.
    """
    n_i, n_j = ph_grid.shape[:2]
    lanes = lanes_of(n)
    planes = np.zeros((group.stop - group.start, 2, n_i + 1, -(-n_j // lanes) * lanes), real)
    _load_planes(ph_grid, group.start, planes)
    return planes.reshape(len(planes), 2, -1)


@kernel
def _load_planes(ph_grid: Array, first: int, planes: Array) -> None:
    """Copy the planes of the grid from `first` on, 0 for NaN."""
    n_i, n_j = ph_grid.shape[:2]
    for i in prange(n_i):
        for k in range(len(planes)):
            for j in range(n_j):
                value = ph_grid[i, j, first + k]
                missing = math.isnan(value.real) or math.isnan(value.imag)
                planes[k, 0, i, j] = 0 if missing else value.real
                planes[k, 1, i, j] = 0 if missing else value.imag
