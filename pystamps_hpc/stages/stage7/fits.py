"""Look-angle error and master phase of every PS, by least squares or least absolute deviations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ...parallel.context import Context
from ..shared.delaunay import edges
from ..shared.least_squares import operator


@dataclass(frozen=True)
class Observed:
    """What is fitted.

    Parameters
    ----------
    phase : Rows, (n_ps, n_col) float32
        Unwrapped phase [rad].
    baselines : Rows, (n_ps, n_col) float32
        Perpendicular baselines [m].
    reference : (n_col,) float32
        Phase of the reference area [rad], taken off every PS.
    method : {"L1", "L2"}
        Least absolute deviations or least squares.
    """

    phase: Rows
    baselines: Rows
    reference: FloatArray
    method: str


@dataclass(frozen=True)
class Scla:
    """Fitted look-angle error and master phase."""

    slope: Rows  # (n_ps,) float64 [rad/m]
    offset: Rows  # (n_ps,) float32 [rad]
    phase: Rows  # (n_ps, n_col) float32 [rad]


@dataclass(frozen=True)
class PairScla:
    """Fitted look-angle error of pairs, which have no master."""

    slope: Rows  # (n_ps,) float64 [rad/m]
    phase: Rows  # (n_ps, n_col) float32 [rad]


def offset_operator(elapsed: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return the weights of the master phase (docs/science/scla.md, Offset)."""
    design = np.column_stack((np.ones(len(elapsed)), elapsed))
    return np.ascontiguousarray(operator(design, covariance)[0])


def fit_steps(
    observed: Observed,
    design: FloatArray,
    sequence: IntArray,
    fitted: IntArray,
    to_offset: FloatArray,
    ctx: Context,
) -> Scla:
    """Fit slopes to the steps of a sequence of images, then the master phase to what is left.

    Parameters
    ----------
    observed : Observed
        Phase of the images.
    design : (n_seq - 1, 2 or 3) float64
        Constant, baseline and time of the steps.
    sequence : (n_seq,) int64
        Images whose steps are taken.
    fitted : (n_fit,) int64
        Images of the fit of the master phase.
    to_offset : (n_fit,) float64
        Its weights, see :func:`offset_operator`.
    ctx : Context
        Work over PS.

    Notes
    -----
    docs/science/scla.md, Slope.
    """
    phase, baselines, reference = observed.phase, observed.baselines, observed.reference
    piece = ctx.config.runtime.stage7_chunk_ps
    if observed.method == "L1":
        slopes = _least_deviations(design, None, ctx)

        def estimate(rows: slice) -> Scla:
            values = phase[rows]
            changes = np.diff((values - reference)[:, sequence], axis=1).astype(np.float64)
            slope = slopes(changes)
            fit = ctx.kernels.stage7_scla_of_slope(
                values, baselines[rows], reference, slope, fitted, to_offset
            )
            return Scla(slope, *fit)
    else:
        to_slope = ctx.on_root(lambda: operator(design)[1])

        def estimate(rows: slice) -> Scla:
            fit = ctx.kernels.stage7_scla(
                phase[rows], baselines[rows], reference, sequence, to_slope, fitted, to_offset
            )
            return Scla(*fit)

    return ctx.map_rows(estimate, phase.shape[0], "look-angle error", piece)


def fit_pairs(
    observed: Observed, design: FloatArray, pairs: IntArray, covariance: FloatArray, ctx: Context
) -> PairScla:
    """Fit slopes to pairs as they are, weighted by their covariance.

    Parameters
    ----------
    observed : Observed
        Phase of the pairs.
    design : (n_fit, 2 or 3) float64
        Constant, baseline and time span of the pairs.
    pairs : (n_fit,) int64
        Pairs of the fit.
    covariance : (n_fit, n_fit) float64
        Their covariance [rad^2].
    ctx : Context
        Work over PS.

    Notes
    -----
    docs/science/scla.md, Small baselines.
    """
    phase, baselines, reference = observed.phase, observed.baselines, observed.reference
    piece = ctx.config.runtime.stage7_chunk_ps
    if observed.method == "L1":
        slopes = _least_deviations(design, covariance, ctx)

        def estimate(rows: slice) -> PairScla:
            slope = slopes((phase[rows] - reference)[:, pairs].astype(np.float64))
            return PairScla(slope, _slope_times(slope, baselines[rows]))
    else:
        to_slope = ctx.on_root(lambda: np.ascontiguousarray(operator(design, covariance)[1]))

        def estimate(rows: slice) -> PairScla:
            found = ctx.kernels.stage7_scla_of_pairs(
                phase[rows], baselines[rows], reference, pairs, to_slope
            )
            return PairScla(*found)

    return ctx.map_rows(estimate, phase.shape[0], "look-angle error of pairs", piece)


def _least_deviations(
    design: FloatArray, covariance: FloatArray | None, ctx: Context
) -> Callable[[FloatArray], FloatArray]:
    """Return what gives the slopes of least absolute deviations, (n,), of values, (n, n_obs).

    The search begins at least squares.
    """

    def prepared() -> tuple[FloatArray, FloatArray]:
        independent = np.ascontiguousarray(design[:, : np.linalg.matrix_rank(design)])
        return independent, operator(independent, covariance)

    independent, to_start = ctx.on_root(prepared)

    def slopes(values: FloatArray) -> FloatArray:
        start = np.zeros((len(values), independent.shape[1]))
        for weights, column in zip(to_start.T, values.T, strict=True):
            start += column[:, None] * weights
        fit = ctx.kernels.stage7_lad_fit(independent, np.ascontiguousarray(values), start)
        return np.ascontiguousarray(fit[:, 1])

    return slopes


def _slope_times(slope: FloatArray, baselines: AnyArray) -> AnyArray:
    look_angle: AnyArray = slope[:, None].astype(np.float32) * baselines
    return look_angle


def smoothed(
    slope: FloatArray, offset: FloatArray, baselines: Rows, xy: FloatArray, ctx: Context
) -> tuple[FloatArray, FloatArray, Rows]:
    """Clamp slope and master phase to the range of the neighbours.

    Parameters
    ----------
    slope : (n_ps,) float64
        Slopes [rad/m].
    offset : (n_ps,) float32
        Master phase [rad].
    baselines : Rows, (n_ps, n_col) float32
        Perpendicular baselines [m].
    xy : (n_ps, 2) float32
        Positions [m].
    ctx : Context
        Work over PS.

    Returns
    -------
    slope : (n_ps,) float64
        Clamped slopes [rad/m].
    offset : (n_ps,) float32
        Clamped master phase [rad].
    phase : Rows, (n_ps, n_col) float32
        Clamped slope times baseline [rad].

    Notes
    -----
    docs/science/scla.md, Smoothing.
    """

    def clamp() -> tuple[FloatArray, FloatArray]:
        network, _ = edges(xy, ctx.config.runtime.triangulator)
        clamped: tuple[FloatArray, FloatArray] = ctx.kernels.stage7_scla_smooth(
            slope, offset, network
        )
        return clamped

    smooth_slope, smooth_offset = ctx.on_root(clamp)
    piece = ctx.config.runtime.stage7_chunk_ps
    phase = ctx.map_rows(
        lambda rows: _slope_times(smooth_slope[rows], baselines[rows]), len(xy), "smoothing", piece
    )
    return smooth_slope, smooth_offset, phase
