"""SNAPHU as a solver: its cost records, one run of the program per raster."""

from collections.abc import Callable

import numpy as np

from ....dataset.rows import AnyArray, ComplexArray, FloatArray
from ....parallel.context import Context
from ....programs.snaphu import require_snaphu, run_snaphu, snaphu_version
from ..costs import EdgeCosts
from ..graph import Graph


class Solver:
    """See :class:`..solvers.Solver`."""

    def __init__(self, graph: Graph, costs: EdgeCosts, ctx: Context) -> None:
        self.graph, self.costs, self.ctx = graph, costs, ctx
        self.program = ctx.config.tools.snaphu
        self.name = f"snaphu {snaphu_version(require_snaphu(self.program))}"

    def unwrap(
        self, raster: ComplexArray, turns: FloatArray, ifg: int, check: Callable[[], None]
    ) -> FloatArray:
        """See :meth:`..solvers.Solver.unwrap`."""
        records = snaphu_costs(self.costs, self.graph, ifg, self.ctx)
        return run_snaphu(raster, *records, self.program, ifg, check).phase


def snaphu_costs(
    costs: EdgeCosts, graph: Graph, ifg: int, ctx: Context
) -> tuple[AnyArray, AnyArray]:
    """Return SNAPHU's records of one interferogram: of the row arcs, of the column arcs."""
    offset = np.ascontiguousarray(costs.offset[:, ifg])
    row_costs, col_costs = ctx.kernels.stage6_cost_records(
        graph.row_edges, graph.col_edges, offset, costs.sigsq_of(ifg)
    )
    return row_costs, col_costs
