"""The solver of this package: cheapest flow on chains of grid arcs, see ``flow`` of the kernels."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ....dataset.rows import AnyArray, BoolArray, ComplexArray, FloatArray, IntArray
from ....errors import StageError
from ....parallel.context import Context
from ..costs import EdgeCosts
from ..graph import Graph

ASKED_EVERY_SEC = 0.2


class Solver:
    """See :class:`..solvers.Solver`."""

    name = "native 1"

    def __init__(self, graph: Graph, costs: EdgeCosts, ctx: Context) -> None:
        self.graph, self.costs, self.ctx = graph, costs, ctx

    @staticmethod
    def require_grid(shape: tuple[int, int], size: float) -> None:
        """Refuse none."""

    def unwrap(
        self, raster: ComplexArray, turns: FloatArray, ifg: int, check: Callable[[], None]
    ) -> FloatArray:
        """See :meth:`..solvers.Solver.unwrap`."""
        graph, kernels = self.graph, self.ctx.kernels
        residues = kernels.stage6_residues(turns)
        row_chains, col_chains, tail, head, n_arcs, edge, supply = kernels.stage6_chains(
            graph.row_edges, graph.col_edges, residues
        )
        number = np.abs(edge) - 1
        offset = (self.costs.offset[number, ifg] * np.sign(edge)).astype(np.int32)
        chains = (tail, head, n_arcs, offset, self.costs.sigsq_of(ifg)[number].astype(np.int32))
        with stop_when_asked(check) as stop:
            cycles, potential, left = kernels.stage6_cheapest_flow(*chains, supply, stop)
            cycles = kernels.stage6_share_free_chains(*chains, cycles, potential, stop)
        if left:
            raise StageError(
                f"{left} residues find no partner; please report it, and use "
                "runtime.stage6_solver: snaphu meanwhile"
            )
        return integrated(turns, _on_arcs(row_chains, cycles), _on_arcs(col_chains, cycles))


@contextmanager
def stop_when_asked(check: Callable[[], None]) -> Iterator[BoolArray]:
    """Yield the flag that stops a kernel; it is set when `check` raises, which is raised then."""
    stop = np.zeros(1, np.bool_)
    done = threading.Event()
    errors: list[BaseException] = []

    def watch() -> None:
        while not done.wait(ASKED_EVERY_SEC):
            try:
                check()
            except BaseException as error:
                errors.append(error)
                stop[0] = True
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        done.set()
        watcher.join()
    if errors:
        raise errors[0]


def _on_arcs(chains: AnyArray, cycles: IntArray) -> IntArray:
    """Cycles of every arc, along the arc; 0 inside a node."""
    signed = np.concatenate([[0], cycles])[np.abs(chains)]
    return np.where(chains < 0, -signed, signed)


def integrated(turns: FloatArray, row: IntArray, col: IntArray) -> FloatArray:
    """Add up the cycles of the arcs from the first cell on.

    Raises
    ------
    StageError
        The cycles do not close around some face.
    """
    row = row - np.rint(np.diff(turns, axis=0)).astype(np.int64)
    col = col - np.rint(np.diff(turns, axis=1)).astype(np.int64)
    whole = np.zeros(turns.shape, np.int64)
    whole[1:, 0] = np.cumsum(row[:, 0])
    whole[:, 1:] = whole[:, :1] + np.cumsum(col, axis=1)
    open_faces = np.count_nonzero(np.diff(whole, axis=0) != row)
    if open_faces:
        raise StageError(
            f"the cycles do not close in {open_faces} places; please report it, and use "
            "runtime.stage6_solver: snaphu meanwhile"
        )
    whole += int(turns[0, 0] < 0)
    unwrapped: FloatArray = (2 * np.pi * (turns + whole)).astype(np.float32)
    return unwrapped
