"""Stage 6, first step: the wrapped phase psi that is unwrapped, and what is taken off it before.

Everything is computed on demand for a stretch of points or for single interferograms, so no
stack is ever held whole.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ...dataset.rows import (
    ALL,
    AnyArray,
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
from ..shared.external_phase import phase_method, tropospheric
from ..shared.ifgs import Ifgs

if TYPE_CHECKING:
    from . import Params


@dataclass(frozen=True)
class PhaseInputs:
    """Merged arrays of every stack; rows are PS, n_col columns include that of a master."""

    n_ps: Annotated[int, "ps2.n_ps"]  # points
    ifgs: Annotated[Ifgs, "ps2"]  # the network
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 2) float32 [m]
    mean_incidence: Annotated[float | None, "ps2.mean_incidence"]  # [rad]
    corrected: Annotated[Rows, "rc2.ph_rc"]  # (n_ps, n_col) complex64
    bperp_mat: Annotated[Rows | None, "bp2.bperp_mat"]  # (n_ps, n_ifg) float32 [m]
    slope: Annotated[FloatArray | None, "pm2.K_ps"]  # (n_ps,) float64 [rad/m]
    patch_phase: Annotated[Rows | None, "pm2.ph_patch"]  # (n_ps, n_ifg) complex64
    look_angle: Annotated[FloatArray | None, "la2.la"]  # (n_ps,) [rad]
    tropo: Annotated[tuple[Rows, ...] | None, "tropo.phase"]  # parts, (n_ps, n_col) [rad]


@dataclass(frozen=True)
class Feedback:
    """Phases of an earlier stage 7, taken off before unwrapping and added afterwards.

    Parameters
    ----------
    slope : (n_ps,) array
        Spatially correlated look-angle error [rad/m].
    offset : (n_ps,) array or None
        Atmosphere and orbit error of the master [rad]; small baselines have none.
    ramp : Rows or None
        (n_ps, n_col) planes of the interferograms [rad].
    """

    slope: FloatArray
    offset: FloatArray | None
    ramp: Rows | None

    def of_points(self, n_ps: int, artifact: str, ctx: Context) -> "Feedback | None":
        """Return what belongs to these points: nothing if the slopes are of others."""
        others = [len(part) for part in (self.slope, self.offset)
                  if part is not None and len(part) != n_ps]  # fmt: skip
        if others:
            ctx.warn(
                f"{artifact}.K_ps_uw: {len(self.slope)} points, the dataset has {n_ps}; "
                "feedback ignored, file kept"
            )
            return None
        if self.ramp is not None and self.ramp.shape[0] != n_ps:
            return replace(self, ramp=None)
        return self


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
    tropo : Rows or None
        (n_ps, n_col) tropospheric phase [rad], if it is subtracted.
    """

    phase: Rows
    bperp: Rows
    columns: IntArray
    slope: FloatArray
    feedback: Feedback | None
    tropo: Rows | None

    def psi(self, ctx: Context) -> ComputedRows:
        """Return the unit phasors that are unwrapped, (n_ps, n_u) complex64.

        docs/science/unwrapping.md, Wrapped phase.
        """

        def wrapped(rows: slice, which: Any) -> ComplexArray:
            phase = np.ascontiguousarray(block(self.phase, rows, which), np.complex64)
            bperp = _single(block(self.bperp, rows, which))
            psi: ComplexArray = ctx.kernels.stage6_wrapped_phase(phase, bperp, self.slope[rows])
            for term in self.known_phases(rows, which):
                psi = ctx.kernels.stage6_subtract_phase(psi, term)
            return psi

        return ComputedRows(self.phase.shape, np.dtype(np.complex64), wrapped)

    def known_phases(self, rows: slice, which: Any = ALL) -> list[FloatArray]:
        """Return the phases that are taken off before: list of (n, m) float32 [rad]."""
        terms: list[FloatArray] = []
        if self.feedback is not None:
            terms += self._fed_back(self.feedback, rows, which)
        if self.tropo is not None:
            terms.append(_single(block(self.tropo, rows, self.columns[which])))
        return terms

    def _fed_back(self, feedback: Feedback, rows: slice, which: Any) -> list[FloatArray]:
        bperp = _single(block(self.bperp, rows, which))
        terms: list[FloatArray] = [feedback.slope[rows, None].astype(np.float32) * bperp]
        if feedback.offset is not None:
            terms.append(_single(np.broadcast_to(feedback.offset[rows, None], bperp.shape)))
        if feedback.ramp is not None:
            terms.append(_single(block(feedback.ramp, rows, self.columns[which])))
        return terms


def _single(values: AnyArray) -> FloatArray:
    return np.ascontiguousarray(values, np.float32)


def wrapped_stack(
    inputs: PhaseInputs,
    params: "Params",
    used: IntArray,
    feedback: Feedback | None,
    ctx: Context,
) -> WrappedStack:
    """Choose the phase to unwrap and what is taken off it; docs/science/unwrapping.md.

    Parameters
    ----------
    inputs, params
        As given to the stage.
    used : (n_u,) int64
        Interferograms that are unwrapped.
    feedback : Feedback or None
        What an earlier stage 7 found.
    ctx : Context
        Sums over PS.
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
    tropo = None
    if inputs.tropo is not None:
        shape = inputs.n_ps, inputs.ifgs.n_columns
        method = phase_method(params.tropo_method)
        tropo = tropospheric(inputs.tropo, method, shape, ctx)
    return WrappedStack(phase, chosen_columns(bperp, used), columns, slope, feedback, tropo)


def search_range(inputs: PhaseInputs, params: "Params") -> float:
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
