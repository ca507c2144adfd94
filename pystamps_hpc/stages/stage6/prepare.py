"""Stage 6, first step: the wrapped phase psi that is unwrapped, and what is taken off it before.

Everything is computed on demand for a stretch of points or for single interferograms, so no
stack is ever held whole.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...dataset.rows import (
    ALL,
    ComplexArray,
    ComputedRows,
    FloatArray,
    IntArray,
    Rows,
    block,
    chosen_columns,
)
from ...errors import StageError
from ...parallel.context import Context
from ..shared import look_angle

if TYPE_CHECKING:
    from . import Inputs, Params


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
        (n_ps, n_u) planes of the interferograms [rad].
    """

    slope: FloatArray
    offset: FloatArray
    ramp: Rows | None


@dataclass(frozen=True)
class WrappedStack:
    """The wrapped phase of the u interferograms that are unwrapped.

    Parameters
    ----------
    phase : Rows
        (n_ps, n_u) complex64 phasors: ``rc2.ph_rc``, or the patch phase.
    bperp : Rows
        (n_ps, n_u) float32 perpendicular baselines [m].
    columns : (n_u,) int64
        Column of each among all, the master's included.
    slope : (n_ps,) float32
        Look-angle error that is put back [rad/m].
    feedback : Feedback or None
        What an earlier stage 7 found.
    """

    phase: Rows
    bperp: Rows
    columns: IntArray
    slope: FloatArray
    feedback: Feedback | None

    def psi(self, ctx: Context) -> ComputedRows:
        """Return the unit phasors that are unwrapped, (n_ps, n_u) complex64.

        docs/science/unwrapping.md, Wrapped phase.
        """

        def wrapped(rows: slice, which: Any) -> ComplexArray:
            phase = np.ascontiguousarray(block(self.phase, rows, which), np.complex64)
            bperp = np.ascontiguousarray(block(self.bperp, rows, which), np.float32)
            psi: ComplexArray = ctx.kernels.stage6_wrapped_phase(phase, bperp, self.slope[rows])
            for term in self.known_phases(rows, which):
                psi = ctx.kernels.stage6_subtract_phase(psi, term)
            return psi

        return ComputedRows(self.phase.shape, np.dtype(np.complex64), wrapped)

    def known_phases(self, rows: slice, which: Any = ALL) -> list[FloatArray]:
        """Return the phases that the feedback takes off: list of (n, m) float32 [rad]."""
        if self.feedback is None:
            return []
        bperp = np.ascontiguousarray(block(self.bperp, rows, which), np.float32)
        offset = np.broadcast_to(self.feedback.offset[rows, None], bperp.shape)
        terms = [self.feedback.slope[rows, None] * bperp, np.ascontiguousarray(offset)]
        if self.feedback.ramp is not None:
            ramp = block(self.feedback.ramp, rows, which)
            terms.append(np.ascontiguousarray(ramp, np.float32))
        return terms


def wrapped_stack(inputs: "Inputs", params: "Params", used: IntArray, ctx: Context) -> WrappedStack:
    """Choose the phase to unwrap and what is taken off it; docs/science/unwrapping.md.

    Parameters
    ----------
    inputs, params, ctx
        As given to the stage.
    used : (n_u,) int64
        Interferograms that are unwrapped.
    """
    columns = inputs.ifgs.columns[used]
    slope = np.zeros(inputs.n_ps, np.float32)
    phase = chosen_columns(inputs.corrected, columns)
    if params.unwrap_patch_phase:
        if inputs.patch_phase is None:
            raise StageError(
                "pm2.ph_patch: missing, unwrap_patch_phase 'y' needs it; rerun stage 5"
            )
        phase = chosen_columns(inputs.patch_phase, used)
    elif inputs.slope is not None:
        slope = inputs.slope.astype(np.float32)
    bperp = inputs.bperp_mat
    if bperp is None:
        bperp = np.broadcast_to(inputs.ifgs.bperp.astype(np.float32),
                                (inputs.n_ps, len(inputs.ifgs)))  # fmt: skip
    feedback = _feedback(inputs, params, columns, ctx)
    return WrappedStack(phase, chosen_columns(bperp, used), columns, slope, feedback)


def _feedback(
    inputs: "Inputs", params: "Params", columns: IntArray, ctx: Context
) -> Feedback | None:
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
    return Feedback(
        slope.astype(np.float32),
        offset.astype(np.float32),
        None if ramp is None else chosen_columns(ramp, columns),
    )


def search_range(inputs: "Inputs", params: "Params") -> float:
    """Return the range of the look-angle search [cycles over all baselines].

    The zero of the master counts. docs/science/gamma.md, Range of slopes.
    """
    incidence = inputs.mean_incidence
    if incidence is None:
        incidence = look_angle.mean_incidence(None, inputs.look_angle, 2)
    bperp = inputs.ifgs.with_master(inputs.ifgs.bperp, 0)
    return float(
        look_angle.trial_wraps(bperp, incidence, params.max_topo_err, params.lambda_, np.float64)
    )
