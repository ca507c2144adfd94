"""How points move: their displacements, the line through them, one against another."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...errors import ConfigError
from ...stages.shared.velocity import DAYS_PER_YEAR
from ..plots.series import far_from
from ..products.chosen import mean_displacement
from ..products.deviation import deviation_of_residuals, rmse_of_line
from ..products.motion import design_of
from ..products.points import Points
from .results import Area, Results, finite

MOST_PLACES = 8
"""Places that are compared at most."""

MOST_POINTS = 20_000
"""Points of a place at most, of which a series is the mean."""

STEPS = 120
"""Dates at which the model of acceleration and yearly wave is drawn."""


@dataclass(frozen=True)
class Motion:
    """A series and what fits it.

    Attributes
    ----------
    displacement : (n_date,) float64
        [mm]
    spread : (n_date,) float64 or None
        Standard deviation over the points of a place [mm]; None of one point.
    """

    displacement: FloatArray
    spread: FloatArray | None


def motions(
    results: Results, ps: list[int], radius: float | None, minus: int | None, area: Area | None
) -> dict[str, Any]:
    """Return the series of places.

    Parameters
    ----------
    results : Results
        The dataset.
    ps : list of int
        Numbers of PS, rows of ``ps2`` from 1.
    radius : float, optional
        A place is the mean of the PS within it [m]; by default the PS alone.
    minus : int, optional
        PS whose series is taken off all others (double difference).
    area : Area, optional
        Reference area; by default that of the dataset.

    Raises
    ------
    NotYet
        The displacements are being prepared.
    ConfigError, DatasetError, MatError, StageError
        There is no such PS, no area; an artifact is missing or damaged.
    """
    if not 1 <= len(ps) <= MOST_PLACES:
        raise ConfigError(f"ps: {len(ps)} places, 1 to {MOST_PLACES} are compared")
    if radius is not None and not 0 < radius < np.inf:
        raise ConfigError(f"radius {radius:g}: must be a positive number of metres")
    points, places = results.table(), results.places()
    offset: FloatArray | float = 0.0
    reference = points.velocities.reference_text
    if area is not None:
        rows = _rows_of_area(results, area)
        offset, reference = mean_displacement(points, rows), area.text(len(rows))
    if minus is not None:
        offset = _motion(points, _rows(results, minus, radius)).displacement
        reference = f"PS {minus}" if radius is None else f"PS within {radius:g} m of PS {minus}"
    found = []
    for number in ps:
        rows = _rows(results, number, radius)
        motion = _motion(points, rows)
        moved = motion.displacement - offset
        longitude, latitude = places.lonlat(int(places.sorted_from(rows[:1])[0]))
        found.append({
            "ps": number, "longitude": longitude, "latitude": latitude, "points": len(rows),
            "height": finite(points.known["height"][rows].mean()),
            "coherence": finite(points.known["coherence"][rows].mean()),
            "displacement": _numbers(moved),
            "spread": None if motion.spread is None else _numbers(motion.spread),
            **_fitted(points, moved),
        })  # fmt: skip
    return {**_meaning(points, reference), "minus": minus, "radius": radius, "series": found}


def _meaning(points: Points, reference: str) -> dict[str, Any]:
    return {
        "value_type": points.kind.name,
        "meaning": f"displacement along the line of sight ({points.kind.name}), "
        + points.velocities.correction_text,
        "unit": "mm",
        "velocity_unit": "mm/yr",
        "sign": "positive: towards the satellite",
        "reference": reference,
        "master": str(points.velocities.master),
        "dates": [str(day) for day in points.dates],
    }


def _rows(results: Results, ps: int, radius: float | None) -> IntArray:
    """Return the rows of a place, that of the PS first."""
    row = results.row_of(ps)
    if radius is None:
        return np.array([row])
    places = results.places()
    here = int(places.sorted_from(np.array([row]))[0])
    around = places.around(float(places.longitude[here]), float(places.latitude[here]), radius)
    if len(around) > MOST_POINTS:
        raise ConfigError(
            f"radius {radius:g}: {len(around):,} PS are within it, at most {MOST_POINTS:,} are "
            "read; choose a smaller one"
        )
    rows = places.order[around].astype(np.int64)
    return np.concatenate(([row], rows[rows != row]))


def _rows_of_area(results: Results, area: Area) -> IntArray:
    """Return the rows of an area, ascending; of many every k-th, which tells their mean as well."""
    places = results.places()
    rows = np.sort(places.order[area.sorted_points(places)].astype(np.int64))
    return rows[:: -(-len(rows) // MOST_POINTS)]


def _motion(points: Points, rows: IntArray) -> Motion:
    if len(rows) == 1:
        return Motion(points.displacement[rows][0].astype(np.float64), None)
    moved = points.displacement[np.sort(rows)].astype(np.float64)
    return Motion(np.nanmean(moved, axis=0), np.nanstd(moved, axis=0, ddof=1))


def _fitted(points: Points, displacement: FloatArray) -> dict[str, Any]:
    """Return the weighted line of a series as the table of points has it, and the wave model."""
    master = points.dates.index(points.velocities.master)
    moved = np.delete(displacement, master)[None]
    offset, rate = (moved @ points.line.gain.T)[0]
    elapsed = np.insert(points.line.design[:, 1], master, 0.0)
    line = offset + rate * elapsed
    deviation = float(deviation_of_residuals(moved, points.line)[0])
    middle = points.line.design[:, 1].mean()
    far = far_from(np.delete(displacement - line, master))
    return {
        "velocity": finite(rate * DAYS_PER_YEAR),
        "velocity_deviation": finite(deviation),
        "rmse": finite(rmse_of_line(moved, points.line)[0]),
        "line": _numbers(line),
        "band": _numbers(deviation * np.abs(elapsed - middle) / DAYS_PER_YEAR),
        "outliers": np.insert(far, master, False).tolist(),
        "wave": _wave(points, moved),
    }


def _wave(points: Points, moved: FloatArray) -> dict[str, Any] | None:
    """Return the model of acceleration and yearly wave at even steps; None if not determined."""
    if points.motion is None or not np.isfinite(moved).all():
        return None
    first, last = ((day - points.velocities.master).days for day in (points.dates[0],
                                                                     points.dates[-1]))  # fmt: skip
    days = np.linspace(first, last, STEPS)
    values = design_of(days / DAYS_PER_YEAR) @ (points.motion.gain @ moved[0])
    return {"days": _numbers(days), "displacement": _numbers(values)}


def _numbers(values: FloatArray) -> list[float | None]:
    return [finite(value) for value in values]
