"""Stage 7: spatially correlated look-angle error and master atmosphere (StaMPS ``ps_calc_scla``).

Every fit has a design that is the same for all PS, so that it is one fixed row of weights; per PS
nothing but weighted sums is left. What the reference keeps of an older run (``tmp_scla2_*.mat``)
is not written.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows, applied
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared import ramps
from ..shared.corrected_phase import Corrections, corrected, single, steps
from ..shared.delaunay import edges
from ..shared.ifgs import Ifgs, listed_columns, one_based
from ..shared.least_squares import operator
from ..shared.reference_area import ReferenceArea, mean_over_ps, reference_ps
from ..shared.velocity import phase_variance, velocity_line

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
    """Merged arrays that stage 7 reads; rows are PS, n_col columns include that of the master."""

    unwrapped: Annotated[Rows, "phuw2.ph_uw"]  # (n_ps, n_col) float32 [rad]
    bperp_mat: Annotated[Rows | None, "bp2.bperp_mat"]  # (n_ps, n_ifg) float32 [m]
    ifgs: Annotated[Ifgs, "ps2"]  # the network
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) float64 [deg]
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 2) float32 [m]
    origin: Annotated[FloatArray | None, "ps2.ll0"]  # (2,) float64 [deg]
    ifg_std: Annotated[FloatArray | None, "ifgstd2.ifg_std"]  # (n_col,) float32 [deg]
    deramp_degree: Annotated[float | None, "deramp_degree.degree"]  # 1, 1.5, 2 or 3


@dataclass(frozen=True)
class Outputs:
    """Look-angle error and master phase, as fitted and clamped to the neighbours."""

    slope: Annotated[Rows, "scla2.K_ps_uw"]  # (n_ps,) float64 [rad/m]
    offset: Annotated[Rows, "scla2.C_ps_uw"]  # (n_ps,) float32 [rad]
    scla_phase: Annotated[Rows, "scla2.ph_scla"]  # (n_ps, n_col) float32 [rad]
    ramp: Annotated[Rows | None, "scla2.ph_ramp"]  # (n_ps, n_col) float64 [rad]
    covariance: Annotated[FloatArray, "scla2.ifg_vcm"]  # (n_col, n_col) float64 [rad^2]
    smooth_slope: Annotated[FloatArray, "scla_smooth2.K_ps_uw"]  # (n_ps,) float64 [rad/m]
    smooth_offset: Annotated[FloatArray, "scla_smooth2.C_ps_uw"]  # (n_ps,) float32 [rad]
    smooth_scla_phase: Annotated[Rows, "scla_smooth2.ph_scla"]  # (n_ps, n_col) float32 [rad]
    smooth_ramp: Annotated[Rows | None, "scla_smooth2.ph_ramp"]  # (n_ps, n_col) float64 [rad]


@dataclass(frozen=True)
class Scla:
    """Fitted look-angle error and master phase."""

    slope: Rows  # (n_ps,) float64 [rad/m]
    offset: Rows  # (n_ps,) float32 [rad]
    phase: Rows  # (n_ps, n_col) float32 [rad]


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
    n_ps, n_columns = inputs.unwrapped.shape
    used = inputs.ifgs.used_columns(params.drop_ifg_index)
    left_out = listed_columns(params.scla_drop_index, n_columns, "scla_drop_index")
    sequence = np.setdiff1d(used, left_out)
    fitted = sequence[np.isin(sequence, inputs.ifgs.columns)]
    baselines = _baselines(inputs)
    design = _design(inputs.ifgs, baselines, sequence, params, ctx)
    offset_operator = _offset_operator(inputs, fitted)
    fitted_ramps = _ramps(inputs, ctx) if params.scla_deramp else None
    corrections = Corrections(ramps=fitted_ramps)
    phase = corrected(inputs.unwrapped, np.arange(n_columns), corrections)
    reference = _reference_phase(inputs, params, phase, sequence, ctx)

    def by_least_squares(rows: slice) -> Scla:
        fit = ctx.kernels.stage7_scla(
            phase[rows], baselines[rows], reference, sequence, slope_operator, fitted,
            offset_operator,
        )  # fmt: skip
        return Scla(*fit)

    def by_least_deviations(rows: slice) -> Scla:
        values = phase[rows]
        changes = np.diff((values - reference)[:, sequence], axis=1).astype(np.float64)
        slope = _least_deviations(design, changes, ctx)
        fit = ctx.kernels.stage7_scla_of_slope(
            values, baselines[rows], reference, slope, fitted, offset_operator
        )
        return Scla(slope, *fit)

    slope_operator = operator(design)[1]
    estimate = by_least_deviations if params.scla_method == "L1" else by_least_squares
    piece = ctx.config.runtime.stage7_chunk_ps
    scla = ctx.map_rows(estimate, n_ps, "look-angle error", piece)
    ramp = None if fitted_ramps is None else ctx.map_rows(fitted_ramps.at, n_ps, "ramps", piece)

    smooth_slope, smooth_phase = _smoothed(
        ctx.share(scla.slope), ctx.share(scla.offset), inputs, ctx
    )

    def smooth_scla_phase(rows: slice) -> AnyArray:
        look_angle: AnyArray = smooth_slope[rows, None].astype(np.float32) * baselines[rows]
        return look_angle

    return Outputs(
        slope=scla.slope,
        offset=scla.offset,
        scla_phase=scla.phase,
        ramp=ramp,
        covariance=np.diag(phase_variance(inputs.ifg_std, n_columns)),
        smooth_slope=smooth_slope,
        smooth_offset=smooth_phase,
        smooth_scla_phase=ctx.map_rows(smooth_scla_phase, n_ps, "smoothing", piece),
        smooth_ramp=ramp,
    )


def _baselines(inputs: Inputs) -> Rows:
    """Return the baselines of each PS, or the mean ones, with the zero of the master."""
    bperp: Rows = np.broadcast_to(inputs.ifgs.bperp, (len(inputs.xy), len(inputs.ifgs)))
    if inputs.bperp_mat is not None:
        bperp = inputs.bperp_mat
    baselines: Rows = inputs.ifgs.with_master(applied(single, bperp, np.float32), 0)
    return baselines


def _design(
    ifgs: Ifgs, baselines: Rows, sequence: IntArray, params: Params, ctx: Context
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
    change = mean_over_ps(steps(baselines, sequence), ctx).astype(np.float64)
    if not change.any():
        means = ", ".join(f"{bperp:.1f}" for bperp in ifgs.with_master(ifgs.bperp, 0)[sequence])
        raise StageError(
            f"look-angle error not observable: the baselines are all equal ({means} m); use "
            f"images with other baselines"
        )
    columns = [np.ones(n_steps), change]
    if n_used < FEWEST_IMAGES_WITH_VELOCITY:
        ctx.warn(
            f"look-angle error: {n_used} images are too few to estimate velocity with it; {lists}"
        )
    else:
        columns.append(np.diff(ifgs.day[sequence]))
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
    """Return the weights of the master phase (docs/science/scla.md, Offset)."""
    line = velocity_line(inputs.ifgs, inputs.ifg_std, fitted)
    return np.ascontiguousarray(operator(*line)[0])


def _ramps(inputs: Inputs, ctx: Context) -> ramps.Ramps:
    """Return the ramps of all columns (docs/science/scla.md, Ramps)."""
    terms = ramps.regressors(inputs.xy, ramps.degree_or_default(inputs.deramp_degree))
    columns = np.arange(inputs.ifgs.n_columns)
    phase = corrected(inputs.unwrapped, columns, Corrections())
    return ramps.fit_ramps(terms, phase, columns, ctx)


def _reference_phase(
    inputs: Inputs, params: Params, phase: Rows, sequence: IntArray, ctx: Context
) -> FloatArray:
    """Return the phase of the reference area, (n_col,) float32.

    See docs/science/scla.md, Reference area.
    """
    chosen = reference_ps(params, inputs.lonlat, inputs.xy, inputs.origin)
    if chosen is None:
        ctx.warn("ref_radius is -Inf: the phase is not referenced to any area")
        return np.zeros(phase.shape[1], np.float32)
    reference = mean_over_ps(phase, ctx, chosen)
    for ifg in sequence[np.isnan(reference[sequence])]:
        raise StageError(
            f"phuw2.ph_uw: {inputs.ifgs.name_of(ifg)} has no phase in the reference area; list it "
            "in drop_ifg_index or change the ref_* parameters"
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
        network, _ = edges(inputs.xy, ctx.config.runtime.triangulator)
        clamped: tuple[FloatArray, FloatArray] = ctx.kernels.stage7_scla_smooth(
            slope, offset, network
        )
        return clamped

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
