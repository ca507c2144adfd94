"""How points move: displacements of all PS, the series of a point, and of one against another."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...config import RunConfig
from ...dataset.rows import FloatArray, IntArray, Rows
from ...errors import ConfigError, DatasetError
from ...stages.shared.ifgs import date_of
from ...stages.shared.least_squares import pseudo_inverse
from ...stages.shared.projection import local_coordinates
from ...stages.shared.value_types import value_type
from ...stages.shared.velocity import DAYS_PER_YEAR
from .artifacts import MergedArtifacts
from .deviation import LineFit, deviation_of_residuals
from .result import USUAL_TYPE
from .series import displacements, phase_series, series_type
from .values import listed_ifgs

FARTHEST = 1000.0
"""How far the nearest PS may be from a point without a radius [m]."""


@dataclass(frozen=True)
class Series:
    """Displacements of all PS.

    Attributes
    ----------
    value_type : str
        What was taken off the phase, besides that of the master; ``v-do``.
    displacement : Rows, (n_ps, n_fit) float32
        Displacement [mm] towards the satellite, relative to the reference area and the master.
    columns : (n_fit,) int64
        Images, 0-based, without the master.
    day : (n_fit,) float64
        Acquisition of each, MATLAB day numbers.
    ref_ps : (n_ref,) int64 or None
        Rows of the reference area.
    wavelength : float
        Radar wavelength [m].
    points : dict
        Keys of ``ps2``.
    stage : int
        Last stage whose results they are made of.
    warnings : list of str
        What the user should know.
    """

    value_type: str
    displacement: Rows
    columns: IntArray
    day: FloatArray
    ref_ps: IntArray | None
    wavelength: float
    points: dict[str, Any]
    stage: int
    warnings: list[str]

    @property
    def dates(self) -> list[str]:
        """Acquisitions."""
        return [date_of(day) for day in self.day]

    @property
    def elapsed(self) -> FloatArray:
        """Time since the master [days]."""
        elapsed: FloatArray = self.day - self.points["master_day"]
        return elapsed


@dataclass(frozen=True)
class PointSeries:
    """Mean displacement of some PS.

    Attributes
    ----------
    ps : (k,) int64
        Rows of the PS, 0-based.
    displacement : (n_fit,) float64
        Mean over them [mm], without NaN.
    deviation : (n_fit,) float64
        Standard deviation over them [mm]; NaN of fewer than two.
    """

    ps: IntArray
    displacement: FloatArray
    deviation: FloatArray


@dataclass(frozen=True)
class StraightLine:
    """The straight line of a series."""

    offset: float  # at the master [mm]
    velocity: float  # [mm/yr]
    deviation: float  # of the velocity [mm/yr]


def read_series(
    root: str | os.PathLike[str],
    name: str | None = None,
    tropo: str | None = None,
    config: RunConfig | None = None,
    ifgs: Sequence[int] | None = None,
) -> Series:
    """Return the displacements of all PS, which are computed when they are read.

    Parameters
    ----------
    root : path
        Dataset processed through stage 6.
    name : str, optional
        Value type of a velocity of images; by default ``v-do``, ``V-do`` of small baselines.
    tropo : str, optional
        Method of tropospheric correction; by default that of ``tropo_method``.
    config : RunConfig, optional
        Arithmetic of means.
    ifgs : sequence of int, optional
        Images, from 1; by default those that ``drop_ifg_index`` leaves.

    Raises
    ------
    ConfigError
        The type is none of velocities of images, an image is not there.
    DatasetError, MatError, StageError
        An artifact is missing or does not fit the others; an empty reference area.

    Notes
    -----
    StaMPS ``ps_plot`` with ``ts``; docs/science/velocity.md, Time series.
    """
    found = MergedArtifacts(root, config, tropo)
    usual = series_type(USUAL_TYPE) if found.small_baselines else USUAL_TYPE
    kind = value_type(name or usual, found.small_baselines)
    if kind.base.name != "v" or kind.of_pairs:
        raise ConfigError(
            f"value type {kind.name}: time series are of velocities of images, {usual} say"
        )
    fitted = found.fitted(kind.of_pairs)
    if ifgs is not None:
        fitted = np.intersect1d(fitted, listed_ifgs(ifgs, found.series.n_columns, kind))
        if not len(fitted):
            raise ConfigError(f"value type {kind.name}: none of these images is fitted")
    series = phase_series(found, kind, found.ref_ps, fitted)
    moved = displacements(kind.operations, series, found.wavelength, found.ctx)
    day = series.ifgs.day[series.fitted]
    return Series(
        value_type=kind.name,
        displacement=moved,
        columns=series.fitted,
        day=day,
        ref_ps=found.ref_ps,
        wavelength=found.wavelength,
        points=found.points,
        stage=found.stage,
        warnings=found.warnings,
    )


def at_point(series: Series, lonlat: tuple[float, float], radius: float | None) -> PointSeries:
    """Return the mean displacement around a point.

    Parameters
    ----------
    series : Series
        Displacements.
    lonlat : (float, float)
        Longitude, latitude [deg].
    radius : float or None
        PS within it count [m]; None: the nearest alone.

    Raises
    ------
    ConfigError
        The point is none, or the radius not positive.
    DatasetError
        No PS is so near.
    """
    centre = np.array(lonlat, np.float64)
    if not (np.isfinite(centre).all() and abs(centre[1]) <= 90):
        raise ConfigError(f"longitude {lonlat[0]}, latitude {lonlat[1]}: is no point")
    if radius is not None and not 0 < radius < np.inf:
        raise ConfigError(f"radius {radius}: must be a positive number of metres")
    places = series.points["lonlat"].astype(np.float64)
    centre[0] += 360 * np.round((np.nanmean(places[:, 0]) - centre[0]) / 360)
    away = local_coordinates(places, centre)
    distance = np.nan_to_num(np.hypot(*away.T), nan=np.inf)
    nearest = int(np.argmin(distance))
    reach = FARTHEST if radius is None else radius
    if distance[nearest] > reach:
        west, south = np.nanmin(places, axis=0)
        east, north = np.nanmax(places, axis=0)
        raise DatasetError(
            f"no PS within {reach:g} m of longitude {lonlat[0]}, latitude {lonlat[1]}: the nearest,"
            f" PS {nearest + 1}, is {distance[nearest]:,.0f} m away; the data cover longitude "
            f"{west:.5f} to {east:.5f}, latitude {south:.5f} to {north:.5f}"
        )
    ps = np.array([nearest]) if radius is None else np.flatnonzero(distance <= radius)
    moved = series.displacement[ps].astype(np.float64)
    known = ~np.isnan(moved)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, moved, 0).sum(axis=0) / known.sum(axis=0)
        squares = (np.where(known, moved - mean, 0) ** 2).sum(axis=0)
        free = known.sum(axis=0) - 1
        deviation = np.sqrt(squares / np.where(free > 0, free, np.nan))
    if np.isnan(mean).all():
        raise DatasetError(f"the {len(ps)} PS there have no phase: their displacement is NaN")
    return PointSeries(ps, mean, deviation)


def line_of(series: Series, displacement: FloatArray) -> StraightLine:
    """Fit a straight line to a displacement, (n_fit,) [mm]; dates of NaN do not count."""
    known = np.isfinite(displacement)
    design = np.column_stack((np.ones(known.sum()), series.elapsed[known]))
    moved = displacement[known]
    offset, rate = pseudo_inverse(design) @ moved
    deviation = deviation_of_residuals(moved[None], LineFit.of(design, np.eye(len(design))))[0]
    return StraightLine(float(offset), float(rate) * DAYS_PER_YEAR, float(deviation))
