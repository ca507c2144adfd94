"""CLAP filter, combined low-pass and adaptive; ``sources/windows.cu``."""

from collections.abc import Iterator

import numpy as np

from ..clap_windows import check_grid, corners, taper_ramp, window_starts
from .device import Array, Device, OnDevice, current, fetched
from .samples import start
from .windows import CLAP, SAMPLE, Filter, axis, filtered, launch, planes_at_once

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
    result = np.empty((n_i, n_j, m), np.complex64)
    with device.active():
        rows = axis(device, n_i, row_start, taper_ramp(n_win, row_shift))
        columns = axis(device, n_j, column_start, taper_ramp(n_win, column_shift))
        for group, planes in _planes(device, ph_grid, window_bytes + 2 * n_i * n_j * SAMPLE):
            total = filtered(device, planes, n_win, clap, rows, columns, LEAST_WEIGHT)
            rounded = device.empty(total.shape, np.complex64)
            start(device, "windows", "rounded", total.size, total, total.size, rounded)
            result[:, :, group] = fetched(device, rounded)
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
    with device.active():
        for group, found in windows_of_cells(device, ph_grid, cells, clap, int(slc_osf)):
            result[:, group] = fetched(device, found)
    return result


def windows_of_cells(
    device: Device, ph_grid: Array, cells: Array, clap: Filter, slc_osf: int
) -> Iterator[tuple[slice, OnDevice]]:
    """Yield groups of interferograms and their filtered phase in cells, (n_cells, n) complex128.

    Parameters
    ----------
    device : Device
        That is active.
    ph_grid, cells, slc_osf
        As those of ``stage3_clap_cells``; the grid is not smaller than a window, nor empty.
    clap : Filter
        How a window is filtered.
    """
    n_i, n_j, _ = ph_grid.shape
    corner = corners(cells, (n_i, n_j), clap.n)
    places = device.upload(cells), device.upload(corner), len(cells)
    for group, planes in _planes(device, ph_grid, len(cells) * SAMPLE + n_i * n_j * SAMPLE):
        count = planes.shape[0]
        reach = max(slc_osf, 1) if group.start == 0 else 1
        found = device.empty((len(cells), count), np.complex128)
        before = (planes, count, n_i, n_j, *places, reach)
        launch(device, "filter_cells", len(cells) * count, clap, before, (), found)
        yield group, found


def _planes(device: Device, ph_grid: Array, plane_bytes: int) -> Iterator[tuple[slice, OnDevice]]:
    """Yield groups of planes, contiguous and without NaN, as many as fit on the device."""
    n_i, n_j, m = ph_grid.shape
    step = planes_at_once(plane_bytes, ph_grid.nbytes)
    grid = device.upload(ph_grid)
    for first in range(0, m, step):
        count = min(step, m - first)
        planes = device.empty((count, n_i, n_j), np.complex64)
        arguments = (grid, n_i * n_j, m, first, count, planes)
        start(device, "windows", "planes", count * n_i * n_j, *arguments)
        yield slice(first, first + count), planes


clap_cells_single = clap_cells
