"""SNAPHU's costs: of edges, as records, of a solution."""

import math
from typing import Any

import numpy as np
from numba import float64, prange

from ..reference.costs import (
    COST_SCALE,
    FREE_SHELF,
    NO_COST,
    NO_SHELF,
    PARABOLA_END,
    UNITS_PER_CYCLE,
)
from .chains import wrapped_step
from .compile import inline, kernel

UNITS = np.float32(UNITS_PER_CYCLE)
UNITS_SQUARED = np.float32(UNITS_PER_CYCLE**2)
SCALE = np.float32(COST_SCALE)
TWO_PI = 2 * math.pi


@inline
def _saturate(value: Any) -> Any:
    """Round half away from zero to int16, saturating."""
    whole = np.trunc(value)
    if abs(value - whole) >= np.float32(0.5):
        whole += np.float32(1) if value > 0 else np.float32(-1)
    return np.int16(min(max(whole, np.float32(-32768)), np.float32(32767)))


@kernel
def edge_costs(unwrapped: Any, noise: Any, variance: Any, n_arcs: Any) -> Any:
    """Native twin of :func:`reference.costs.edge_costs`."""
    n, m = unwrapped.shape
    offset = np.zeros((n, m), np.int16)
    sigsq = np.zeros(n, np.int16)
    for e in prange(n):
        if np.isnan(variance[e]):
            continue
        scaled = variance[e] * UNITS_SQUARED / SCALE * np.float32(n_arcs[e])
        sigsq[e] = max(_saturate(scaled), np.int16(1))
        for k in range(m):
            phase = float64(unwrapped[e, k])
            wrapped = np.float32(phase - TWO_PI * np.rint(phase / TWO_PI))
            smooth = unwrapped[e, k] - noise[e, k]
            cycles = (wrapped - smooth) / np.float32(2) / np.float32(math.pi)
            offset[e, k] = _saturate(cycles * UNITS)
    return offset, sigsq


@kernel
def _records(edges: Any, offset: Any, sigsq: Any, sign: Any) -> Any:
    n_row, n_col = edges.shape
    records = np.empty((n_row, n_col, 4), np.int16)
    for i in prange(n_row):
        for j in range(n_col):
            edge = edges[i, j]
            number = abs(edge) - 1
            records[i, j, 0] = 0
            records[i, j, 1] = 1
            records[i, j, 2] = PARABOLA_END
            records[i, j, 3] = NO_SHELF
            if edge != 0 and sigsq[number] == 0:
                records[i, j, 3] = FREE_SHELF
            elif edge != 0:
                turn = sign if edge > 0 else -sign
                records[i, j, 0] = min(turn * np.int64(offset[number]), 32767)
                records[i, j, 1] = sigsq[number]
    return records


def cost_records(row_edges: Any, col_edges: Any, offset: Any, sigsq: Any) -> Any:
    """Native twin of :func:`reference.costs.cost_records`."""
    return _records(row_edges, offset, sigsq, -1), _records(col_edges, offset, sigsq, 1)


@inline
def _arc_cost(edge: Any, k: Any, offset: Any, sigsq: Any) -> Any:
    """Cost of k cycles on an arc, along the edge: with statistics or inside a node, and without."""
    if edge == 0:
        return UNITS_PER_CYCLE * UNITS_PER_CYCLE * k * k, 0
    variance = np.int64(sigsq[abs(edge) - 1])
    if variance == 0:
        return np.int64(0), int(k != 0)
    if variance == NO_COST:
        return np.int64(0), 0
    z = UNITS_PER_CYCLE * (k if edge > 0 else -k) + np.int64(offset[abs(edge) - 1])
    return z * z // variance, 0


@kernel
def _costs_per_row(
    turns: Any, unwrapped: Any, row_edges: Any, col_edges: Any, offset: Any, sigsq: Any
) -> Any:
    n_row, n_col = turns.shape
    sums = np.zeros((n_row, 3), np.int64)
    for i in prange(n_row):
        for j in range(n_col):
            for down, right in ((1, 0), (0, 1)):
                if i + down == n_row or j + right == n_col:
                    continue
                step = float64(unwrapped[i + down, j + right]) - float64(unwrapped[i, j])
                whole = step / TWO_PI - wrapped_step(turns[i, j], turns[i + down, j + right])
                k = np.int64(np.rint(whole))
                edge = row_edges[i, j] if down else col_edges[i, j]
                statistical, free = _arc_cost(edge, k, offset, sigsq)
                sums[i, 0] += statistical
                sums[i, 1] += free
                sums[i, 2] = max(sums[i, 2], abs(k))
    return sums


def solution_cost(
    turns: Any, unwrapped: Any, row_edges: Any, col_edges: Any, offset: Any, sigsq: Any
) -> tuple[int, int, int]:
    """Native twin of :func:`reference.costs.solution_cost`."""
    sums = _costs_per_row(turns, unwrapped, row_edges, col_edges, offset, sigsq)
    return int(sums[:, 0].sum()), int(sums[:, 1].sum()), int(sums[:, 2].max())
