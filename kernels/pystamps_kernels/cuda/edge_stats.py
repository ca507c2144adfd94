"""Noise of the arcs of a network; ``sources/edge_stats.cu``."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

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
from .device import Array, Device, OnDevice, current, fetched
from .pieces import blocks_for, piece_rows, rows_in_block
from .samples import start
from .sources import of_classes

LANES = 32
"""Threads of an edge; as in the source."""
BLOCK = 256
"""Edges whose sums are taken together; as in the source. A piece is a multiple of it."""
EDGES = 8
"""Edges of a block whose edges stand beside each other."""
MOST_THREADS = 256
DOUBLE = np.dtype(np.float64).itemsize


def edge_stats(
    phase: Array, node_a: Array, node_b: Array, bperp: Array, day: Array, time_win: float
) -> Statistics:
    """CUDA twin of :func:`reference.edge_stats.edge_stats`."""
    return _statistics(phase, node_a, node_b, bperp, day, time_win, mean_free_variance)


def edge_stats_undirected(
    phase: Array, node_a: Array, node_b: Array, bperp: Array, day: Array, time_win: float
) -> Statistics:
    """CUDA twin of :func:`reference.edge_stats.edge_stats_undirected`."""

    def variance(_: Array, squares: Array, n_edge: int) -> Array:
        return zero_mean_variance(squares, n_edge)

    return _statistics(phase, node_a, node_b, bperp, day, time_win, variance)


def pair_edge_stats(phase: Array, node_a: Array, node_b: Array, bperp: Array) -> PairStatistics:
    """CUDA twin of :func:`reference.edge_stats.pair_edge_stats`."""
    return _pair_statistics(phase, node_a, node_b, bperp, lambda total: total)


def pair_edge_stats_undirected(
    phase: Array, node_a: Array, node_b: Array, bperp: Array
) -> PairStatistics:
    """CUDA twin of :func:`reference.edge_stats.pair_edge_stats_undirected`."""
    return _pair_statistics(phase, node_a, node_b, bperp, np.real)


def _statistics(
    phase: Array,
    node_a: Array,
    node_b: Array,
    bperp: Array,
    day: Array,
    time_win: float,
    variance_of: Callable[[Array, Array, int], Array],
) -> Statistics:
    check_finite(phase)
    device, n_edge, n = current(), len(node_a), len(day)
    with device.active():
        nodes = device.upload(phase)
        epochs = [device.upload(day), *_transposed(device, local_lines(day, time_win))]
        row_bytes = n * np.dtype(np.float32).itemsize + 8 * DOUBLE
        rows_in_block(device, 5 * n * DOUBLE, 1, "stage4_edge_stats")
        pieces = _pieces(device, n_edge, row_bytes, phase.nbytes)

        def noise_of(piece: slice) -> tuple[Sequence[OnDevice], OnDevice, OnDevice]:
            ends = [device.upload(node[piece]) for node in (node_a, node_b)]
            count = ends[0].shape[0]
            noise = device.empty((count, n), np.float32)
            sums = device.empty((blocks_for(count, BLOCK), 2, n), np.float64)
            threads = min(max(LANES, blocks_for(n, LANES) * LANES), MOST_THREADS)
            device.launch(
                "edge_stats", of_classes("arc_noise", phase), sums.shape[0], threads, nodes, *ends,
                count, n, *epochs, CANCELS, noise, sums, shared=5 * n * DOUBLE,
            )  # fmt: skip
            return ends, noise, sums

        held = [noise_of(piece) for piece in pieces[:1]]
        sums = [held[0][2], *(noise_of(piece)[2] for piece in pieces[1:])] if held else []
        total, squares = _added([fetched(device, part) for part in sums], (2, n))
        variance = variance_of(total, squares, n_edge)
        weights = device.upload(slope_weights(bperp, variance)), device.upload(bperp)
        edges = _Edges(device, n_edge, n, len(phase), np.float64)
        for piece in pieces:
            ends, noise, _ = held[0] if piece.start == 0 else noise_of(piece)
            edges.add(piece, ends, "spread_of_noise", noise, ends[0].shape[0], n, *weights)
        return (*edges.results(), variance)


def _pair_statistics(
    phase: Array, node_a: Array, node_b: Array, bperp: Array, mean_of: Callable[[Array], Array]
) -> PairStatistics:
    check_finite(phase)
    device, n_edge, n = current(), len(node_a), phase.shape[1]
    with device.active():
        nodes = device.upload(phase)
        pieces = _pieces(device, n_edge, 8 * DOUBLE, phase.nbytes)
        sums = []
        for piece in pieces:
            ends = [device.upload(node[piece]) for node in (node_a, node_b)]
            count = ends[0].shape[0]
            found = device.empty((blocks_for(count, BLOCK), 3, n), np.float64)
            kernel = of_classes("pair_sums", phase)
            blocks = found.shape[0]
            device.launch("edge_stats", kernel, blocks, BLOCK, nodes, *ends, count, n, found)
            sums.append(fetched(device, found))
        re, im, squares = _added(sums, (3, n))
        variance = pair_variance(mean_of(re + 1j * im), squares, n_edge)
        weights = device.upload(slope_weights(bperp, variance)), device.upload(bperp)
        edges = _Edges(device, n_edge, n, len(phase), np.complex128)
        for piece in pieces:
            ends = [device.upload(node[piece]) for node in (node_a, node_b)]
            kernel = of_classes("spread_of_pairs", phase)
            edges.add(piece, ends, kernel, nodes, *ends, ends[0].shape[0], n, *weights)
        return (*edges.results(), variance)


class _Edges:
    """Results of edges and nodes, filled piece by piece.

    Parameters
    ----------
    device : Device
        Where.
    n_edge, n, n_node : int
        Edges, interferograms, nodes.
    slope : dtype
        Of the slope of an arc.
    """

    def __init__(self, device: Device, n_edge: int, n: int, n_node: int, slope: Any) -> None:
        least = 0.0 if n else np.inf  # without interferograms nothing is known of an arc
        self._device, self._n = device, n
        self._std, self._max = np.full(n_edge, least), np.full(n_edge, least)
        self._slope = np.zeros(n_edge, slope)
        self._nodes = [device.upload(np.full(n_node, np.inf)) for _ in range(2)]

    def add(self, piece: slice, ends: Sequence[OnDevice], kernel: str, *arguments: Any) -> None:
        """Launch a kernel that puts spread, largest noise and slope of edges out; collect them."""
        if not self._n:
            return
        device, count = self._device, ends[0].shape[0]
        found = [device.empty((count,), a.dtype) for a in (self._std, self._max, self._slope)]
        row = (self._n + LANES) * DOUBLE
        rows = rows_in_block(device, row, EDGES, "stage4_edge_stats")
        blocks, shared = blocks_for(count, rows), rows * row
        device.launch("edge_stats", kernel, blocks, rows * LANES, *arguments, *found, shared=shared)
        for values, least in zip(found, self._nodes, strict=False):
            start(device, "edge_stats", "least_of_nodes", count, values, *ends, count, least)
        for values, out in zip(found, (self._std, self._max, self._slope), strict=True):
            out[piece] = fetched(device, values)

    def results(self) -> tuple[Array, Array, Array, Array, Array]:
        """Return what is known of the nodes, then of the edges."""
        ps_std, ps_max = (fetched(self._device, least) for least in self._nodes)
        return ps_std, ps_max, self._std, self._max, self._slope


def _pieces(device: Device, n_edge: int, row_bytes: float, fixed: float) -> list[slice]:
    step = piece_rows(device, row_bytes, fixed)
    return [slice(first, min(first + step, n_edge)) for first in range(0, n_edge, step)]


def _transposed(device: Device, matrices: Sequence[Array]) -> list[OnDevice]:
    return [device.upload(np.ascontiguousarray(matrix.T)) for matrix in matrices]


def _added(parts: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """Add the sums of all blocks of edges, in order."""
    total = np.zeros(shape)
    for part in parts:
        for block in part:
            total += block
    return total
