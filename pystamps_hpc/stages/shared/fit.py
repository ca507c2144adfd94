"""The look-angle error of points, fitted to what their phase has beyond the filtered phase."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...dataset.rows import ALL, BoolArray, ComplexArray, FloatArray

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable


@dataclass(frozen=True)
class Fit:
    """Look-angle error of every point."""

    slope: FloatArray  # (n_ps,) [rad/m], NaN without phase
    offset: FloatArray  # (n_ps,) [rad]
    coherence: FloatArray  # (n_ps,)
    valid: BoolArray  # (n_ps,) a phase in every interferogram, in any fit so far
    residual: FloatArray  # (n_ps, n_ifg) float32 [rad]


def blank_fit(n_ps: int, n_ifg: int) -> Fit:
    """Return the state before the first fit."""
    slope, offset, coherence = np.zeros((3, n_ps))
    valid, residual = np.zeros(n_ps, np.bool_), np.zeros((n_ps, n_ifg), np.float32)
    return Fit(slope, offset, coherence, valid, residual)


def fit_points(
    deviation: ComplexArray,
    bperp: FloatArray,
    n_trial_wraps: Any,
    before: Fit,
    rows: slice,
    incoherent: float,
    kernels: "KernelTable",
    used: Any = ALL,
) -> Fit:
    """Fit the points that have a phase in every interferogram; the others get slope NaN.

    Parameters
    ----------
    deviation : (n, n_ifg) complex64
        Phasors times the conjugate of the filtered ones; 0 is no phase.
    bperp : (n, n_use) or (n_use,) float32 or float64
        Baselines of each point, or those that all share [m].
    n_trial_wraps : float32 or float64
        Range of the look-angle search.
    before : Fit
        Of all points; the others keep its offset and residual, as all do the residual of
        interferograms that are not used.
    rows : slice
        Which of its points these are.
    incoherent : float
        Coherence of the others.
    kernels : KernelTable
        Bound kernels.
    used : slice or (n_use,) int64
        Interferograms of the fit.
    """
    valid = (deviation != 0).all(axis=1)
    phasors = np.ascontiguousarray(deviation[valid][:, used])
    if bperp.ndim == 1:
        found = kernels.stage2_topofit_row_invariant(phasors, bperp, n_trial_wraps)
    else:
        found = kernels.stage2_topofit(phasors, bperp[valid], n_trial_wraps)
    slope, coherence = np.full(valid.size, np.nan), np.full(valid.size, incoherent, np.float64)
    offset, residual = before.offset[rows].copy(), before.residual[rows].copy()
    slope[valid], offset[valid], coherence[valid] = found[:3]
    fitted = residual[valid]
    fitted[:, used] = kernels.stage2_angle(found[3])
    residual[valid] = fitted
    return Fit(slope, offset, coherence, valid | before.valid[rows], residual)
