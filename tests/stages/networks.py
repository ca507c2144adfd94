"""Small unwrapping problems for the solvers of stage 6, and what their best solution costs."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from pystamps_hpc.stages.stage6.costs import EdgeCosts
from pystamps_hpc.stages.stage6.graph import Graph, connect
from pystamps_hpc.stages.stage6.unwrap import phase_in_cycles
from pystamps_kernels.dispatch import table

from .unwrapping import total_cost, wrap

REFERENCE = table("python", "double")


@dataclass(frozen=True)
class Problem:
    """A wrapped raster whose cells have the phase of their node, and the costs of the edges."""

    graph: Graph
    raster: np.ndarray  # (n_row, n_col) complex64
    costs: EdgeCosts  # of one interferogram

    @property
    def turns(self):
        return phase_in_cycles(self.raster)

    @property
    def records(self):
        """SNAPHU's cost records of the row arcs and of the column arcs."""
        graph, costs = self.graph, self.costs
        offset = np.ascontiguousarray(costs.offset[:, 0])
        return REFERENCE.stage6_cost_records(graph.row_edges, graph.col_edges, offset, costs.sigsq)

    def true_cost(self, unwrapped):
        """What SNAPHU charges for a solution."""
        return total_cost(2 * np.pi * self.turns, unwrapped, *self.records)


def occupied_at(n_row, n_col, fill, rng):
    """Nearest node of every cell of a grid that is filled by chance; some cell always is."""
    occupied = rng.random((n_row, n_col)) < fill
    occupied[rng.integers(n_row), rng.integers(n_col)] = True
    number = np.full(occupied.shape, -1, np.int64)
    number.T[occupied.T] = np.arange(np.count_nonzero(occupied))
    return REFERENCE.stage6_nearest_node(number)


def problem(nearest, rng, stat_less=0.0, offsets=(-250, 250), variances=(20, 3000)):
    """A problem with random phases and costs on given nodes."""
    graph = connect(nearest)
    n_node, n_edge = int(nearest.max()) + 1, graph.low.size
    raster = np.exp(2j * np.pi * rng.random(n_node)).astype(np.complex64)[nearest]
    offset = rng.integers(*offsets, n_edge, endpoint=True).astype(np.int16)
    sigsq = rng.integers(*variances, n_edge, endpoint=True).astype(np.int16)
    without = rng.random(n_edge) < stat_less
    offset[without], sigsq[without] = 0, 0
    return Problem(graph, np.ascontiguousarray(raster), EdgeCosts(offset[:, None], sigsq))


def network(given, kernels):
    """The chains of a problem, in the order of the kernels' arguments: chains, supply."""
    graph, costs = given.graph, given.costs
    residues = kernels.stage6_residues(given.turns)
    _, _, tail, head, n_arcs, edge, supply = kernels.stage6_chains(
        graph.row_edges, graph.col_edges, residues
    )
    number = np.abs(edge) - 1
    offset = (costs.offset[number, 0] * np.sign(edge)).astype(np.int32)
    return (tail, head, n_arcs, offset, costs.sigsq[number].astype(np.int32)), supply


def convex_price(k, records):
    """Cost of k cycles on parabolas without an end, and for every cycle without statistics."""
    offset, sigsq, shelf = (records[..., i].astype(int) for i in (0, 1, 3))
    parabola = np.where(sigsq == 32000, 0, (200 * k + offset) ** 2 // sigsq)
    return np.where(shelf == -32000, parabola, np.abs(k))


def least_convex_cost(given, reach):
    """Least cost if arcs without statistics pay for every cycle: a linear program on the grid.

    Every arc is `reach` ways each way, one cycle wide, that cost what one cycle more costs; with
    convex costs the cheap ones are taken first.
    """
    (n_row, n_col), (rows, cols) = given.raster.shape, given.records
    face = np.full((n_row + 1, n_col + 1), (n_row - 1) * (n_col - 1))
    face[1:-1, 1:-1] = np.arange((n_row - 1) * (n_col - 1)).reshape(n_row - 1, n_col - 1)
    # k of a row arc counts against the arc; docs/science/unwrapping.md, SNAPHU.
    out = np.concatenate([face[1:-1, 1:].ravel(), face[1:, 1:-1].ravel()])
    into = np.concatenate([face[1:-1, :-1].ravel(), face[:-1, 1:-1].ravel()])
    records = np.concatenate([rows.reshape(-1, 4), cols.reshape(-1, 4)])
    graph = given.graph
    inside = np.concatenate([graph.row_edges.ravel(), graph.col_edges.ravel()]) == 0
    out, into, records = out[~inside], into[~inside], records[~inside]
    if not len(records):
        return 0

    steps = np.arange(1, reach + 1)[:, None]
    up = convex_price(steps, records) - convex_price(steps - 1, records)
    down = convex_price(-steps, records) - convex_price(1 - steps, records)
    n = len(records) * reach
    tails = np.concatenate([np.tile(out, reach), np.tile(into, reach)])
    heads = np.concatenate([np.tile(into, reach), np.tile(out, reach)])
    ways = np.arange(2 * n)
    balance = csr_matrix(
        (np.repeat([1.0, -1.0], 2 * n), (np.concatenate([tails, heads]), np.tile(ways, 2))),
        shape=(face.max() + 1, 2 * n),
    )
    wrapped = 2 * np.pi * given.turns
    right, below = wrap(np.diff(wrapped, axis=1)), wrap(np.diff(wrapped, axis=0))
    loops = right[:-1] + below[:, 1:] - right[1:] - below[:, :-1]
    supply = np.append(-np.rint(loops / (2 * np.pi)).ravel(), np.rint(loops / (2 * np.pi)).sum())
    cost = np.concatenate([up.ravel(), down.ravel()])
    found = linprog(cost, A_eq=balance, b_eq=supply, bounds=(0, 1), method="highs")
    assert found.status == 0, found.message
    return round(found.fun + convex_price(0, records).sum())


def least_cost(given, reach=4):
    """Least true cost of all solutions within `reach` cycles of a raster of few nodes."""
    n_node = int(given.graph.nearest.max()) + 1
    choices = np.indices((2 * reach + 1,) * (n_node - 1)).reshape(n_node - 1, -1).T - reach
    whole = np.insert(choices, 0, 0, axis=1)[:, given.graph.nearest]
    return given.true_cost(2 * np.pi * (given.turns + whole)).min()
