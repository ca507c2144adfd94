"""Filters of a gridded interferogram in overlapping windows; ``sources/windows.cu``."""

import numpy as np

from ..reference.goldstein import low_pass_response, origins, padded_width
from .device import Array, current, fetched
from .pieces import require_room
from .samples import start
from .windows import GOLDSTEIN, LOW_PASS, PLANE, SAMPLE, Filter, axis, filtered


def goldstein(raster: Array, window: int, alpha: float) -> Array:
    """CUDA twin of :func:`reference.goldstein.goldstein`."""
    n = padded_width(window)
    return _filtered(raster, window, Filter(n, GOLDSTEIN, alpha, 0, np.zeros((n, n))))


def low_pass(raster: Array, window: int) -> Array:
    """CUDA twin of :func:`reference.goldstein.low_pass`."""
    n = padded_width(window)
    return _filtered(raster, window, Filter(n, LOW_PASS, 1, 0, low_pass_response(n)))


def _filtered(raster: Array, window: int, filter: Filter) -> Array:
    device, (n_row, n_col) = current(), raster.shape
    row_start, row_taper = origins(n_row, window)
    col_start, col_taper = origins(n_col, window)
    windows = row_start.size * col_start.size * window**2
    require_room(windows * SAMPLE + (PLANE + raster.itemsize) * raster.size)
    with device.active():
        # a taper of zero is no weight at all
        rows = axis(device, n_row, row_start, np.where(row_taper > 0, row_taper, -1))
        columns = axis(device, n_col, col_start, np.where(col_taper > 0, col_taper, -1))
        cells, given = n_row * n_col, device.upload(raster)
        plane = device.empty((1, n_row, n_col), np.complex64)
        start(device, "windows", "planes", cells, given, cells, 1, 0, 1, plane)
        total = filtered(device, plane, window, filter, rows, columns, 0.0)
        result = device.empty(raster.shape, np.complex64)
        start(device, "windows", "with_phase", cells, given, total, cells, result)
        return fetched(device, result)
