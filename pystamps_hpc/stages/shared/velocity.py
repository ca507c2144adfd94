"""Mean velocity: a weighted straight line through the referenced phase of every PS."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from .corrected_phase import Stack
from .ifgs import Ifgs
from .least_squares import operator
from .reference_area import mean_over_ps
from .value_types import operations_of

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class PhaseSeries(Stack):
    """A stack whose phase is a series in time, and which of its columns a line is fitted to.

    Parameters
    ----------
    fitted : (n_fit,) int64
        Columns of the fit, ascending, 0-based, without the master.
    covariance : (n_fit, n_fit) float64
        Their covariance [rad^2].
    ref_ps : (n_ref,) int64 or None
        Rows of the reference area; None for no referencing.
    """

    fitted: IntArray
    covariance: FloatArray
    ref_ps: IntArray | None

    @property
    def design(self) -> FloatArray:
        """Design of a straight line: ones, and the time of each column [days], (n_fit, 2)."""
        return np.column_stack((np.ones(len(self.fitted)), self.ifgs.spans[self.fitted]))


def fit_velocity(value_type: str, series: PhaseSeries, ctx: Context) -> Rows:
    """Fit offset and rate of every PS.

    Parameters
    ----------
    value_type : str
        Type of a velocity, ``v-do``: what is taken off the phase.
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
    ConfigError
        There is no such type.
    StageError
        Fewer than two interferograms, or a correction that is missing.

    Notes
    -----
    StaMPS ``ps_plot``; docs/science/velocity.md, Fit.
    """
    operations = operations_of(value_type, of_pairs=series.ifgs.master is None)
    return fit_line(operations, series, ctx)


def fit_line(operations: str, series: PhaseSeries, ctx: Context) -> Rows:
    """Fit offset and rate of every PS after `operations`; see :func:`fit_velocity`."""
    if len(series.fitted) < 2:
        raise StageError(
            f"mean velocity: {len(series.fitted)} interferograms are used, 2 are needed"
        )
    phase = series.corrected(operations, series.fitted, ctx)
    reference = reference_of(phase, series.ref_ps, ctx)
    weights = ctx.on_root(lambda: operator(series.design, series.covariance))

    def fit(rows: slice) -> AnyArray:
        result: AnyArray = ctx.kernels.stage8_velocity_fit(weights, phase[rows], reference)
        return result

    piece = ctx.config.runtime.stage7_chunk_ps
    rates: Rows = ctx.map_rows(fit, phase.shape[0], "mean velocity", piece)
    return rates


def reference_of(phase: Rows, ref_ps: IntArray | None, ctx: Context) -> FloatArray:
    """Return the mean phase of the reference area, (n_col,) float32 [rad]; zero without one."""
    if ref_ps is None:
        return np.zeros(phase.shape[1], np.float32)
    return mean_over_ps(phase, ctx, ref_ps)


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
