"""SNAPHU as a solver: its cost records, one run of the program per raster."""

from collections.abc import Callable

import numpy as np

from ....dataset.rows import AnyArray, ComplexArray, FloatArray
from ....errors import StageError
from ....parallel.context import Context
from ....programs.snaphu import require_snaphu, run_snaphu, snaphu_version
from ..costs import EdgeCosts
from ..graph import Graph

# SNAPHU keeps line lengths and flows in 16-bit integers.
LONGEST_LINE = 32000


class Solver:
    """See :class:`..solvers.Solver`."""

    def __init__(self, graph: Graph, costs: EdgeCosts, ctx: Context) -> None:
        self.graph, self.costs, self.ctx = graph, costs, ctx
        self.program = ctx.config.tools.snaphu
        self.name = f"snaphu {snaphu_version(require_snaphu(self.program))}"

    @staticmethod
    def require_grid(shape: tuple[int, int], size: float) -> None:
        """See :meth:`..solvers.Solver.require_grid`."""
        n_row, n_col = shape
        if max(shape) > LONGEST_LINE:
            larger = size * max(shape) / LONGEST_LINE
            raise StageError(
                f"grid of {n_row} x {n_col} cells ({130 * n_row * n_col / 2**30:.0f} GiB in "
                f"SNAPHU) exceeds {LONGEST_LINE} lines; set unwrap_grid_size to at least "
                f"{larger:.0f}"
            )

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
