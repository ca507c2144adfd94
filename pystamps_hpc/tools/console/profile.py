"""Values along a line on the map."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import FloatArray
from ...errors import ConfigError, DatasetError
from ...stages.shared.projection import local_coordinates
from .layers import Layer
from .places import Box, require_place
from .results import Area, Results
from .seen import Filters, Seen, seen_of

BINS = 60
"""Parts of a line over which means are taken."""

MOST_DOTS = 3000
"""Points that an answer lists; of more every k-th."""


def profile_of(
    results: Results,
    layer: Layer,
    ends: tuple[float, float, float, float],
    width: float,
    filters: Filters,
    area: Area | None,
) -> dict[str, Any]:
    """Return the values of the points beside a line.

    Parameters
    ----------
    results : Results
        The dataset.
    layer : Layer
        Values.
    ends : (float, float, float, float)
        Longitude, latitude of the beginning and of the end [deg].
    width : float
        Of the stripe, half of it on either side [m].
    filters, area
        As of ``seen_of``.

    Raises
    ------
    NotYet
        A layer of the filters is being computed.
    ConfigError, DatasetError
        The line has no length, the width none; no point is beside it.
    """
    places = results.places()
    line = np.array(ends, np.float64).reshape(2, 2)
    for longitude, latitude in line:
        require_place(longitude, latitude)
    if not 0 < width < np.inf:
        raise ConfigError(f"width {width:g}: a profile has a width in m above 0")
    line[:, 0] = [places.turned(longitude) for longitude in line[:, 0]]
    (west, south), (east, north) = line.min(axis=0), line.max(axis=0)
    low, high = Box.around(west, south, width), Box.around(east, north, width)
    seen = seen_of(results, layer, Box(low.west, low.south, high.east, high.north), filters, area)
    along, across, length = _beside(line, seen)
    beside = (along >= 0) & (along <= length) & (np.abs(across) <= width / 2)
    beside &= np.isfinite(seen.values)
    if not beside.any():
        raise DatasetError(f"no point is within {width / 2:g} m of the line; choose a wider stripe")
    chosen = np.arange(len(places))[seen.chosen][beside]
    distance, values = along[beside], seen.values[beside].astype(np.float64)
    shown = np.argsort(distance)[:: -(-len(distance) // MOST_DOTS)]
    return {
        "meaning": layer.meaning, "unit": layer.unit, "sign": layer.sign.strip("()"),
        "reference": seen.reference, "dates": layer.dates,
        "length_m": round(length, 1), "width_m": width, "points": len(distance),
        "ps": (places.order[chosen][shown] + 1).tolist(),
        "distance_m": np.round(distance[shown], 1).tolist(),
        "values": np.round(values[shown], 4).tolist(),
        "means": means_along(distance, values, length, cyclic=layer.scale.name == "cycle"),
    }  # fmt: skip


def _beside(line: NDArray[np.float64], seen: Seen) -> tuple[FloatArray, FloatArray, float]:
    """Return how far points are along a line and beside it, and how long it is [m]."""
    origin = line.mean(axis=0)
    begin, end = local_coordinates(line, origin)
    length = float(np.hypot(*(end - begin)))
    if length < 1:
        raise ConfigError("the ends of the profile are the same place")
    if not len(seen.longitude):
        return np.empty(0), np.empty(0), length
    away = local_coordinates(np.column_stack((seen.longitude, seen.latitude)), origin) - begin
    forward = (end - begin) / length
    return away @ forward, away @ np.array([-forward[1], forward[0]]), length


def means_along(
    distance: FloatArray, values: FloatArray, length: float, cyclic: bool
) -> list[dict[str, float]]:
    """Return mean, deviation and number of values in equal parts of a line; empty ones not."""
    part = np.minimum((distance * (BINS / length)).astype(np.int64), BINS - 1)
    found = []
    for k in np.unique(part).tolist():
        here = values[part == k]
        mean = float(np.angle(np.exp(1j * here).sum())) if cyclic else float(here.mean())
        found.append({
            "distance_m": round((k + 0.5) * length / BINS, 1), "mean": round(mean, 4),
            "deviation": round(float(here.std()), 4), "points": len(here),
        })  # fmt: skip
    return found
