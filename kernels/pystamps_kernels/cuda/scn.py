"""Filters in time and in space that find spatially correlated noise; ``series.cu``, ``scn.cu``."""

from collections.abc import Sequence

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import by_rows
from .series import by_products

WARP, MOST_THREADS = 32, 256


def temporal_highpass(phase: Array, weights: Array, origin: Array) -> Array:
    """CUDA twin of :func:`reference.scn.temporal_highpass`."""
    return by_products("temporal_highpass", phase, weights, np.float64, origin)


def spatial_lowpass(
    phase: Array,
    xy: Array,
    order: Array,
    cells: Array,
    starts: Array,
    width: int,
    sigma: float,
    first: int,
    stop: int,
) -> Array:
    """CUDA twin of :func:`reference.scn.spatial_lowpass`."""
    m = phase.shape[1]
    left = cells[:, np.newaxis] + width * np.arange(-1, 2) - 1
    spans = starts[np.searchsorted(cells, np.stack((left, left + 3), axis=2))]
    cell_of = np.repeat(np.arange(cells.size), np.diff(starts))
    chosen = (order >= first) & (order < stop)
    target = order[chosen]
    threads = min(-(-max(m, 1) // WARP) * WARP, MOST_THREADS)
    room = threads * (np.dtype(np.float64).itemsize + np.dtype(np.int64).itemsize)

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        *around, points, own_cell = given
        count = points.shape[0]
        out = device.empty((count, m), np.float64)
        device.launch(
            "scn", "spatial_lowpass", count, threads, points, own_cell, count, *around, m,
            float(np.float32((4 * sigma) ** 2)), 2.0 * sigma**2, out, shared=room,
        )  # fmt: skip
        return (out,)

    found = np.empty((target.size, m))
    by_rows(run, (target, cell_of[chosen]), (found,), (spans, phase, xy, order))
    low_pass = np.empty((stop - first, m))
    low_pass[target - first] = found
    return low_pass
