"""Mean velocity: a weighted straight line through the referenced phase of every PS."""

from dataclasses import dataclass, replace

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from . import ramps
from .corrected_phase import Corrections, corrected
from .ifgs import Ifgs
from .least_squares import operator
from .reference_area import mean_over_ps

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class PhaseSeries:
    """Unwrapped single-master phase with its corrections.

    Parameters
    ----------
    phase : Rows, (n_ps, n_col) float32
        Unwrapped phase [rad].
    scla_phase : Rows, (n_ps, n_col) float32, or None
        Look-angle error phase [rad].
    master_phase : (n_ps,) float32 or None
        Master atmosphere and orbit error [rad].
    xy : (n_ps, 2) float32
        Local coordinates [m].
    ifgs : Ifgs
        The single-master network; that of the images with small baselines.
    fitted : (n_fit,) int64
        Columns of the fit, ascending, 0-based, without the master.
    covariance : (n_fit, n_fit) float64
        Their covariance [rad^2].
    ref_ps : (n_ref,) int64 or None
        Rows of the reference area; None for no referencing.
    deramp_degree : float
        Degree of the ramps.
    """

    phase: Rows
    scla_phase: Rows | None
    master_phase: FloatArray | None
    xy: FloatArray
    ifgs: Ifgs
    fitted: IntArray
    covariance: FloatArray
    ref_ps: IntArray | None
    deramp_degree: float


def fit_velocity(value_type: str, series: PhaseSeries, ctx: Context) -> Rows:
    """Fit offset and rate of every PS.

    Parameters
    ----------
    value_type : {"v", "v-d", "v-o", "v-do"}, or with "V"
        What is taken off the phase: ``d`` look-angle error (alone: the master phase as well),
        ``o`` ramps.
    series : PhaseSeries
        Phase and corrections.
    ctx : Context
        Work over PS.

    Returns
    -------
    Rows, (n_ps, 2) float64
        Offset [rad] and rate [rad/day], relative to the reference area.

    Raises
    ------
    StageError
        Fewer than two interferograms, or a correction that is missing.

    Notes
    -----
    StaMPS ``ps_plot``; docs/science/velocity.md, Fit.
    """
    fitted = series.fitted
    if len(fitted) < 2:
        raise StageError(f"mean velocity: {len(fitted)} interferograms are used, 2 are needed")
    phase = corrected(series.phase, fitted, corrections(value_type, series, ctx))
    reference = np.zeros(len(fitted), np.float32)
    if series.ref_ps is not None:
        reference = mean_over_ps(phase, ctx, series.ref_ps)
    design = velocity_design(series.ifgs, fitted)
    weights = ctx.on_root(lambda: operator(design, series.covariance))

    def fit(rows: slice) -> AnyArray:
        result: AnyArray = ctx.kernels.stage8_velocity_fit(weights, phase[rows], reference)
        return result

    piece = ctx.config.runtime.stage7_chunk_ps
    rates: Rows = ctx.map_rows(fit, phase.shape[0], "mean velocity", piece)
    return rates


def corrections(value_type: str, series: PhaseSeries, ctx: Context) -> Corrections:
    """Return what a value type takes off the fitted columns; see :func:`fit_velocity`."""
    suffix = value_type.partition("-")[2]
    if "d" in suffix and series.scla_phase is None:
        raise StageError("scla2.ph_scla is missing: the velocity needs it; run stage 7 first")
    found = Corrections(
        scla_phase=series.scla_phase if "d" in suffix else None,
        master_phase=series.master_phase if suffix == "d" else None,
    )
    if "o" not in suffix:
        return found
    terms = ramps.regressors(series.xy, series.deramp_degree)
    phase = corrected(series.phase, series.fitted, found)
    return replace(found, ramps=ramps.fit_ramps(terms, phase, series.fitted, ctx))


def series_type(value_type: str) -> str:
    """Return StaMPS' name of a value type of the images of small baselines: ``v`` is of pairs."""
    return value_type.capitalize()


def line_of_sight_velocity(rate: FloatArray, wavelength: float) -> FloatArray:
    """Convert a phase rate [rad/day] to velocity towards the satellite [mm/yr].

    `wavelength` is in m.
    """
    velocity: FloatArray = -rate * DAYS_PER_YEAR * wavelength * 1000 / (4 * np.pi)
    return velocity


def phase_variance(ifg_std: FloatArray | None, n_columns: int) -> FloatArray:
    """Convert the noise of interferograms [deg] to variance [rad^2], evaluated in single.

    Ones without `ifg_std`. The result is (n_columns,) float64.
    """
    if ifg_std is None:
        return np.ones(n_columns)
    radians = ifg_std.astype(np.float32) * np.float32(np.pi) / np.float32(180)
    return (radians**2).astype(np.float64)


def velocity_design(ifgs: Ifgs, fitted: IntArray) -> FloatArray:
    """Return the design of a straight line: ones, and days since the master, (n_fit, 2)."""
    return np.column_stack((np.ones(len(fitted)), ifgs.elapsed[fitted]))


def ifg_covariance(ifgs: Ifgs, ifg_std: FloatArray | None, fitted: IntArray) -> FloatArray:
    """Return the diagonal covariance of the interferograms of a fit.

    Parameters
    ----------
    ifgs : Ifgs
        The network.
    ifg_std : (n_col,) float32 or None
        Noise [deg].
    fitted : (n_fit,) int64
        Columns of the fit.

    Returns
    -------
    (n_fit, n_fit) float64
        Covariance [rad^2]; see :func:`phase_variance`.

    Raises
    ------
    StageError
        A noise that is not positive.
    """
    variance = phase_variance(ifg_std, ifgs.n_columns)
    for ifg in fitted:
        if not 0 < variance[ifg] < np.inf:
            raise StageError(
                f"ifgstd2.ifg_std: {ifgs.name_of(ifg)} has no usable noise; list it in "
                "drop_ifg_index or rerun stage 5"
            )
    return np.diag(variance[fitted])
