"""Stage 2: estimate the phase stability (coherence gamma) of every candidate of a patch.

Iterates: grid the weighted phasors, filter the grid (CLAP), fit the look-angle error of each
candidate against the filtered phase, weight candidates by their coherence.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from pystamps_kernels.clap_windows import Clap

from ...dataset.rows import ComplexArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, NoPointsLeft, StageSpec
from ..shared import look_angle
from ..shared.coherence import COHERENCE_BINS, RandomCoherence, check_clap_win, low_bins
from ..shared.fit import Fit, blank_fit, fit_points
from ..shared.ifgs import Ifgs
from . import on_device
from .candidate_phase import phasors_at, unit_phasors, weighted_phasors
from .filter_grid import FilterGrid, filter_grid, low_pass_response
from .random_phase import random_histogram, unscaled
from .weights import initial_weights, p_square_weights, snr_weights

# Memory of an interferogram while its weighted phasors are put on the grid and the grid is
# filtered: bytes of a cell and of a candidate.
GRID_BYTES = 96
WEIGHTED_BYTES = 28


@dataclass(frozen=True)
class Params:
    """StaMPS parameters that stage 2 reads (names as in parms.mat)."""

    clap_alpha: float
    clap_beta: float
    clap_low_pass_wavelength: float
    clap_win: int
    filter_grid_size: float
    filter_weighting: str
    gamma_change_convergence: float
    gamma_max_iterations: int
    lambda_: float
    max_topo_err: float
    quick_est_gamma_flag: bool

    def __post_init__(self) -> None:
        if not self.quick_est_gamma_flag:
            raise StageError(
                "quick_est_gamma_flag=n: the full estimator is not available; set it to 'y'"
            )
        if not (math.isfinite(self.lambda_) and self.lambda_ > 0):
            raise StageError(f"lambda={self.lambda_:g}: must be a wavelength in metres; set it")
        check_clap_win(self.clap_win)

    @property
    def n_win(self) -> int:
        """Cells of a window without its padding."""
        return self.clap_win * 3 // 4


@dataclass(frozen=True)
class Inputs:
    """Candidates of a patch."""

    xy: Annotated[FloatArray, "ps1.xy"]  # (n_ps, 2) float32 [m]
    ifgs: Annotated[Ifgs, "ps1"]  # the network
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) complex64
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]  # (n_ps, n_ifg) float32 or float64 [m]
    dispersion: Annotated[FloatArray | None, "da1.D_A"]  # (n_ps,)
    incidence: Annotated[FloatArray | None, "inc1.inc"]  # (n_ps,) [rad], 0 = no data
    look_angle: Annotated[FloatArray | None, "la1.la"]  # (n_ps,) [rad]


@dataclass(frozen=True)
class Outputs:
    """Stability of the candidates, and the grid it was estimated on."""

    patch_phase: Annotated[Rows, "pm1.ph_patch"]  # (n_ps, n_ifg) complex64
    slope: Annotated[FloatArray, "pm1.K_ps"]  # (n_ps,) [rad/m], NaN = invalid
    offset: Annotated[FloatArray, "pm1.C_ps"]  # (n_ps,) [rad]
    coherence: Annotated[FloatArray, "pm1.coh_ps"]  # (n_ps,)
    n_opt: Annotated[FloatArray, "pm1.N_opt"]  # (n_ps,) 1 = valid
    residual: Annotated[FloatArray, "pm1.ph_res"]  # (n_ps, n_ifg) float32 [rad]
    step_number: Annotated[int, "pm1.step_number"]  # always 1
    ph_grid: Annotated[ComplexArray, "pm1.ph_grid"]  # (n_i, n_j, n_ifg) complex64
    n_trial_wraps: Annotated[Any, "pm1.n_trial_wraps"]  # float64 or float32 scalar
    grid_ij: Annotated[IntArray, "pm1.grid_ij"]  # (n_ps, 2) from 0
    grid_size: Annotated[float, "pm1.grid_size"]  # [m]
    low_pass: Annotated[FloatArray, "pm1.low_pass"]  # (n_w, n_w)
    iterations: Annotated[int, "pm1.i_loop"]  # executed iterations
    ph_weight: Annotated[Rows, "pm1.ph_weight"]  # (n_ps, n_ifg) complex64
    random: Annotated[FloatArray, "pm1.Nr"]  # (100,) scaled counts
    last_random_bin: Annotated[int, "pm1.Nr_max_nz_ix"]  # from 1
    bins: Annotated[FloatArray, "pm1.coh_bins"]  # (100,)
    coherence_save: Annotated[FloatArray, "pm1.coh_ps_save"]  # (n_ps,)
    gamma_change: Annotated[
        float, "pm1.gamma_change_save"
    ]  # root mean square, of the last iteration


@dataclass(frozen=True)
class Iterated:
    """What the iterations end with."""

    fit: Fit
    patch_phase: Rows  # (n_ps, n_ifg) complex64
    weighted: Rows  # (n_ps, n_ifg) complex64
    random: FloatArray  # (100,) scaled counts
    changes: list[float]  # of the coherence, root mean square, in each iteration


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Estimate the coherence of every candidate of a patch.

    Raises
    ------
    NoPointsLeft
        The patch is too small for the filter, or no candidate has a phase in every interferogram.
    StageError
        Baselines without a range, or a filter result that is not finite.

    Notes
    -----
    StaMPS ``ps_est_gamma_quick``; Hooper et al. (2007); docs/science/gamma.md.
    """
    n_ps = len(inputs.xy)
    bperp = inputs.ifgs.bperp
    require_range(bperp)
    n_trial_wraps = look_angle.trial_wraps(
        bperp,
        look_angle.mean_incidence(inputs.incidence, inputs.look_angle, 1),
        params.max_topo_err,
        params.lambda_,
        bperp.dtype.type,
    )
    grid = filter_grid(inputs.xy, params.filter_grid_size, params.n_win, params.clap_win, ctx)
    low_pass = low_pass_response(
        params.clap_win, params.filter_grid_size, params.clap_low_pass_wavelength
    )
    ph = unit_phasors(inputs.phase, ctx.kernels)
    check_nulls(ph, inputs.ifgs, ctx)
    random = RandomCoherence(random_counts(inputs.ifgs, n_trial_wraps, ctx), low_bins(inputs.ifgs))
    found = iterated(inputs, params, ph, grid, low_pass, random, n_trial_wraps, ctx)

    ph_grid = np.empty((grid.n_i, grid.n_j, bperp.size), np.complex64)
    for ifgs, plane in grids(found.weighted, grid, ctx):
        ph_grid[:, :, ifgs] = plane
    ctx.note(f"{n_ps} candidates, {len(found.changes)} iterations")
    ctx.fact("candidates", n_ps)
    ctx.fact("filter_grid", [grid.n_i, grid.n_j])
    ctx.fact("filter_window_cells", params.clap_win)
    ctx.fact("trial_wraps", float(n_trial_wraps))
    ctx.fact("gamma_change_per_iteration", found.changes)
    return Outputs(
        patch_phase=found.patch_phase,
        slope=found.fit.slope,
        offset=found.fit.offset,
        coherence=found.fit.coherence,
        n_opt=found.fit.valid.astype(np.float64),
        residual=found.fit.residual,
        step_number=1,
        ph_grid=ph_grid,
        n_trial_wraps=n_trial_wraps,
        grid_ij=grid.ij,
        grid_size=params.filter_grid_size,
        low_pass=low_pass,
        iterations=len(found.changes),
        ph_weight=found.weighted,
        random=found.random,
        last_random_bin=random.last_bin,
        bins=COHERENCE_BINS,
        coherence_save=found.fit.coherence,
        gamma_change=found.changes[-1],
    )


def random_counts(ifgs: Ifgs, n_trial_wraps: Any, ctx: Context) -> FloatArray:
    """Return the histogram of the coherence of random phases, (100,) float64.

    That of a result which is made again, of the same network and range of slopes, is in it.
    """
    before = ctx.standing(("Nr", "n_trial_wraps"), ("ps1",))
    if before is not None and before["n_trial_wraps"].item() == float(n_trial_wraps):
        counts = unscaled(before["Nr"].ravel())
        if counts is not None:
            return counts
    generator = ctx.config.compat.random_generator
    return random_histogram(ifgs, n_trial_wraps, generator, ctx.kernels, ctx.room)


def require_range(bperp: FloatArray) -> None:
    """Refuse baselines that show no look-angle error."""
    if bperp.size < 2:
        raise StageError(
            f"ps1.mat: the stack has {bperp.size} interferogram, two or more with different "
            "baselines are needed; add images and rerun stage 1"
        )
    if not np.ptp(bperp) > 0:
        raise StageError(
            f"ps1.mat: bperp of all {bperp.size} interferograms is {float(bperp[0]):g} m; correct "
            "diff0/*.base or bperp.1.in and rerun stage 1"
        )


def check_nulls(ph: Rows, ifgs: Ifgs, ctx: Context) -> None:
    """Tell how many candidates have no phase somewhere; refuse a patch of nothing else."""
    n_ps = ph.shape[0]
    null = ctx.map_rows(lambda rows: ph[rows] == 0, n_ps)
    nulls = int(null.any(axis=1).sum())
    if nulls == n_ps:
        emptiest = int(null.sum(axis=0).argmax())
        number = ifgs.columns[emptiest] + 1
        raise NoPointsLeft(
            f"none of {n_ps:,} candidates has a phase in every interferogram, "
            f"{int(null[:, emptiest].sum()):,} have none in interferogram {number}; leave images "
            "that do not cover the patch out and extract the candidates again"
        )
    if nulls:
        ctx.note(
            f"{nulls} candidates without phase in an interferogram leave their grid cells out of it"
        )


def iterated(
    inputs: Inputs,
    params: Params,
    ph: Rows,
    grid: FilterGrid,
    low_pass: FloatArray,
    random: RandomCoherence,
    n_trial_wraps: Any,
    ctx: Context,
) -> Iterated:
    """Filter and fit in turn until the coherence stays as it is.

    Parameters
    ----------
    inputs, params, ctx
        As given to :func:`solve`.
    ph : (n_ps, n_ifg) complex64
        Unit phasors.
    grid, low_pass
        Filter grid, and the low-pass part of the filter.
    random : RandomCoherence
        Histogram of the coherence of random phases.
    n_trial_wraps : float32 or float64
        Range of the look-angle search.
    """
    n_ps, n_ifg = ph.shape
    fit = blank_fit(n_ps, n_ifg)
    weight = initial_weights(inputs.dispersion, n_ps, ctx)
    occupied, cell = np.unique(grid.lin, return_inverse=True)
    filtered = np.empty((occupied.size, n_ifg), np.complex64)
    patch_phase = phasors_at(filtered, cell, ctx.kernels)
    resident = on_device.resident_patch(inputs.phase, inputs.bperp_mat, grid, ctx)
    scaled = random.counts
    changes: list[float] = []
    for iteration in range(1, params.gamma_max_iterations + 1):
        weighted = weighted_phasors(ph, inputs.bperp_mat, fit.slope, weight, ctx.kernels)
        previous = fit
        found = None
        if resident is not None:
            ctx.check()
            response = clap_filter(params, low_pass)
            found = on_device.iteration(resident, previous, weight, response, n_trial_wraps)
        if found is None:  # a filtered phase that is not finite is told here, too
            for ifgs, plane in grids(weighted, grid, ctx):
                planes = clap(plane, low_pass, params, ctx, ifgs.start)
                filtered[:, ifgs] = planes.reshape(grid.size, -1)[occupied]
            found = fit_candidates(
                ph, patch_phase, inputs.bperp_mat, n_trial_wraps, previous, ctx,
                f"gamma, iteration {iteration}",
            )  # fmt: skip
        fit = found
        changes.append(root_mean_square(fit.coherence, previous.coherence, ctx))
        before = changes[-2] if len(changes) > 1 else 0.0
        steady = abs(changes[-1] - before) < params.gamma_change_convergence
        if steady or iteration == params.gamma_max_iterations:
            break
        if params.filter_weighting.lower() == "p-square":
            candidates = ctx.kernels.stage2_histogram(fit.coherence, COHERENCE_BINS)
            scaled = random.scaled(candidates)
            if not candidates[: random.low_bins].any():
                ctx.warn("no low-coherence candidates; the random density cannot be scaled")
            weight = p_square_weights(fit.coherence, random, candidates)
        else:
            residual = resident.residual() if resident else fit.residual
            weight = snr_weights(inputs.phase, residual, ctx)
    if resident:
        filtered[:] = resident.at_cells()
        fit = replace(fit, residual=resident.residual())
    return Iterated(fit, patch_phase, weighted, scaled, changes)


def grids(weighted: Rows, grid: FilterGrid, ctx: Context) -> Iterator[tuple[slice, ComplexArray]]:
    """Yield some interferograms at a time and their phasors added up, (n_i, n_j, n) complex64."""
    n_ps, m = weighted.shape
    for ifgs in ctx.columns(m, GRID_BYTES * grid.size + WEIGHTED_BYTES * n_ps):
        ctx.check()
        yield (
            ifgs,
            ctx.kernels.stage2_grid_accumulate(weighted[:, ifgs], grid.lin, grid.n_i, grid.n_j),
        )


def clap_filter(params: Params, low_pass: FloatArray) -> Clap:
    """Return what the filter of a patch on a GPU is told."""
    n_pad = params.clap_win - params.n_win
    return Clap(params.clap_alpha, params.clap_beta, params.n_win, n_pad, low_pass)


def clap(
    ph_grid: ComplexArray, low_pass: FloatArray, params: Params, ctx: Context, first: int = 0
) -> ComplexArray:
    """Filter the grid of the interferograms from `first` on, (n_i, n_j, n) complex64."""
    filtered = ctx.kernels.stage2_clap_grid(
        ph_grid,
        params.clap_alpha,
        params.clap_beta,
        params.n_win,
        params.clap_win - params.n_win,
        low_pass,
    )
    if not np.isfinite(filtered).all():
        row, column, ifg = np.argwhere(~np.isfinite(filtered))[0] + 1
        raise StageError(
            f"filtered phase of interferogram {first + ifg} (master not counted) is not finite at "
            f"grid cell {row}, {column}; check ph1.mat and da1.mat for infinite values"
        )
    return filtered


def fit_candidates(
    ph: Rows,
    patch_phase: Rows,
    bperp_mat: Rows,
    n_trial_wraps: Any,
    previous: Fit,
    ctx: Context,
    label: str,
) -> Fit:
    """Fit every candidate against the filtered phase of its cell.

    A candidate without phase anywhere gets slope NaN and coherence 0 and keeps offset and residual
    of the iteration before.
    """
    kernels = ctx.kernels
    first = bperp_mat[:1][0]
    n_ps = ph.shape[0]
    shared = ctx.map_rows(lambda rows: (bperp_mat[rows] == first).all(axis=1), n_ps).all()

    def fit_rows(rows: slice) -> Fit:
        deviation = kernels.stage2_deviation(ph[rows], patch_phase[rows])
        bperp = first if shared else bperp_mat[rows]
        return fit_points(deviation, bperp, n_trial_wraps, previous, rows, 0, kernels)

    return ctx.map_rows(fit_rows, n_ps, label)


def root_mean_square(values: FloatArray, previous: FloatArray, ctx: Context) -> float:
    """Return the root of the mean square of the change of all candidates."""
    total = ctx.sum_rows(lambda rows: np.square(values[rows] - previous[rows]).sum(), len(values))
    return math.sqrt(float(total) / len(values))


SPEC = StageSpec(
    number=2,
    name="Estimate gamma",
    scope="patch",
    marker="pm1",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage2_topofit",
        "stage2_topofit_row_invariant",
        "stage2_topofit_coh_row_invariant",
        "stage2_topofit_coh_rough",
        "stage2_ph_weight",
        "stage2_grid_accumulate",
        "stage2_clap_grid",
        "stage2_unit_phasors",
        "stage2_phasors_of_cycles",
        "stage2_deviation",
        "stage2_angle",
        "stage2_histogram",
        "stage2_matlab_uniform",
    ),
    modes=("ps", "sb"),
    keeps=Keeps(12, 200, 8, WEIGHTED_BYTES, GRID_BYTES),
    config=("compat.arithmetic", "compat.random_generator"),
    counts="candidates",
)
