"""Stage 5 of a patch: the points that are left become version 2, with their phase corrected."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ..dataset.rows import AnyArray, BoolArray, FloatArray, IntArray, Rows
from ..errors import StageError
from ..parallel.context import Context
from .base import Keeps, StageSpec
from .gathered import Computed, Gathered
from .interferograms import check_master
from .selection import check_selected

NOT_PROMOTED = frozenset({"sort_ix", "ph"})  # keys of ps1 that describe the candidates


@dataclass(frozen=True)
class Params:
    """Stage 5 reads no StaMPS parameter in a patch."""


@dataclass(frozen=True)
class Inputs:
    """Candidates of a patch, what stage 3 selected and what stage 4 kept of it."""

    record: Annotated[dict[str, Any], "ps1.*"]  # everything else, as on disk
    ij: Annotated[FloatArray, "ps1.ij"]  # (n_ps, 3) id, azimuth line, range sample
    xy: Annotated[FloatArray, "ps1.xy"]  # (n_ps, 3) float32, id, x, y [m]
    lonlat: Annotated[FloatArray, "ps1.lonlat"]  # (n_ps, 2) [deg]
    n_ps: Annotated[int, "ps1.n_ps"]  # points
    n_ifg: Annotated[int, "ps1.n_ifg"]  # interferograms, the master column included
    day: Annotated[FloatArray, "ps1.day"]  # (n_ifg,) MATLAB day numbers
    master_ix: Annotated[int, "ps1.master_ix"]  # column from 0
    master_day: Annotated[float, "ps1.master_day"]  # MATLAB day number
    selected: Annotated[IntArray, "select1.ix"]  # (n_sel,) rows of the candidates
    kept: Annotated[BoolArray, "select1.keep_ix"]  # (n_sel,)
    slope: Annotated[FloatArray, "select1.K_ps2"]  # (n_sel,) [rad/m]
    offset: Annotated[FloatArray, "select1.C_ps2"]  # (n_sel,) [rad]
    coherence: Annotated[FloatArray, "select1.coh_ps2"]  # (n_sel,)
    residual: Annotated[Rows | None, "select1.ph_res2"]  # (n_sel, n_pm) float32 [rad]
    unweeded: Annotated[BoolArray, "weed1.ix_weed"]  # (n_keep,) over selected[kept]
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) complex64
    patch_phase: Annotated[Rows, "pm1.ph_patch"]  # (n_ps, n_pm) complex64
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]  # (n_ps, n_pm) float32 or float64 [m]
    height: Annotated[FloatArray | None, "hgt1.hgt"]  # (n_ps,) [m]
    look_angle: Annotated[FloatArray | None, "la1.la"]  # (n_ps,) [rad]
    incidence: Annotated[FloatArray | None, "inc1.inc"]  # (n_ps,) [rad]


@dataclass(frozen=True)
class Outputs:
    """The same arrays of the points that are left, and their corrected phase."""

    record: Annotated[dict[str, Any], "ps2.*"]  # everything else, as on disk
    ij: Annotated[FloatArray, "ps2.ij"]  # (n_ps, 3), ids of the candidates
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 3) float32, ids of the candidates
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) [deg]
    n_ps: Annotated[int, "ps2.n_ps"]  # points
    n_ifg: Annotated[int, "ps2.n_ifg"]  # interferograms, the master column included
    day: Annotated[FloatArray, "ps2.day"]  # (n_ifg,) MATLAB day numbers
    master_ix: Annotated[int, "ps2.master_ix"]  # column from 0
    master_day: Annotated[float, "ps2.master_day"]  # MATLAB day number
    patch_phase: Annotated[Rows, "pm2.ph_patch"]  # (n_ps, m) complex64
    residual: Annotated[Rows | None, "pm2.ph_res"]  # (n_ps, m) float32 [rad]
    slope: Annotated[FloatArray, "pm2.K_ps"]  # (n_ps,) [rad/m]
    offset: Annotated[FloatArray, "pm2.C_ps"]  # (n_ps,) [rad]
    coherence: Annotated[FloatArray, "pm2.coh_ps"]  # (n_ps,)
    bperp_mat: Annotated[Rows, "bp2.bperp_mat"]  # (n_ps, m) float32 or float64 [m]
    corrected: Annotated[Rows, "rc2.ph_rc"]  # (n_ps, n_ifg) complex64, amplitude of ph
    patch_phase_reref: Annotated[Rows | None, "rc2.ph_reref"]  # (n_ps, n_ifg) complex64
    height: Annotated[FloatArray | None, "hgt2.hgt"]  # (n_ps,) [m]
    look_angle: Annotated[FloatArray | None, "la2.la"]  # (n_ps,) [rad]
    incidence: Annotated[FloatArray | None, "inc2.inc"]  # (n_ps,) [rad]
    phase: Annotated[Rows, "ph2.ph"]  # (n_ps, n_ifg) complex64


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Select the rows that are left and remove look-angle error and master noise.

    Raises
    ------
    StageError
        A selection of other candidates, or a master that is not where its day says.

    Notes
    -----
    StaMPS ``ps_weed`` (its version 2 files) and ``ps_correct_phase``; docs/science/merging.md,
    Phase correction.
    """
    check(inputs)
    selection = np.flatnonzero(inputs.kept)[inputs.unweeded]
    row = inputs.selected[selection]
    slope, offset = inputs.slope[selection], inputs.offset[selection]
    phase, patch_phase = Gathered((inputs.phase,), row), Gathered((inputs.patch_phase,), row)
    bperp_mat = Gathered((inputs.bperp_mat,), row)

    def corrected(rows: Any) -> AnyArray:
        return ctx.kernels.stage5_phase_correction(
            phase[rows].astype(np.complex64),
            slope[rows],
            offset[rows],
            bperp_mat[rows],
            inputs.master_ix,
        )

    def patch_phase_reref(rows: Any) -> AnyArray:
        return np.insert(patch_phase[rows], inputs.master_ix, 1, axis=1)

    ctx.fact("promoted", len(row))
    return Outputs(
        record={key: value for key, value in inputs.record.items() if key not in NOT_PROMOTED},
        ij=inputs.ij[row],
        xy=inputs.xy[row],
        lonlat=inputs.lonlat[row],
        n_ps=len(row),
        n_ifg=inputs.n_ifg,
        day=inputs.day,
        master_ix=inputs.master_ix,
        master_day=inputs.master_day,
        patch_phase=patch_phase,
        residual=None if inputs.residual is None else Gathered((inputs.residual,), selection),
        slope=slope,
        offset=offset,
        coherence=inputs.coherence[selection],
        bperp_mat=bperp_mat,
        corrected=Computed(phase.shape, np.dtype(np.complex64), corrected),
        patch_phase_reref=Computed(phase.shape, patch_phase.dtype, patch_phase_reref),
        height=None if inputs.height is None else inputs.height[row],
        look_angle=None if inputs.look_angle is None else inputs.look_angle[row],
        incidence=None if inputs.incidence is None else inputs.incidence[row],
        phase=phase,
    )


def check(inputs: Inputs) -> None:
    """Refuse a selection of other candidates, and a master that is not where its day says."""
    check_selected(inputs.selected, inputs.n_ps)
    check_master(inputs.master_ix, inputs.day, inputs.master_day, "rerun stage 1")
    kept = int(inputs.kept.sum())
    if len(inputs.unweeded) != kept:
        raise StageError(
            f"weed1.mat: ix_weed has {len(inputs.unweeded)} rows, expected {kept}; rerun stage 4"
        )


SPEC = StageSpec(
    number=5,
    name="Correct phase and merge",
    scope="patch",
    marker="ph2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=("stage5_phase_correction",),
    keeps=Keeps(value=0, point=300),
    counts="promoted",
    none_left="relax the selection or weeding parameters",
    stamps_lacks={"rc2": "StaMPS stopped after its stage 4, which promotes the other files"},
    psver=2,
)
