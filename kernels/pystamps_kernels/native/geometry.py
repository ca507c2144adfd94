"""Geometry of the candidates, threaded over them."""

import math
from typing import Any

import numpy as np
from numba import prange

from .compile import kernel


@kernel
def look_angles(
    range_sample: Any, near_range: Any, range_spacing: Any, sar_to_center: Any, earth_radius: Any
) -> Any:
    """Native twin; threads over candidates."""
    n = range_sample.shape[0]
    look, incidence = np.empty(n), np.empty(n)
    satellite, ground = sar_to_center * sar_to_center, earth_radius * earth_radius
    for p in prange(n):
        slant = near_range + range_sample[p] * range_spacing
        range2 = slant * slant
        cos_look = (satellite + range2 - ground) / (2 * sar_to_center * slant)
        cos_incidence = (satellite - ground - range2) / (2 * earth_radius * slant)
        look[p] = math.acos(cos_look) if abs(cos_look) <= 1 else np.nan
        incidence[p] = math.acos(cos_incidence) if abs(cos_incidence) <= 1 else np.nan
    return look, incidence


@kernel
def perpendicular_baselines(
    line_offset: Any, look: Any, baseline: Any, baseline_rate: Any, prf: Any
) -> Any:
    """Native twin; threads over candidates."""
    n, m = line_offset.shape[0], baseline.shape[0]
    bperp = np.empty((n, m))
    for p in prange(n):
        cosine, sine = math.cos(look[p]), math.sin(look[p])
        for k in range(m):
            cross = baseline[k, 0] + baseline_rate[k, 0] * line_offset[p] / prf
            normal = baseline[k, 1] + baseline_rate[k, 1] * line_offset[p] / prf
            bperp[p, k] = cross * cosine - normal * sine
    return bperp


@kernel
def bilinear(grid: Any, row: Any, column: Any) -> Any:
    """Native twin; threads over candidates."""
    n = row.shape[0]
    values = np.empty(n)
    for p in prange(n):
        i = min(max(math.floor(row[p]), 0), grid.shape[0] - 2)
        j = min(max(math.floor(column[p]), 0), grid.shape[1] - 2)
        u, v = row[p] - i, column[p] - j
        upper = grid[i, j] * (1 - v) + grid[i, j + 1] * v
        lower = grid[i + 1, j] * (1 - v) + grid[i + 1, j + 1] * v
        values[p] = upper * (1 - u) + lower * u
    return values
