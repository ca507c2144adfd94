"""Stage 6: phase unwrapping in space and time.

The wrapped phase is gridded and filtered (:mod:`.grid`), neighbouring grid cells are joined to arcs
(:mod:`.graph`), the phase history of every arc tells which cycles are likely
(:mod:`.arcs`, :mod:`.costs`), a solver finds the cheapest cycles of each interferogram
(:mod:`.unwrap`, :mod:`.solvers`), and the points take over their cell's cycles (:mod:`.transfer`).
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.sparse import csc_matrix

from ...dataset.rows import AnyArray, BoolArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared.ifgs import Ifgs
from .arcs import ALIASES, NOISE_LIMIT, arc_phases
from .costs import edge_costs
from .graph import build_graph
from .grid import assign_cells, filtered_nodes
from .prepare import search_range, wrapped_stack
from .solvers import chosen_solver
from .transfer import unwrapped_points
from .unwrap import unwrap_grid

__all__ = ["SPEC", "Inputs", "Outputs", "Params", "solve"]

FEWEST_PS = 2

# Above this share of arcs without statistics the result deserves a warning.
STAT_LESS_SHARE = 0.5


@dataclass(frozen=True)
class Params:
    """StaMPS parameters of stage 6 (names as in parms.mat).

    ``tropo_method`` and ``unwrap_hold_good_values`` belong to branches that are not built; they are
    here because a result counts as made with them.
    """

    drop_ifg_index: tuple[int, ...]
    lambda_: float
    max_topo_err: float
    scla_deramp: bool
    subtr_tropo: bool
    tropo_method: str
    unwrap_method: str
    unwrap_patch_phase: bool
    unwrap_prefilter_flag: bool
    unwrap_grid_size: float
    unwrap_gold_n_win: int
    unwrap_gold_alpha: float
    unwrap_time_win: float
    unwrap_la_error_flag: bool
    unwrap_spatial_cost_func_flag: bool
    unwrap_hold_good_values: bool

    def __post_init__(self) -> None:
        """Refuse what is not built and what cannot work."""
        if self.subtr_tropo:
            raise StageError("subtr_tropo=y is not supported in stage 6; supported: n")
        if self.unwrap_spatial_cost_func_flag:
            raise StageError(
                "unwrap_spatial_cost_func_flag=y is not supported in stage 6; supported: n"
            )
        if self.unwrap_method.upper() not in ALIASES:
            raise StageError(
                f"unwrap_method={self.unwrap_method} is unknown; supported: {', '.join(ALIASES)}"
            )
        if self.unwrap_gold_n_win < 2 or self.unwrap_gold_n_win % 2:
            raise StageError(
                f"unwrap_gold_n_win={self.unwrap_gold_n_win} must be even and at least 2"
            )
        for name in ("unwrap_grid_size", "unwrap_time_win", "lambda_"):
            if not getattr(self, name) > 0:
                raise StageError(f"{name.rstrip('_')}={getattr(self, name)} must be above 0")

    @property
    def method(self) -> str:
        """The unwrapping method, without its other names."""
        return ALIASES[self.unwrap_method.upper()]


@dataclass(frozen=True)
class Inputs:
    """Merged arrays that stage 6 reads; rows are PS, n_col columns include that of the master."""

    n_ps: Annotated[int, "ps2.n_ps"]  # points
    ifgs: Annotated[Ifgs, "ps2"]  # the network
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 2) float32 [m]
    mean_incidence: Annotated[float | None, "ps2.mean_incidence"]  # [rad]
    corrected: Annotated[Rows, "rc2.ph_rc"]  # (n_ps, n_col) complex64
    bperp_mat: Annotated[Rows | None, "bp2.bperp_mat"]  # (n_ps, n_ifg) float32 [m]
    slope: Annotated[FloatArray | None, "pm2.K_ps"]  # (n_ps,) float64 [rad/m]
    patch_phase: Annotated[Rows | None, "pm2.ph_patch"]  # (n_ps, n_ifg) complex64
    look_angle: Annotated[FloatArray | None, "la2.la"]  # (n_ps,) [rad]
    smooth_slope: Annotated[FloatArray | None, "scla_smooth2.K_ps_uw"]  # (n_ps,) [rad/m]
    smooth_offset: Annotated[FloatArray | None, "scla_smooth2.C_ps_uw"]  # (n_ps,) [rad]
    smooth_ramp: Annotated[Rows | None, "scla_smooth2.ph_ramp"]  # (n_ps, n_col) float64 [rad]


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What stage 6 writes; u unwrapped interferograms, nodes in column-major order of the grid.

    What is None by default belongs to branches of the reference that are not built.
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
    spread: Annotated[csc_matrix, "uw_space_time.spread"]  # (n_edge, n_u) float64, zero
    row_gradient: Annotated[Rows | None, "uw_space_time.ifreq_ij"] = None  # (n_node, n_u) float32
    col_gradient: Annotated[Rows | None, "uw_space_time.jfreq_ij"] = None  # (n_node, n_u) float32
    shaky: Annotated[BoolArray | None, "uw_space_time.shaky_ix"] = None  # (n_edge,) bool
    held_arcs: Annotated[Rows | None, "uw_space_time.predef_ix"] = None  # (n_edge, n_u) bool

    node_unwrapped: Annotated[FloatArray, "uw_phaseuw.ph_uw"]  # (n_node, n_u) float32 [rad]
    node_msd: Annotated[FloatArray, "uw_phaseuw.msd"]  # (n_u,) float64 [rad^2]

    unwrapped: Annotated[Rows, "phuw2.ph_uw"]  # (n_ps, n_col) float32 [rad]
    msd: Annotated[FloatArray, "phuw2.msd"]  # (n_col,) float32 [rad^2]


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Unwrap the phase of a single-master stack.

    Raises
    ------
    StageError
        Too few PS or interferograms, a zero or missing phase, a grid that does not fit the filter
        window or the points, or an interferogram that is not unwrapped.

    Notes
    -----
    StaMPS ``ps_unwrap`` and ``uw_3d``.
    """
    _require_points(inputs.n_ps)
    inputs.ifgs.require_master_at_its_day("rerun stage 5")
    used = inputs.ifgs.used(params.drop_ifg_index, fewest=2)
    stack = wrapped_stack(inputs, params, used, ctx)

    size, window = params.unwrap_grid_size, params.unwrap_gold_n_win
    cells = ctx.on_root(lambda: assign_cells(inputs.xy, size, window))
    chosen_solver(ctx).require_grid(cells.shape, size)
    wrapped = stack.psi(ctx)
    psi: Rows = ctx.map_rows(lambda rows: wrapped[rows], inputs.n_ps, "wrapped phase")
    nodes = filtered_nodes(
        stack, cells, window, params.unwrap_gold_alpha, params.unwrap_prefilter_flag, ctx
    )
    graph = build_graph(nodes, ctx)
    n_node, n_edge = nodes.row.size, graph.low.size

    network = inputs.ifgs.only(used)
    wraps = search_range(inputs, params) if params.unwrap_la_error_flag else None
    arcs = arc_phases(
        nodes.phase, graph, network, params.method, params.unwrap_time_win, wraps, ctx
    )
    costs = edge_costs(arcs, graph, nodes, size, ctx)
    _report(costs.sigsq, nodes.point_node, n_node, used.size, params, ctx)
    solution = unwrap_grid(nodes, graph, costs, ctx)

    corrected = inputs.corrected if params.unwrap_patch_phase else None
    unwrapped = unwrapped_points(
        stack, psi, solution.phase, nodes.point_node, inputs.ifgs.n_columns, corrected, ctx
    )
    msd = np.zeros(inputs.ifgs.n_columns, np.float32)
    msd[stack.columns] = solution.msd

    return Outputs(
        grid_phase=nodes.phase,
        psi=psi,
        node_xy=np.stack([(nodes.col + 0.5) * size, (nodes.row + 0.5) * size], axis=1),
        node_ij=np.stack([nodes.row, nodes.col], axis=1),
        occupied=nodes.occupied,
        x_min=float(cells.x_min),
        y_min=float(cells.y_min),
        n_row=cells.shape[0],
        n_col=cells.shape[1],
        n_unwrapped=used.size,
        n_node=n_node,
        point_cell=np.stack([cells.point_row, cells.point_col], axis=1),
        cell_size=size,
        edges=np.stack([graph.low, graph.high], axis=1),
        n_edge=n_edge,
        row_edges=graph.row_edges,
        col_edges=graph.col_edges,
        nearest=graph.nearest,
        arc_phase=arcs.unwrapped,
        arc_noise=arcs.noise,
        design=network.design if params.method in NOISE_LIMIT else None,
        spread=csc_matrix((n_edge, used.size)),
        node_unwrapped=solution.phase,
        node_msd=solution.msd,
        unwrapped=unwrapped,
        msd=msd,
    )


def _require_points(n_ps: int) -> None:
    if n_ps < FEWEST_PS:
        raise StageError(
            f"ps2.mat: {n_ps} PS left, {FEWEST_PS} are needed to unwrap one against the other; "
            "relax the selection or weeding parameters and rerun stage 3"
        )


def _report(
    sigsq: AnyArray, point_node: IntArray, n_node: int, n_ifg: int, params: Params, ctx: Context
) -> None:
    """Tell how much of the network carries information."""
    stat_less = float(np.mean(sigsq == 0)) if sigsq.size else 0.0
    lost = int(np.count_nonzero(point_node < 0))
    ctx.fact("interferograms", n_ifg)
    ctx.fact("n_node", n_node)
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


SPEC = StageSpec(
    number=6,
    name="Unwrap phase",
    scope="merged",
    marker="phuw2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage6_wrapped_phase",
        "stage6_subtract_phase",
        "stage6_cell_sums",
        "stage6_goldstein",
        "stage6_nearest_node",
        "stage6_arc_phasors",
        "stage6_phase_steps",
        "stage6_look_angle",
        "stage6_star_smooth",
        "stage6_network_smooth",
        "stage6_arc_noise",
        "stage6_arc_variance",
        "stage6_edge_costs",
        "stage6_cost_records",
        "stage6_residues",
        "stage6_chains",
        "stage6_cheapest_flow",
        "stage6_share_free_chains",
        "stage6_solution_cost",
        "stage6_to_points",
    ),
    keeps=Keeps(value=30, point=500),
    config=("compat.arithmetic", "runtime.stage6_solver"),
    tools=("unwrapper",),
    spares=("scla_smooth2", "scla_smooth_sb2"),
)
