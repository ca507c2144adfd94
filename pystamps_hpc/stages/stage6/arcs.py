"""Stage 6, fourth step: the phase history of every arc, smoothed in time ("space-time")."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import ComplexArray, FloatArray, Rows
from ...parallel.context import Context
from ..shared.ifgs import Ifgs
from .annealing import annealing_smoother, noise_whitener
from .graph import Graph
from .held import HeldNodes, held_smoother
from .smooth import Arcs, network_smoother, star_smoother
from .stars import LookAngleSeries, look_angle_series

# Arcs noisier than this have no statistics [rad].
NOISE_LIMIT = {"3D": np.inf, "3D_FULL": 1.2, "3D_QUICK": 1.3}

ALIASES = {
    "3D": "3D",
    "3D_NEW": "3D",
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


def method_of(name: str, network: Ifgs) -> str:
    """Return the method that ``unwrap_method`` means for a network, one of :data:`ALIASES`.

    ``3D`` is ``3D_FULL`` where all interferograms begin with the same image.
    """
    method = ALIASES[name.upper()]
    one_first = len(np.unique(network.pairs[:, 0])) == 1
    return "3D_FULL" if method == "3D" and one_first else method


def without_look_angle(
    arcs: ComplexArray, bperp: FloatArray, series: LookAngleSeries | None, ctx: Context
) -> tuple[ComplexArray, FloatArray | None]:
    """Take the look-angle error off the unit phasors of some arcs, (n, n_u); return both."""
    if series is None:
        return arcs, None
    samples = _samples(arcs, series, ctx)
    slope = ctx.kernels.stage6_look_angle(
        samples, series.baseline.astype(np.float64), series.n_trial
    )
    phase = slope[:, None] * bperp.astype(np.float32)
    return ctx.kernels.stage6_subtract_phase(arcs, phase), phase


def _samples(arcs: ComplexArray, series: LookAngleSeries, ctx: Context) -> ComplexArray:
    z = np.take(arcs, series.ifgs, axis=1)
    z[:, series.backward] = np.conj(z[:, series.backward])
    if series.centre is None:
        return z
    z = np.insert(z, series.centre, np.complex64(1), axis=1)
    return ctx.kernels.stage6_phase_steps(z)


def arc_phases(
    node_phase: ComplexArray,
    graph: Graph,
    network: Ifgs,
    method: str,
    time_win: float,
    trial_wraps: float | None,
    ctx: Context,
    low_pass: ComplexArray | None = None,
    held: HeldNodes | None = None,
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
        As :func:`method_of` gives it.
    time_win : float
        Standard deviation of the temporal weights [days].
    trial_wraps : float or None
        Range of the look-angle search [cycles over all baselines]; None leaves it out.
    ctx : Context
        Edges are cut into pieces.
    low_pass : (n_node, n_u) complex64, optional
        Low-passed phasors of the nodes; 3D needs them.
    held : HeldNodes, optional
        Unwrapped phase of an earlier run that is held.

    Notes
    -----
    StaMPS ``uw_sb_unwrap_space_time``; docs/science/unwrapping.md, Arcs in time.
    """
    series = None if trial_wraps is None else look_angle_series(network, trial_wraps)
    if series is None and trial_wraps is not None:
        ctx.warn("all perpendicular baselines are equal: look-angle search of arcs skipped")
    n_edge, piece = graph.low.size, ctx.config.runtime.stage8_chunk_edges

    def read(rows: slice) -> Arcs:
        arcs = ctx.kernels.stage6_arc_phasors(node_phase, graph.low[rows], graph.high[rows])
        return Arcs(rows, *without_look_angle(arcs, network.bperp, series, ctx))

    def wrapped_noise(rows: slice) -> ArcPhase:
        arcs = read(rows)
        noise = np.angle(arcs.phasors)
        return ArcPhase(_sum(noise, arcs.look_angle), noise)

    if method == "2D":
        return ArcPhase(
            ctx.map_rows(lambda rows: wrapped_noise(rows).unwrapped, n_edge, "arcs", piece), None
        )
    if method == "3D_NO_DEF":
        return ctx.map_rows(wrapped_noise, n_edge, "arcs", piece)
    if method == "3D_FULL":
        smoother = star_smoother(network, time_win, lambda rows: read(rows).phasors, n_edge, ctx)
    elif held is not None:
        smoother = held_smoother(network, time_win, held, ctx)
    else:
        smoother = network_smoother(network, time_win, ctx)
    if low_pass is not None:
        whitener = noise_whitener(node_phase, low_pass, graph, ctx)
        smoother = annealing_smoother(smoother, network, whitener, ctx)

    def split(rows: slice) -> ArcPhase:
        arcs = read(rows)
        smooth = smoother(arcs)
        noise = ctx.kernels.stage6_arc_noise(arcs.phasors, smooth, NOISE_LIMIT[method])
        return ArcPhase(_sum(smooth + noise, arcs.look_angle), noise)

    return ctx.map_rows(split, n_edge, "arcs", piece)


def _sum(phase: FloatArray, look_angle: FloatArray | None) -> FloatArray:
    return phase if look_angle is None else phase + look_angle
