"""Stage 6, the steps between the wrapped stack and the points: the same for every network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ...dataset.rows import AnyArray, BoolArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..shared.ifgs import Ifgs
from .arcs import NOISE_LIMIT, arc_phases, method_of
from .costs import edge_costs
from .graph import Graph, build_graph
from .grid import Cells, Nodes, assign_cells, filtered_nodes, low_passed_nodes
from .held import held_nodes
from .prepare import PhaseInputs, WrappedStack, search_range
from .solvers import chosen_solver
from .unwrap import unwrap_grid

if TYPE_CHECKING:
    from . import Params

FEWEST_PS = 2

# Above this share of arcs without statistics the result deserves a warning.
STAT_LESS_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class GridOutputs:
    """What stage 6 writes of the grid; u interferograms, nodes in column-major order of the grid.

    What is None by default belongs to values that are held, to the low-pass, and to branches of the
    reference that are not built.
    """

    grid_phase: Annotated[Rows, "uw_grid.ph"]  # (n_node, n_u) complex64
    psi: Annotated[Rows, "uw_grid.ph_in"]  # (n_ps, n_u) complex64
    low_pass: Annotated[Rows | None, "uw_grid.ph_lowpass"] = None  # (n_node, n_u) complex64
    held_points: Annotated[Rows | None, "uw_grid.ph_in_predef"] = None  # (n_ps, n_u) float32 [rad]
    held_nodes: Annotated[Rows | None, "uw_grid.ph_uw_predef"] = None  # (n_node, n_u) float32 [rad]
    node_xy: Annotated[FloatArray, "uw_grid.xy"]  # (n_node, 2) float64 [m]
    node_ij: Annotated[IntArray, "uw_grid.ij"]  # (n_node, 2) int64
    occupied: Annotated[BoolArray, "uw_grid.nzix"]  # (n_row, n_col) bool
    x_min: Annotated[float, "uw_grid.grid_x_min"]  # [m]
    y_min: Annotated[float, "uw_grid.grid_y_min"]  # [m]
    n_row: Annotated[int, "uw_grid.n_i"]  # rows of the grid
    n_col: Annotated[int, "uw_grid.n_j"]  # columns of the grid
    n_unwrapped: Annotated[int, "uw_grid.n_ifg"]  # unwrapped interferograms
    n_node: Annotated[int, "uw_grid.n_ps"]  # nodes
    point_cell: Annotated[IntArray, "uw_grid.grid_ij"]  # (n_ps, 2) int64
    cell_size: Annotated[float, "uw_grid.pix_size"]  # [m]

    edges: Annotated[IntArray, "uw_interp.edgs"]  # (n_edge, 2) int64, low and high node
    n_edge: Annotated[int, "uw_interp.n_edge"]  # edges
    row_edges: Annotated[IntArray, "uw_interp.rowix"]  # (n_row - 1, n_col) signed, from 1
    col_edges: Annotated[IntArray, "uw_interp.colix"]  # (n_row, n_col - 1) signed, from 1
    nearest: Annotated[IntArray, "uw_interp.Z"]  # (n_row, n_col) int64

    arc_phase: Annotated[Rows, "uw_space_time.dph_space_uw"]  # (n_edge, n_u) float32 [rad]
    arc_noise: Annotated[Rows | None, "uw_space_time.dph_noise"]  # (n_edge, n_u) float32 [rad]
    design: Annotated[FloatArray | None, "uw_space_time.G"]  # (n_u, n_used) float64
    spread: Annotated[Any, "uw_space_time.spread"]  # sparse (n_edge, n_u) float64, zero
    row_gradient: Annotated[Rows | None, "uw_space_time.ifreq_ij"] = None  # (n_node, n_u) float32
    col_gradient: Annotated[Rows | None, "uw_space_time.jfreq_ij"] = None  # (n_node, n_u) float32
    shaky: Annotated[BoolArray | None, "uw_space_time.shaky_ix"] = None  # (n_edge,) bool
    held_arcs: Annotated[Rows | None, "uw_space_time.predef_ix"] = None  # (n_edge, n_u) bool

    node_unwrapped: Annotated[FloatArray, "uw_phaseuw.ph_uw"]  # (n_node, n_u) float32 [rad]
    node_msd: Annotated[FloatArray, "uw_phaseuw.msd"]  # (n_u,) float64 [rad^2]


@dataclass(frozen=True)
class OnGrid:
    """What the grid gives, and how the points lie on it.

    Parameters
    ----------
    outputs : GridOutputs
        What is written of it.
    point_node : (n_ps,) int64
        Node of each point, -1 for none.
    """

    outputs: GridOutputs
    point_node: IntArray

    def msd_of(self, columns: IntArray, n_columns: int) -> FloatArray:
        """Mean squared difference of neighbours, 0 in columns that are not unwrapped [rad^2]."""
        msd = np.zeros(n_columns, np.float32)
        msd[columns] = self.outputs.node_msd
        return msd


def unwrap_on_grid(
    inputs: PhaseInputs,
    params: "Params",
    network: Ifgs,
    stack: WrappedStack,
    ctx: Context,
    held_points: Rows | None = None,
) -> OnGrid:
    """Grid and filter the wrapped phase, and unwrap every interferogram at the nodes.

    Parameters
    ----------
    inputs, params, ctx
        As given to the stage.
    network : Ifgs
        Interferograms that are unwrapped.
    stack : WrappedStack
        Their wrapped phase.
    held_points : Rows, optional
        (n_ps, n_u) float32 unwrapped phase of an earlier run, NaN where it is not held [rad].

    Raises
    ------
    StageError
        Too few PS, a zero or missing phase, a grid that does not fit the filter window or the
        points, a method that the network does not allow, or an interferogram that is not unwrapped.

    Notes
    -----
    StaMPS ``uw_3d``.
    """
    size, window = params.unwrap_grid_size, params.unwrap_gold_n_win
    method = method_of(params.unwrap_method, network)
    cells = ctx.on_root(lambda: assign_cells(inputs.xy, size, window))
    chosen_solver(ctx).require_grid(cells.shape, size)
    wrapped = stack.psi(ctx)
    psi: Rows = ctx.map_rows(lambda rows: wrapped[rows], inputs.n_ps, "wrapped phase")
    nodes = filtered_nodes(
        stack, cells, window, params.unwrap_gold_alpha, params.unwrap_prefilter_flag, ctx
    )
    graph = build_graph(nodes, ctx)
    wraps = search_range(inputs, params) if params.unwrap_la_error_flag else None
    low = low_passed_nodes(stack, cells, nodes, window, ctx) if method == "3D" else None
    held = held_rows = held_arcs = None
    if held_points is not None:
        held_rows = ctx.map_rows(lambda rows: held_points[rows], inputs.n_ps, "held values")
        held = held_nodes(held_points, cells, nodes, graph, ctx)
        if method in NOISE_LIMIT:
            held_arcs = ctx.share(ctx.map_rows(held.known, graph.low.size, "held arcs"))
    arcs = arc_phases(
        nodes.phase, graph, network, method, params.unwrap_time_win, wraps, ctx, low, held
    )
    costs = edge_costs(arcs, graph, nodes, size, ctx, held_arcs)
    _report(costs.sigsq, nodes, params, ctx)
    solution = unwrap_grid(nodes, graph, costs, ctx)

    outputs = GridOutputs(
        psi=psi,
        low_pass=low,
        held_points=held_rows,
        held_nodes=None if held is None else held.phase,
        held_arcs=held_arcs,
        arc_phase=arcs.unwrapped,
        arc_noise=arcs.noise,
        design=network.design if method in NOISE_LIMIT else None,
        node_unwrapped=solution.phase,
        node_msd=solution.msd,
        **_of_grid(cells, nodes, size),
        **_of_graph(graph, len(network)),
    )
    return OnGrid(outputs, nodes.point_node)


def _of_grid(cells: Cells, nodes: Nodes, size: float) -> dict[str, Any]:
    """Return what ``uw_grid`` says of cells and nodes."""
    return {
        "grid_phase": nodes.phase,
        "node_xy": np.stack([(nodes.col + 0.5) * size, (nodes.row + 0.5) * size], axis=1),
        "node_ij": np.stack([nodes.row, nodes.col], axis=1),
        "occupied": nodes.occupied,
        "x_min": float(cells.x_min),
        "y_min": float(cells.y_min),
        "n_row": cells.shape[0],
        "n_col": cells.shape[1],
        "n_unwrapped": nodes.phase.shape[1],
        "n_node": nodes.row.size,
        "point_cell": np.stack([cells.point_row, cells.point_col], axis=1),
        "cell_size": size,
    }


def _of_graph(graph: Graph, n_ifg: int) -> dict[str, Any]:
    """Return what ``uw_interp`` says of the edges, and their spread, which is zero."""
    from scipy.sparse import csc_matrix

    return {
        "edges": np.stack([graph.low, graph.high], axis=1),
        "n_edge": graph.low.size,
        "row_edges": graph.row_edges,
        "col_edges": graph.col_edges,
        "nearest": graph.nearest,
        "spread": csc_matrix((graph.low.size, n_ifg)),
    }


def require_points(n_ps: int) -> None:
    """Refuse fewer points than can be unwrapped against each other."""
    if n_ps < FEWEST_PS:
        raise StageError(
            f"ps2.mat: {n_ps} PS left, {FEWEST_PS} are needed to unwrap one against the other; "
            "relax the selection or weeding parameters and rerun stage 3"
        )


def _report(sigsq: AnyArray, nodes: Nodes, params: "Params", ctx: Context) -> None:
    """Tell how much of the network carries information."""
    stat_less = float(np.mean(sigsq == 0)) if sigsq.size else 0.0
    lost = int(np.count_nonzero(nodes.point_node < 0))
    ctx.fact("interferograms", nodes.phase.shape[1])
    ctx.fact("n_node", nodes.row.size)
    ctx.fact("n_edge", sigsq.size)
    ctx.fact("stat_less_share", stat_less)
    ctx.fact("grid_m", params.unwrap_grid_size)
    ctx.fact("time_window_days", params.unwrap_time_win)
    ctx.fact("filter_window_cells", params.unwrap_gold_n_win)
    if lost:
        ctx.warn(f"{lost} PS get no phase: their grid cell cancels out in the first interferogram")
    if stat_less > STAT_LESS_SHARE:
        ctx.warn(
            f"{100 * stat_less:.0f} % of the arcs have no statistics (method "
            f"{params.unwrap_method}): use the prefilter, another unwrap_grid_size or a shorter "
            "unwrap_time_win"
        )
