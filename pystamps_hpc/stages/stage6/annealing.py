"""Stage 6: noisy arcs of a network are smoothed by a rate and two harmonics, found by annealing."""

import numpy as np

from ...dataset.rows import ComplexArray, FloatArray, IntArray
from ...parallel.context import Context
from ..shared.covariance import column_covariance
from ..shared.ifgs import Ifgs
from .graph import Graph
from .smooth import Arcs, Smoother

MOST_NOISE = 1.0
"""Standard deviation of the noise above which an arc is annealed [rad]."""


def annealing_smoother(
    through_network: Smoother, network: Ifgs, whitener: FloatArray, ctx: Context
) -> Smoother:
    """Smooth through the inverted network, but fit arcs that are left too noisy by annealing.

    Parameters
    ----------
    through_network : callable
        Smooths through the network.
    network : Ifgs
        Interferograms.
    whitener : (n_u, n_u) float64
        See :func:`noise_whitener`.
    ctx : Context
        Kernels.

    Notes
    -----
    docs/science/unwrapping.md, Annealing.
    """
    most = np.float32((MOST_NOISE / (2 * np.pi)) ** 2)

    def smooth(arcs: Arcs) -> FloatArray:
        phase = through_network(arcs)
        noise = ctx.kernels.stage6_arc_noise(arcs.phasors, phase, np.inf)
        noisy = np.flatnonzero(ctx.kernels.stage6_arc_variance(noise) > most)
        if noisy.size:
            phase[noisy] = ctx.kernels.stage6_anneal(
                arcs.phasors[noisy], arcs.rows.start + noisy, network.pairs, network.day, whitener
            )
        return phase

    return smooth


def noise_whitener(
    phase: ComplexArray, low_pass: ComplexArray, graph: Graph, ctx: Context
) -> FloatArray:
    """Return the upper triangular matrix that gives the noise of the arcs the unit covariance.

    Noise is what the low-pass leaves at the nodes; its differences are not wrapped.

    Parameters
    ----------
    phase, low_pass : (n_node, n_u) complex64
        Phasors of the nodes.
    graph : Graph
        Edges.
    ctx : Context
        Edges are cut into pieces.

    Returns
    -------
    (n_u, n_u) float64
        Whitener [1/rad]; diagonal where the covariance cannot be inverted.
    """
    n_edge = graph.low.size

    def noise(nodes: IntArray) -> FloatArray:
        rest: FloatArray = np.angle(phase[nodes] * np.conj(low_pass[nodes]))
        return rest

    def steps(rows: slice) -> FloatArray:
        return (noise(graph.high[rows]) - noise(graph.low[rows])).astype(np.float64)

    covariance = column_covariance(steps, n_edge, "covariance of the arcs", ctx)
    return ctx.on_root(lambda: whitening(covariance))


def whitening(covariance: FloatArray) -> FloatArray:
    """Return W, upper triangular, with W'W the inverse of a covariance; diagonal without one."""
    try:
        return np.linalg.cholesky(np.linalg.inv(covariance)).T.copy()
    except np.linalg.LinAlgError:
        variance = np.diag(covariance)
        return np.diag(1 / np.sqrt(np.where(variance > 0, variance, 1)))
