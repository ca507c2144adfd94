"""Noise of the arcs of a network, threaded over arcs."""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ..reference.edge_stats import (
    CANCELS,
    PairStatistics,
    Statistics,
    check_finite,
    local_lines,
    mean_free_variance,
    pair_variance,
    slope_weights,
    zero_mean_variance,
)
from .angle import cycles
from .compile import inline, kernel, serial

Array = NDArray[Any]
BLOCK = 256  # edges; sums over edges are taken per block and added in order
CYCLE = 2 * math.pi


def edge_stats(
    phase: Array, node_a: Array, node_b: Array, bperp: Array, day: Array, time_win: float
) -> Statistics:
    """Native twin of :func:`reference.edge_stats.edge_stats`."""
    noise, total, squares = _noise_and_sums(phase, node_a, node_b, day, time_win)
    variance = mean_free_variance(total, squares, len(noise))
    return _statistics(noise, variance, node_a, node_b, bperp, len(phase))


def edge_stats_undirected(
    phase: Array, node_a: Array, node_b: Array, bperp: Array, day: Array, time_win: float
) -> Statistics:
    """Native twin of :func:`reference.edge_stats.edge_stats_undirected`."""
    noise, _, squares = _noise_and_sums(phase, node_a, node_b, day, time_win)
    variance = zero_mean_variance(squares, len(noise))
    return _statistics(noise, variance, node_a, node_b, bperp, len(phase))


def pair_edge_stats(phase: Array, node_a: Array, node_b: Array, bperp: Array) -> PairStatistics:
    """Native twin of :func:`reference.edge_stats.pair_edge_stats`."""
    total, squares = _pair_sums(phase, node_a, node_b)
    variance = pair_variance(total, squares, len(node_a))
    return _pair_statistics(phase, node_a, node_b, bperp, variance)


def pair_edge_stats_undirected(
    phase: Array, node_a: Array, node_b: Array, bperp: Array
) -> PairStatistics:
    """Native twin of :func:`reference.edge_stats.pair_edge_stats_undirected`."""
    total, squares = _pair_sums(phase, node_a, node_b)
    variance = pair_variance(total.real, squares, len(node_a))
    return _pair_statistics(phase, node_a, node_b, bperp, variance)


def _noise_and_sums(
    phase: Array, node_a: Array, node_b: Array, day: Array, time_win: float
) -> tuple[Array, Array, Array]:
    check_finite(phase)
    n_edge, n_use = len(node_a), len(day)
    weights, intercept, slope = (np.ascontiguousarray(m.T) for m in local_lines(day, time_win))
    noise = np.empty((n_edge, n_use), np.float32)
    sums = np.empty((-(-n_edge // BLOCK), 2, n_use))
    centred = day - day.mean() if n_use else day
    _arc_noise(phase, node_a, node_b, centred, weights, intercept, slope, noise, sums)
    total, squares = np.zeros(n_use), np.zeros(n_use)
    for block in sums:
        total += block[0]
        squares += block[1]
    return noise, total, squares


@inline
def _arc(end: complex, start: complex) -> tuple[float, float]:
    """Return real and imaginary part of an arc in double."""
    p, q = np.complex128(end), np.complex128(start)
    return p.real * q.real + p.imag * q.imag, p.imag * q.real - p.real * q.imag


@kernel
def _arc_noise(
    phase: Array,
    node_a: Array,
    node_b: Array,
    day: Array,
    weights: Array,
    intercept: Array,
    slope: Array,
    noise: Array,
    sums: Array,
) -> None:
    """Fill the noise [rad] and the sums of each block; matrices are transposed, angles cycles.

    The inner loops run over the epochs that are estimated, so that each adds up its terms in
    ascending order and the compiler still has independent lanes.
    """
    n_edge, n = noise.shape
    for block in prange(len(sums)):
        arc_re, arc_im, angle = np.empty(n), np.empty(n), np.empty(n)
        mean_re, mean_im, centre = np.empty(n), np.empty(n), np.empty(n)
        line, rate, offset = np.empty(n), np.empty(n), np.empty(n)
        sums[block] = 0
        for edge in range(block * BLOCK, min((block + 1) * BLOCK, n_edge)):
            a, b = node_a[edge], node_b[edge]
            for k in range(n):
                arc_re[k], arc_im[k] = _arc(phase[b, k], phase[a, k])
            for i in range(n):
                angle[i] = cycles(arc_im[i], arc_re[i])
                mean_re[i] = mean_im[i] = line[i] = rate[i] = 0
            for k in range(n):
                for i in range(n):
                    mean_re[i] += weights[k, i] * arc_re[k]
                    mean_im[i] += weights[k, i] * arc_im[k]
            for i in range(n):
                centre[i] = cycles(mean_im[i], mean_re[i])
            for k in range(n):
                for i in range(n):
                    residue = angle[k] - centre[i]
                    residue -= np.rint(residue)
                    line[i] += intercept[k, i] * residue
                    rate[i] += slope[k, i] * residue
            for i in range(n):
                centre[i] += line[i]
                offset[i] = centre[i] + rate[i] * day[i]
                line[i] = 0
            for k in range(n):
                for i in range(n):
                    residue = angle[k] - offset[i] + rate[i] * day[k]
                    residue -= np.rint(residue)
                    line[i] += intercept[k, i] * residue
            for i in range(n):
                residue = angle[i] - centre[i] - line[i]
                noise[edge, i] = CYCLE * (residue - np.rint(residue))
            _without_own(arc_re, arc_im, weights, mean_re, mean_im)
            for i in range(n):
                residue = angle[i] - cycles(mean_im[i], mean_re[i])
                residue = CYCLE * (residue - np.rint(residue))
                residue = residue if abs(mean_re[i]) + abs(mean_im[i]) > 0 else 0.0
                sums[block, 0, i] += residue
                sums[block, 1, i] += residue * residue


@inline
def _without_own(
    arc_re: Array, arc_im: Array, weights: Array, mean_re: Array, mean_im: Array
) -> None:
    """Take what each epoch adds to its own weighted mean off it."""
    n = arc_re.size
    for i in range(n):
        mean_re[i] -= weights[i, i] * arc_re[i]
        mean_im[i] -= weights[i, i] * arc_im[i]
        if weights[i, i] > CANCELS:
            mean_re[i] = mean_im[i] = 0
            for k in range(n):
                if k != i:
                    mean_re[i] += weights[k, i] * arc_re[k]
                    mean_im[i] += weights[k, i] * arc_im[k]


def _statistics(
    noise: Array, variance: Array, node_a: Array, node_b: Array, bperp: Array, n_node: int
) -> Statistics:
    n_edge, n_use = noise.shape
    edge_std, edge_max, k_edge = np.zeros(n_edge), np.zeros(n_edge), np.zeros(n_edge)
    _slope_and_spread(noise, slope_weights(bperp, variance), bperp, edge_std, edge_max, k_edge)
    if n_use == 0:
        edge_std[:], edge_max[:] = np.inf, np.inf
    ps_std, ps_max = np.full(n_node, np.inf), np.full(n_node, np.inf)
    _least_of_nodes(node_a, node_b, edge_std, edge_max, ps_std, ps_max)
    return ps_std, ps_max, edge_std, edge_max, k_edge, variance


@kernel
def _slope_and_spread(
    noise: Array, weight: Array, bperp: Array, edge_std: Array, edge_max: Array, k_edge: Array
) -> None:
    n_edge, n = noise.shape
    for edge in prange(n_edge):
        k = 0.0
        for i in range(n):
            k += weight[i] * noise[edge, i]
        mean = 0.0
        for i in range(n):
            value = noise[edge, i] - k * bperp[i]
            mean += value
            edge_max[edge] = max(edge_max[edge], abs(value))
        mean /= n
        squares = 0.0
        for i in range(n):
            squares += (noise[edge, i] - k * bperp[i] - mean) ** 2
        edge_std[edge] = math.sqrt(squares / (n - 1)) if n > 1 else 0.0
        k_edge[edge] = k


@serial
def _least_of_nodes(
    node_a: Array, node_b: Array, edge_std: Array, edge_max: Array, ps_std: Array, ps_max: Array
) -> None:
    for edge in range(len(node_a)):
        for node in (node_a[edge], node_b[edge]):
            if edge_std[edge] < ps_std[node]:
                ps_std[node] = edge_std[edge]
            if edge_max[edge] < ps_max[node]:
                ps_max[node] = edge_max[edge]


def _pair_sums(phase: Array, node_a: Array, node_b: Array) -> tuple[Array, Array]:
    check_finite(phase)
    sums = np.zeros((-(-len(node_a) // BLOCK), 3, phase.shape[1]))
    _pair_block_sums(phase, node_a, node_b, sums)
    total = np.zeros(sums.shape[1:])
    for block in sums:
        total += block
    return total[0] + 1j * total[1], total[2]


@kernel
def _pair_block_sums(phase: Array, node_a: Array, node_b: Array, sums: Array) -> None:
    n_edge, n = len(node_a), phase.shape[1]
    for block in prange(len(sums)):
        for edge in range(block * BLOCK, min((block + 1) * BLOCK, n_edge)):
            a, b = node_a[edge], node_b[edge]
            for k in range(n):
                re, im = _arc(phase[b, k], phase[a, k])
                sums[block, 0, k] += re
                sums[block, 1, k] += im
                sums[block, 2, k] += re * re + im * im


def _pair_statistics(
    phase: Array, node_a: Array, node_b: Array, bperp: Array, variance: Array
) -> PairStatistics:
    n_edge, (n_node, n_use) = len(node_a), phase.shape
    least = 0.0 if n_use else np.inf
    edge_std, edge_max = np.full(n_edge, least), np.full(n_edge, least)
    k_edge = np.zeros(n_edge, np.complex128)
    weight = slope_weights(bperp, variance)
    _pair_noise(phase, node_a, node_b, weight, bperp, edge_std, edge_max, k_edge)
    ps_std, ps_max = np.full(n_node, np.inf), np.full(n_node, np.inf)
    _least_of_nodes(node_a, node_b, edge_std, edge_max, ps_std, ps_max)
    return ps_std, ps_max, edge_std, edge_max, k_edge, variance


@kernel
def _pair_noise(
    phase: Array,
    node_a: Array,
    node_b: Array,
    weight: Array,
    bperp: Array,
    edge_std: Array,
    edge_max: Array,
    k_edge: Array,
) -> None:
    n_edge, n = len(node_a), phase.shape[1]
    for block in prange(-(-n_edge // BLOCK)):
        arc_re, arc_im, noise = np.empty(n), np.empty(n), np.empty(n)
        for edge in range(block * BLOCK, min((block + 1) * BLOCK, n_edge)):
            a, b = node_a[edge], node_b[edge]
            slope_re, slope_im = 0.0, 0.0
            for k in range(n):
                arc_re[k], arc_im[k] = _arc(phase[b, k], phase[a, k])
                slope_re += weight[k] * arc_re[k]
                slope_im += weight[k] * arc_im[k]
            for k in range(n):
                re, im = arc_re[k] - slope_re * bperp[k], arc_im[k] - slope_im * bperp[k]
                noise[k] = CYCLE * cycles(im, re)
            mean = 0.0
            for k in range(n):
                mean += noise[k]
                edge_max[edge] = max(edge_max[edge], abs(noise[k]))
            squares = 0.0
            for k in range(n):
                squares += (noise[k] - mean / n) ** 2
            edge_std[edge] = math.sqrt(squares / (n - 1)) if n > 1 else edge_std[edge]
            k_edge[edge] = complex(slope_re, slope_im)
