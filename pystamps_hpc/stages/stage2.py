"""Stage 2: estimate the phase stability (coherence gamma) of every candidate of a patch.

Iterates: grid the weighted phasors, filter the grid (CLAP), fit the look-angle error of each
candidate against the filtered phase, weight candidates by their coherence.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ..dataset.rows import BoolArray, ComplexArray, FloatArray, IntArray, Rows
from ..errors import StageError
from ..parallel.context import Context
from . import look_angle
from .base import Keeps, NoPointsLeft, StageSpec
from .candidate_phase import PatchPhase, UnitPhasors, Weighted
from .coherence import COHERENCE_BINS, LOW_BINS, check_clap_win, scaled_random
from .filter_grid import FilterGrid, filter_grid, low_pass_response
from .random_phase import random_histogram
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

    xy: Annotated[FloatArray, "ps1.xy"]  # (n_ps, 3) float32, id, x, y [m]
    bperp: Annotated[FloatArray, "ps1.bperp"]  # (n_ifg,) float32 or float64 [m]
    master_ix: Annotated[int, "ps1.master_ix"]  # column from 0
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) complex64
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]  # (n_ps, n_ifg - 1) float32 or float64 [m]
    dispersion: Annotated[FloatArray | None, "da1.D_A"]  # (n_ps,)
    incidence: Annotated[FloatArray | None, "inc1.inc"]  # (n_ps,) [rad], 0 = no data
    look_angle: Annotated[FloatArray | None, "la1.la"]  # (n_ps,) [rad]


@dataclass(frozen=True)
class Outputs:
    """Stability of the candidates, and the grid it was estimated on; m ifgs without the master."""

    patch_phase: Annotated[Rows, "pm1.ph_patch"]  # (n_ps, m) complex64
    slope: Annotated[FloatArray, "pm1.K_ps"]  # (n_ps,) [rad/m], NaN = invalid
    offset: Annotated[FloatArray, "pm1.C_ps"]  # (n_ps,) [rad]
    coherence: Annotated[FloatArray, "pm1.coh_ps"]  # (n_ps,)
    n_opt: Annotated[FloatArray, "pm1.N_opt"]  # (n_ps,) 1 = valid
    residual: Annotated[FloatArray, "pm1.ph_res"]  # (n_ps, m) float32 [rad]
    step_number: Annotated[int, "pm1.step_number"]  # always 1
    ph_grid: Annotated[ComplexArray, "pm1.ph_grid"]  # (n_i, n_j, m) complex64
    n_trial_wraps: Annotated[Any, "pm1.n_trial_wraps"]  # float64 or float32 scalar
    grid_ij: Annotated[IntArray, "pm1.grid_ij"]  # (n_ps, 2) from 0
    grid_size: Annotated[float, "pm1.grid_size"]  # [m]
    low_pass: Annotated[FloatArray, "pm1.low_pass"]  # (n_w, n_w)
    iterations: Annotated[int, "pm1.i_loop"]  # executed iterations
    ph_weight: Annotated[Rows, "pm1.ph_weight"]  # (n_ps, m) complex64
    random: Annotated[FloatArray, "pm1.Nr"]  # (100,) scaled counts
    last_random_bin: Annotated[int, "pm1.Nr_max_nz_ix"]  # from 1
    bins: Annotated[FloatArray, "pm1.coh_bins"]  # (100,)
    coherence_save: Annotated[FloatArray, "pm1.coh_ps_save"]  # (n_ps,)
    gamma_change: Annotated[
        float, "pm1.gamma_change_save"
    ]  # root mean square, of the last iteration


@dataclass(frozen=True)
class Fit:
    """State of every candidate after an iteration."""

    slope: FloatArray  # (n_ps,) [rad/m]
    offset: FloatArray  # (n_ps,) [rad]
    coherence: FloatArray  # (n_ps,)
    valid: BoolArray  # (n_ps,) in any iteration so far
    residual: FloatArray  # (n_ps, m) float32 [rad]


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Estimate the coherence of every candidate of a single-master patch.

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
    bperp = np.delete(inputs.bperp, inputs.master_ix)
    n_trial_wraps = trial_wraps(inputs, params, bperp)
    grid = filter_grid(inputs.xy, params.filter_grid_size, params.n_win, params.clap_win, ctx)
    low_pass = low_pass_response(
        params.clap_win, params.filter_grid_size, params.clap_low_pass_wavelength
    )
    ph = UnitPhasors(inputs.phase, inputs.master_ix, ctx.kernels)
    null = ctx.map_rows(lambda rows: ph[rows] == 0, n_ps)
    nulls = int(null.any(axis=1).sum())
    if nulls == n_ps:
        emptiest = int(null.sum(axis=0).argmax())
        number = emptiest + (emptiest >= inputs.master_ix) + 1
        raise NoPointsLeft(
            f"none of {n_ps:,} candidates has a phase in every interferogram, "
            f"{int(null[:, emptiest].sum()):,} have none in interferogram {number}; leave images "
            "that do not cover the patch out and extract the candidates again"
        )
    if nulls:
        ctx.note(
            f"{nulls} candidates without phase in an interferogram leave their grid cells out of it"
        )

    generator = ctx.config.compat.random_generator
    random = random_histogram(bperp, n_trial_wraps, generator, ctx.kernels)
    last_random_bin = int(np.flatnonzero(random)[-1]) + 1
    scaled = random

    fit = blank_fit(n_ps, bperp.size)
    weight = initial_weights(inputs.dispersion, n_ps, ctx)
    occupied, cell = np.unique(grid.lin, return_inverse=True)
    patch_phase = PatchPhase(np.empty((occupied.size, bperp.size), np.complex64), cell, ctx.kernels)
    change = 0.0
    changes = []
    for iteration in range(1, params.gamma_max_iterations + 1):
        weighted = Weighted(ph, inputs.bperp_mat, fit.slope, weight)
        for ifgs, plane in grids(weighted, grid, ctx):
            filtered = clap(plane, low_pass, params, ctx, ifgs.start)
            patch_phase.filtered[:, ifgs] = filtered.reshape(grid.size, -1)[occupied]
        previous, previous_change = fit, change
        fit = fit_candidates(
            ph, patch_phase, inputs.bperp_mat, n_trial_wraps, previous, ctx,
            f"gamma, iteration {iteration}",
        )  # fmt: skip
        change = root_mean_square(fit.coherence, previous.coherence, ctx)
        changes.append(change)
        steady = abs(change - previous_change) < params.gamma_change_convergence
        if steady or iteration == params.gamma_max_iterations:
            break
        if params.filter_weighting.lower() == "p-square":
            candidates = ctx.kernels.stage2_histogram(fit.coherence, COHERENCE_BINS)
            scaled = scaled_random(random, candidates)
            if not candidates[:LOW_BINS].any():
                ctx.warn("no low-coherence candidates; the random density cannot be scaled")
            weight = p_square_weights(fit.coherence, scaled, candidates, last_random_bin)
        else:
            weight = snr_weights(lambda rows: phasors(inputs, rows), fit.residual, ctx)

    ph_grid = np.empty((grid.n_i, grid.n_j, bperp.size), np.complex64)
    for ifgs, plane in grids(weighted, grid, ctx):
        ph_grid[:, :, ifgs] = plane
    ctx.note(f"{n_ps} candidates, {iteration} iterations")
    ctx.fact("candidates", n_ps)
    ctx.fact("filter_grid", [grid.n_i, grid.n_j])
    ctx.fact("filter_window_cells", params.clap_win)
    ctx.fact("trial_wraps", float(n_trial_wraps))
    ctx.fact("gamma_change_per_iteration", changes)
    return Outputs(
        patch_phase=patch_phase,
        slope=fit.slope,
        offset=fit.offset,
        coherence=fit.coherence,
        n_opt=fit.valid.astype(np.float64),
        residual=fit.residual,
        step_number=1,
        ph_grid=ph_grid,
        n_trial_wraps=n_trial_wraps,
        grid_ij=grid.ij,
        grid_size=params.filter_grid_size,
        low_pass=low_pass,
        iterations=iteration,
        ph_weight=weighted,
        random=scaled,
        last_random_bin=last_random_bin,
        bins=COHERENCE_BINS,
        coherence_save=fit.coherence,
        gamma_change=change,
    )


def phasors(inputs: Inputs, rows: slice) -> ComplexArray:
    """Return the candidates' phasors without the master column, as they are in ``ph1``."""
    return np.delete(np.ascontiguousarray(inputs.phase[rows]), inputs.master_ix, axis=1)


def trial_wraps(inputs: Inputs, params: Params, bperp: FloatArray) -> Any:
    """Return how many cycles the largest look-angle error makes over the baseline range.

    Notes
    -----
    docs/science/gamma.md, Range of slopes. The result is single if the baselines or the angles
    are. GAMMA and SNAP data hold the incidence in ``la1``; the step from look angle to incidence is
    added all the same.
    """
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
    incidence: Any = look_angle.DEFAULT_INCIDENCE
    source = "its default"
    if inputs.incidence is not None:
        incidence, source = _mean(inputs.incidence[inputs.incidence != 0]), "inc1.mat: inc"
    elif inputs.look_angle is not None:
        incidence, source = _mean(inputs.look_angle) + look_angle.EARTH_CURVATURE, "la1.mat: la"
    if not 0 < incidence < math.pi / 2:
        raise StageError(
            f"mean incidence angle {float(incidence):g} rad from {source}: must lie between 0 and "
            "pi/2; correct the angles"
        )
    return look_angle.trial_wraps(
        bperp, incidence, params.max_topo_err, params.lambda_, bperp.dtype.type
    )


def _mean(angles: FloatArray) -> Any:
    finite = angles[np.isfinite(angles)]
    if not finite.size:
        return np.float64(np.nan)
    return finite.mean(dtype=np.float64).astype(angles.dtype)


def blank_fit(n_ps: int, n_ifg: int) -> Fit:
    """Return the state before the first iteration."""
    return Fit(
        np.zeros(n_ps),
        np.zeros(n_ps),
        np.zeros(n_ps),
        np.zeros(n_ps, np.bool_),
        np.zeros((n_ps, n_ifg), np.float32),
    )


def grids(
    weighted: Weighted, grid: FilterGrid, ctx: Context
) -> Iterator[tuple[slice, ComplexArray]]:
    """Yield some interferograms at a time and their phasors added up, (n_i, n_j, n) complex64."""
    n_ps, m = weighted.shape
    for ifgs in ctx.columns(m, GRID_BYTES * grid.size + WEIGHTED_BYTES * n_ps):
        ctx.check()
        yield (
            ifgs,
            ctx.kernels.stage2_grid_accumulate(weighted[:, ifgs], grid.lin, grid.n_i, grid.n_j),
        )


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

    def fit_rows(rows: slice) -> tuple[Any, ...]:
        deviation = kernels.stage2_deviation(ph[rows], patch_phase[rows])
        valid = (deviation != 0).all(axis=1)
        if shared:
            fit = kernels.stage2_topofit_row_invariant(deviation[valid], first, n_trial_wraps)
        else:
            fit = kernels.stage2_topofit(deviation[valid], bperp_mat[rows][valid], n_trial_wraps)
        slope, coherence = np.full(valid.size, np.nan), np.zeros(valid.size)
        offset, residual = previous.offset[rows].copy(), previous.residual[rows].copy()
        slope[valid], offset[valid], coherence[valid] = fit[:3]
        residual[valid] = kernels.stage2_angle(fit[3])
        return slope, offset, coherence, valid | previous.valid[rows], residual

    return Fit(*ctx.map_rows(fit_rows, n_ps, label))


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
    keeps=Keeps(12, 200, 8, WEIGHTED_BYTES, GRID_BYTES),
    config=("compat.arithmetic", "compat.random_generator"),
    counts="candidates",
)
