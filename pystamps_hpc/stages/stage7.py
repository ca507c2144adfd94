"""Stage 7: spatially correlated look-angle error and master atmosphere (StaMPS ``ps_calc_scla``).

Every fit has a design that is the same for all PS, so that it is one fixed row of weights; per PS
nothing but weighted sums is left. What the reference keeps of an older run (``tmp_scla2_*.mat``)
is not written.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from ..dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ..errors import StageError
from ..parallel.context import Context
from . import ramps
from .base import Keeps, StageSpec
from .corrected_phase import Baselines, CorrectedPhase, Steps
from .interferograms import date_of, from_parameter, one_based, used_ifgs
from .least_squares import operator
from .network import edges
from .reference_area import ReferenceArea, mean_over_ps, reference_ps
from .velocity import ifg_covariance, phase_variance

FEWEST_IMAGES_WITH_VELOCITY = 4


@dataclass(frozen=True)
class Params(ReferenceArea):
    """StaMPS parameters of stage 7; index lists are 1-based."""

    drop_ifg_index: tuple[int, ...]
    scla_drop_index: tuple[int, ...]
    scla_method: str
    scla_deramp: bool
    subtr_tropo: bool

    def __post_init__(self) -> None:
        """Refuse what is not built."""
        if self.subtr_tropo:
            raise StageError("subtr_tropo=y is not supported in stage 7; supported: n")


@dataclass(frozen=True)
class Inputs:
    """Merged arrays that stage 7 reads; rows are PS, interferograms include the master column."""

    unwrapped: Annotated[Rows, "phuw2.ph_uw"]  # (n_ps, n_ifg) float32 [rad]
    bperp_mat: Annotated[Rows | None, "bp2.bperp_mat"]  # (n_ps, n_ifg - 1) float32 [m]
    bperp: Annotated[FloatArray, "ps2.bperp"]  # (n_ifg,) [m]
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) float64 [deg]
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 3) float32, id and position [m]
    origin: Annotated[FloatArray | None, "ps2.ll0"]  # (2,) float64 [deg]
    day: Annotated[FloatArray, "ps2.day"]  # (n_ifg,) float64, MATLAB day numbers
    master_ix: Annotated[int, "ps2.master_ix"]  # column from 0
    ifg_std: Annotated[FloatArray | None, "ifgstd2.ifg_std"]  # (n_ifg,) float32 [deg]
    deramp_degree: Annotated[float | None, "deramp_degree.degree"]  # 1, 1.5, 2 or 3


@dataclass(frozen=True)
class Outputs:
    """Look-angle error and master phase, as fitted and clamped to the neighbours."""

    slope: Annotated[Rows, "scla2.K_ps_uw"]  # (n_ps,) float64 [rad/m]
    offset: Annotated[Rows, "scla2.C_ps_uw"]  # (n_ps,) float32 [rad]
    scla_phase: Annotated[Rows, "scla2.ph_scla"]  # (n_ps, n_ifg) float32 [rad]
    ramp: Annotated[Rows | None, "scla2.ph_ramp"]  # (n_ps, n_ifg) float64 [rad]
    covariance: Annotated[FloatArray, "scla2.ifg_vcm"]  # (n_ifg, n_ifg) float64 [rad^2]
    smooth_slope: Annotated[FloatArray, "scla_smooth2.K_ps_uw"]  # (n_ps,) float64 [rad/m]
    smooth_offset: Annotated[FloatArray, "scla_smooth2.C_ps_uw"]  # (n_ps,) float32 [rad]
    smooth_scla_phase: Annotated[Rows, "scla_smooth2.ph_scla"]  # (n_ps, n_ifg) float32 [rad]
    smooth_ramp: Annotated[Rows | None, "scla_smooth2.ph_ramp"]  # (n_ps, n_ifg) float64 [rad]


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Estimate look-angle error and master phase of a single-master stack.

    Raises
    ------
    StageError
        Unusable index lists, an empty reference area, too few
        interferograms, baselines that are all equal.

    Notes
    -----
    docs/science/scla.md.
    """
    n_ps, n_ifg = inputs.unwrapped.shape
    used = used_ifgs(params.drop_ifg_index, n_ifg)
    left_out = from_parameter(params.scla_drop_index, n_ifg, "scla_drop_index")
    sequence = np.setdiff1d(used, left_out)
    fitted = sequence[sequence != inputs.master_ix]
    baselines = Baselines(inputs.bperp_mat, inputs.bperp, inputs.master_ix, n_ps)
    design = _design(inputs.day, baselines, sequence, params, ctx)
    offset_operator = _offset_operator(inputs, fitted)
    phase = _phase(inputs, params, ctx)
    reference = _reference_phase(inputs, params, phase, sequence, ctx)

    def by_least_squares(rows: slice) -> tuple[AnyArray, ...]:
        return ctx.kernels.stage7_scla(
            phase.rows(rows), baselines.rows(rows), reference, sequence, slope_operator, fitted,
            offset_operator,
        )  # fmt: skip

    def by_least_deviations(rows: slice) -> tuple[AnyArray, ...]:
        values = phase.rows(rows)
        steps = np.diff((values - reference)[:, sequence], axis=1).astype(np.float64)
        slope = _least_deviations(design, steps, ctx)
        return slope, *ctx.kernels.stage7_scla_of_slope(
            values, baselines.rows(rows), reference, slope, fitted, offset_operator
        )

    slope_operator = operator(design)[1]
    estimate = by_least_deviations if params.scla_method == "L1" else by_least_squares
    piece = ctx.config.runtime.stage7_chunk_ps
    slope, offset, scla_phase = ctx.map_rows(estimate, n_ps, "look-angle error", piece)
    ramp = ctx.map_rows(phase.ramps, n_ps, "ramps", piece) if params.scla_deramp else None

    smooth_slope, smooth_phase = _smoothed(ctx.share(slope), ctx.share(offset), inputs, ctx)

    def smooth_scla_phase(rows: slice) -> AnyArray:
        corrected: AnyArray = smooth_slope[rows, None].astype(np.float32) * baselines.rows(rows)
        return corrected

    return Outputs(
        slope=slope,
        offset=offset,
        scla_phase=scla_phase,
        ramp=ramp,
        covariance=np.diag(phase_variance(inputs.ifg_std, n_ifg)),
        smooth_slope=smooth_slope,
        smooth_offset=smooth_phase,
        smooth_scla_phase=ctx.map_rows(smooth_scla_phase, n_ps, "smoothing", piece),
        smooth_ramp=ramp,
    )


def _design(
    day: FloatArray, baselines: Baselines, sequence: IntArray, params: Params, ctx: Context
) -> FloatArray:
    """Return constant, mean baseline and time of every step, (n_diff, 2 or 3)."""
    n_used, n_steps = len(sequence), len(sequence) - 1
    lists = (
        f"drop_ifg_index {params.drop_ifg_index or '[]'}, "
        f"scla_drop_index {params.scla_drop_index or '[]'}"
    )
    if n_steps < 2:
        raise StageError(
            f"look-angle error: {n_used} images give {max(n_steps, 0)} differences, 2 are needed; "
            f"shorten {lists}"
        )
    steps = mean_over_ps(Steps(baselines, sequence), ctx).astype(np.float64)
    if not steps.any():
        means = ", ".join(f"{baselines.bperp[ifg]:.1f}" for ifg in sequence)
        raise StageError(
            f"look-angle error not observable: the baselines are all equal ({means} m); use "
            f"images with other baselines"
        )
    columns = [np.ones(n_steps), steps]
    if n_used < FEWEST_IMAGES_WITH_VELOCITY:
        ctx.warn(
            f"look-angle error: {n_used} images are too few to estimate velocity with it; {lists}"
        )
    else:
        columns.append(np.diff(day[sequence]))
    design = np.column_stack(columns)
    others = np.delete(design, 1, axis=1)
    if np.linalg.matrix_rank(design) == np.linalg.matrix_rank(others):
        problem = "look-angle error not observable: the baselines change linearly with time"
        if params.scla_method == "L1":
            raise StageError(f"{problem}; set scla_method to 'L2' or use other images")
        ctx.warn(f"{problem}; the smallest slopes are taken")
    if n_steps <= design.shape[1]:
        ctx.warn(
            f"look-angle error: the {n_steps} steps between images determine {design.shape[1]} "
            "unknowns; more images make it better"
        )
    ctx.note(f"look-angle error from interferograms {one_based(sequence)}")
    return design


def _offset_operator(inputs: Inputs, fitted: IntArray) -> FloatArray:
    """Return the weights of the master phase."""
    elapsed = inputs.day[fitted] - inputs.day[inputs.master_ix]
    design = np.column_stack((np.ones(len(fitted)), elapsed))
    covariance = ifg_covariance(inputs.ifg_std, inputs.day, fitted)
    return np.ascontiguousarray(operator(design, covariance)[0])


def _phase(inputs: Inputs, params: Params, ctx: Context) -> CorrectedPhase:
    """Return the unwrapped phase, deramped if asked."""
    phase = CorrectedPhase(inputs.unwrapped, np.arange(len(inputs.day)))
    if not params.scla_deramp:
        return phase
    terms = ramps.regressors(inputs.xy, ramps.degree_or_default(inputs.deramp_degree))
    coefficients = ramps.fit_ramps(terms, phase.rows, phase.ifgs, ctx)
    return replace(phase, terms=terms, coefficients=coefficients)


def _reference_phase(
    inputs: Inputs, params: Params, phase: CorrectedPhase, sequence: IntArray, ctx: Context
) -> FloatArray:
    """Return the phase of the reference area, (n_ifg,) float32."""
    chosen = reference_ps(params, inputs.lonlat, inputs.xy, inputs.origin)
    if chosen is None:
        ctx.warn("ref_radius is -Inf: the phase is not referenced to any area")
        return np.zeros(len(inputs.day), np.float32)
    reference = mean_over_ps(phase, ctx, chosen)
    for ifg in sequence[np.isnan(reference[sequence])]:
        raise StageError(
            f"phuw2.ph_uw: interferogram {ifg + 1} ({date_of(inputs.day[ifg])}) has no phase in "
            f"the reference area; list it in drop_ifg_index or change the ref_* parameters"
        )
    return reference


def _least_deviations(design: FloatArray, steps: FloatArray, ctx: Context) -> FloatArray:
    """Return the slopes of least absolute deviations, (n,)."""
    n_independent = np.linalg.matrix_rank(design)
    independent = np.ascontiguousarray(design[:, :n_independent])
    start = np.zeros((len(steps), n_independent))
    for weights, values in zip(operator(independent).T, steps.T, strict=True):
        start += values[:, None] * weights
    fit = ctx.kernels.stage7_lad_fit(independent, np.ascontiguousarray(steps), start)
    return np.ascontiguousarray(fit[:, 1])


def _smoothed(
    slope: FloatArray, offset: FloatArray, inputs: Inputs, ctx: Context
) -> tuple[FloatArray, FloatArray]:
    """Clamp slope and master phase to the range of the neighbours."""

    def clamp() -> tuple[FloatArray, FloatArray]:
        network, _ = edges(inputs.xy[:, 1:3], ctx.config.runtime.triangulator)
        return ctx.kernels.stage7_scla_smooth(slope, offset, network)

    return ctx.on_root(clamp)


SPEC = StageSpec(
    number=7,
    name="Calculate SCLA",
    scope="merged",
    marker="scla2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage7_scla",
        "stage7_scla_of_slope",
        "stage7_lad_fit",
        "stage7_scla_smooth",
        "stage7_sequential_mean",
    ),
    keeps=Keeps(value=20, point=500),
    config=("compat.arithmetic", "runtime.triangulator"),
    tools=("triangulator",),
    foreign=("scla_sb2", "scla_smooth_sb2"),
)
