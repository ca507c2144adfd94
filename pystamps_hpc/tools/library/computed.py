"""Variables of an opened dataset that follow from several artifacts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ...dataset.mat import MatFile
from ...dataset.rows import AnyArray, ComputedRows, Rows, block
from ...stages.shared.ifgs import date_of
from ...stages.shared.reference_area import ReferenceArea
from ...stages.shared.value_types import value_type
from ..products.artifacts import MergedArtifacts
from ..products.files import read_artifact
from ..products.points import Points, read_points
from ..products.result import (
    USUAL_TYPE,
    fitted_anew,
    kind_of_points,
    mean_of_all,
    reference_text,
    stored_type,
)
from ..products.selected import rows_kept, rows_selected
from ..products.series import series_type
from .points import Opened

TOWARDS = "positive: towards the satellite"


@dataclass(frozen=True)
class Computed:
    """A variable that is computed when it is read.

    Parameters
    ----------
    name : str
        In the opened dataset.
    dims : tuple of str
        Dimensions.
    rows : Rows, (n_ps, k)
        Values; one column if there is one dimension.
    attributes : dict
        What they mean.
    """

    name: str
    dims: tuple[str, ...]
    rows: Rows
    attributes: dict[str, Any]


def results_of(points: Opened) -> Iterator[Computed]:
    """Yield velocity and displacement of a dataset that is through stage 7."""
    from .lazy import deferred

    found = MergedArtifacts(points.folder)
    if not (points.merged and found.has("scla2")):
        return
    said = stored_type(found.root)
    kind = value_type(said or USUAL_TYPE, found.small_baselines)
    moved = value_type(series_type(kind.name), found.small_baselines)
    shared = {"sign": TOWARDS, "reference": _reference(found, points)}
    if said is None and found.has("mean_v"):
        shared["comment"] = fitted_anew(kind.name)
    table = cache(lambda: read_points(points.folder, columns=()))
    yield Computed(
        "velocity",
        ("ps",),
        deferred((points.n_ps, 1), np.float64, lambda: _velocity(table())),
        {"long_name": "mean line-of-sight velocity", "units": "mm/yr", **shared,
         "value_type": kind.name, "stamps": "mean_v.m" if said else "phuw2.ph_uw"},
    )  # fmt: skip
    days = [date_of(day) for day in points.ifgs.day]
    yield Computed(
        "displacement",
        ("ps", "date"),
        deferred((points.n_ps, len(days)), np.float32, lambda: _displacement(table(), days)),
        {"long_name": "line-of-sight displacement since the master", "units": "mm", **shared,
         "value_type": moved.name, "stamps": "phuw2.ph_uw"},
    )  # fmt: skip


def _reference(found: MergedArtifacts, points: Opened) -> str:
    """Say what the velocities are relative to; positions are read only of an area that is a part.

    Velocities that are fitted anew are relative to the area of the parameters.
    """
    if stored_type(found.root):
        with MatFile(found.root / "mean_v.mat") as file:
            area = file.variables.get("ref_ps")
        if area is not None and max(area.shape) == points.n_ps:
            return mean_of_all(points.n_ps, kind_of_points(found))
        if area is not None:
            chosen = read_artifact(found.root, "mean_v", "ref_ps")["ref_ps"]
            return reference_text(found.points["lonlat"], chosen, kind_of_points(found))
    return points.known.to_params(ReferenceArea).text


def _velocity(table: Points) -> AnyArray:
    velocity: AnyArray = table.velocities.velocity[:, None].astype(np.float64)
    return velocity


def _displacement(table: Points, days: list[str]) -> Rows:
    """Return the displacement at every date [mm]; NaN of images that are left out."""
    shown = [str(day) for day in table.dates]
    place = np.array([shown.index(day) if day in shown else -1 for day in days])

    def at_dates(rows: Any, columns: Any) -> AnyArray:
        wanted = place[columns]
        values = block(table.displacement, rows, np.maximum(wanted, 0))
        return np.where(wanted < 0, np.float32(np.nan), values)

    return ComputedRows((len(table), len(days)), np.dtype(np.float32), at_dates)


def masks_of(points: Opened) -> Iterator[Computed]:
    """Yield which candidates of a patch stages 3 and 4 have kept."""
    if not (points.folder / "select1.mat").exists():
        return
    chosen = rows_selected(points.folder)
    yield _mask(points, "selected", chosen, "stable phase: kept by stage 3", "select1.keep_ix")
    if (points.folder / "weed1.mat").exists():
        kept = rows_kept(points.folder)
        yield _mask(points, "kept", kept, "PS: kept by stages 3 and 4", "weed1.ix_weed")


def _mask(points: Opened, name: str, chosen: AnyArray, meaning: str, source: str) -> Computed:
    mask = np.zeros((points.n_ps, 1), np.bool_)
    mask[chosen] = True
    return Computed(name, ("ps",), mask, {"long_name": meaning, "stamps": source})
