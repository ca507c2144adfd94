"""The CLAP filter: planes, tables and groups of what :mod:`.clap_strips` loops over."""

import math
from typing import Any

import numpy as np
from numba import get_num_threads, prange
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
from .clap_strips import add_strips, filter_cells, filter_strips
from .compile import kernel
from .fourier import BLOCK, ROW

Array = NDArray[Any]


def clap_grid(
    ph_grid: Array, alpha: float, beta: float, n_win: int, n_pad: int, low_pass: Array
) -> Array:
    """Native twin of :func:`reference.clap.clap_grid`.

    Transforms and sums are double, the response is single precision: it is off by less than the
    single precision of the result. The adaptive part is lost in spectra with amplitudes above
    1.8e19, whose squares overflow in it, and in those of less than 1e-22, whose squares vanish.
    """
    return _clap_grid(ph_grid, alpha, beta, n_win, n_pad, low_pass, np.float32)


def clap_grid_single(
    ph_grid: Array, alpha: float, beta: float, n_win: int, n_pad: int, low_pass: Array
) -> Array:
    """Native twin of :func:`reference.clap.clap_grid`, all in double as in StaMPS."""
    return _clap_grid(ph_grid, alpha, beta, n_win, n_pad, low_pass, np.float64)


def _clap_grid(
    ph_grid: Array, alpha: float, beta: float, n_win: int, n_pad: int, low_pass: Array, real: Any
) -> Array:
    """Filter the windows of a grid in double, with a response in one class of numbers."""
    n_i, n_j, m = ph_grid.shape
    check_grid("stage2_clap_grid", n_i, n_j, n_win)
    n_edge = n_win + n_pad
    row_start, row_shift = window_starts(n_i, n_win)
    column_start, column_shift = window_starts(n_j, n_win)
    row_ramp = taper_ramp(n_win, row_shift)
    column_ramp = taper_ramp(n_win, column_shift)
    tables = _tables(n_edge, alpha, beta, low_pass, np.float64, real)

    filtered = np.empty((n_i, n_j, m), np.complex64)
    groups = list(plane_groups(m, row_start.size * n_win * n_j, STRIP_SAMPLES * get_num_threads()))
    most = max((group.stop - group.start for group in groups), default=0)
    room = np.empty((most, row_start.size, n_win * 2 * lanes_of(n_j)))
    for group in groups:
        planes = _planes(ph_grid, group, np.float64)
        strips = room[: len(planes)]
        filter_strips(
            planes, n_i, row_start, row_ramp, column_start, column_ramp, *(*tables, strips)
        )
        add_strips(strips, row_start, row_ramp, n_edge**2, group.start, filtered)
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
    tables = _tables(n_w, alpha, beta, low_pass, real, real)
    back = _back(n_w, real)
    for group in plane_groups(m, n_i * n_j, STRIP_SAMPLES * get_num_threads()):
        planes = _planes(ph_grid, group, real)
        reach = np.ones(len(planes), np.int64)
        reach[0] = max(int(slc_osf), 1) if group.start == 0 else 1
        filter_cells(
            planes, n_i, cells, corner, order, strips, reach, back, group.start, filtered, *tables
        )
    return filtered


def lanes_of(n: int) -> int:
    """Return the lanes that hold `n` values, whole registers of any class."""
    return -(-n // BLOCK) * BLOCK


def _tables(
    n: int, alpha: float, beta: float, low_pass: Array, real: Any, of_response: Any
) -> tuple[Any, ...]:
    """Return what the windows of a filter share.

    That is exponent and weight of the adaptive response (2,), the low-pass response of the class of
    the response, its rows as a transform leaves them, cosines and sines (n,), and where the row of
    each centred frequency begins, with that of a row of zeros for lanes without a frequency.
    """
    lanes, centred = lanes_of(n), np.fft.fftshift(places(n))
    low = np.zeros((n, lanes), of_response)
    low[centred, :n] = np.fft.fftshift(low_pass.T)
    blocks = np.ascontiguousarray(low.reshape(n, -1, BLOCK).swapaxes(0, 1))
    cos, sin = turns(n)
    turns_of_lanes = np.full(lanes, 2 * n * lanes + n * ROW)
    turns_of_lanes[:n] = centred * ROW
    adaptive = np.array([alpha, beta], real)
    return adaptive, blocks.ravel(), cos.astype(real), sin.astype(real), turns_of_lanes


def _back(n: int, real: Any) -> Array:
    """Return what transforms centred frequencies, in lanes, back at each sample (2, n, lanes)."""
    wave = np.exp(2j * np.pi / n * np.outer(np.arange(n), np.arange(n) - n // 2)) / n**2
    back = np.zeros((2, n, lanes_of(n)), real)
    back[:, :, :n] = wave.real, wave.imag
    return back


def _planes(ph_grid: Array, group: slice, real: Any) -> Array:
    """Return planes (n_planes, rows * 2 * columns), of rows as :func:`.fourier.transform` has them.

    Rows are filled up with zeros to whole blocks; a row of zeros follows the last.
    """
    n_i, n_j = ph_grid.shape[:2]
    blocks = lanes_of(n_j) // BLOCK
    planes = np.zeros((group.stop - group.start, n_i + 1, blocks, 2, BLOCK), real)
    _load_planes(ph_grid, group.start, planes)
    return planes.reshape(len(planes), -1)


@kernel
def _load_planes(ph_grid: Array, first: int, planes: Array) -> None:
    """Copy the planes of the grid from `first` on, 0 for NaN."""
    n_i, n_j = ph_grid.shape[:2]
    for i in prange(n_i):
        for k in range(len(planes)):
            for j in range(n_j):
                value, block, lane = ph_grid[i, j, first + k], j // BLOCK, j % BLOCK
                missing = math.isnan(value.real) or math.isnan(value.imag)
                planes[k, i, block, 0, lane] = 0 if missing else value.real
                planes[k, i, block, 1, lane] = 0 if missing else value.imag
