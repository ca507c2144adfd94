"""Stage 6, fourth step: the phase history of every arc, smoothed in time ("space-time")."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import ComplexArray, FloatArray, Rows
from ...parallel.context import Context
from ..ifgs import Ifgs
from .graph import Graph
from .smooth import network_smoother, star_smoother
from .stars import LookAngleSeries, look_angle_series

# Arcs noisier than this have no statistics [rad].
NOISE_LIMIT = {"3D_FULL": 1.2, "3D_QUICK": 1.3}

ALIASES = {
    "3D": "3D_FULL",
    "3D_NEW": "3D_FULL",
    "3D_FULL": "3D_FULL",
    "3D_QUICK": "3D_QUICK",
    "3D_SMALL_DEF": "3D_QUICK",
    "3D_NO_DEF": "3D_NO_DEF",
    "2D": "2D",
}


@dataclass(frozen=True)
class ArcPhase:
    """Phase histories of the arcs.

    Parameters
    ----------
    unwrapped : Rows
        (n_edge, n_u) float32 smooth part and noise, the arc phase plus whole cycles [rad].
    noise : Rows or None
        (n_edge, n_u) float32 noise [rad], NaN for an arc without statistics; None for 2D.
    """

    unwrapped: Rows
    noise: Rows | None


@dataclass(frozen=True)
class ArcPhasors:
    """Unit phasors of the arcs after the look-angle error, computed on demand."""

    node_phase: ComplexArray
    graph: Graph
    bperp: FloatArray
    series: LookAngleSeries | None

    def read(self, rows: slice, ctx: Context) -> tuple[ComplexArray, FloatArray | None]:
        """Return phasors (n, n_u) and the look-angle phase (n, n_u) [rad] taken off them."""
        low, high = self.graph.low[rows], self.graph.high[rows]
        arcs: ComplexArray = ctx.kernels.stage6_arc_phasors(self.node_phase, low, high)
        if self.series is None:
            return arcs, None
        samples = _samples(arcs, self.series, ctx)
        baseline = self.series.baseline.astype(np.float64)
        slope = ctx.kernels.stage6_look_angle(samples, baseline, self.series.n_trial)
        phase = slope[:, None] * self.bperp.astype(np.float32)
        return ctx.kernels.stage6_subtract_phase(arcs, phase), phase


def _samples(arcs: ComplexArray, series: LookAngleSeries, ctx: Context) -> ComplexArray:
    z = np.take(arcs, series.ifgs, axis=1)
    z[:, series.backward] = np.conj(z[:, series.backward])
    if series.centre is None:
        return z
    z = np.insert(z, series.centre, np.complex64(1), axis=1)
    steps: ComplexArray = ctx.kernels.stage6_phase_steps(z)
    return steps


def arc_phases(
    node_phase: ComplexArray,
    graph: Graph,
    network: Ifgs,
    method: str,
    time_win: float,
    trial_wraps: float | None,
    ctx: Context,
) -> ArcPhase:
    """Estimate look-angle error, smooth part and noise of every arc.

    Parameters
    ----------
    node_phase : (n_node, n_u) complex64
        Filtered phasors of the nodes.
    graph : Graph
        Edges.
    network : Ifgs
        Interferograms that are unwrapped.
    method : str
        One of the values of :data:`ALIASES`.
    time_win : float
        Standard deviation of the temporal weights [days].
    trial_wraps : float or None
        Range of the look-angle search [cycles over all baselines]; None leaves it out.
    ctx : Context
        Edges are cut into pieces.

    Notes
    -----
    StaMPS ``uw_sb_unwrap_space_time``; specification of stage 6, section 7.
    """
    series = None
    if trial_wraps is not None:
        series = look_angle_series(network, trial_wraps)
        if series is None:
            ctx.warn("all perpendicular baselines are equal: look-angle search of arcs skipped")
    arcs = ArcPhasors(node_phase, graph, network.bperp, series)
    n_edge, piece = graph.low.size, ctx.config.runtime.stage8_chunk_edges

    def unsmoothed(rows: slice) -> FloatArray:
        phasors, look_angle = arcs.read(rows, ctx)
        phase = np.angle(phasors)
        return phase if look_angle is None else phase + look_angle

    def wrapped_noise(rows: slice) -> tuple[FloatArray, FloatArray]:
        phasors, look_angle = arcs.read(rows, ctx)
        noise = np.angle(phasors)
        return noise if look_angle is None else noise + look_angle, noise

    if method == "2D":
        return ArcPhase(ctx.map_rows(unsmoothed, n_edge, "arcs", piece), None)
    if method == "3D_NO_DEF":
        return ArcPhase(*ctx.map_rows(wrapped_noise, n_edge, "arcs", piece))
    if method == "3D_FULL":
        smoother = star_smoother(
            network, time_win, lambda rows: arcs.read(rows, ctx)[0], n_edge, ctx
        )
    else:
        smoother = network_smoother(network, time_win, ctx)

    def split(rows: slice) -> tuple[FloatArray, FloatArray]:
        phasors, look_angle = arcs.read(rows, ctx)
        smooth = smoother(phasors)
        noise = ctx.kernels.stage6_arc_noise(phasors, smooth, NOISE_LIMIT[method])
        unwrapped = smooth + noise
        return unwrapped if look_angle is None else unwrapped + look_angle, noise

    return ArcPhase(*ctx.map_rows(split, n_edge, "arcs", piece))
