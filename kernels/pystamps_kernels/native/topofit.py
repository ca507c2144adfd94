"""Fit of look-angle error slope and offset; the loops over rows are compiled in both precisions."""

from typing import Any

import numpy as np

from ..numerics import trial_steps
from ..reference.topofit import Array, Fit, rounded
from . import topofit_double as double
from . import topofit_single as single
from .topofit_rough import fit_rough


def topofit(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Native twin of :func:`reference.topofit.topofit`."""
    fit = double.fit_rows(cpxphase, bperp, trial_steps(n_trial_wraps))
    return rounded(fit, cpxphase, bperp)


def topofit_row_invariant(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Native twin of :func:`reference.topofit.topofit_row_invariant`."""
    fit = double.fit_shared(cpxphase, bperp, trial_steps(n_trial_wraps), bperp.size)
    fit = rounded(fit, cpxphase, bperp)
    holes = np.flatnonzero((cpxphase == 0).any(axis=1))
    if holes.size:
        own = np.broadcast_to(bperp, (holes.size, bperp.size)).copy()
        for whole, part in zip(fit, topofit(cpxphase[holes], own, n_trial_wraps), strict=True):
            whole[holes] = part
    return fit


def topofit_coh_row_invariant(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """Native twin of :func:`reference.topofit.topofit_coh_row_invariant`."""
    return double.fit_shared(cpxphase, bperp, trial_steps(n_trial_wraps), 0)[2].astype(bperp.dtype)


def topofit_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Native twin of :func:`reference.topofit.topofit_single`."""
    if cpxphase.dtype == np.complex128 and bperp.dtype == np.float64:
        return topofit(cpxphase, bperp, n_trial_wraps)
    return single.fit_rows(cpxphase, bperp, *_constants(bperp, n_trial_wraps))


def topofit_row_invariant_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Native twin of :func:`reference.topofit.topofit_row_invariant_single`."""
    if cpxphase.dtype == np.complex128 and bperp.dtype == np.float64:
        return topofit_row_invariant(cpxphase, bperp, n_trial_wraps)
    return single.fit_shared(cpxphase, bperp, bperp.size, *_constants(bperp, n_trial_wraps))


def topofit_coh_row_invariant_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """Native twin of :func:`reference.topofit.topofit_coh_row_invariant_single`."""
    if bperp.dtype == np.float64:
        return topofit_coh_row_invariant(cpxphase, bperp, n_trial_wraps)
    constants = _constants(bperp, n_trial_wraps)
    return single.fit_shared(cpxphase, bperp, 0, *constants)[2].astype(bperp.dtype)


def topofit_coh_rough(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """Native twin of :func:`reference.topofit.topofit_coh_rough`."""
    steps = trial_steps(n_trial_wraps)
    return fit_rough(cpxphase.view(np.float64), bperp.astype(np.float64), steps)


def _constants(bperp: Array, n_trial_wraps: float) -> tuple[Array, Any, Any, Any]:
    """Trial numbers from 0 and the constants pi, 4 and pi/4, of the class of the baselines."""
    real = bperp.dtype.type
    trials = np.arange(trial_steps(n_trial_wraps) + 1).astype(real)
    return trials, real(np.pi), real(4), real(np.pi / 4)
