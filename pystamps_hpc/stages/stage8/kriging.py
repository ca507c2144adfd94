"""Stage 8 by kriging: a low-pass in time of every arc, another in space of every image.

The alternative to the Gaussian filters (StaMPS ``ps_scn_filt_krig``): how far phase is correlated
in time and in space is not given, but found by variograms.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pystamps_kernels.numerics import round_half_away

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..shared import ramps
from .arcs import Arcs, Models, Timeline, adjusted, fitted_models
from .gaussian import phase_of, time_weights
from .inputs import CommonInputs, Params
from .space import kriged_noise

FEWEST_IMAGES = 6
"""Images that the five terms of the motion leave something of."""

CYCLE = 2.01 * np.pi
"""What counts as a cycle when errors of the unwrapping are counted, as in StaMPS [rad]."""


@dataclass(frozen=True)
class Filtered:
    """Arcs after kriging in time; rows are arcs."""

    low_pass: Rows  # (n_arc, n_use) float32 [rad]
    high_pass: Rows  # (n_arc, n_use) float32 [rad]
    errors: Rows  # (n_arc, n_use) int8 [cycles]
    corrected: Rows  # (n_arc, n_use) float32 [rad]


def require_images(used: IntArray | FloatArray) -> None:
    """Refuse to krige fewer images than the model of the motion needs."""
    if len(used) < FEWEST_IMAGES:
        raise StageError(
            f"scn_kriging_flag: {len(used)} images are used, kriging needs {FEWEST_IMAGES}; set it "
            "to n, or shorten drop_ifg_index"
        )


def noise(inputs: CommonInputs, params: Params, used: IntArray, ctx: Context) -> dict[str, Any]:
    """Filter the phase of images; arguments and result are those of :func:`.gaussian.noise`.

    Notes
    -----
    docs/science/scn.md, Kriging. Planes are taken off all used images, whatever
    ``scn_deramp_ifg`` says, also of small baselines, whose number of pairs StaMPS takes for that
    of images here.
    """
    require_images(used)
    timeline = ctx.on_root(lambda: Timeline.of_days(inputs.ifgs.day[used]))
    phase, piece = phase_of(inputs, used), ctx.config.runtime.stage7_chunk_ps
    planes = ramps.fit_ramps(ramps.regressors(inputs.xy, 1), phase, used, ctx)

    def without_planes(rows: slice) -> AnyArray:
        return (phase[rows] - planes.at(rows)).astype(np.float32)

    flat = ctx.share(ctx.map_rows(without_planes, phase.shape[0], "planes", piece))
    arcs = Arcs.between(inputs.xy, flat, timeline, ctx)
    high_pass, of_arcs = _high_passed(arcs, inputs, params, used, ctx)
    found = kriged_noise(high_pass, planes, inputs, used, ctx)
    return {"high_pass": high_pass, "planes": planes.rows, **vars(found), **of_arcs}


def _high_passed(
    arcs: Arcs, inputs: CommonInputs, params: Params, used: IntArray, ctx: Context
) -> tuple[FloatArray, dict[str, Any]]:
    """Return the high-passed phase, (n_ps, n_use) float32, and what is told of the arcs."""
    if not len(arcs):
        ctx.warn("kriging: the PS have no network, Gaussian means in time are taken")
        return _gaussian(arcs, time_weights(inputs, params, used, ctx), ctx), {}
    models = fitted_models(arcs, ctx.config.output.krig_seed)
    accepted = np.flatnonzero(models.accepted)
    ctx.fact("arcs", len(arcs))
    ctx.fact("arcs_with_variogram", len(accepted))
    told = _model_fields(arcs, models)
    if not models.enough:
        ctx.note(f"{len(accepted)} of {len(arcs)} arcs have a plausible variogram in time, too few "
                 f"for kriging: Gaussian means of {params.scn_time_win:g} days")  # fmt: skip
        ctx.fact("time_window_days", params.scn_time_win)
        return _gaussian(arcs, time_weights(inputs, params, used, ctx), ctx), told
    ctx.note(f"{len(accepted)} of {len(arcs)} arcs have a plausible variogram in time: kriging")
    middles = arcs.middles
    filtered = krig_arcs(arcs, ctx.on_root(lambda: models.everywhere(middles)), ctx)
    middle_x, middle_y = middles.T
    told |= {
        "arc_x": middle_x,
        "arc_y": middle_y,
        "arc_errors": filtered.errors,
        "accepted_arcs": accepted,
        "arc_range": models.found[:, 0],
        "arc_sill": models.found[:, 1],
        "arc_nugget": models.found[:, 2],
        "arc_years": arcs.timeline.years,
        "arc_low_pass": filtered.low_pass,
        "arc_residual": arcs.residuals,
        "arc_corrected": filtered.corrected,
    }
    return adjusted(ctx.share(filtered.high_pass), arcs), told


def _model_fields(arcs: Arcs, models: Models) -> dict[str, Any]:
    return {
        "motion": arcs.motion,
        "motion_terms": arcs.timeline.terms,
        "model_range": models.found[:, 0],
        "model_sill": models.found[:, 1],
        "model_nugget": models.found[:, 2],
        "years": arcs.timeline.years,
        "mean_std": models.deviation,
    }


def krig_arcs(arcs: Arcs, models: FloatArray, ctx: Context) -> Filtered:
    """Low-pass every arc in time.

    Parameters
    ----------
    arcs : Arcs
        The network.
    models : (n_arc, 3) float64
        Range [years], sill and nugget [rad^2] of each arc.
    ctx : Context
        Work over arcs.
    """
    timeline = arcs.timeline
    distance, order, n_most = timeline.distance, timeline.order, timeline.n_most

    def filtered(rows: slice) -> Filtered:
        residual = arcs.residual(rows)
        low_pass, others = ctx.kernels.stage8_krig_time(
            residual, np.ascontiguousarray(models[rows]), distance, order, n_most
        )
        errors = round_half_away(np.nan_to_num((others - residual) / CYCLE))
        return Filtered(
            low_pass.astype(np.float32),
            (residual - low_pass).astype(np.float32),
            np.clip(errors, -128, 127).astype(np.int8),
            (residual + 2 * np.pi * errors).astype(np.float32),
        )

    piece = ctx.config.runtime.stage8_chunk_edges
    return ctx.map_rows(filtered, len(arcs), "kriging in time", piece)


def _gaussian(arcs: Arcs, weights: FloatArray, ctx: Context) -> FloatArray:
    """Return the high-passed phase after Gaussian means of the residuals of the arcs.

    Both act along time alone, so that what the arcs would give is what the points give less the
    first one; no adjustment is needed.
    """
    every = np.eye(len(weights))
    low_pass = ctx.on_root(lambda: every - (every - arcs.timeline.projection) @ (every - weights))
    phase, none = arcs.phase, np.zeros(len(weights))
    origin = ctx.kernels.stage8_temporal_highpass(phase[:1], low_pass, none)[0]

    def filtered(rows: slice) -> AnyArray:
        high_pass = ctx.kernels.stage8_temporal_highpass(phase[rows], low_pass, origin)
        return high_pass.astype(np.float32)

    piece = ctx.config.runtime.stage7_chunk_ps
    return ctx.share(ctx.map_rows(filtered, len(phase), "temporal filter", piece))
