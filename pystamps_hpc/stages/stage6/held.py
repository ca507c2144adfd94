"""Stage 6: unwrapped values of an earlier run that are held, on the grid and along the arcs."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import BoolArray, FloatArray, Rows
from ...parallel.context import Context
from ..shared.ifgs import Ifgs
from .graph import Graph
from .grid import Cells, Nodes
from .smooth import Arcs, Smoother
from .stars import gaussian_weights

FARTHEST = 1.0
"""How far the wrapped phase of a node may be from what its points hold [rad]."""


@dataclass(frozen=True)
class HeldNodes:
    """What the points of a node hold.

    Parameters
    ----------
    phase : (n_node, n_u) float32
        Filtered phase plus whole cycles, NaN where nothing is held [rad].
    graph : Graph
        Edges between the nodes.
    """

    phase: FloatArray
    graph: Graph

    def steps(self, rows: slice) -> FloatArray:
        """Return the differences along a stretch of edges, NaN where an end holds nothing."""
        step: FloatArray = self.phase[self.graph.high[rows]] - self.phase[self.graph.low[rows]]
        return step

    def known(self, rows: slice) -> BoolArray:
        """Return in which interferograms both ends of the edges hold a value."""
        return ~np.isnan(self.steps(rows))


def held_nodes(points: Rows, cells: Cells, nodes: Nodes, graph: Graph, ctx: Context) -> HeldNodes:
    """Take the mean of what the points of each node hold, and put its phase on those cycles.

    Parameters
    ----------
    points : Rows
        (n_ps, n_u) float32 held phase, NaN where none is [rad].
    cells : Cells
        Point to cell map.
    nodes : Nodes
        Filtered phasors.
    graph : Graph
        Edges.
    ctx : Context
        One task per interferogram.

    Notes
    -----
    docs/science/unwrapping.md, Held values.
    """
    kept = nodes.occupied[cells.row, cells.col]

    def column(which: int) -> tuple[FloatArray, None]:
        values = points[:, which : which + 1][:, 0]
        summed = np.empty(values.size, np.complex64)
        summed.real, summed.imag = np.where(np.isnan(values), 0, values), ~np.isnan(values)
        sums = ctx.kernels.stage6_cell_sums(summed, cells.members, cells.starts)[kept]
        with np.errstate(invalid="ignore"):
            mean = sums.real / sums.imag  # of the values, by their number
        away: FloatArray = np.angle(nodes.phase[:, which] * np.exp(-1j * mean))
        return mean + np.where(np.abs(away) > FARTHEST, np.float32(np.nan), away), None

    n_node, n_ifg = nodes.phase.shape
    phase, _ = ctx.map_columns(column, range(n_ifg), (n_node, np.float32), label="held values")
    return HeldNodes(phase, graph)


def held_smoother(network: Ifgs, time_win: float, held: HeldNodes, ctx: Context) -> Smoother:
    """Smooth through the inverted network, which what is held weights and unwraps."""
    in_time = gaussian_weights(network.elapsed, time_win)

    def smooth(arcs: Arcs) -> FloatArray:
        known, step = held.known(arcs.rows), held.steps(arcs.rows)
        if arcs.look_angle is not None:
            step = step - arcs.look_angle
        phase = np.where(known, step, np.angle(arcs.phasors))
        return ctx.kernels.stage6_held_smooth(phase, known, network.design, in_time)

    return smooth
