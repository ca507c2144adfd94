"""Baselines, and the phase without ramps, that the look-angle error is fitted to."""

import numpy as np

from ...dataset.rows import FloatArray, Rows, applied
from ...parallel.context import Context
from ..shared import ramps
from ..shared.corrected_phase import corrected
from ..shared.external_phase import of_images, phase_method, tropospheric
from .inputs import CommonInputs, Params


def baselines_of(points: CommonInputs) -> Rows:
    """Return the baselines of each PS, or the mean ones, with the zero of the master."""
    bperp: Rows = np.broadcast_to(points.ifgs.bperp, (len(points.xy), len(points.ifgs)))
    if points.bperp_mat is not None:
        bperp = points.bperp_mat
    baselines: Rows = points.ifgs.with_master(applied(_single_rows, bperp, np.float32), 0)
    return baselines


def _single_rows(values: FloatArray) -> FloatArray:
    return np.ascontiguousarray(values, np.float32)


def without_troposphere(
    unwrapped: Rows, points: CommonInputs, params: Params, of_pairs: bool, ctx: Context
) -> Rows:
    """Return the phase without that of the troposphere, if it is to be subtracted.

    Parameters
    ----------
    unwrapped : Rows, (n_ps, n_col) float32
        Phase of the pairs, or of the images [rad].
    points, params
        As given to the stage.
    of_pairs : bool
        Whether these are the pairs of small baselines.
    ctx : Context
        Sums over PS.
    """
    if points.tropo is None:
        return unwrapped
    ifgs = points.ifgs
    shape = len(points.xy), ifgs.n_columns
    phase = tropospheric(points.tropo, phase_method(params.tropo_method), shape, ctx)
    if ifgs.master is None and not of_pairs:
        phase = of_images(phase, ifgs, ifgs.used(params.drop_ifg_index), ctx)
    return corrected(unwrapped, np.arange(unwrapped.shape[1]), phase)


def fitted_ramps(
    unwrapped: Rows, points: CommonInputs, params: Params, ctx: Context
) -> ramps.Ramps | None:
    """Return the ramps of all columns, if ``scla_deramp`` (docs/science/scla.md, Ramps)."""
    if not params.scla_deramp:
        return None
    terms = ramps.regressors(points.xy, ramps.degree_or_default(points.deramp_degree))
    columns = np.arange(unwrapped.shape[1])
    return ramps.fit_ramps(terms, corrected(unwrapped, columns), columns, ctx)


def without_ramps(unwrapped: Rows, fitted: ramps.Ramps | None) -> Rows:
    """Return all columns of the phase without their ramps, (n_ps, n_col) float32."""
    ramp = None if fitted is None else fitted.rows
    return corrected(unwrapped, np.arange(unwrapped.shape[1]), ramp)


def stored_ramps(fitted: ramps.Ramps | None, n_ps: int, ctx: Context) -> Rows | None:
    """Return the ramps of every PS, (n_ps, n_col) float64 [rad]."""
    if fitted is None:
        return None
    ramp: Rows = ctx.map_rows(fitted.at, n_ps, "ramps", ctx.config.runtime.stage7_chunk_ps)
    return ramp
