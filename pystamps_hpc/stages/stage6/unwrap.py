"""Stage 6, sixth step: unwrap every interferogram on the grid."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import AnyArray, ComplexArray, FloatArray
from ...errors import StageError
from ...parallel.context import Context
from .costs import EdgeCosts
from .graph import Graph
from .grid import Nodes
from .solvers import chosen_solver


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
    solver = chosen_solver(ctx)(graph, costs, ctx)

    def raster(ifg: int) -> ComplexArray:
        cells: ComplexArray = np.ascontiguousarray(nodes.phase[:, ifg])[graph.nearest]
        return cells

    def count(ifg: int) -> int:
        return int(np.count_nonzero(ctx.kernels.stage6_residues(phase_in_cycles(raster(ifg)))))

    def solve(ifg: int) -> dict[str, AnyArray]:
        wrapped = raster(ifg)
        turns = phase_in_cycles(wrapped)
        check = within(ctx.config.runtime.unwrap_minutes, ctx.check)
        try:
            phase = solver.unwrap(wrapped, turns, ifg, check)
        except StageError as error:
            raise StageError(f"unwrapping of interferogram {ifg + 1}: {error}") from None
        offset = np.ascontiguousarray(costs.offset[:, ifg])
        price = ctx.kernels.stage6_solution_cost(
            turns, phase, graph.row_edges, graph.col_edges, offset, costs.sigsq_of(ifg)
        )
        return {
            "ph_uw": phase[nodes.row, nodes.col],
            "msd": np.array(mean_squared_difference(phase)),
            "price": np.array(price),
        }

    def task(ifg: int) -> tuple[FloatArray, tuple[float, list[int]]]:
        # the fingerprint of a task takes samples of large files, what is held may differ anywhere
        held = "" if costs.held is None else f"_{costs.checksum(ifg):08x}"
        stored = ctx.memo(f"ifg_{ifg + 1:06d}{held}", lambda: solve(ifg))
        return stored["ph_uw"], (float(stored["msd"]), stored["price"].tolist())

    n_node, n_ifg = nodes.phase.shape
    ifgs = range(n_ifg)
    n_residues = ctx.map_tasks(count, ifgs, label="residues")
    costs_of = [1.0 + n for n in n_residues]
    phase, facts = ctx.map_columns(
        task, ifgs, (n_node, np.float32), costs_of, "unwrapping", waiting=True
    )
    msd, prices = zip(*facts, strict=True)
    statistical, free, most = zip(*prices, strict=True)
    ctx.note(f"unwrapped by {solver.name}")
    ctx.fact("n_residues", int(sum(n_residues)))
    ctx.fact("unwrap_cost", int(sum(statistical) + sum(free)))
    ctx.fact("unwrap_cost_stat_less", int(sum(free)))
    ctx.fact("most_cycles_on_an_arc", int(max(most)))
    ctx.fact(
        "unwrapped_ifgs",
        [
            {"residues": n, "cost": a + b, "stat_less": b, "most_cycles": c}
            for n, a, b, c in zip(n_residues, statistical, free, most, strict=True)
        ],
    )
    return GridPhase(phase, np.array(msd))


def within(minutes: float, check: Callable[[], None]) -> Callable[[], None]:
    """Return a check that also raises when more minutes have passed from now on; 0: any time."""
    end = time.monotonic() + 60 * minutes

    def check_both() -> None:
        check()
        if minutes and time.monotonic() > end:
            raise StageError(
                f"it takes longer than runtime.unwrap_minutes: {minutes:g}; allow more, or drop "
                "the interferogram, and repeat the command; finished ones are kept"
            )

    return check_both


def phase_in_cycles(raster: ComplexArray) -> FloatArray:
    """Phase of phasors [cycles], (-0.5, 0.5]: taken once, so that all agree on what it is."""
    turns: FloatArray = np.angle(raster).astype(np.float64) / (2 * np.pi)
    return turns


def mean_squared_difference(raster: FloatArray) -> float:
    """Mean square of the neighbour differences that are not exactly 0.

    Differences inside a node are 0 only up to the rounding of SNAPHU's integration, so the count
    and with it the mean move by a percent with the last bit of the input;
    docs/science/unwrapping.md, Mean squared difference.
    """
    values = raster.astype(np.float64)
    squares = [np.diff(values, axis=axis) ** 2 for axis in (0, 1)]
    count = sum(int(np.count_nonzero(square)) for square in squares)
    return float(sum(square.sum() for square in squares) / count) if count else 0.0
