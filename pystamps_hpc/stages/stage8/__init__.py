"""Stage 8: spatially correlated noise, mean velocity, arc noise (StaMPS ``ps_scn_filt``).

What is left after stage 7 is deformation, slowly varying in time; atmosphere and orbits of the
other images, correlated in space only; and noise. A high-pass in time followed by a low-pass in
space finds the second.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows, applied, chosen_columns
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared import ramps
from ..shared.corrected_phase import corrected
from ..shared.ifgs import date_of, listed_columns
from ..shared.reference_area import reference_ps
from ..shared.velocity import (
    PhaseSeries,
    fit_velocity,
    ifg_covariance,
    line_of_sight_velocity,
)
from .arc_noise import noise_statistics
from .inputs import CommonInputs, Params
from .neighbours import cell_grid

RADIUS = 4.0
"""Reach of the spatial low-pass, in standard deviations."""

ADDED_TO_ARCS = ("edge_noise_std", "ifg_noise_std", "n_edge_rejected", "stage")


@dataclass(frozen=True)
class Inputs(CommonInputs):
    """Merged arrays that stage 8 reads of a single-master stack."""

    ifg_std: Annotated[FloatArray | None, "ifgstd2.ifg_std"]  # (n_col,) float32 [deg]


@dataclass(frozen=True)
class Outputs:
    """Noise correlated in space, mean velocity, and the arcs of stage 6 with their noise."""

    scn: Annotated[Rows, "scn2.ph_scn_slave"]  # (n_ps, n_col) float64 [rad]
    high_pass: Annotated[Rows, "scn2.ph_hpt"]  # (n_ps, n_use) float32 [rad]
    planes: Annotated[Rows, "scn2.ph_ramp"]  # (n_ps, n_deramped) float64 [rad]
    velocity_fit: Annotated[FloatArray, "mean_v.m"]  # (2, n_ps) float64 [rad], [rad/day]
    velocity: Annotated[FloatArray, "mean_v.mean_v"]  # (n_ps,) float64 [mm/yr]
    value_type: Annotated[str, "mean_v.value_type"]  # how the phase was corrected
    velocity_ifgs: Annotated[IntArray, "mean_v.unwrap_ifg_index"]  # (n_fit,) 0-based
    ref_ps: Annotated[IntArray | None, "mean_v.ref_ps"]  # (n_ref,) 0-based
    wavelength: Annotated[float, "mean_v.lambda"]  # [m]
    master_day: Annotated[float, "mean_v.master_day"]  # MATLAB day number
    arc_phase: Annotated[Rows | None, "uw_space_time.dph_space_uw"]  # (n_edge, n_uw) [rad]
    arc_noise: Annotated[Rows | None, "uw_space_time.dph_noise"]  # (n_edge, n_uw) [rad]
    arcs: Annotated[dict[str, Any] | None, "uw_space_time.*"]  # the other keys of stage 6
    edge_noise_std: Annotated[FloatArray | None, "uw_space_time.edge_noise_std"]  # (n_edge,) [rad]
    ifg_noise_std: Annotated[FloatArray | None, "uw_space_time.ifg_noise_std"]  # (n_uw,) [rad]
    n_edge_rejected: Annotated[
        int | None, "uw_space_time.n_edge_rejected"
    ]  # arcs without statistics
    stage: Annotated[int | None, "uw_space_time.stage"]  # 8 once they are there


@dataclass(frozen=True)
class HighPass:
    """The phase high-passed in time, and the planes that are part of it."""

    phase: Rows  # (n_ps, n_use) float32 [rad]
    planes: Rows  # (n_ps, n_deramped) float64 [rad]


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Estimate noise correlated in space and mean velocity of a single-master stack.

    Raises
    ------
    StageError
        Unusable index lists, an empty reference area, too few images, a phase to take off that is
        not finite.

    Notes
    -----
    docs/science/scn.md and docs/science/velocity.md. The origin of the noise is the first PS, not
    the reference area, as in StaMPS.
    """
    ifgs = inputs.ifgs
    used = ifgs.used_columns(params.drop_ifg_index)
    fitted = used[np.isin(used, ifgs.columns)]
    covariance = ifg_covariance(ifgs, inputs.ifg_std, fitted)
    taken_off = {"d": inputs.scla_phase, "m": inputs.offset}
    series = phase_series(inputs, params, inputs.unwrapped, taken_off, fitted, covariance)
    return noise_and_velocity(inputs, params, used, series, ctx)


def phase_series(
    inputs: CommonInputs,
    params: Params,
    phase: Rows,
    taken_off: Mapping[str, Rows | FloatArray | None],
    fitted: IntArray,
    covariance: FloatArray,
) -> PhaseSeries:
    """Return what the velocity is fitted to.

    Parameters
    ----------
    inputs : CommonInputs
        Network and place of the PS.
    params : Params
        Reference area.
    phase : Rows, (n_ps, n_col) float32
        Unwrapped phase of the columns of the network [rad].
    taken_off : mapping
        See :class:`.corrected_phase.Stack`.
    fitted : (n_fit,) int64
        Columns of the fit.
    covariance : (n_fit, n_fit) float64
        Their covariance [rad^2].

    Raises
    ------
    StageError
        An empty reference area.
    """
    return PhaseSeries(
        phase=phase,
        taken_off=taken_off,
        xy=inputs.xy,
        ifgs=inputs.ifgs,
        fitted=fitted,
        covariance=covariance,
        ref_ps=reference_ps(params, inputs.lonlat, inputs.xy, inputs.origin),
        deramp_degree=ramps.degree_or_default(inputs.deramp_degree),
    )


def noise_and_velocity(
    inputs: CommonInputs,
    params: Params,
    used: IntArray,
    series: PhaseSeries,
    ctx: Context,
) -> Outputs:
    """Filter the phase of images, and fit velocities; see :func:`solve`.

    Parameters
    ----------
    inputs : CommonInputs
        With a single-master network.
    params : Params
        Parameters.
    used : (n_use,) int64
        Columns that are filtered.
    series : PhaseSeries
        What the velocity is fitted to: these images, or pairs of them.
    ctx : Context
        Work over PS.
    """
    high_pass = _high_pass(inputs, params, used, ctx)
    scn = _low_pass(high_pass.phase, inputs, params, used, ctx)
    value_type = ctx.config.output.mean_v_type
    fit = np.ascontiguousarray(ctx.share(fit_velocity(value_type, series, ctx)).T)
    ctx.on_root(lambda: _check_void(fit, series, ctx))
    ctx.fact("time_window_days", params.scn_time_win)
    ctx.fact("filter_radius_m", params.scn_wavelength)
    velocity = line_of_sight_velocity(fit[1], params.lambda_)
    known = velocity[np.isfinite(velocity)]
    if known.size:
        low, middle, high = np.percentile(known, (1, 50, 99))
        ctx.note(f"velocities ({value_type}) of {known.size} PS: 98 % from {low:.1f} to {high:.1f}"
                 f" mm/yr, median {middle:.1f}")  # fmt: skip
    ctx.fact("velocity_1_50_99_percent_mm_yr",
             np.percentile(known, (1, 50, 99)) if known.size else None)  # fmt: skip
    return Outputs(
        scn=scn,
        high_pass=high_pass.phase,
        planes=high_pass.planes,
        velocity_fit=fit,
        velocity=velocity,
        value_type=value_type,
        velocity_ifgs=series.fitted,
        ref_ps=series.ref_ps,
        wavelength=params.lambda_,
        master_day=inputs.ifgs.master_day,
        arc_phase=inputs.arc_phase,
        arc_noise=inputs.arc_noise,
        **_arc_statistics(inputs, ctx),
    )


def _check_void(fit: FloatArray, series: PhaseSeries, ctx: Context) -> None:
    """Warn of PS without velocity; refuse it where the unwrapped phase is not the cause."""
    void = np.flatnonzero(~np.isfinite(fit).all(axis=0))
    if not len(void):
        return
    unwrapped = np.isfinite(series.phase[void][:, series.fitted]).all(axis=1)
    if unwrapped.any():
        raise StageError(
            f"scla{series.suffix}.mat: what is taken off the phase of PS "
            f"{void[unwrapped][0] + 1} and {int(unwrapped.sum()) - 1} others is not finite; "
            "make it again with --start-step 7 --force"
        )
    ctx.warn(
        f"{len(void)} PS get no velocity: phuw{series.suffix}.ph_uw has no phase for them, PS "
        f"{void[0] + 1} is the first"
    )


def low_pass_weights(day: FloatArray, time_win: float, excluded: int) -> FloatArray:
    """Return the weights of the temporal low-pass.

    Parameters
    ----------
    day : (n_use,) float64
        Days of the images.
    time_win : float
        Standard deviation [days].
    excluded : int
        Image that contributes to none.

    Returns
    -------
    (n_use, n_use) float64
        Column k holds the weights of image k; columns sum to one.
    """
    elapsed = day[:, None] - day[None, :]
    exponent = np.asarray(-(elapsed**2) / (2 * time_win**2))
    exponent[excluded] = -np.inf
    # taking the largest off changes no weight but keeps a lonely image from 0/0
    weights = np.exp(exponent - exponent.max(axis=0))
    normalised: FloatArray = weights / weights.sum(axis=0)
    return normalised


def _high_pass(inputs: CommonInputs, params: Params, used: IntArray, ctx: Context) -> HighPass:
    """Take off what varies slowly in time (docs/science/scn.md, High-pass in time)."""
    excluded = _excluded_image(inputs, used, ctx)
    weights = low_pass_weights(inputs.ifgs.day[used], params.scn_time_win, excluded)
    phase = corrected(inputs.unwrapped, used, inputs.scla_phase, inputs.offset, inputs.ramp)
    phase = applied(_without_nan, phase, np.float32)
    n_ps = phase.shape[0]
    deramped = _deramped(params.scn_deramp_ifg, used, inputs.ifgs.n_columns)
    terms = ramps.regressors(inputs.xy, 1)
    fitted = ramps.Ramps(terms, np.zeros((terms.shape[1], 0)))
    if len(deramped):
        columns = chosen_columns(phase, deramped)
        fitted = ramps.fit_ramps(terms, columns, used[deramped], ctx)

    def filtered(rows: slice, origin: FloatArray) -> tuple[FloatArray, FloatArray]:
        values = phase[rows]
        planes = fitted.at(rows)
        values[:, deramped] -= planes.astype(np.float32)
        high_pass = ctx.kernels.stage8_temporal_highpass(values, weights, origin)
        return high_pass, planes

    origin = filtered(slice(0, 1), np.zeros(len(used)))[0][0]

    def with_planes(rows: slice) -> HighPass:
        high_pass, planes = filtered(rows, origin)
        high_pass[:, deramped] += planes
        return HighPass(high_pass.astype(np.float32), planes)

    return ctx.map_rows(with_planes, n_ps, "temporal filter", ctx.config.runtime.stage7_chunk_ps)


def _without_nan(phase: FloatArray) -> FloatArray:
    """Return a copy in which NaN are zero."""
    return np.where(np.isnan(phase), np.float32(0), phase)


def _excluded_image(inputs: CommonInputs, used: IntArray, ctx: Context) -> int:
    """Return the column, among the used images, that contributes to no low-pass.

    StaMPS takes the number of the master although the dropped images are gone.
    """
    excluded = inputs.ifgs.master
    assert excluded is not None
    if excluded >= len(used) or len(used) < 2:
        raise StageError(
            f"temporal filter: {len(used)} images are used, the master is number {excluded + 1} of "
            f"all; StaMPS cannot filter that, drop fewer interferograms before the master"
        )
    if used[excluded] != excluded:
        ctx.warn(
            f"temporal filter: the image of {date_of(inputs.ifgs.day[used[excluded]])} is left out "
            f"instead of the master, as in StaMPS when images before the master are dropped"
        )
    return excluded


def _deramped(scn_deramp_ifg: tuple[int, ...] | str, used: IntArray, n_columns: int) -> IntArray:
    """Return which columns of the used images are deramped first."""
    if scn_deramp_ifg == "all":
        return np.arange(len(used))
    numbers = tuple(int(number) for number in scn_deramp_ifg)
    listed = listed_columns(numbers, n_columns, "scn_deramp_ifg")
    return np.flatnonzero(np.isin(used, listed)).astype(np.int64)


def _low_pass(
    high_pass: Rows, inputs: CommonInputs, params: Params, used: IntArray, ctx: Context
) -> Rows:
    """Return the high-passed phase, low-passed in space."""
    phase = np.ascontiguousarray(ctx.share(high_pass))
    xy = np.ascontiguousarray(inputs.xy, np.float32)
    grid = cell_grid(xy, RADIUS * params.scn_wavelength)

    def smoothed(rows: slice) -> AnyArray:
        return ctx.kernels.stage8_spatial_lowpass(
            phase, xy, grid.order, grid.cells, grid.starts, grid.width,
            params.scn_wavelength, rows.start, rows.stop,
        )  # fmt: skip

    origin = smoothed(slice(0, 1))[0]
    kept = np.isin(used, inputs.ifgs.columns)

    def noise(rows: slice) -> AnyArray:
        scn = np.zeros((rows.stop - rows.start, inputs.ifgs.n_columns))
        scn[:, used[kept]] = (smoothed(rows) - origin)[:, kept]
        return scn

    scn: Rows = ctx.map_rows(noise, len(xy), "spatial filter", ctx.config.runtime.stage7_chunk_ps)
    return scn


def _arc_statistics(inputs: CommonInputs, ctx: Context) -> dict[str, Any]:
    """Return the other keys of stage 6 and what stage 8 adds to them."""
    stage6 = {key: value for key, value in inputs.arcs.items() if key not in ADDED_TO_ARCS}
    if inputs.arc_noise is None:
        ctx.warn("uw_space_time.dph_noise is missing: arc noise is left out; rerun stage 6 for it")
        return {"arcs": stage6, **dict.fromkeys(ADDED_TO_ARCS)}
    edge_std, ifg_std, n_rejected = noise_statistics(inputs.arc_noise, ctx)
    return {
        "arcs": stage6,
        "edge_noise_std": edge_std,
        "ifg_noise_std": ifg_std,
        "n_edge_rejected": n_rejected,
        "stage": 8,
    }


SPEC = StageSpec(
    number=8,
    name="Filter SCN",
    scope="merged",
    marker="scn2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage7_sequential_mean",
        "stage8_temporal_highpass",
        "stage8_spatial_lowpass",
        "stage8_velocity_fit",
    ),
    keeps=Keeps(value=30, point=500),
    config=("compat.arithmetic", "output.mean_v_type"),
    foreign=("mv2",),
    stamps_lacks={
        "mean_v": "StaMPS writes it only when it plots velocities: replay up to 7, compute 8",
    },
)
