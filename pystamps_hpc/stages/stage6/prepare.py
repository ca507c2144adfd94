"""Stage 6, first step: the wrapped phase psi that is unwrapped, and what is taken off it before.

Everything is computed on demand for a stretch of points or for single interferograms, so no
stack is ever held whole.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...dataset.rows import AnyArray, ComplexArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from .. import look_angle
from ..interferograms import check_master, used_ifgs

if TYPE_CHECKING:
    from . import Inputs, Params

ALL = slice(None)
Points = slice


def read(source: Rows, points: Points, columns: IntArray) -> AnyArray:
    """Read a block: whole columns straight away, otherwise rows first."""
    block = source[:, columns] if points == ALL else source[points][:, columns]
    return np.ascontiguousarray(block)


@dataclass(frozen=True)
class Feedback:
    """Phases of an earlier stage 7, taken off before unwrapping and added afterwards.

    Parameters
    ----------
    slope : (n_ps,) float32
        Spatially correlated look-angle error [rad/m].
    offset : (n_ps,) float32
        Atmosphere and orbit error of the master [rad].
    ramp : Rows or None
        (n_ps, n_ifg) planes of the interferograms [rad].
    """

    slope: FloatArray
    offset: FloatArray
    ramp: Rows | None


@dataclass(frozen=True)
class WrappedStack:
    """The wrapped phase of the interferograms that are unwrapped.

    Parameters
    ----------
    phase : Rows
        (n_ps, ...) complex64 phasors: ``rc2.ph_rc``, or the patch phase.
    phase_columns : (n_u,) int64
        Column of `phase` of each unwrapped interferogram.
    bperp : Rows
        (n_ps, ...) float32 perpendicular baselines [m].
    bperp_columns : (n_u,) int64
        Column of `bperp` of each.
    ifgs : (n_u,) int64
        Number of each unwrapped interferogram (from 0).
    slope : (n_ps,) float32
        Look-angle error that is put back [rad/m].
    feedback : Feedback or None
        What an earlier stage 7 found.
    """

    phase: Rows
    phase_columns: IntArray
    bperp: Rows
    bperp_columns: IntArray
    ifgs: IntArray
    slope: FloatArray
    feedback: Feedback | None

    def psi(self, points: Points, which: IntArray, ctx: Context) -> ComplexArray:
        """Return the unit phasors of some points in some of the unwrapped interferograms.

        Parameters
        ----------
        points : slice
            Points; ``slice(None)`` reads whole columns.
        which : (m,) int64
            Positions in :attr:`ifgs`.
        ctx : Context
            Kernels.

        Returns
        -------
        (n, m) complex64
            docs/science/unwrapping.md, Wrapped phase.
        """
        phase = read(self.phase, points, self.phase_columns[which]).astype(np.complex64)
        bperp = read(self.bperp, points, self.bperp_columns[which]).astype(np.float32)
        psi = ctx.kernels.stage6_wrapped_phase(phase, bperp, self.slope[points])
        for term in self.known_phases(points, which):
            psi = ctx.kernels.stage6_subtract_phase(psi, term)
        return psi

    def known_phases(self, points: Points, which: IntArray) -> list[FloatArray]:
        """Return the phases that the feedback takes off: list of (n, m) float32 [rad]."""
        if self.feedback is None:
            return []
        bperp = read(self.bperp, points, self.bperp_columns[which]).astype(np.float32)
        offset = np.broadcast_to(self.feedback.offset[points, None], bperp.shape)
        terms = [self.feedback.slope[points, None] * bperp, np.ascontiguousarray(offset)]
        if self.feedback.ramp is not None:
            terms.append(read(self.feedback.ramp, points, self.ifgs[which]).astype(np.float32))
        return terms


def unwrapped_ifgs(inputs: "Inputs", params: "Params") -> IntArray:
    """Return the interferograms to unwrap, from 0: neither dropped nor the master's column."""
    check_master(inputs.master_ix, inputs.day, inputs.master_day, "rerun stage 5")
    return used_ifgs(params.drop_ifg_index, inputs.n_ifg, fewest=2, without=inputs.master_ix)


def wrapped_stack(inputs: "Inputs", params: "Params", ifgs: IntArray, ctx: Context) -> WrappedStack:
    """Choose the phase to unwrap and what is taken off it; docs/science/unwrapping.md."""
    without_master = ifgs - (ifgs > inputs.master_ix)
    phase, columns = inputs.corrected, ifgs
    slope = np.zeros(inputs.n_ps, np.float32)
    if params.unwrap_patch_phase:
        if inputs.patch_phase is None:
            raise StageError(
                "pm2.ph_patch: missing, unwrap_patch_phase 'y' needs it; rerun stage 5"
            )
        phase, columns = inputs.patch_phase, without_master
    elif inputs.slope is not None:
        slope = inputs.slope.astype(np.float32)
    bperp, bperp_columns = inputs.bperp_mat, without_master
    if bperp is None:
        mean = inputs.bperp.astype(np.float32)
        bperp, bperp_columns = np.broadcast_to(mean, (inputs.n_ps, mean.size)), ifgs
    feedback = _feedback(inputs, params, ctx)
    return WrappedStack(phase, columns, bperp, bperp_columns, ifgs, slope, feedback)


def _feedback(inputs: "Inputs", params: "Params", ctx: Context) -> Feedback | None:
    """Take over the phases of an earlier stage 7, if they belong to these points."""
    slope, offset, ramp = inputs.smooth_slope, inputs.smooth_offset, inputs.smooth_ramp
    if slope is None or offset is None:
        return None
    if slope.shape[0] != inputs.n_ps or offset.shape[0] != inputs.n_ps:
        ctx.warn(
            f"scla_smooth2.K_ps_uw: {slope.shape[0]} points, the dataset has {inputs.n_ps}; "
            "feedback ignored, file kept"
        )
        return None
    if not params.scla_deramp or ramp is None or ramp.shape[0] != inputs.n_ps:
        ramp = None
    return Feedback(slope.astype(np.float32), offset.astype(np.float32), ramp)


def trial_wraps(inputs: "Inputs", params: "Params") -> float:
    """Return the range of the look-angle search [cycles over all baselines].

    docs/science/gamma.md, Range of slopes.
    """
    if inputs.mean_incidence is not None:
        incidence = inputs.mean_incidence
    elif inputs.look_angle is not None:
        incidence = float(np.mean(inputs.look_angle)) + look_angle.EARTH_CURVATURE
    else:
        incidence = look_angle.DEFAULT_INCIDENCE
    return float(
        look_angle.trial_wraps(
            inputs.bperp, incidence, params.max_topo_err, params.lambda_, np.float64
        )
    )
