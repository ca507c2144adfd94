"""The reference area: which PS define zero phase (StaMPS ``ps_setref``)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from .projection import local_coordinates

TURNS = (0, 360, -360)  # [deg]: the same longitude may be written in two ways
NEAR = 1.1  # of the radius: local frames of other origins differ by less


@dataclass(frozen=True)
class ReferenceArea:
    """StaMPS parameters of the reference area; base of the parameters of a stage."""

    ref_lon: tuple[float, ...]
    ref_lat: tuple[float, ...]
    ref_centre_lonlat: tuple[float, ...]
    ref_radius: float
    ref_x: tuple[float, ...] | None
    ref_y: tuple[float, ...] | None

    @property
    def text(self) -> str:
        """Say what the area is."""
        if self.ref_x is not None and self.ref_y is not None:
            return f"local x {_between(self.ref_x)} m, y {_between(self.ref_y)} m"
        if self.ref_radius == -np.inf:
            return "none"
        parts = [
            f"{name} {_between(interval)} degrees"
            for name, interval in (("longitude", self.ref_lon), ("latitude", self.ref_lat))
            if np.isfinite(interval).any()
        ]
        if self.ref_radius < np.inf:
            centre = ", ".join(f"{degrees:g}" for degrees in self.ref_centre_lonlat)
            parts.append(f"within {self.ref_radius:g} m of longitude, latitude {centre}")
        return "; ".join(parts) or "all points"


def _between(interval: tuple[float, ...]) -> str:
    return " to ".join(f"{bound:g}" for bound in interval)


def reference_ps(
    area: ReferenceArea, lonlat: FloatArray, xy: FloatArray, origin: FloatArray | None
) -> IntArray | None:
    """Find the PS of the reference area.

    Parameters
    ----------
    area : ReferenceArea
        Parameters.
    lonlat : (n_ps, 2) float64
        Longitude, latitude [deg].
    xy : (n_ps, 2) float32
        Local coordinates [m].
    origin : (2,) float64 or None
        Origin of the local frame [deg]; needed for a circle only.

    Returns
    -------
    (n_ref,) int64 or None
        Rows, ascending; None where no referencing is wanted (``ref_radius`` = -Inf).

    Raises
    ------
    StageError
        No PS lies in the area.

    Notes
    -----
    docs/science/scla.md, Reference area. Intervals are open. The reference takes the mean of an
    empty area, which is NaN, and aborts at -Inf; here the first is an error, the second is allowed.
    """
    if area.ref_x is not None and area.ref_y is not None:
        inside = _within(xy[:, 0], area.ref_x) & _within(xy[:, 1], area.ref_y)
    elif area.ref_radius == -np.inf:
        return None
    else:
        for turn in TURNS:
            inside = _within_bounds(area, lonlat, origin, turn)
            if inside.any():
                break
    if not inside.any():
        raise StageError(_empty(area, lonlat))
    return np.flatnonzero(inside).astype(np.int64)


class Located(Protocol):
    """What has points at known places; see :func:`reference_ps`."""

    @property
    def lonlat(self) -> FloatArray:
        """Longitude, latitude, (n_ps, 2) float64 [deg]."""
        ...

    @property
    def xy(self) -> FloatArray:
        """Local coordinates, (n_ps, 2) float32 [m]."""
        ...

    @property
    def origin(self) -> FloatArray | None:
        """Origin of the local frame, (2,) float64 [deg]."""
        ...


def referencing_ps(area: ReferenceArea, points: Located, ctx: Context) -> IntArray | None:
    """Return the PS of the reference area; None, with a warning, where there is to be none."""
    chosen = reference_ps(area, points.lonlat, points.xy, points.origin)
    if chosen is None:
        ctx.warn("ref_radius is -Inf: the phase is not referenced to any area")
    return chosen


def require_reachable(area: ReferenceArea, extent: tuple[float, float, float, float]) -> None:
    """Refuse an area that lies outside of all points, before they are known one by one.

    Parameters
    ----------
    area : ReferenceArea
        Parameters.
    extent : tuple of float
        West, south, east, north of all points [deg].

    Raises
    ------
    StageError
        Names area and extent.
    """
    local = area.ref_x is not None and area.ref_y is not None
    if local or area.ref_radius == -np.inf:
        return
    corners = np.array(extent, np.float64).reshape(2, 2)
    if not any(_may_meet(area, corners + np.array([turn, 0])) for turn in TURNS):
        raise StageError(_empty(area, corners))


def _may_meet(area: ReferenceArea, corners: FloatArray) -> bool:
    """Whether an area meets the rectangle from the south-western to the north-eastern corner."""
    for k, interval in enumerate((area.ref_lon, area.ref_lat)):
        if interval[0] >= corners[1, k] or interval[1] <= corners[0, k]:
            return False
    if not area.ref_radius < np.inf:
        return True
    centre = np.array([area.ref_centre_lonlat], np.float64)
    nearest = np.clip(centre, corners[0], corners[1])
    away = local_coordinates(nearest, centre[0])
    return bool(np.hypot(*away[0]) <= NEAR * area.ref_radius)


def _within(values: FloatArray, interval: tuple[float, ...]) -> AnyArray:
    inside: AnyArray = (values > interval[0]) & (values < interval[1])
    return inside


def _within_bounds(
    area: ReferenceArea, lonlat: FloatArray, origin: FloatArray | None, turn: float
) -> AnyArray:
    longitude, latitude = lonlat[:, 0] + turn, lonlat[:, 1]
    inside = _within(longitude, area.ref_lon) & _within(latitude, area.ref_lat)
    if not area.ref_radius < np.inf:
        return inside
    if origin is None:
        raise StageError("ps2.ll0 is missing: a reference circle needs it; rerun stage 5")
    centre = np.array([area.ref_centre_lonlat], np.float64) - np.array([turn, 0])
    ll0 = origin.astype(np.float64)
    ll0[0] += 360 * np.round((np.median(lonlat[:, 0]) - ll0[0]) / 360)
    away = local_coordinates(lonlat.astype(np.float64), ll0) - local_coordinates(centre, ll0)
    near: AnyArray = (away**2).sum(axis=1) <= area.ref_radius**2
    return inside & near


def _empty(area: ReferenceArea, lonlat: FloatArray) -> str:
    west, south = lonlat.min(axis=0)
    east, north = lonlat.max(axis=0)
    return (
        f"0 PS in reference area: ref_lon {area.ref_lon}, ref_lat {area.ref_lat}, "
        f"ref_centre_lonlat {area.ref_centre_lonlat}, ref_radius {area.ref_radius}, "
        f"ref_x {area.ref_x}, ref_y {area.ref_y}; the data cover longitude {west:.6f} to "
        f"{east:.6f}, latitude {south:.6f} to {north:.6f}; change the ref_* parameters"
    )


def mean_over_ps(stack: Rows, ctx: Context, chosen: IntArray | None = None) -> FloatArray:
    """Take the mean over PS of every column, without NaN.

    Parameters
    ----------
    stack : Rows, (n_ps, n_col) float32 or float64
        Columns.
    ctx : Context
        In single arithmetic whole columns of singles are summed in single, all others in double.
    chosen : (n_ref,) int64, optional
        PS that count; all by default.

    Returns
    -------
    (n_col,) array
        Means, in the class of the columns; NaN where a column has no valid row.

    Notes
    -----
    docs/science/scla.md, Means.
    """
    n_ps, n_columns = stack.shape
    if ctx.single and stack.dtype == np.float32:

        def mean(k: int) -> float:
            column = stack[:, k]
            values = column if chosen is None or len(chosen) == n_ps else column[chosen]
            return float(ctx.kernels.stage7_sequential_mean(np.ascontiguousarray(values)))

        return np.array(ctx.map_tasks(mean, range(n_columns)), np.float32)

    counted = np.ones(n_ps, np.bool_)
    if chosen is not None:
        counted[:] = False
        counted[chosen] = True

    def sums(rows: slice) -> AnyArray:
        values = stack[rows][counted[rows]].astype(np.float64)
        valid = ~np.isnan(values)
        return np.stack((np.where(valid, values, 0).sum(axis=0), valid.sum(axis=0)))

    total, count = ctx.sum_rows(sums, n_ps)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: FloatArray = (total / count).astype(stack.dtype)
    return means


def reference_phase(
    phase: Rows,
    chosen: IntArray | None,
    needed: IntArray,
    name_of: Callable[[int], str],
    source: str,
    ctx: Context,
) -> FloatArray:
    """Return the phase of the reference area (docs/science/scla.md, Reference area).

    Parameters
    ----------
    phase : Rows, (n_ps, n_col) float32
        Phase [rad].
    chosen : (n_ref,) int64 or None
        PS of the area.
    needed : (k,) int64
        Columns that have to have a phase there.
    name_of : callable
        Name of a column, for the message.
    source : str
        Artifact and key of the phase, for the message.
    ctx : Context
        Work over PS.

    Returns
    -------
    (n_col,) float32
        Phase [rad]; zero without an area.

    Raises
    ------
    StageError
        A needed column has no phase there.
    """
    if chosen is None:
        return np.zeros(phase.shape[1], np.float32)
    reference = mean_over_ps(phase, ctx, chosen)
    for column in needed[np.isnan(reference[needed])]:
        raise StageError(
            f"{source}: {name_of(column)} has no phase in the reference area; list it in "
            "drop_ifg_index or change the ref_* parameters"
        )
    return reference
