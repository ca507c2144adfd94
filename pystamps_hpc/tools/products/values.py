"""Every value that StaMPS' plotting shows, as rows that are computed when they are read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pystamps_kernels.numerics import ordered_product

from ...config import RunConfig
from ...dataset.rows import (
    AnyArray,
    ComputedRows,
    FloatArray,
    IntArray,
    Rows,
    applied,
    block,
    chosen_columns,
)
from ...errors import ConfigError, DatasetError, StageError
from ...parallel.team import Team
from ...stages.shared.external_phase import COEFFICIENT_MAP
from ...stages.shared.least_squares import operator
from ...stages.shared.reference_area import mean_over_ps
from ...stages.shared.value_types import ValueType, value_type
from ...stages.shared.velocity import PhaseSeries, fit_line, line_of_sight_velocity, reference_of
from .artifacts import MergedArtifacts
from .deviation import (
    LineFit,
    deviation_of_residuals,
    deviation_of_samples,
    resampled,
    spread_of_samples,
)
from .phasors import phasors_of, unit_phasors
from .series import in_millimetres, phase_series, stack_of


@dataclass(frozen=True)
class Values:
    """Values of all PS and what they mean.

    Attributes
    ----------
    kind : ValueType
        What they are.
    rows : Rows, (n_ps, k)
        Values; computed when they are read.
    columns : (k or n_fit,) int64
        Columns that are shown, of a velocity those of its line, 0-based.
    dates : tuple of str
        Date of each of these columns, of a pair both.
    unit : str
        Unit.
    ref_ps : (n_ref,) int64 or None
        Rows of the reference area; None where the values are relative to none.
    fit : (n_ps, 2) float64 or None
        Offset [rad] and rate [rad/day] of a velocity.
    against : str
        Against what each column is shown; empty where it is shown as it is.
    stage : int
        Last stage whose results they are made of.
    warnings : list of str
        What the user should know.
    """

    kind: ValueType
    rows: Rows
    columns: IntArray
    dates: tuple[str, ...]
    unit: str
    ref_ps: IntArray | None
    fit: FloatArray | None = None
    against: str = ""
    stage: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """What each column of the rows is: its date, or what a velocity leaves out."""
        if self.rows.shape[1] == 1 and (self.kind.is_velocity or self.kind.base.listed == "one"):
            return [""]
        without = "without " if self.kind.is_velocity else ""
        return [without + date for date in self.dates]

    @property
    def ifg_list(self) -> IntArray:
        """Numbers of the columns of the rows as StaMPS gives them, from 1."""
        if self.kind.is_velocity or self.kind.base.listed == "one":
            return np.arange(1, self.rows.shape[1] + 1)
        return self.columns + 1


def read_values(
    root: str | os.PathLike[str],
    name: str,
    ifgs: Sequence[int] | None = None,
    ref_ifg: int = 0,
    tropo: str | None = None,
    deviation: str = "bootstrap",
    config: RunConfig | None = None,
    team: Team | None = None,
) -> Values:
    """Return the values that StaMPS' plotting would show.

    Parameters
    ----------
    root : path
        Dataset processed through the stage that the values come from.
    name : str
        Value type, ``v-do``; see docs/values.md.
    ifgs : sequence of int, optional
        Columns from 1, in any order: images (with the master) or pairs, as the type has them. Of a
        velocity those that its line is fitted to. By default what ``drop_ifg_index`` leaves.
    ref_ifg : int
        Column, from 1, against which the others are shown; -1: each against the one before it.
    tropo : str, optional
        Method of tropospheric correction; by default that of ``tropo_method``.
    deviation : {"bootstrap", "residuals"}
        How the standard deviation of a velocity is found.
    config : RunConfig, optional
        Arithmetic of means, seed of the bootstrap.
    team : Team, optional
        Ranks that share the work; the call is collective then, reading the rows is not.

    Returns
    -------
    Values
        Rows that are computed when they are read.

    Raises
    ------
    ConfigError
        The mode has no such type, a column is not there.
    DatasetError, MatError, StageError
        An artifact is missing, damaged, or does not fit the others; an empty reference area.

    Notes
    -----
    StaMPS ``ps_plot`` with background -1.
    """
    found = MergedArtifacts(root, config, tropo, team)
    kind = value_type(name, found.small_baselines)
    network = found.ifgs(kind.of_interferograms)
    listed = _listed(kind, network.n_columns, ifgs, ref_ifg)
    if kind.is_velocity:
        values = _velocity(found, kind, listed, deviation)
    elif kind.base.listed == "one":
        values = _of_points(found, kind)
    else:
        columns = _by_default(found, kind) if listed is None else listed
        rows = _against(found, kind, columns, ref_ifg)
        dates = tuple(network.date_of(k) for k in columns)
        against = {-1: "the one before it", 0: ""}.get(ref_ifg)
        if against is None:
            against = f"number {ref_ifg}, {network.date_of(ref_ifg - 1)}"
        values = Values(kind, rows, columns, dates, kind.base.unit, None, against=against)
    if kind.base.name.startswith("a") and found.method == COEFFICIENT_MAP:
        values = replace(values, unit="rad/m")
    elif kind.base.referenced:
        values = _referenced(found, values)
    return replace(values, stage=found.stage, warnings=[*found.warnings, *values.warnings])


def require_columns(
    root: str | os.PathLike[str], name: str, ifgs: Sequence[int] | None = None, ref_ifg: int = 0
) -> ValueType:
    """Return a value type whose columns are there, before anything is computed.

    Parameters
    ----------
    root, name, ifgs, ref_ifg
        As of :func:`read_values`.

    Raises
    ------
    ConfigError
        The mode has no such type, a column is not there.
    DatasetError, MatError
        ``ps2.mat`` is missing or damaged.
    """
    found = MergedArtifacts(root)
    kind = value_type(name, found.small_baselines)
    _listed(kind, found.ifgs(kind.of_interferograms).n_columns, ifgs, ref_ifg)
    return kind


def _listed(
    kind: ValueType, n_columns: int, ifgs: Sequence[int] | None, ref_ifg: int
) -> IntArray | None:
    """Return the columns that are asked for, 0-based; None by default."""
    listed = None if ifgs is None else listed_ifgs(ifgs, n_columns, kind)
    if ref_ifg and (kind.is_velocity or kind.base.listed == "one"):
        raise ConfigError(f"value type {kind.name}: has one column, ref_ifg does not apply")
    if ref_ifg < -1 or ref_ifg > n_columns:
        raise ConfigError(
            f"ref_ifg {ref_ifg}: must be 1 to {n_columns}, or 'previous' (-1 in Python)"
        )
    return listed


def listed_ifgs(ifgs: Sequence[int], n_columns: int, kind: ValueType) -> IntArray:
    """Return the columns of numbers from 1, (k,) int64; ConfigError if one is not there."""
    numbers = [int(number) for number in ifgs]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ConfigError(f"value type {kind.name}: interferograms {numbers}: none, or one twice")
    outside = [number for number in numbers if not 1 <= number <= n_columns]
    if outside:
        bad = ", ".join(map(str, outside))
        raise ConfigError(
            f"value type {kind.name}: interferogram {bad} is outside 1 to {n_columns}"
        )
    return np.array(numbers, np.int64) - 1


def _by_default(found: MergedArtifacts, kind: ValueType) -> IntArray:
    if kind.base.listed == "all":
        return np.arange(found.ifgs(kind.of_interferograms).n_columns)
    used = found.used(kind.of_interferograms)
    return used[np.isin(used, found.network.columns)] if kind.base.name == "wf" else used


def _against(found: MergedArtifacts, kind: ValueType, columns: IntArray, ref_ifg: int) -> Rows:
    """Return columns of a type, each against another column if that is asked for."""
    if not ref_ifg:
        return _columns_of(found, kind, columns)
    before = np.insert(columns[:-1], 0, columns[0])
    other = before if ref_ifg < 0 else np.full(len(columns), ref_ifg - 1)
    needed = np.unique((columns, other))
    stack = _columns_of(found, kind, needed)
    one, two = (chosen_columns(stack, np.searchsorted(needed, each)) for each in (columns, other))
    if ref_ifg > 0 and kind.base.name == "w":
        if found.small_baselines:
            raise ConfigError(f"value type {kind.name}: small baselines have no --ref-ifg N for it")
        two = chosen_columns(found.stack("rc2.ph_reref", found.network.n_columns), other)
    less = _turned_back if kind.base.unit == "phasor" else np.subtract
    return ComputedRows(
        one.shape,
        one.dtype,
        lambda rows, which: less(block(one, rows, which), block(two, rows, which)),
    )


def _turned_back(phasors: AnyArray, others: AnyArray) -> AnyArray:
    turned: AnyArray = phasors * others.conj()
    return turned


def _columns_of(found: MergedArtifacts, kind: ValueType, columns: IntArray) -> Rows:
    """Return columns of a type before they are referenced."""
    base, images = kind.base.name, found.series.n_columns
    if kind.base.unit == "phasor":
        return chosen_columns(phasors_of(found, kind), columns)
    if base == "s":
        return chosen_columns(found.stack("scn2.ph_scn_slave", images), columns)
    if base == "o":
        return chosen_columns(found.ramps("scla2"), columns)
    phase = stack_of(found, kind).corrected(kind.operations, columns, found.ctx)
    return applied(_double, phase, np.float64) if base == "rsb" else phase


def _double(phase: AnyArray) -> AnyArray:
    return phase.astype(np.float64)


def _of_points(found: MergedArtifacts, kind: ValueType) -> Values:
    """Return a type of one number per PS."""
    scla = "scla_sb2" if kind.of_pairs else "scla2"
    names = {"d": f"{scla}.K_ps_uw", "m": f"{scla}.C_ps_uw", "hgt": "hgt2.hgt"}
    value = found.value(names[kind.base.name])
    if value is None:
        raise DatasetError(f"{found.root}: {names[kind.base.name]} is empty")
    return Values(kind, value[:, None], np.arange(1), ("",), kind.base.unit, None)


def _referenced(found: MergedArtifacts, values: Values) -> Values:
    """Take the mean of the reference area off every column; one without stays as it is."""
    ref_ps = found.ref_ps
    if ref_ps is None:
        return replace(values, warnings=["ref_radius is -Inf: relative to no reference area"])
    rows, mean = values.rows, mean_over_ps(values.rows, found.ctx, ref_ps)
    void = np.flatnonzero(np.isnan(mean))
    mean = np.nan_to_num(mean)
    relative = ComputedRows(
        rows.shape, rows.dtype, lambda which, columns: block(rows, which, columns) - mean[columns]
    )
    warnings = [f"column {k + 1}: no value in the reference area, shown as it is" for k in void]
    return replace(values, rows=relative, ref_ps=ref_ps, warnings=warnings)


def relative_to_reference(
    root: str | os.PathLike[str], matrix: AnyArray, config: RunConfig | None = None
) -> AnyArray:
    """Return values of one's own relative to the reference area of a dataset.

    Parameters
    ----------
    root : path
        Dataset processed through stage 5.
    matrix : (n_ps, k) float or complex
        Values; phasors are reduced to unit length.
    config : RunConfig, optional
        Arithmetic of means.

    Returns
    -------
    (n_ps, k) array
        Less the mean of the reference area, without NaN; phasors turned back by the phase of their
        sum there.

    Notes
    -----
    StaMPS ``ps_plot`` with a matrix; it multiplies phasors by the length of that sum as well.
    """
    found = MergedArtifacts(root, config)
    if matrix.shape[:1] != (found.n_ps,):
        raise DatasetError(f"{len(matrix)} rows of values for {found.n_ps} PS of {found.root}")
    if found.ref_ps is None:
        return matrix
    if not np.iscomplexobj(matrix):
        return matrix - mean_over_ps(matrix, found.ctx, found.ref_ps)
    unit = unit_phasors(matrix)
    relative: AnyArray = unit * unit_phasors(np.nansum(unit[found.ref_ps], axis=0)).conj()
    return relative


def _velocity(
    found: MergedArtifacts, kind: ValueType, listed: IntArray | None, deviation: str
) -> Values:
    """Return a velocity, its deviation, or velocities without each column in turn."""
    fitted = found.fitted(kind.of_pairs)
    if listed is not None:
        fitted = np.intersect1d(fitted, listed)
    series = phase_series(found, kind, found.ref_ps, fitted)
    fit: FloatArray | None = None
    if kind.base.name == "vdrop":
        rows = _without_each(found, kind, series)
    else:
        fit = np.asarray(found.ctx.share(fit_line(kind.operations, series, found.ctx)))
        rows = line_of_sight_velocity(fit[:, 1], found.wavelength)[:, None]
        if kind.base.name == "vs":
            rows = _deviation(found, kind, series, deviation)
    dates = tuple(series.ifgs.date_of(k) for k in fitted)
    return Values(kind, rows, fitted, dates, kind.base.unit, None, fit)


def _without_each(found: MergedArtifacts, kind: ValueType, series: PhaseSeries) -> Rows:
    """Return the velocities without each column of the line in turn, (n_ps, n_fit) [mm/yr]."""
    n_fitted = len(series.fitted)
    if n_fitted < 3:
        raise StageError(f"value type {kind.name}: {n_fitted} columns are used, 3 are needed")
    weights = found.ctx.on_root(lambda: _weights_without_each(series))
    phase = series.corrected(kind.operations, series.fitted, found.ctx)
    reference = reference_of(phase, series.ref_ps, found.ctx)

    def velocities(rows: Any, columns: Any) -> FloatArray:
        rates = ordered_product(phase[rows] - reference, weights[columns].T)
        return line_of_sight_velocity(rates, found.wavelength)

    return ComputedRows(phase.shape, np.dtype(np.float64), velocities)


def _weights_without_each(series: PhaseSeries) -> FloatArray:
    """Return what each column counts in the rate, (n_fit, n_fit); row k is without column k."""
    n_fitted = len(series.fitted)
    weights = np.zeros((n_fitted, n_fitted))
    for k in range(n_fitted):
        kept = np.delete(np.arange(n_fitted), k)
        weights[k, kept] = operator(series.design[kept], series.covariance[np.ix_(kept, kept)])[1]
    return weights


def _deviation(found: MergedArtifacts, kind: ValueType, series: PhaseSeries, how: str) -> Rows:
    """Return the standard deviation of the velocity, (n_ps, 1) [mm/yr]."""
    displacement = in_millimetres(kind.operations, series, found.wavelength, found.ctx)
    design, covariance = series.design, series.covariance
    if how == "residuals":
        line = LineFit.of(design, covariance)

        def deviate(moved: FloatArray) -> FloatArray:
            return deviation_of_residuals(moved, line)
    else:
        samples = resampled(len(design), found.ctx.config.output.bootstrap_seed)
        spread = found.ctx.on_root(lambda: spread_of_samples(design, covariance, samples))

        def deviate(moved: FloatArray) -> FloatArray:
            return deviation_of_samples(moved, spread)

    return ComputedRows(
        (found.n_ps, 1),
        np.dtype(np.float64),
        lambda rows, columns: deviate(displacement[rows].astype(np.float64))[:, None][:, columns],
    )
