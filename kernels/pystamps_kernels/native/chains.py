"""Residues, and chains of grid arcs."""

from typing import Any

import numpy as np
from numba import prange

from .compile import inline, kernel, serial


@inline
def wrapped_step(a: Any, b: Any) -> Any:
    """Difference b - a [cycles], whole cycles taken off."""
    return (b - a) - np.rint(b - a)


@kernel
def residues(turns: Any) -> Any:
    """Native twin of :func:`reference.chains.residues`."""
    found = np.empty((turns.shape[0] - 1, turns.shape[1] - 1), np.int32)
    for i in prange(found.shape[0]):
        for j in range(found.shape[1]):
            a, b, c, d = turns[i, j], turns[i, j + 1], turns[i + 1, j + 1], turns[i + 1, j]
            loop = (
                wrapped_step(a, b) + wrapped_step(b, c) - wrapped_step(d, c)
                - wrapped_step(a, d)
            )  # fmt: skip
            found[i, j] = np.int32(np.rint(loop))
    return found


@inline
def _number_faces(row_edges: Any, col_edges: Any, residues: Any, face: Any) -> Any:
    """Give a number to faces where more than two arcs meet, or with a residue; -1 elsewhere."""
    n = 0
    for i in range(face.shape[0]):
        for j in range(face.shape[1]):
            arcs = 0
            arcs += row_edges[i, j] != 0
            arcs += row_edges[i, j + 1] != 0
            arcs += col_edges[i, j] != 0
            arcs += col_edges[i + 1, j] != 0
            if arcs > 2 or residues[i, j] != 0:
                face[i, j] = n
                n += 1
            else:
                face[i, j] = -1
    return n


@inline
def _face(face: Any, i: Any, j: Any, ground: Any) -> Any:
    outside = i < 0 or j < 0 or i >= face.shape[0] or j >= face.shape[1]
    return ground if outside else face[i, j]


@inline
def _follow(
    row_edges: Any, col_edges: Any, face: Any, row_chains: Any, col_chains: Any, ground: Any,
    number: Any, is_row: Any, i: Any, j: Any, forward: Any,
) -> Any:  # fmt: skip
    """Follow a chain from its first arc on and mark it; return the face it ends at, its length.

    An arc runs forward from the face that it closes to the one that it opens. A chain that comes
    back to its first arc ends at -1.
    """
    length = 0
    while True:
        if is_row:
            row_chains[i, j] = number if forward else -number
            p, q = i, (j if forward else j - 1)
        else:
            col_chains[i, j] = number if forward else -number
            p, q = (i - 1 if forward else i), j
        length += 1
        end = _face(face, p, q, ground)
        if end >= 0:
            return end, length
        if row_edges[p, q] != 0 and not (is_row and i == p and j == q):
            is_row, i, j, forward = True, p, q, False
        elif row_edges[p, q + 1] != 0 and not (is_row and i == p and j == q + 1):
            is_row, i, j, forward = True, p, q + 1, True
        elif col_edges[p, q] != 0 and not (not is_row and i == p and j == q):
            is_row, i, j, forward = False, p, q, True
        else:
            is_row, i, j, forward = False, p + 1, q, False
        if (row_chains[i, j] if is_row else col_chains[i, j]) != 0:
            return -1, length


@inline
def _trace(
    row_edges: Any, col_edges: Any, face: Any, row_chains: Any, col_chains: Any, ground: Any,
    rings: Any, chains: Any, n: Any,
) -> Any:  # fmt: skip
    """Follow all chains that begin at a face, or what is left of `rings`; return their number."""
    for is_row in (True, False):
        edges = row_edges if is_row else col_edges
        numbers = row_chains if is_row else col_chains
        for i in range(edges.shape[0]):
            for j in range(edges.shape[1]):
                edge = edges[i, j]
                if edge == 0 or numbers[i, j] != 0:
                    continue
                closed = _face(face, i, j - 1, ground) if is_row else _face(face, i, j, ground)
                opened = _face(face, i, j, ground) if is_row else _face(face, i - 1, j, ground)
                if closed < 0 and opened < 0 and not rings:
                    continue
                forward = closed >= 0 or opened < 0
                end, length = _follow(
                    row_edges, col_edges, face, row_chains, col_chains, ground,
                    n + 1, is_row, i, j, forward,
                )  # fmt: skip
                start = closed if forward else opened
                chains[0, n] = max(start, 0)
                chains[1, n] = max(end, 0)
                chains[2, n] = length
                chains[3, n] = edge if forward else -edge
                n += 1
    return n


@serial
def chains(row_edges: Any, col_edges: Any, residues: Any) -> Any:
    """Native twin of :func:`reference.chains.chains`."""
    face = np.empty(residues.shape, np.int32)
    ground = _number_faces(row_edges, col_edges, residues, face)
    row_chains = np.zeros(row_edges.shape, np.int32)
    col_chains = np.zeros(col_edges.shape, np.int32)
    found = np.empty((4, row_edges.size + col_edges.size), np.int32)
    n = _trace(row_edges, col_edges, face, row_chains, col_chains, ground, False, found, 0)
    n = _trace(row_edges, col_edges, face, row_chains, col_chains, ground, True, found, n)
    supply = np.zeros(ground + 1, np.int64)
    for i in range(face.shape[0]):
        for j in range(face.shape[1]):
            if residues[i, j] != 0:
                supply[face[i, j]] = -residues[i, j]
                supply[ground] += residues[i, j]
    return (
        row_chains, col_chains, found[0, :n].copy(), found[1, :n].copy(), found[2, :n].copy(),
        found[3, :n].copy(), supply,
    )  # fmt: skip
