"""Stage 3: select the candidates of a patch whose phase is stable.

The coherence that separates them from random phases is found, the coherence of the selected ones
is estimated again without their own contribution to the filtered phase, and tested again.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from pystamps_kernels.clap_windows import Clap

from ...dataset.rows import BoolArray, ComplexArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared.coherence import RandomCoherence, check_clap_win, low_bins
from ..shared.fit import Fit, blank_fit, fit_points
from ..shared.gathered import gathered
from ..shared.ifgs import Ifgs
from . import on_device
from .threshold import Limit, coherence_threshold, dispersion_edges

N_RESAMPLES = 100
BOOTSTRAP_SEED = 2005

# Memory of an interferogram that is filtered: bytes of a cell of the grid and of a cell in use.
GRID_BYTES = 16
CELL_BYTES = 16


@dataclass(frozen=True)
class Params:
    """StaMPS parameters that stage 3 reads (names as in parms.mat)."""

    clap_alpha: float
    clap_beta: float
    clap_win: int
    density_rand: float
    drop_ifg_index: tuple[int, ...]
    gamma_stdev_reject: float
    percent_rand: float
    quick_est_gamma_flag: bool
    select_method: str
    select_reest_gamma_flag: bool
    slc_osf: float

    def __post_init__(self) -> None:
        check_clap_win(self.clap_win)
        if self.slc_osf != int(self.slc_osf):
            raise StageError(f"slc_osf={self.slc_osf:g}: must be a whole number")

    @property
    def percent(self) -> bool:
        """Whether random points are limited by their share instead of their density."""
        return self.select_method.lower() == "percent"

    @property
    def reestimate(self) -> bool:
        """Whether the coherence of selected candidates is estimated again."""
        return self.quick_est_gamma_flag and self.select_reest_gamma_flag


@dataclass(frozen=True)
class Inputs:
    """Candidates of a patch and their coherence."""

    xy: Annotated[FloatArray, "ps1.xy"]  # (n_ps, 2) float32 [m]
    ifgs: Annotated[Ifgs, "ps1"]  # the network
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) complex64
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]  # (n_ps, n_ifg) float32 or float64 [m]
    dispersion: Annotated[FloatArray | None, "da1.D_A"]  # (n_ps,)
    patch_phase: Annotated[Rows, "pm1.ph_patch"]  # (n_ps, n_ifg) complex64
    slope: Annotated[FloatArray, "pm1.K_ps"]  # (n_ps,) [rad/m]
    offset: Annotated[FloatArray, "pm1.C_ps"]  # (n_ps,) [rad]
    coherence: Annotated[FloatArray, "pm1.coh_ps"]  # (n_ps,)
    residual: Annotated[Rows, "pm1.ph_res"]  # (n_ps, n_ifg) float32 [rad]
    ph_grid: Annotated[ComplexArray, "pm1.ph_grid"]  # (n_i, n_j, n_ifg) complex64
    grid_ij: Annotated[IntArray, "pm1.grid_ij"]  # (n_ps, 2) from 0
    n_trial_wraps: Annotated[float, "pm1.n_trial_wraps"]  # [cycles]
    low_pass: Annotated[FloatArray, "pm1.low_pass"]  # (n_w, n_w)
    random: Annotated[FloatArray, "pm1.Nr"]  # (100,) counts


@dataclass(frozen=True)
class Outputs:
    """The selected candidates, their new estimates, and the threshold."""

    selected: Annotated[IntArray, "select1.ix"]  # (n_sel,) from 0
    kept: Annotated[BoolArray, "select1.keep_ix"]  # (n_sel,)
    patch_phase: Annotated[Rows, "select1.ph_patch2"]  # (n_sel, n_ifg) complex64
    residual: Annotated[Rows, "select1.ph_res2"]  # (n_sel, n_ifg) float32 [rad]
    slope: Annotated[FloatArray, "select1.K_ps2"]  # (n_sel,) [rad/m]
    offset: Annotated[FloatArray, "select1.C_ps2"]  # (n_sel,) [rad]
    coherence: Annotated[FloatArray, "select1.coh_ps2"]  # (n_sel,)
    threshold: Annotated[FloatArray, "select1.coh_thresh"]  # (1,) or one per point
    threshold_coeffs: Annotated[FloatArray | None, "select1.coh_thresh_coeffs"]  # (2,)
    clap_alpha: Annotated[float, "select1.clap_alpha"]  # parameter
    clap_beta: Annotated[float, "select1.clap_beta"]  # parameter
    n_win: Annotated[int, "select1.n_win"]  # parameter clap_win
    max_rand: Annotated[Any, "select1.max_percent_rand"]  # float32 count or float64 percent
    gamma_stdev_reject: Annotated[float, "select1.gamma_stdev_reject"]  # parameter
    small_baseline_flag: Annotated[str, "select1.small_baseline_flag"]  # 'y' or 'n'
    ifg_index: Annotated[IntArray, "select1.ifg_index"]  # (n_use,) from 0


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Select the stable candidates of a patch.

    Raises
    ------
    StageError
        A filter of another window, or a list of dropped interferograms that cannot be used.

    Notes
    -----
    StaMPS ``ps_select``; Hooper et al. (2007); docs/science/selection.md.
    """
    check_window(inputs, params)
    ifg_index = inputs.ifgs.used(params.drop_ifg_index, fewest=2)
    edges, dispersion = dispersion_edges(inputs.dispersion, len(inputs.xy))
    limit = Limit(random_limit(inputs.xy, edges.size - 1, params), params.percent)
    random = RandomCoherence(inputs.random, low_bins(inputs.ifgs))
    threshold = coherence_threshold(inputs.coherence, dispersion, edges, random, limit, ctx)
    selected = np.flatnonzero(inputs.coherence > threshold.at(dispersion))
    if params.gamma_stdev_reject > 0:
        selected = selected[steady(inputs, selected, ifg_index, params, ctx)]

    if not params.reestimate:
        patch_phase: Rows = gathered((inputs.patch_phase,), selected)
        fit = first_fit(inputs, selected)
        kept = np.ones(selected.size, np.bool_)
        values = threshold.at(dispersion)
    else:
        patch_phase, fit = estimated_again(inputs, params, selected, ifg_index, ctx)
        if selected.size:
            coherence = inputs.coherence.copy()
            coherence[selected] = fit.coherence
            threshold = coherence_threshold(coherence, dispersion, edges, random, limit, ctx)
        values = threshold.at(dispersion[selected])
        kept = still_coherent(inputs, selected, fit, values)

    left = int(kept.sum())
    weak = 0
    ctx.note(f"{selected.size} of {len(inputs.xy)} candidates selected, {left} kept")
    if left < selected.size:
        weak = int(np.count_nonzero(~(fit.coherence > values)))
        ctx.note(f"{weak} no longer coherent without their own phase")
        if left + weak < selected.size:
            ctx.note(f"{selected.size - left - weak} on another cycle of the look-angle error")
    ctx.fact("selected", int(selected.size))
    ctx.fact("kept", left)
    ctx.fact("incoherent_again", weak)
    ctx.fact("other_cycle", int(selected.size) - left - weak)
    if values.size:
        ctx.fact("gamma_threshold", float(np.median(values)))
    return Outputs(
        selected=selected,
        kept=kept,
        patch_phase=patch_phase,
        residual=fit.residual,
        slope=fit.slope,
        offset=fit.offset,
        coherence=fit.coherence,
        threshold=values,
        threshold_coeffs=threshold.coeffs,
        clap_alpha=params.clap_alpha,
        clap_beta=params.clap_beta,
        n_win=params.clap_win,
        max_rand=limit.value,
        gamma_stdev_reject=params.gamma_stdev_reject,
        small_baseline_flag="y" if inputs.ifgs.master is None else "n",
        ifg_index=ifg_index,
    )


def check_window(inputs: Inputs, params: Params) -> None:
    """Refuse a filter response that was made for another window."""
    found, expected = inputs.low_pass.shape, (params.clap_win, params.clap_win)
    if found != expected:
        raise StageError(
            f"pm1.mat: low_pass has shape {found}, expected {expected} of clap_win; rerun stage 2"
        )


def random_limit(xy: FloatArray, n_bins: int, params: Params) -> Any:
    """Return the accepted random points of each bin: a percentage, or a count in single."""
    if params.percent:
        return np.float64(params.percent_rand)
    area = np.ptp(xy[:, 0]) * np.ptp(xy[:, 1]) / xy.dtype.type(1e6)
    return xy.dtype.type(params.density_rand) * area / xy.dtype.type(n_bins)


def steady(
    inputs: Inputs, selected: IntArray, ifg_index: IntArray, params: Params, ctx: Context
) -> BoolArray:
    """Tell which selected candidates keep their coherence when interferograms are resampled.

    The reference intends this test but stops in it, so the random numbers are our own; they depend
    on the candidate only.
    """

    def deviations(rows: slice) -> FloatArray:
        residual = np.ascontiguousarray(inputs.residual[selected[rows]][:, ifg_index])
        return ctx.kernels.stage3_bootstrap_deviation(
            residual, selected[rows], N_RESAMPLES, BOOTSTRAP_SEED
        )

    kept: BoolArray = ctx.map_rows(deviations, selected.size) < params.gamma_stdev_reject
    ctx.note(f"gamma_stdev_reject, an extension: {int((~kept).sum())} candidates rejected")
    return kept


def first_fit(inputs: Inputs, selected: IntArray) -> Fit:
    """Return what stage 2 knows of the selected candidates."""
    return Fit(
        inputs.slope[selected],
        inputs.offset[selected],
        inputs.coherence[selected],
        np.ones(selected.size, np.bool_),
        inputs.residual[selected],
    )


def estimated_again(
    inputs: Inputs, params: Params, selected: IntArray, ifg_index: IntArray, ctx: Context
) -> tuple[Rows, Fit]:
    """Return the filtered phase of the selected candidates without their own cell, and the fit."""
    n_i, n_j, _ = inputs.ph_grid.shape
    lin, cell = np.unique(inputs.grid_ij[selected] @ [n_j, 1], return_inverse=True)
    cells = np.stack(np.divmod(lin, n_j), axis=1)
    if min(n_i, n_j) < params.clap_win:
        ctx.warn(
            f"grid {n_i} x {n_j} cells is smaller than clap_win={params.clap_win}: every candidate "
            "is rejected; enlarge the patch, or reduce filter_grid_size or clap_win"
        )
    resident = on_device.resident_selection(
        inputs.phase, inputs.bperp_mat, selected, cell, ifg_index, ctx
    )
    if resident is None:
        filtered = own_cell_left_out(inputs, params, cells, ctx)
        patch_phase = gathered((filtered,), cell)
        return patch_phase, fit_again(inputs, patch_phase, selected, ifg_index, ctx)
    clap = Clap(params.clap_alpha, params.clap_beta, params.clap_win, 0, inputs.low_pass)
    resident.filter(inputs.ph_grid, cells, clap, int(params.slc_osf))
    fit = on_device.fitted(resident, inputs.n_trial_wraps, ifg_index)
    return gathered((resident.at_cells(),), cell), fit


def own_cell_left_out(
    inputs: Inputs, params: Params, cells: IntArray, ctx: Context
) -> ComplexArray:
    """Return the filtered phase of cells (n_cells, 2) without their own contribution.

    Notes
    -----
    docs/science/selection.md, Gamma without the own cell. It depends on the cell only and is
    computed once per cell.
    """
    n_i, n_j, m = inputs.ph_grid.shape
    filtered = np.empty((len(cells), m), np.complex64)
    for ifgs in ctx.columns(m, GRID_BYTES * n_i * n_j + CELL_BYTES * len(cells)):
        filtered[:, ifgs] = ctx.kernels.stage3_clap_cells(
            np.ascontiguousarray(inputs.ph_grid[:, :, ifgs]),
            cells,
            params.clap_win,
            params.clap_alpha,
            params.clap_beta,
            inputs.low_pass,
            int(params.slc_osf) if ifgs.start == 0 else 1,  # widens the first interferogram only
        )
    return filtered


def fit_again(
    inputs: Inputs, patch_phase: Rows, selected: IntArray, ifg_index: IntArray, ctx: Context
) -> Fit:
    """Fit the selected candidates against a filtered phase.

    Notes
    -----
    docs/science/selection.md, Gamma without the own cell.
    """
    kernels, blank = ctx.kernels, blank_fit(*patch_phase.shape)

    def fit_rows(rows: slice) -> Fit:
        candidates = selected[rows]
        deviation = kernels.stage2_deviation(inputs.phase[candidates], patch_phase[rows])
        return fit_points(
            kernels.stage2_unit_phasors(deviation),
            np.ascontiguousarray(inputs.bperp_mat[candidates][:, ifg_index]),
            inputs.n_trial_wraps, blank, rows, np.nan, kernels, ifg_index,
        )  # fmt: skip

    return ctx.map_rows(fit_rows, selected.size, "gamma again")


def still_coherent(
    inputs: Inputs, selected: IntArray, fit: Fit, threshold: FloatArray
) -> BoolArray:
    """Tell which candidates stay coherent and did not jump to another cycle of the slope."""
    spread = np.ptp(inputs.ifgs.bperp)
    cycle = spread.dtype.type(2 * np.pi) / spread
    change = np.abs(inputs.slope[selected] - fit.slope)
    kept: BoolArray = (fit.coherence > threshold) & (change < cycle)
    return kept


SPEC = StageSpec(
    number=3,
    name="Select PS",
    scope="patch",
    marker="select1",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage2_topofit",
        "stage2_unit_phasors",
        "stage2_deviation",
        "stage2_angle",
        "stage2_histogram",
        "stage3_clap_cells",
        "stage3_bootstrap_deviation",
    ),
    modes=("ps", "sb"),
    keeps=Keeps(12, 200, 8, CELL_BYTES, GRID_BYTES),
    counts="kept",
    counted_in={"kept": "select1.keep_ix"},
    none_left="relax the selection or weeding parameters",
)
