"""Stage 6 of small baselines: every pair is unwrapped, then the network inverted to the images.

The steps on the grid are those of :mod:`..stage6`. Of their own, small baselines have the
inversion of the network (:mod:`.inversion`), and values of an earlier run that are held because
they close around loops (:mod:`.loops`, :mod:`.good`).
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ...dataset.rows import FloatArray, IntArray, Rows
from ...parallel.context import Context
from .. import stage6
from ..base import Keeps, StageSpec
from ..shared.reference_area import ReferenceArea, reference_phase, referencing_ps
from ..stage6.arcs import ALIASES
from ..stage6.on_grid import GridOutputs, require_points, unwrap_on_grid
from ..stage6.prepare import Feedback, PhaseInputs, wrapped_stack
from ..stage6.transfer import in_all_columns, unwrapped_points
from .good import GoodValues, good_values
from .inversion import invert, pair_covariance

__all__ = ["SPEC", "Inputs", "Outputs", "Params", "solve"]


@dataclass(frozen=True)
class Params(stage6.Params, ReferenceArea):
    """StaMPS parameters that stage 6 reads; the reference area counts in the inversion only."""


@dataclass(frozen=True)
class Inputs(PhaseInputs):
    """Merged arrays that stage 6 reads of small baselines; n_ifg pairs."""

    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) float64 [deg]
    origin: Annotated[FloatArray | None, "ps2.ll0"]  # (2,) float64 [deg]
    image_bperp: Annotated[FloatArray | None, "parent.bperp"]  # (n_image,) [m], if values are held
    previous: Annotated[Rows | None, "phuw_sb2.ph_uw"]  # (n_ps, n_ifg) float32 [rad]
    smooth_slope: Annotated[FloatArray | None, "scla_smooth_sb2.K_ps_uw"]  # (n_ps,) [rad/m]
    smooth_ramp: Annotated[Rows | None, "scla_smooth_sb2.ph_ramp"]  # (n_ps, n_ifg) float64 [rad]


@dataclass(frozen=True, kw_only=True)
class Outputs(GridOutputs):
    """What stage 6 writes of small baselines: of the grid, the pairs and the images."""

    loops: Annotated[FloatArray | None, "phuw_loops2.intfg_loops"]  # (n_loop, n_ifg)
    good: Annotated[Rows | None, "phuw_good2.good_pixels"]  # (n_ps, n_ifg) bool
    predicted: Annotated[Rows, "phuw_sb_res2.ph_res"]  # (n_ps, n_ifg) float32 [rad]
    pair_covariance: Annotated[FloatArray, "phuw_sb_res2.sb_cov"]  # (n_ifg, n_ifg) [rad^2]
    image_covariance: Annotated[FloatArray, "phuw_sb_res2.sm_cov"]  # (n_image, n_image) [rad^2]
    unwrapped: Annotated[Rows, "phuw_sb2.ph_uw"]  # (n_ps, n_ifg) float32 [rad]
    msd: Annotated[FloatArray, "phuw_sb2.msd"]  # (n_ifg,) float32 [rad^2]
    series: Annotated[Rows, "phuw2.ph_uw"]  # (n_ps, n_image) float32 [rad]
    images: Annotated[IntArray, "phuw2.unwrap_ifg_index_sm"]  # (n_use,) images with a phase


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Unwrap the phase of small baselines and invert it to the series of the images.

    Raises
    ------
    StageError
        Too few PS or interferograms, a network that falls apart or lacks the master, an empty
        reference area, a zero or missing phase, a grid that does not fit the filter window or the
        points, or an interferogram that is not unwrapped.

    Notes
    -----
    StaMPS ``ps_unwrap`` and ``sb_invert_uw``.
    """
    require_points(inputs.n_ps)
    used = inputs.ifgs.used(params.drop_ifg_index, fewest=2)
    inputs.ifgs.only(used).require_connected()
    ref_ps = referencing_ps(params, inputs, ctx)
    stack = wrapped_stack(inputs, params, used, _feedback(inputs, params, ctx), ctx)
    good = _good_values(inputs, params, used, ctx)
    held = None if good is None else good.points(stack)
    grid = unwrap_on_grid(inputs, params, inputs.ifgs.only(used), stack, ctx, held)

    corrected = inputs.corrected if params.unwrap_patch_phase else None
    outputs, n_ifg = grid.outputs, len(inputs.ifgs)
    points = unwrapped_points(
        stack, stack.psi(ctx), outputs.node_unwrapped, grid.point_node, corrected, ctx, held
    )
    unwrapped = in_all_columns(points, used, n_ifg, ctx)
    reference = reference_phase(
        points, ref_ps, np.arange(used.size), lambda k: inputs.ifgs.name_of(used[k]),
        "phuw_sb2.ph_uw", ctx,
    )  # fmt: skip
    covariance = pair_covariance(inputs.corrected, inputs.patch_phase, ctx)
    inverted = invert(unwrapped, reference, inputs.ifgs, used, covariance, ctx)
    return Outputs(
        **vars(outputs),
        unwrapped=unwrapped,
        msd=grid.msd_of(used, n_ifg),
        loops=None if good is None else good.loops,
        good=None if good is None else good.good,
        predicted=inverted.predicted,
        pair_covariance=covariance,
        image_covariance=inverted.covariance,
        series=inverted.series,
        images=inverted.images,
    )


def _feedback(inputs: Inputs, params: Params, ctx: Context) -> Feedback | None:
    """Return the phases that an earlier stage 7 found for these points; they have no offset."""
    if inputs.smooth_slope is None:
        return None
    ramp = inputs.smooth_ramp if params.scla_deramp else None
    found = Feedback(inputs.smooth_slope, None, ramp)
    return found.of_points(inputs.n_ps, "scla_smooth_sb2", ctx)


def _good_values(inputs: Inputs, params: Params, used: IntArray, ctx: Context) -> GoodValues | None:
    """Find the values of an earlier run that are held, if wanted and of these points."""
    if not params.unwrap_hold_good_values or inputs.previous is None:
        return None
    shape = (inputs.n_ps, len(inputs.ifgs))
    if inputs.previous.shape != shape:
        ctx.warn(
            f"phuw_sb2.ph_uw: {inputs.previous.shape[0]} points in {inputs.previous.shape[1]} "
            f"interferograms, the dataset has {shape[0]} in {shape[1]}; held values ignored"
        )
        return None
    if params.unwrap_patch_phase:
        ctx.warn(
            "unwrap_patch_phase together with unwrap_hold_good_values: what points have beyond the "
            "filtered phase is added to held values once more, as in StaMPS; use one of the two"
        )
    return good_values(inputs.previous, inputs.ifgs, used, inputs.image_bperp, ctx)


SPEC = StageSpec(
    number=6,
    name="Unwrap phase",
    scope="merged",
    marker="phuw2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        *stage6.SPEC.kernels,
        "stage6_low_pass",
        "stage6_anneal",
        "stage6_held_smooth",
        "stage6_column_products",
        "stage6_network_inversion",
        "stage7_sequential_mean",
    ),
    only_if={
        "stage6_held_smooth": lambda params: params.unwrap_hold_good_values,
        "stage6_anneal": lambda params: ALIASES[params.unwrap_method.upper()] == "3D",
    },
    keeps=Keeps(value=40, point=500),
    config=stage6.SPEC.config,
    modes=("sb",),
    tools=stage6.SPEC.tools,
    spares=("scla_smooth_sb2",),
)
