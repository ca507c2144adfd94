"""Geometry of the candidates; ``sources/geometry.cu``."""

from collections.abc import Sequence

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import by_rows
from .samples import start


def look_angles(
    range_sample: Array,
    near_range: float,
    range_spacing: float,
    sar_to_center: float,
    earth_radius: float,
) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.geometry.look_angles`."""
    n = len(range_sample)
    look, incidence = np.empty(n), np.empty(n)
    orbit = [float(each) for each in (near_range, range_spacing, sar_to_center, earth_radius)]

    def run(device: Device, piece: OnDevice) -> Sequence[OnDevice]:
        count = piece.shape[0]
        found = [device.empty((count,), np.float64) for _ in range(2)]
        start(device, "geometry", "look_angles", count, piece, count, *orbit, *found)
        return found

    by_rows(run, (range_sample,), (look, incidence))
    return look, incidence


def perpendicular_baselines(
    line_offset: Array, look: Array, baseline: Array, baseline_rate: Array, prf: float
) -> Array:
    """CUDA twin of :func:`reference.geometry.perpendicular_baselines`."""
    n, m = len(line_offset), len(baseline)
    bperp = np.empty((n, m))

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        count = given[-1].shape[0]
        out = device.empty((count, m), np.float64)
        arguments = (*given, count, m, float(prf), out)
        start(device, "geometry", "perpendicular_baselines", count * m, *arguments)
        return (out,)

    by_rows(run, (line_offset, look), (bperp,), (baseline, baseline_rate))
    return bperp


def bilinear(grid: Array, row: Array, column: Array) -> Array:
    """CUDA twin of :func:`reference.geometry.bilinear`."""
    values = np.empty(len(row))
    n_row, n_col = grid.shape

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        count = given[-1].shape[0]
        out = device.empty((count,), np.float64)
        start(device, "geometry", "bilinear", count, *given, count, n_row, n_col, out)
        return (out,)

    by_rows(run, (row, column), (values,), (grid,))
    return values
