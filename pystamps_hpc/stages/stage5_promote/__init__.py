"""Stage 5 of a patch: the points that are left become version 2, with their phase corrected."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...dataset.rows import AnyArray, BoolArray, ComputedRows, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared.gathered import gathered
from ..shared.ifgs import Ifgs
from ..shared.selection import check_selected
from ..shared.version2 import Version2

NOT_PROMOTED = frozenset({"sort_ix", "ph"})  # keys of ps1 that describe the candidates


@dataclass(frozen=True)
class Params:
    """Stage 5 reads no StaMPS parameter in a patch."""


@dataclass(frozen=True)
class Inputs:
    """Candidates of a patch, what stage 3 selected and what stage 4 kept of it."""

    record: Annotated[dict[str, Any], "ps1.*"]  # everything else, as on disk
    ij: Annotated[FloatArray, "ps1.ij"]  # (n_ps, 3) id, azimuth line, range sample
    xy: Annotated[FloatArray, "ps1.xy"]  # (n_ps, 2) float32 [m]
    lonlat: Annotated[FloatArray, "ps1.lonlat"]  # (n_ps, 2) [deg]
    n_ps: Annotated[int, "ps1.n_ps"]  # points
    ifgs: Annotated[Ifgs, "ps1"]  # the network
    selected: Annotated[IntArray, "select1.ix"]  # (n_sel,) rows of the candidates
    kept: Annotated[BoolArray, "select1.keep_ix"]  # (n_sel,)
    slope: Annotated[FloatArray, "select1.K_ps2"]  # (n_sel,) [rad/m]
    offset: Annotated[FloatArray, "select1.C_ps2"]  # (n_sel,) [rad]
    coherence: Annotated[FloatArray, "select1.coh_ps2"]  # (n_sel,)
    residual: Annotated[Rows | None, "select1.ph_res2"]  # (n_sel, n_ifg) float32 [rad]
    unweeded: Annotated[BoolArray, "weed1.ix_weed"]  # (n_keep,) over selected[kept]
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) complex64
    patch_phase: Annotated[Rows, "pm1.ph_patch"]  # (n_ps, n_ifg) complex64
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]  # (n_ps, n_ifg) float32 or float64 [m]
    height: Annotated[FloatArray | None, "hgt1.hgt"]  # (n_ps,) [m]
    look_angle: Annotated[FloatArray | None, "la1.la"]  # (n_ps,) [rad]
    incidence: Annotated[FloatArray | None, "inc1.inc"]  # (n_ps,) [rad]


@dataclass(frozen=True)
class Outputs(Version2):
    """The same arrays of the points that are left, and their corrected phase."""

    n_ps: Annotated[int, "ps2.n_ps"]  # points


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
    point = inputs.selected[selection]
    slope, offset = inputs.slope[selection], inputs.offset[selection]
    ifgs = inputs.ifgs
    phase = ifgs.with_master(gathered((inputs.phase,), point), 1)
    patch_phase, bperp_mat = (
        gathered((inputs.patch_phase,), point),
        gathered((inputs.bperp_mat,), point),
    )

    baselines, noise = ifgs.with_master(bperp_mat, 0), ifgs.master_noise(offset)

    def corrected(rows: Any, columns: Any) -> AnyArray:
        turned: AnyArray = ctx.kernels.stage5_phase_correction(
            phase[rows].astype(np.complex64),
            slope[rows],
            noise[rows],
            baselines[rows],
        )
        return turned[:, columns]

    ctx.fact("promoted", len(point))
    return Outputs(
        record={key: value for key, value in inputs.record.items() if key not in NOT_PROMOTED},
        ij=inputs.ij[point],
        xy=inputs.xy[point],
        lonlat=inputs.lonlat[point],
        n_ps=len(point),
        ifgs=ifgs,
        patch_phase=patch_phase,
        residual=None if inputs.residual is None else gathered((inputs.residual,), selection),
        slope=slope,
        offset=offset,
        coherence=inputs.coherence[selection],
        bperp_mat=bperp_mat,
        corrected=ComputedRows(phase.shape, np.dtype(np.complex64), corrected),
        patch_phase_reref=None if ifgs.master is None else ifgs.with_master(patch_phase, 1),
        height=None if inputs.height is None else inputs.height[point],
        look_angle=None if inputs.look_angle is None else inputs.look_angle[point],
        incidence=None if inputs.incidence is None else inputs.incidence[point],
        phase=phase,
    )


def check(inputs: Inputs) -> None:
    """Refuse a selection of other candidates, and a master that is not where its day says."""
    check_selected(inputs.selected, inputs.n_ps)
    inputs.ifgs.require_master_at_its_day("rerun stage 1")
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
    modes=("ps", "sb"),
    keeps=Keeps(value=0, point=300),
    counts="promoted",
    none_left="relax the selection or weeding parameters",
    stamps_lacks={"rc2": "StaMPS stopped after its stage 4, which promotes the other files"},
    psver=2,
)
