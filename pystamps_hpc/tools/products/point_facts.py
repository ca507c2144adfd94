"""What a table of points means: units, signs, reference, corrections, how it was made."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from ...dataset.parameter_snapshot import Foreign
from ...pipeline.state import plain
from ...stages.shared.projection import within_half_turn
from ...stages.shared.value_types import value_type
from .origin import made_elsewhere
from .points import Column, Points

CRS = "EPSG:4326"
"""Reference system of the positions: WGS 84."""


def facts_of(points: Points, columns: Iterable[Column]) -> dict[str, Any]:
    """Return what holds for the whole table, as a document for JSON.

    Parameters
    ----------
    points : Points
        The table.
    columns : iterable of Column
        Its columns, under the names that a file gives them.
    """
    found, velocities = points.found, points.velocities
    used = velocities.fitted
    of_pairs = value_type(velocities.value_type, found.small_baselines).of_pairs
    master = "m" in points.series.taken_off
    also = "; displacements also without the master's atmosphere and noise" if master else ""
    return {
        "schema": "pystamps-hpc/velocity-table/1",
        "title": f"Line-of-sight velocity and displacement of {velocities.kind}",
        "points": len(points),
        "columns": [
            {"name": column.name, "unit": column.unit, "meaning": column.meaning}
            for column in columns
        ],
        "sign": "positive: towards the satellite; negative: away from it",
        "reference": f"relative to {velocities.reference_text} and to the master date "
        f"{velocities.master}",
        **_reference(points),
        "master": str(velocities.master),
        "value_type": velocities.value_type,
        "displacement_type": points.kind.name,
        "corrections": velocities.correction_text + also,
        "wavelength_m": velocities.wavelength,
        "heading_deg": velocities.heading,
        "look_side": "right",
        "crs": CRS,
        "images": len(points.dates),
        "interferograms": len(used),
        "interferogram_numbers": (used + 1).tolist(),
        "interferograms_are": "pairs of images" if of_pairs else "images against the master",
        "made_elsewhere": made_elsewhere(found.root),
        "not_known": points.warnings,
        "made_by": f"pystamps-hpc {version('pystamps-hpc')}",
        "parameters": {
            name: plain(value)
            for name in found.parameters.names
            if not isinstance(value := found.parameters.value(name), Foreign)
        },
    }


def _reference(points: Points) -> dict[str, Any]:
    """Return how many points the reference area has, and its centre [deg]."""
    reference, centre = points.velocities.reference, points.velocities.reference_centre
    if reference is None:
        return {"reference_points": 0, "reference_longitude": None, "reference_latitude": None}
    return {
        "reference_points": len(reference),
        "reference_longitude": round(float(within_half_turn(centre[0])), 7),
        "reference_latitude": round(float(centre[1]), 7),
    }
