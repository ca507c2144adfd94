"""Stage 8: spatially correlated noise, mean velocity, arc noise (StaMPS ``ps_scn_filt``).

What is left after stage 7 is deformation, slowly varying in time; atmosphere and orbits of the
other images, correlated in space only; and noise. A high-pass in time followed by a low-pass in
space finds the second: Gaussian means, or kriging (``scn_kriging_flag``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...dataset.rows import FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared import ramps
from ..shared.ifgs import Ifgs
from ..shared.reference_area import reference_ps
from ..shared.velocity import (
    PhaseSeries,
    fit_velocity,
    ifg_covariance,
    line_of_sight_velocity,
)
from . import gaussian, kriging
from .arc_noise import noise_statistics
from .inputs import CommonInputs, Params
from .outputs import OfArcs

ADDED_TO_ARCS = ("edge_noise_std", "ifg_noise_std", "n_edge_rejected", "stage")


@dataclass(frozen=True)
class Inputs(CommonInputs):
    """Merged arrays that stage 8 reads of a single-master stack."""

    ifg_std: Annotated[FloatArray | None, "ifgstd2.ifg_std"]  # (n_col,) float32 [deg]


@dataclass(frozen=True)
class Outputs(OfArcs):
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
    noise_res: Annotated[Rows | None, "scn2.ph_noise_res"] = None  # (n_ps, n_col) float64 [rad]
    noise_std: Annotated[Rows | None, "scn2.std_ph_noise"] = None  # (n_ps,) float64 [rad]


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
    filters = kriging if params.scn_kriging_flag else gaussian
    noise = filters.noise(inputs, params, used, ctx)
    value_type = ctx.config.output.mean_v_type
    fit = np.ascontiguousarray(ctx.share(fit_velocity(value_type, series, ctx)).T)
    ctx.on_root(lambda: _check_void(fit, series, ctx))
    velocity = line_of_sight_velocity(fit[1], params.lambda_)
    known = velocity[np.isfinite(velocity)]
    if known.size:
        low, middle, high = np.percentile(known, (1, 50, 99))
        ctx.note(f"velocities ({value_type}) of {known.size} PS: 98 % from {low:.1f} to {high:.1f}"
                 f" mm/yr, median {middle:.1f}")  # fmt: skip
    ctx.fact("velocity_1_50_99_percent_mm_yr",
             np.percentile(known, (1, 50, 99)) if known.size else None)  # fmt: skip
    return Outputs(
        **noise,
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


def accepts(params: Params, ifgs: Ifgs) -> None:
    """Refuse kriging of too few images; a list too long stage 2 refuses."""
    if params.scn_kriging_flag:
        kriging.require_images(ifgs.used_columns(params.drop_ifg_index))


SPEC = StageSpec(
    number=8,
    name="Filter SCN",
    scope="merged",
    marker="scn2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    accepts=accepts,
    kernels=(
        "stage7_sequential_mean",
        "stage8_temporal_highpass",
        "stage8_spatial_lowpass",
        "stage8_series_variograms",
        "stage8_spatial_variogram",
        "stage8_fit_variograms",
        "stage8_krig_time",
        "stage8_krig_space",
        "stage8_velocity_fit",
    ),
    keeps=Keeps(value=30, point=500),
    config=("compat.arithmetic", "output.mean_v_type", "output.krig_seed"),
    foreign=("mv2",),
    stamps_lacks={
        "mean_v": "StaMPS writes it only when it plots velocities: replay up to 7, compute 8",
    },
)
