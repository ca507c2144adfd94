"""Stage 6, sixth step: unwrap every interferogram on the grid by SNAPHU."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import AnyArray, ComplexArray, FloatArray
from ...parallel.context import Context
from ...programs.snaphu import run_snaphu
from .costs import EdgeCosts, snaphu_costs
from .graph import Graph
from .grid import Nodes


@dataclass(frozen=True)
class GridPhase:
    """The solution at the nodes.

    Parameters
    ----------
    phase : (n_node, n_u) float32
        Unwrapped phase [rad].
    msd : (n_u,) float64
        Mean squared difference of neighbouring cells [rad^2].
    """

    phase: FloatArray
    msd: FloatArray


def unwrap_grid(nodes: Nodes, graph: Graph, costs: EdgeCosts, ctx: Context) -> GridPhase:
    """Unwrap every interferogram on the grid, those with most residues first.

    Parameters
    ----------
    nodes : Nodes
        Filtered phasors.
    graph : Graph
        Nearest-node map and edges.
    costs : EdgeCosts
        Cost parabolas.
    ctx : Context
        One task and one memo per interferogram.
    """

    def raster(ifg: int) -> ComplexArray:
        cells: ComplexArray = np.ascontiguousarray(nodes.phase[:, ifg])[graph.nearest]
        return cells

    def count(ifg: int) -> int:
        return int(ctx.kernels.stage6_residues(raster(ifg)))

    def solve(ifg: int) -> dict[str, AnyArray]:
        records = snaphu_costs(costs, graph, ifg, ctx)
        solution = run_snaphu(raster(ifg), *records, ctx.config.tools.snaphu, ifg, ctx.check)
        return {
            "ph_uw": solution.phase[nodes.row, nodes.col],
            "msd": np.array(mean_squared_difference(solution.phase)),
            "cost": np.array(solution.cost),
            "solver": np.array(f"snaphu {solution.version}"),
        }

    def task(ifg: int) -> tuple[FloatArray, tuple[float, float, str]]:
        stored = ctx.memo(f"ifg_{ifg + 1:06d}", lambda: solve(ifg))
        facts = (float(stored["msd"]), float(stored["cost"]), str(stored["solver"]))
        return stored["ph_uw"], facts

    n_node, n_ifg = nodes.phase.shape
    ifgs = range(n_ifg)
    n_residues = ctx.map_tasks(count, ifgs, label="residues")
    costs_of = [1.0 + n for n in n_residues]
    phase, facts = ctx.map_columns(
        task, ifgs, (n_node, np.float32), costs_of, "unwrapping", waiting=True
    )
    msd, cost, solver = zip(*facts, strict=True)
    ctx.note(f"unwrapped by {' and '.join(sorted(set(solver)))}")
    ctx.fact("n_residues", int(sum(n_residues)))
    ctx.fact("snaphu_cost", float(sum(cost)))
    return GridPhase(phase, np.array(msd))


def mean_squared_difference(raster: FloatArray) -> float:
    """Mean square of the neighbour differences that are not exactly 0.

    Differences inside a node are 0 only up to the rounding of SNAPHU's integration, so the count
    and with it the mean move by a percent with the last bit of the input. Specification of
    stage 6, section 9.3.
    """
    values = raster.astype(np.float64)
    squares = [np.diff(values, axis=axis) ** 2 for axis in (0, 1)]
    count = sum(int(np.count_nonzero(square)) for square in squares)
    return float(sum(square.sum() for square in squares) / count) if count else 0.0
