"""Stage 6, third step: the graph of neighbouring nodes, and how the grid maps to it."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import IntArray
from ...parallel.context import Context
from .grid import Nodes


@dataclass(frozen=True)
class Graph:
    """Nearest node of every cell, and the edges between the nodes of neighbouring cells.

    Parameters
    ----------
    nearest : (n_row, n_col) int64
        Nearest node of every cell.
    low, high : (n_edge,) int64
        End nodes, ascending by low, then high.
    row_edges : (n_row - 1, n_col) int64
        Edge (from 1) of the arc to the cell below; negative where the upper cell has the higher
        node, 0 within a node.
    col_edges : (n_row, n_col - 1) int64
        The same for the arc to the cell on the right.
    n_arcs : (n_edge,) int64
        Number of grid arcs that belong to the edge.
    """

    nearest: IntArray
    low: IntArray
    high: IntArray
    row_edges: IntArray
    col_edges: IntArray
    n_arcs: IntArray


def build_graph(nodes: Nodes, ctx: Context) -> Graph:
    """Map cells to nodes and number the edges; done once, the result goes to all.

    Notes
    -----
    StaMPS ``uw_interp``, without its triangulation: only the nearest node matters;
    docs/science/unwrapping.md, Edges.
    """

    def build() -> Graph:
        number = np.full(nodes.occupied.shape, -1, np.int64)
        number[nodes.row, nodes.col] = np.arange(nodes.row.size)
        return connect(ctx.kernels.stage6_nearest_node(number))

    return ctx.on_root(build)


def connect(nearest: IntArray) -> Graph:
    """Join the nodes of neighbouring cells to numbered edges.

    Notes
    -----
    The reference drops the first line of its sorted list of pairs, which stands for the arcs
    inside nodes. On a completely filled grid there is none, and the first edge is lost instead: its
    arcs count as arcs inside a node. See docs/science/unwrapping.md, Kept for
    parity.
    """
    pairs = [(nearest[:-1], nearest[1:]), (nearest[:, :-1], nearest[:, 1:])]
    n_node = int(nearest.max()) + 1
    key = np.concatenate(
        [np.minimum(a, b).ravel() * n_node + np.maximum(a, b).ravel() for a, b in pairs]
    )
    sign = np.concatenate([np.sign(b - a).ravel() for a, b in pairs])
    key[sign == 0] = -1
    keys, edge, count = np.unique(key, return_inverse=True, return_counts=True)
    signed = edge * sign
    rows = pairs[0][0].size
    return Graph(
        nearest,
        keys[1:] // n_node,
        keys[1:] % n_node,
        signed[:rows].reshape(pairs[0][0].shape),
        signed[rows:].reshape(pairs[1][0].shape),
        count[1:],
    )
