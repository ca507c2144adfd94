"""CLAP filter, combined low-pass and adaptive; ``sources/windows.cu``."""

from collections.abc import Callable

import numpy as np

from ..clap_windows import check_grid, corners, taper_ramp, window_starts
from .device import Array, Device, OnDevice, current
from .pieces import Landings, cut, in_turn, piece_rows
from .samples import start
from .windows import CLAP, PLANE, SAMPLE, Filter, axis, filtered, launch

LEAST_WEIGHT = 1e-6
"""Weight of the cells on the border of a window."""


def clap_grid(
    ph_grid: Array, alpha: float, beta: float, n_win: int, n_pad: int, low_pass: Array
) -> Array:
    """CUDA twin of :func:`reference.clap.clap_grid`."""
    n_i, n_j, m = ph_grid.shape
    check_grid("stage2_clap_grid", n_i, n_j, n_win)
    device, clap = current(), Filter(n_win + n_pad, CLAP, alpha, beta, low_pass)
    row_start, row_shift = window_starts(n_i, n_win)
    column_start, column_shift = window_starts(n_j, n_win)
    window_bytes = row_start.size * column_start.size * n_win**2 * SAMPLE
    step = piece_rows(device, window_bytes + PLANE * n_i * n_j, unit=1)
    result = np.empty((n_i, n_j, m), np.complex64)
    with device.active():
        rows = axis(device, n_i, row_start, taper_ramp(n_win, row_shift))
        columns = axis(device, n_j, column_start, taper_ramp(n_win, column_shift))
        device.wait()

    def begin(group: slice) -> Landings:
        planes = _planes(device, ph_grid, group)
        total = filtered(device, planes, n_win, clap, rows, columns, LEAST_WEIGHT)
        rounded = device.empty(total.shape, np.complex64)
        start(device, "windows", "rounded", total.size, total, total.size, rounded)
        return [(device.fetch(rounded), result[:, :, group])]

    in_turn(device, cut(m, step), begin)
    return result


def clap_cells(
    ph_grid: Array,
    cells: Array,
    n_w: int,
    alpha: float,
    beta: float,
    low_pass: Array,
    slc_osf: int,
) -> Array:
    """CUDA twin of :func:`reference.clap.clap_cells`."""
    n_i, n_j, m = ph_grid.shape
    result = np.zeros((len(cells), m), np.complex128)
    if min(n_i, n_j) < n_w or not len(cells):
        return result
    device, clap = current(), Filter(n_w, CLAP, alpha, beta, low_pass)

    def fetch(group: slice, found: OnDevice) -> Landings:
        return [(device.fetch(found), result[:, group])]

    filter_at_cells(device, ph_grid, cells, clap, int(slc_osf), fetch)
    return result


def filter_at_cells(
    device: Device,
    ph_grid: Array,
    cells: Array,
    clap: Filter,
    slc_osf: int,
    take: Callable[[slice, OnDevice], Landings],
) -> None:
    """Filter the phase of cells in pieces of interferograms.

    Parameters
    ----------
    device : Device
        Where; not active yet.
    ph_grid, cells, slc_osf
        As those of ``stage3_clap_cells``; the grid is not smaller than a window, nor empty.
    clap : Filter
        How a window is filtered.
    take : callable
        ``take(group, found)`` gets interferograms and their filtered phase, (n_cells, n)
        complex128, in the lane that computes it; returns what is fetched of it.
    """
    n_i, n_j, m = ph_grid.shape
    corner = corners(cells, (n_i, n_j), clap.n)
    plane_bytes = len(cells) * SAMPLE + n_i * n_j * SAMPLE
    step = piece_rows(device, plane_bytes, cells.nbytes + corner.nbytes, unit=1)
    with device.active():
        places = device.upload(cells), device.upload(corner), len(cells)
        device.wait()

    def begin(group: slice) -> Landings:
        planes = _planes(device, ph_grid, group)
        count = planes.shape[0]
        reach = max(slc_osf, 1) if group.start == 0 else 1
        found = device.empty((len(cells), count), np.complex128)
        before = (planes, count, n_i, n_j, *places, reach)
        launch(device, "filter_cells", len(cells) * count, clap, before, (), found)
        return take(group, found)

    in_turn(device, cut(m, step), begin)


def _planes(device: Device, ph_grid: Array, group: slice) -> OnDevice:
    """Upload interferograms as planes, contiguous and without NaN."""
    n_i, n_j, _ = ph_grid.shape
    given = device.upload(np.ascontiguousarray(ph_grid[:, :, group]))
    count = given.shape[2]
    planes = device.empty((count, n_i, n_j), np.complex64)
    arguments = (given, n_i * n_j, count, 0, count, planes)
    start(device, "windows", "planes", planes.size, *arguments)
    return planes


clap_cells_single = clap_cells
