"""Stage 6, fifth step: what a cycle on an arc costs, from the noise of the arc."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from ...dataset.rows import AnyArray, BoolArray, FloatArray
from ...parallel.context import Context
from .arcs import ArcPhase
from .graph import Graph
from .grid import Nodes

# Covariance of the atmosphere over distance in the 2D method: 1 - exp(-3 d / range), range in m.
ATMOSPHERE_RANGE = 20000


@dataclass(frozen=True)
class EdgeCosts:
    """Cost parabolas of all edges, whole on every rank; 2 bytes per edge and interferogram.

    Parameters
    ----------
    offset : (n_edge, n_u) int16
        Wrapped minus expected phase [1/200 cycle].
    sigsq : (n_edge,) int16
        Variance in units of the cost; 0 for an edge without statistics.
    held : (n_edge, n_u) bool or None
        Edges whose cycles are held: with statistics, they get the smallest variance.
    """

    offset: AnyArray
    sigsq: AnyArray
    held: BoolArray | None = None

    def sigsq_of(self, ifg: int) -> AnyArray:
        """Return the variances of an interferogram, (n_edge,) int16."""
        if self.held is None:
            return self.sigsq
        return np.where(self.held[:, ifg], np.minimum(self.sigsq, np.int16(1)), self.sigsq)

    def checksum(self, ifg: int) -> int:
        """Return a number that other costs of an interferogram hardly ever have."""
        return crc32(self.sigsq_of(ifg).tobytes(), crc32(self.offset[:, ifg].tobytes()))


def edge_costs(
    arcs: ArcPhase,
    graph: Graph,
    nodes: Nodes,
    cell_size: float,
    ctx: Context,
    held: BoolArray | None = None,
) -> EdgeCosts:
    """Turn the noise of every arc into the cost parabola that SNAPHU's costs have.

    Parameters
    ----------
    arcs : ArcPhase
        Phase histories; without noise (2D) the variance follows from the length of the arc.
    graph : Graph
        Edges.
    nodes : Nodes
        Cells of the nodes.
    cell_size : float
        Cell size [m].
    ctx : Context
        Edges are cut into pieces.
    held : (n_edge, n_u) bool, optional
        Edges whose cycles are held.

    Notes
    -----
    StaMPS ``uw_stat_costs``; docs/science/unwrapping.md, Costs.
    """

    def costs(rows: slice) -> tuple[AnyArray, AnyArray]:
        unwrapped = np.ascontiguousarray(arcs.unwrapped[rows])
        if arcs.noise is None:
            noise = np.zeros_like(unwrapped)
            variance = _length_variance(graph, nodes, rows, cell_size)
        else:
            noise = np.ascontiguousarray(arcs.noise[rows])
            variance = ctx.kernels.stage6_arc_variance(noise)
        return ctx.kernels.stage6_edge_costs(unwrapped, noise, variance, graph.n_arcs[rows])

    piece = ctx.config.runtime.stage8_chunk_edges
    offset, sigsq = ctx.map_rows(costs, graph.low.size, "costs", piece)
    return EdgeCosts(ctx.share(offset), ctx.share(sigsq), held)


def _length_variance(graph: Graph, nodes: Nodes, rows: slice, cell_size: float) -> FloatArray:
    """Variance of an arc by its length [cycles^2]; docs/science/unwrapping.md, Costs."""
    low, high = graph.low[rows], graph.high[rows]
    length = np.hypot(nodes.row[high] - nodes.row[low], nodes.col[high] - nodes.col[low])
    decorrelation = 1 - np.exp(-3 * length * cell_size / ATMOSPHERE_RANGE)
    variance: FloatArray = ((2 * np.pi) ** 2 * decorrelation / 10).astype(np.float32)
    return variance
