"""Residues, and chains of grid arcs: the network on which the cycles of an interferogram are found.

Cycles on the arcs of a grid have to close around every 2 x 2 face: with the faces as places and the
arcs as ways between them, they are a flow that leaves every face by its residue. Arcs inside a node
carry nothing. A face between two nodes has two arcs, which carry the same; so arcs are strung to
chains between the faces where three or four of them meet, or that hold a residue.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Turns = NDArray[np.float64]
Kind = Literal["row", "column"]
Arc = tuple[Kind, int, int]
ByKind = dict[Kind, NDArray[Any]]


def residues(turns: Turns) -> Ints:
    """Cycles by which the wrapped phase differences around each 2 x 2 face do not add up to zero.

    Parameters
    ----------
    turns : (n_row, n_col) float64
        Wrapped phase [cycles].

    Returns
    -------
    (n_row - 1, n_col - 1) int32
        -1, 0 or 1.

    Examples
    --------
    >>> residues(np.array([[0.0, 0.25], [-0.25, 0.5]])).tolist()
    [[1]]
    """
    right, down = (wrapped_steps(turns, axis) for axis in (1, 0))
    return np.rint(right[:-1] + down[:, 1:] - right[1:] - down[:, :-1]).astype(np.int32)


def wrapped_steps(turns: Turns, axis: int) -> Turns:
    """Differences of neighbours along an axis [cycles], whole cycles taken off."""
    step = np.diff(turns, axis=axis)
    return step - np.rint(step)


def chains(
    row_edges: NDArray[np.int64], col_edges: NDArray[np.int64], residues: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, NDArray[np.int64]]:
    """Join the arcs of a grid to chains.

    An arc runs forward from the face whose circulation counts it positive to the other one: a row
    arc (to the cell below) from the face on its left to that on its right, a column arc (to the
    cell on the right) from the face below to that above. Outside the grid is one more face.

    Parameters
    ----------
    row_edges, col_edges : (n_row - 1, n_col), (n_row, n_col - 1) int64
        Signed edge number, from 1, of the arcs to the cell below and on the right; 0 in a node.
    residues : (n_row - 1, n_col - 1) int32
        See :func:`residues`.

    Returns
    -------
    row_chains, col_chains : int32, as the edges
        Chain number, from 1, negative where the arc runs against its chain; 0 in a node.
    tail, head : (n_chain,) int32
        Faces between which a chain runs; the last is the outside. Equal for a ring.
    n_arcs : (n_chain,) int32
        Arcs of each chain.
    edge : (n_chain,) int32
        Edge number, from 1, negative where cycles of the chain run against the edge.
    supply : (n_face,) int64
        Cycles that have to leave each face, minus its residue.

    Notes
    -----
    docs/science/unwrapping.md, Chains and cheapest flow.

    Examples
    --------
    One face of four arcs, all different, with a residue: four chains to the outside.

    >>> rows, columns, residue = np.array([[1, 2]]), np.array([[3], [4]]), np.ones((1, 1), int)
    >>> *_, tail, head, n_arcs, edge, supply = chains(rows, columns, residue)
    >>> tail.tolist(), head.tolist(), supply.tolist()
    ([1, 0, 0, 1], [0, 1, 1, 0], [-1, 1])
    """
    face, ground = _numbered_faces(row_edges, col_edges, residues)
    numbers: ByKind = {
        "row": np.zeros(row_edges.shape, np.int32),
        "column": np.zeros(col_edges.shape, np.int32),
    }
    edges: ByKind = {"row": row_edges, "column": col_edges}

    def at(i: int, j: int) -> int:
        inside = 0 <= i < face.shape[0] and 0 <= j < face.shape[1]
        return int(face[i, j]) if inside else ground

    found: list[tuple[int, int, int, int]] = []
    for rings in (False, True):
        for kind in edges:
            for i, j in np.argwhere(edges[kind]).tolist():
                if numbers[kind][i, j]:
                    continue
                closed, opened = at(i, j), at(i - 1, j)
                if kind == "row":
                    closed, opened = at(i, j - 1), at(i, j)
                if closed < 0 and opened < 0 and not rings:
                    continue
                forward = closed >= 0 or opened < 0
                start = closed if forward else opened
                number = len(found) + 1
                end, length = _follow((kind, i, j), forward, number, edges, numbers, at)
                edge = int(edges[kind][i, j])
                found.append((max(start, 0), max(end, 0), length, edge if forward else -edge))
    tail, head, n_arcs, chain_edge = np.array(found, np.int32).reshape(-1, 4).T.copy()
    supply = np.zeros(ground + 1, np.int64)
    supply[face[residues != 0]] = -residues[residues != 0]
    supply[ground] = residues.sum()
    return numbers["row"], numbers["column"], tail, head, n_arcs, chain_edge, supply


def _numbered_faces(
    row_edges: NDArray[np.int64], col_edges: NDArray[np.int64], residues: Ints
) -> tuple[Ints, int]:
    row, col = row_edges != 0, col_edges != 0
    arcs = row[:, :-1].astype(int) + row[:, 1:] + col[:-1] + col[1:]
    kept = (arcs > 2) | (residues != 0)
    face = np.where(kept, np.cumsum(kept).reshape(kept.shape) - 1, -1).astype(np.int32)
    return face, int(np.count_nonzero(kept))


def _follow(
    arc: Arc, forward: bool, number: int, edges: ByKind, numbers: ByKind,
    at: Callable[[int, int], int],
) -> tuple[int, int]:  # fmt: skip
    """Follow a chain from its first arc on and mark it; return where it ends and its length."""
    length = 0
    while True:
        kind, i, j = arc
        numbers[kind][i, j] = number if forward else -number
        length += 1
        p, q = (i, j if forward else j - 1) if kind == "row" else (i - 1 if forward else i, j)
        end = at(p, q)
        if end >= 0:
            return end, length
        around: list[tuple[Arc, bool]] = [
            (("row", p, q), False), (("row", p, q + 1), True),
            (("column", p, q), True), (("column", p + 1, q), False),
        ]  # fmt: skip
        arc, forward = next(
            (other, ahead) for other, ahead in around
            if other != arc and edges[other[0]][other[1], other[2]]
        )  # fmt: skip
        if numbers[arc[0]][arc[1], arc[2]]:
            return -1, length
