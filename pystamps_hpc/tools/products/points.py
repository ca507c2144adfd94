"""The table of points: what is known of every PS, one row each, as all tables and exports show it.

One line per column: ``name | type | decimals | unit | meaning``; behind them comes one column per
date, the displacement there. Decimals are those of texts. A value that is not known is NaN.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np

from ...config import RunConfig
from ...dataset.rows import AnyArray, FloatArray, Rows, with_column
from ...errors import ConfigError
from ...stages.shared.projection import within_half_turn
from ...stages.shared.value_types import ValueType
from ...stages.shared.value_types import value_type as value_type_of
from ...stages.shared.velocity import DAYS_PER_YEAR, PhaseSeries
from .artifacts import MergedArtifacts
from .deviation import LineFit, deviation_of_residuals, rmse_of_line
from .files import ROWS, in_blocks
from .motion import MotionFit, motion_of
from .result import (
    USUAL_TYPE,
    Velocities,
    fitted_velocities,
    series_of,
    stored_velocities,
)
from .series import displacements, phase_series, series_type
from .sight import dem_error, direction_of_satellite, incidence_of

_TABLE = """
id                           | int32   | 0 |         | number of the point, row of ps2
longitude                    | float64 | 7 | degrees | longitude, WGS 84
latitude                     | float64 | 7 | degrees | latitude, WGS 84
height                       | float32 | 1 | m       | height of the DEM that the interferograms were made with
coherence                    | float32 | 3 |         | temporal coherence of the phase residual, coh_ps of pm2 or merge2
velocity                     | float32 | 3 | mm/yr   | line-of-sight velocity
velocity_deviation           | float32 | 3 | mm/yr   | standard deviation of the velocity, from the residuals of the weighted straight line through the displacements
rmse                         | float32 | 3 | mm      | root mean square of these residuals
dem_error                    | float32 | 2 | m       | height above the DEM, from the look-angle error; relative to the reference area
incidence                    | float32 | 4 | degrees | incidence angle at the point
look_east                    | float32 | 5 |         | east component of the unit vector from the point to the satellite
look_north                   | float32 | 5 |         | north component of the unit vector from the point to the satellite
look_up                      | float32 | 5 |         | vertical component of the unit vector from the point to the satellite
acceleration                 | float32 | 3 | mm/yr^2 | acceleration, fitted to the displacements together with offset, velocity and a yearly wave
acceleration_deviation       | float32 | 3 | mm/yr^2 | standard deviation of the acceleration
seasonal_amplitude           | float32 | 3 | mm      | amplitude of the yearly wave
seasonal_amplitude_deviation | float32 | 3 | mm      | standard deviation of the amplitude
"""  # noqa: E501


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    name: str
    dtype: str
    decimals: int
    unit: str
    meaning: str


def _parse(line: str) -> Column:
    name, dtype, decimals, unit, meaning = (part.strip() for part in line.split("|"))
    return Column(name, dtype, int(decimals), unit, meaning)


COLUMNS: tuple[Column, ...] = tuple(map(_parse, _TABLE.strip().splitlines()))
"""Columns of the points, in order, without those of the dates."""

ALL = tuple(column.name for column in COLUMNS)
_SIGHT = {"incidence", "look_east", "look_north", "look_up", "dem_error"}
_MOTION = ("acceleration", "acceleration_deviation",
           "seasonal_amplitude", "seasonal_amplitude_deviation")  # fmt: skip


@dataclass(frozen=True)
class Block:
    """Some rows of the table.

    Attributes
    ----------
    rows : slice
        Which.
    values : dict of (n,) arrays
        Name of a column -> its values, in the order and the types of the columns.
    displacement : (n, n_date) float32
        Displacement at every date [mm], 0 at the master.
    """

    rows: slice
    values: Mapping[str, AnyArray]
    displacement: FloatArray

    @property
    def arrays(self) -> list[AnyArray]:
        """The columns of the points, then those of the dates, (n,) each."""
        return [*self.values.values(), *np.ascontiguousarray(self.displacement.T)]


@dataclass(frozen=True)
class Points:
    """The table of points of a dataset; rows are computed when they are read.

    Attributes
    ----------
    found : MergedArtifacts
        The dataset.
    velocities : Velocities
        Positions and velocities, and what they refer to.
    kind : ValueType
        Type of the displacements; of small baselines that of the images.
    columns : tuple of Column
        Columns without those of the dates.
    dates : tuple of date
        The images that are used and the master, ascending.
    displacement : Rows, (n, n_date) float32
        Displacement [mm], positive towards the satellite, relative to reference area and master.
    series : PhaseSeries
        What it is made of; says dates, weights and design of the velocity.
    known : dict of (n,) arrays
        Columns that do not depend on the displacements.
    warnings : list of str
        What is not known, and why.
    """

    found: MergedArtifacts
    velocities: Velocities
    kind: ValueType
    columns: tuple[Column, ...]
    dates: tuple[date, ...]
    displacement: Rows
    series: PhaseSeries
    known: Mapping[str, AnyArray]
    warnings: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return self.displacement.shape[0]

    def date_columns(self, form: str = "%Y-%m-%d") -> list[Column]:
        """Return the columns of the dates; `form` makes their names, ``D%Y%m%d``."""
        return [
            Column(f"{day:{form}}", "float32", 2, "mm", "displacement")
            for day in self.dates
        ]  # fmt: skip

    @cached_property
    def line(self) -> LineFit:
        """The straight line that deviations are of."""
        return LineFit.of(self.series.design, self.series.covariance)

    @cached_property
    def motion(self) -> MotionFit | None:
        """The model of acceleration and yearly wave; None where the dates do not determine it."""
        return MotionFit.of(self.series.design[:, 1] / DAYS_PER_YEAR, self.series.covariance)

    def blocks(self, n_rows: int = ROWS) -> Iterator[Block]:
        """Yield the table in pieces of `n_rows` rows."""
        master = self.dates.index(self.velocities.master)
        for rows, moved in in_blocks(self.displacement, n_rows):
            fitted = np.delete(moved, master, axis=1).astype(np.float64)
            values = {name: column[rows] for name, column in self.known.items()}
            values |= self._of_displacements(fitted)
            typed = {column.name: _typed(values[column.name], column) for column in self.columns}
            yield Block(rows, typed, moved)

    def _of_displacements(self, moved: FloatArray) -> dict[str, FloatArray]:
        """Return what the displacements of some points say of their motion."""
        wanted, values = {column.name for column in self.columns}, {}
        if "velocity_deviation" in wanted:
            values["velocity_deviation"] = deviation_of_residuals(moved, self.line)
        if "rmse" in wanted:
            values["rmse"] = rmse_of_line(moved, self.line)
        if not wanted.isdisjoint(_MOTION):
            motion = motion_of(moved, self.motion)
            values |= dict(zip(_MOTION, vars(motion).values(), strict=True))
        return values


def read_points(
    root: str | os.PathLike[str],
    name: str | None = None,
    tropo: str | None = None,
    config: RunConfig | None = None,
    columns: Collection[str] = ALL,
    usual: str = USUAL_TYPE,
) -> Points:
    """Return the table of points of a dataset.

    Parameters
    ----------
    root : path
        Dataset processed through stage 6; 7 for types without look-angle error.
    name : str, optional
        Value type of the velocity, ``v-do``, which is fitted anew; by default the velocities that
        stage 8 left, of their type.
    tropo : str, optional
        Method of tropospheric correction; by default that of ``tropo_method``.
    config : RunConfig, optional
        Arithmetic of means.
    columns : collection of str, optional
        Names of the columns that are wanted.
    usual : str
        Type where neither `name` nor a ``mean_v.mat`` says it.

    Returns
    -------
    Points
        The displacements are computed when they are read, the other columns are in memory.

    Raises
    ------
    ConfigError
        The mode has no such type, or it is none of a velocity.
    DatasetError, MatError, StageError
        An artifact is missing or does not fit the others; an empty reference area; no PS.
    """
    found = MergedArtifacts(root, config, tropo)
    if name is None:
        velocities = stored_velocities(found, usual)
        kind = _kind_of_series(velocities.value_type, found)
        series = series_of(found, kind.name, velocities.reference)
    else:
        asked = value_type_of(name, found.small_baselines)
        if asked.base.name != "v":
            raise ConfigError(f"value type {asked.name}: points have velocities, {USUAL_TYPE} say")
        kind = _kind_of_series(asked.name, found)
        velocities = fitted_velocities(found, asked)
        series = phase_series(found, kind, found.ref_ps)
    moved = displacements(kind.operations, series, velocities.wavelength, found.ctx)
    assert series.ifgs.master is not None
    place = int(np.searchsorted(series.fitted, series.ifgs.master))
    shown = np.insert(series.fitted, place, series.ifgs.master)
    points = Points(
        found=found,
        velocities=velocities,
        kind=kind,
        columns=tuple(column for column in COLUMNS if column.name in columns),
        dates=tuple(velocities.days[k] for k in shown),
        displacement=with_column(moved, place, 0),
        series=series,
        known=_known(found, velocities, set(columns)),
        warnings=found.warnings,
    )
    points.warnings.extend(_what_is_missing(points))
    return points


def _kind_of_series(name: str, found: MergedArtifacts) -> ValueType:
    """Return the type of the displacements beside a velocity: that of the images."""
    return value_type_of(series_type(name), found.small_baselines)


def _known(found: MergedArtifacts, velocities: Velocities, wanted: set[str]) -> dict[str, AnyArray]:
    """Return the columns that do not depend on the displacements, (n_ps,) each."""
    known: dict[str, AnyArray] = {
        "id": np.arange(1, found.n_ps + 1),
        "longitude": within_half_turn(velocities.lonlat[:, 0].astype(np.float64)),
        "latitude": velocities.lonlat[:, 1],
        "velocity": velocities.velocity,
    }
    if "height" in wanted:
        known["height"] = found.of_points("hgt2.hgt")
    if "coherence" in wanted:
        known["coherence"] = found.of_points(
            "merge2.coh_ps" if found.has("merge2") else "pm2.coh_ps"
        )
    if not wanted.isdisjoint(_SIGHT):
        incidence = incidence_of(found)
        known["incidence"] = np.degrees(incidence)
        known["look_east"], known["look_north"], known["look_up"] = direction_of_satellite(
            velocities.heading, incidence
        )
        known["dem_error"] = dem_error(found, incidence, velocities.reference)
    return known


def _what_is_missing(points: Points) -> Iterator[str]:
    """Say which columns are left empty, and why."""
    wanted = [column.name for column in points.columns]
    why = {
        "height": "hgt2.mat has no heights",
        "coherence": "pm2.mat has no coh_ps",
        "incidence": "neither inc2.mat nor la2.mat tells it, or ps2.mat lacks mean_range",
        "look_up": "the incidence is not known",
        "look_east": "heading or incidence are not known; pystamps-hpc parms set heading DEG",
        "look_north": "heading or incidence are not known; pystamps-hpc parms set heading DEG",
        "dem_error": "K_ps_uw of scla2.mat, mean_range of ps2.mat or the incidence are not known",
    }
    for name in wanted:
        if name in why and np.isnan(points.known[name]).all():
            yield f"{name} is empty: {why[name]}"
    if not set(wanted).isdisjoint(_MOTION) and points.motion is None:
        yield (
            f"acceleration and seasonal_amplitude are empty: {len(points.series.fitted)} dates do "
            "not determine them"
        )
    nowhere = int(np.isnan(points.velocities.lonlat).any(axis=1).sum())
    if nowhere:
        yield (
            f"{nowhere:,} of {len(points):,} points have no position: it is left empty, and maps "
            "and rasters are without them"
        )
    lost = int(np.isnan(points.velocities.velocity).sum())
    if lost:
        yield f"{lost:,} of {len(points):,} points have no velocity: it is left empty"


def _typed(values: FloatArray, column: Column) -> AnyArray:
    return values.astype(column.dtype, copy=False)
