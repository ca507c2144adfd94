"""The ground under the points of a map, shaded, from the heights that the points have."""

import math
from typing import Any

import numpy as np

from ...dataset.rows import FloatArray
from .frame import Frame
from .points import area_of_point

SUN_AZIMUTH, SUN_HEIGHT = 315.0, 45.0
MOST_CELLS = 300
"""Cells of the longer side at most."""

PER_CELL = 0.3
"""Points that a cell has on average."""

SMOOTH = 4.0
"""Deviation of the smoothing of heights [cells]."""

REACH, LEAST_REACH, FADING = 10.0, 3.0, 0.5
"""Cells from a point beyond which the ground is not drawn; fewer where points are so dense that
there are no smaller cells. Over the last part of the reach it fades."""

STEEP = 0.5
"""Slope to which the steep places of a scene are exaggerated: plains show their forms too."""

MOST_EXAGGERATED = 50.0

DARKEST, BRIGHTEST = 0.45, 0.97


def ground(lonlat: FloatArray, height: FloatArray, frame: Frame) -> FloatArray:
    """Return how bright the ground is, lit from the north-west.

    Parameters
    ----------
    lonlat : (n, 2) float64
        Points [deg].
    height : (n,) float
        Height of each [m]; NaN where it is not known.
    frame : Frame
        The map.

    Returns
    -------
    (n_rows, n_columns) float64
        Brightness from 0 to 1, from the north-west; white, then NaN far from all points.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    known = np.isfinite(height) & np.isfinite(lonlat).all(axis=1)
    between = math.sqrt(PER_CELL * area_of_point(lonlat[known], frame))
    side = max(between, max(frame.width, frame.height) / MOST_CELLS)
    shape = frame.shape(side)
    cell = frame.cells(lonlat[known], shape)
    n_cells = shape[0] * shape[1]
    count = np.bincount(cell, minlength=n_cells).reshape(shape).astype(np.float64)
    total = np.bincount(cell, height[known], n_cells).reshape(shape)
    # normalised: what lies between points takes the mean of those around it
    weight = gaussian_filter(count, SMOOTH)
    relief = gaussian_filter(total, SMOOTH) / np.where(weight > 0, weight, np.nan)
    away = distance_transform_edt(count == 0)
    reach = max(REACH * between / side, LEAST_REACH)
    relief[away > reach + 2] = np.nan  # a slope needs neighbours; the last ones are white
    cover = np.clip((reach - away) / (FADING * reach), 0, 1)
    north = (frame.north - frame.south) / shape[0] * 111_320
    east = (frame.east - frame.west) / shape[1] / frame.kilometre * 1000
    return 1 - cover * (1 - shaded(relief, north, east))


def shaded(relief: FloatArray, north: float, east: float) -> FloatArray:
    """Return the brightness of a relief, (n_rows, n_columns) [m], in cells of a size [m]."""
    if min(relief.shape) < 2:
        return np.full(relief.shape, np.nan)
    down, right = np.gradient(relief, north, east)
    slope = np.hypot(down, right)
    known = slope[np.isfinite(slope)]
    if not known.size:
        return np.full(relief.shape, np.nan)
    steep = float(np.quantile(known, 0.95))
    factor = min(STEEP / max(steep, 1e-9), MOST_EXAGGERATED)
    azimuth, sun = math.radians(SUN_AZIMUTH), math.radians(SUN_HEIGHT)
    # the normal of the ground is (-dz/dx, -dz/dy, 1); rows go south
    lit = math.sin(sun) + factor * math.cos(sun) * (
        -right * math.sin(azimuth) + down * math.cos(azimuth)
    )
    light = np.clip(lit / np.sqrt(1 + (factor * slope) ** 2), 0, 1)
    return np.asarray(DARKEST + (BRIGHTEST - DARKEST) * light)


def draw_ground(axes: Any, brightness: FloatArray, frame: Frame) -> None:
    """Draw the ground in grey, below everything else."""
    axes.imshow(np.ma.masked_invalid(brightness), cmap="gray", vmin=0, vmax=1,
                extent=frame.extent, aspect="auto", interpolation="bilinear", zorder=0)  # fmt: skip
