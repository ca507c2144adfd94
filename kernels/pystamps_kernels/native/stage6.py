"""Stage 6, phase unwrapping: native twins of :mod:`..reference.stage6`."""

import math
from typing import Any

import numpy as np
from numba import float64, prange

from .arcs import (
    arc_noise,
    arc_phasors,
    arc_variance,
    look_angle,
    network_smooth,
    phase_steps,
    star_smooth,
)
from .chains import chains
from .compile import inline, kernel
from .flow import cheapest_flow, share_free_chains
from .goldstein import goldstein
from .phasors import times, unit

__all__ = [
    "arc_noise",
    "arc_phasors",
    "arc_variance",
    "cell_sums",
    "chains",
    "cheapest_flow",
    "cost_records",
    "edge_costs",
    "goldstein",
    "look_angle",
    "nearest_node",
    "network_smooth",
    "phase_steps",
    "residues",
    "share_free_chains",
    "solution_cost",
    "star_smooth",
    "subtract_phase",
    "to_points",
    "wrapped_phase",
]

UNITS = 200
UNITS_PER_CYCLE = np.float32(200)
UNITS_SQUARED = np.float32(40000)
COST_SCALE = np.float32(100)
PARABOLA_END = 32000
NO_SHELF = -32000
FREE_SHELF = 1
TWO_PI = 2 * math.pi


@kernel
def wrapped_phase(phase: Any, bperp: Any, slope: Any) -> Any:
    """Native twin of :func:`..reference.stage6.wrapped_phase`."""
    n, m = phase.shape
    psi = np.empty((n, m), np.complex64)
    for p in prange(n):
        for k in range(m):
            angle = slope[p] * bperp[p, k]
            real, imag = times(phase[p, k], math.cos(angle), math.sin(angle))
            psi[p, k] = unit(real, imag, np.float32(0))
    return psi


@kernel
def subtract_phase(phasors: Any, phase: Any) -> Any:
    """Native twin of :func:`..reference.stage6.subtract_phase`."""
    n, m = phasors.shape
    turned = np.empty((n, m), np.complex64)
    for p in prange(n):
        for k in range(m):
            real, imag = times(phasors[p, k], math.cos(phase[p, k]), -math.sin(phase[p, k]))
            turned[p, k] = complex(real, imag)
    return turned


@kernel
def cell_sums(phasors: Any, members: Any, starts: Any) -> Any:
    """Native twin of :func:`..reference.stage6.cell_sums`; one cell's points in order."""
    sums = np.empty(starts.size - 1, np.complex64)
    for cell in prange(starts.size - 1):
        real = np.float32(0)
        imag = np.float32(0)
        for place in range(starts[cell], starts[cell + 1]):
            real += phasors[members[place]].real
            imag += phasors[members[place]].imag
        sums[cell] = complex(real, imag)
    return sums


@kernel
def _nearest_in_column(node: Any) -> Any:
    """Squared distance to the nearest node of the same column, -1 without; the upper wins."""
    n_row, n_col = node.shape
    distance = np.empty((n_row, n_col), np.int64)
    winner = np.empty((n_row, n_col), np.int64)
    for j in prange(n_col):
        above = -1
        for i in range(n_row):
            if node[i, j] >= 0:
                above = i
            distance[i, j] = (i - above) ** 2 if above >= 0 else -1
            winner[i, j] = node[above, j] if above >= 0 else -1
        below = -1
        for i in range(n_row - 1, -1, -1):
            if node[i, j] >= 0:
                below = i
            if below >= 0 and (distance[i, j] < 0 or (below - i) ** 2 < distance[i, j]):
                distance[i, j] = (below - i) ** 2
                winner[i, j] = node[below, j]
    return distance, winner


@inline
def _closer(squared: Any, node: Any, best: Any, nearest: Any) -> Any:
    """Whether a candidate wins: nearer, or as near with a lower number."""
    return best < 0 or squared < best or (squared == best and node < nearest)


@kernel
def _nearest_along_rows(distance: Any, winner: Any) -> Any:
    """Nearest node of every cell from the nearest ones of the columns."""
    n_row, n_col = distance.shape
    result = np.empty((n_row, n_col), np.int64)
    for i in prange(n_row):
        for j in range(n_col):
            best = distance[i, j]
            nearest = winner[i, j]
            for step in range(1, max(j, n_col - 1 - j) + 1):
                if 0 <= best < step * step:
                    break
                for other in (j - step, j + step):
                    if 0 <= other < n_col and distance[i, other] >= 0:
                        squared = distance[i, other] + step * step
                        if _closer(squared, winner[i, other], best, nearest):
                            best = squared
                            nearest = winner[i, other]
            result[i, j] = nearest
    return result


def nearest_node(node: Any) -> Any:
    """Native twin of :func:`..reference.stage6.nearest_node`."""
    return _nearest_along_rows(*_nearest_in_column(node))


@inline
def _saturate(value: Any) -> Any:
    """Round half away from zero to int16, saturating."""
    whole = np.trunc(value)
    if abs(value - whole) >= np.float32(0.5):
        whole += np.float32(1) if value > 0 else np.float32(-1)
    return np.int16(min(max(whole, np.float32(-32768)), np.float32(32767)))


@kernel
def edge_costs(unwrapped: Any, noise: Any, variance: Any, n_arcs: Any) -> Any:
    """Native twin of :func:`..reference.stage6.edge_costs`."""
    n, m = unwrapped.shape
    offset = np.zeros((n, m), np.int16)
    sigsq = np.zeros(n, np.int16)
    for e in prange(n):
        if np.isnan(variance[e]):
            continue
        scaled = variance[e] * UNITS_SQUARED / COST_SCALE * np.float32(n_arcs[e])
        sigsq[e] = max(_saturate(scaled), np.int16(1))
        for k in range(m):
            phase = float64(unwrapped[e, k])
            wrapped = np.float32(phase - TWO_PI * np.rint(phase / TWO_PI))
            smooth = unwrapped[e, k] - noise[e, k]
            cycles = (wrapped - smooth) / np.float32(2) / np.float32(math.pi)
            offset[e, k] = _saturate(cycles * UNITS_PER_CYCLE)
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
    """Native twin of :func:`..reference.stage6.cost_records`."""
    return _records(row_edges, offset, sigsq, -1), _records(col_edges, offset, sigsq, 1)


@inline
def _wrapped_step(a: Any, b: Any) -> Any:
    return (b - a) - np.rint(b - a)


@kernel
def residues(turns: Any) -> Any:
    """Native twin of :func:`..reference.stage6.residues`."""
    found = np.empty((turns.shape[0] - 1, turns.shape[1] - 1), np.int32)
    for i in prange(found.shape[0]):
        for j in range(found.shape[1]):
            a, b, c, d = turns[i, j], turns[i, j + 1], turns[i + 1, j + 1], turns[i + 1, j]
            loop = (
                _wrapped_step(a, b) + _wrapped_step(b, c) - _wrapped_step(d, c)
                - _wrapped_step(a, d)
            )  # fmt: skip
            found[i, j] = np.int32(np.rint(loop))
    return found


@inline
def _arc_cost(edge: Any, k: Any, offset: Any, sigsq: Any) -> Any:
    """Cost of k cycles on an arc, along the edge: with statistics or inside a node, and without."""
    if edge == 0:
        return UNITS * UNITS * k * k, 0
    variance = np.int64(sigsq[abs(edge) - 1])
    if variance == 0:
        return np.int64(0), int(k != 0)
    if variance == PARABOLA_END:
        return np.int64(0), 0
    z = UNITS * (k if edge > 0 else -k) + np.int64(offset[abs(edge) - 1])
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
                whole = step / TWO_PI - _wrapped_step(turns[i, j], turns[i + down, j + right])
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
    """Native twin of :func:`..reference.stage6.solution_cost`."""
    sums = _costs_per_row(turns, unwrapped, row_edges, col_edges, offset, sigsq)
    return int(sums[:, 0].sum()), int(sums[:, 1].sum()), int(sums[:, 2].max())


@kernel
def to_points(phasors: Any, grid_phase: Any, node: Any) -> Any:
    """Native twin of :func:`..reference.stage6.to_points`."""
    n, m = phasors.shape
    unwrapped = np.empty((n, m), np.float32)
    for p in prange(n):
        if node[p] < 0:
            unwrapped[p] = np.nan
            continue
        for k in range(m):
            grid = grid_phase[node[p], k]
            real, imag = times(phasors[p, k], math.cos(grid), -math.sin(grid))
            unwrapped[p, k] = grid + math.atan2(imag, real)
    return unwrapped
