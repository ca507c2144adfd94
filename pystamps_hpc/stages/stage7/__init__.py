"""Stage 7: spatially correlated look-angle error and master atmosphere (StaMPS ``ps_calc_scla``).

Every fit has a design that is the same for all PS, so that it is one fixed row of weights; per PS
nothing but weighted sums is left. What the reference keeps of an older run (``tmp_scla2_*.mat``)
is not written.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ...dataset.rows import FloatArray, Rows
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared.ifgs import one_based
from ..shared.reference_area import reference_phase, referencing_ps
from ..shared.velocity import ifg_covariance, phase_variance
from .designs import steps_design
from .fits import Observed, fit_steps, offset_operator, smoothed
from .inputs import CommonInputs, Params
from .lists import LISTS, accepts, fitted_sequence, lists_of
from .phase import (
    baselines_of,
    fitted_ramps,
    stored_ramps,
    without_ramps,
    without_troposphere,
)


@dataclass(frozen=True)
class Inputs(CommonInputs):
    """Merged arrays that stage 7 reads; rows are PS, n_col columns include that of the master."""

    ifg_std: Annotated[FloatArray | None, "ifgstd2.ifg_std"]  # (n_col,) float32 [deg]


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
    ifgs = inputs.ifgs
    n_ps, n_columns = inputs.unwrapped.shape
    sequence = fitted_sequence(ifgs, params)
    fitted = sequence[np.isin(sequence, ifgs.columns)]
    baselines = baselines_of(inputs)
    design = steps_design(ifgs.day, baselines, sequence, params, lists_of(params, LISTS), ctx)
    ctx.note(f"look-angle error from interferograms {one_based(sequence)}")
    covariance = ifg_covariance(ifgs, inputs.ifg_std, fitted)
    to_offset = ctx.on_root(lambda: offset_operator(ifgs.elapsed[fitted], covariance))
    unwrapped = without_troposphere(inputs.unwrapped, inputs, params, False, ctx)
    ramps = fitted_ramps(unwrapped, inputs, params, ctx)
    phase = without_ramps(unwrapped, ramps)
    chosen = referencing_ps(params, inputs, ctx)
    reference = reference_phase(phase, chosen, sequence, ifgs.name_of, "phuw2.ph_uw", ctx)
    observed = Observed(phase, baselines, reference, params.scla_method)
    scla = fit_steps(observed, design, sequence, fitted, to_offset, ctx)
    ramp = stored_ramps(ramps, n_ps, ctx)
    slope, offset, look_angle = smoothed(
        ctx.share(scla.slope), ctx.share(scla.offset), baselines, inputs.xy, ctx
    )
    return Outputs(
        slope=scla.slope,
        offset=scla.offset,
        scla_phase=scla.phase,
        ramp=ramp,
        covariance=np.diag(phase_variance(inputs.ifg_std, n_columns)),
        smooth_slope=slope,
        smooth_offset=offset,
        smooth_scla_phase=look_angle,
        smooth_ramp=ramp,
    )


SPEC = StageSpec(
    number=7,
    name="Calculate SCLA",
    scope="merged",
    marker="scla2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    accepts=accepts,
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
