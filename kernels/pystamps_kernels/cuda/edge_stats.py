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
from .pieces import Landings, blocks_for, cut, in_turn, piece_rows, rows_in_block
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
    rows_in_block(device, room(n), 1, "stage4_edge_stats")
    pieces = _pieces(device, n_edge, n * np.dtype(np.float32).itemsize + 8 * DOUBLE, phase)
    with device.active():
        nodes = device.upload(phase)
        epochs = [device.upload(day), *_transposed(device, local_lines(day, time_win))]
        device.wait()
    kept: list[Any] = []

    def noise_of(piece: slice) -> tuple[Sequence[OnDevice], OnDevice, OnDevice]:
        if kept:
            found: tuple[Sequence[OnDevice], OnDevice, OnDevice] = kept[0]
            return found
        ends = [device.upload(node[piece]) for node in (node_a, node_b)]
        count = ends[0].shape[0]
        noise = device.empty((count, n), np.float32)
        sums = device.empty((blocks_for(count, BLOCK), 2, n), np.float64)
        threads = min(max(LANES, blocks_for(n, LANES) * LANES), MOST_THREADS)
        device.launch(
            "edge_stats", of_classes("arc_noise", phase), sums.shape[0], threads, nodes, *ends,
            count, n, *epochs, CANCELS, noise, sums, shared=room(n),
        )  # fmt: skip
        if len(pieces) == 1:  # else it is found once more, there is no room to keep it
            kept.append((ends, noise, sums))
        return ends, noise, sums

    total, squares = _sums(device, pieces, n_edge, (2, n), lambda piece: noise_of(piece)[2])
    variance = variance_of(total, squares, n_edge)
    edges = _Edges(device, bperp, variance, n_edge, len(phase), np.float64)

    def spread(piece: slice) -> Landings:
        ends, noise, _ = noise_of(piece)
        return edges.begin(piece, ends, "spread_of_noise", noise)

    in_turn(device, pieces, spread)
    return (*edges.results(), variance)


def room(n: int) -> int:
    """Return the shared memory of a block that finds the noise of `n` epochs [bytes]."""
    return 5 * n * DOUBLE


def spread_room(n: int) -> int:
    """Return the shared memory of an arc whose spread over `n` epochs is found [bytes]."""
    return (n + LANES) * DOUBLE


def _pair_statistics(
    phase: Array, node_a: Array, node_b: Array, bperp: Array, mean_of: Callable[[Array], Array]
) -> PairStatistics:
    check_finite(phase)
    device, n_edge, n = current(), len(node_a), phase.shape[1]
    pieces = _pieces(device, n_edge, 8 * DOUBLE, phase)
    with device.active():
        nodes = device.upload(phase)
        device.wait()

    def ends_of(piece: slice) -> list[OnDevice]:
        return [device.upload(node[piece]) for node in (node_a, node_b)]

    def sums_of(piece: slice) -> OnDevice:
        ends = ends_of(piece)
        count = ends[0].shape[0]
        found = device.empty((blocks_for(count, BLOCK), 3, n), np.float64)
        kernel, blocks = of_classes("pair_sums", phase), found.shape[0]
        device.launch("edge_stats", kernel, blocks, BLOCK, nodes, *ends, count, n, found)
        return found

    re, im, squares = _sums(device, pieces, n_edge, (3, n), sums_of)
    variance = pair_variance(mean_of(re + 1j * im), squares, n_edge)
    edges = _Edges(device, bperp, variance, n_edge, len(phase), np.complex128)

    def spread(piece: slice) -> Landings:
        ends = ends_of(piece)
        return edges.begin(piece, ends, of_classes("spread_of_pairs", phase), nodes, *ends)

    in_turn(device, pieces, spread)
    return (*edges.results(), variance)


class _Edges:
    """Results of edges and nodes, filled piece by piece.

    Parameters
    ----------
    device : Device
        Where; not active.
    bperp, variance : (n,) float64
        Baselines [m], and variance of the interferograms.
    n_edge, n_node : int
        Edges, nodes.
    slope : dtype
        Of the slope of an arc.
    """

    def __init__(
        self, device: Device, bperp: Array, variance: Array, n_edge: int, n_node: int, slope: Any
    ) -> None:
        self._device, self._n = device, len(bperp)
        least = 0.0 if self._n else np.inf  # without interferograms nothing is known of an arc
        self._of_edges = (
            np.full(n_edge, least), np.full(n_edge, least), np.zeros(n_edge, slope)
        )  # fmt: skip
        with device.active():
            self._fit = device.upload(slope_weights(bperp, variance)), device.upload(bperp)
            self._nodes = [device.upload(np.full(n_node, np.inf)) for _ in range(2)]
            device.wait()

    def begin(
        self, piece: slice, ends: Sequence[OnDevice], kernel: str, *arguments: Any
    ) -> Landings:
        """Launch a kernel that puts spread, largest noise and slope of edges out."""
        if not self._n:
            return ()
        device, count = self._device, ends[0].shape[0]
        found = [device.empty((count,), values.dtype) for values in self._of_edges]
        row = spread_room(self._n)
        rows = rows_in_block(device, row, EDGES, "stage4_edge_stats")
        blocks, shared = blocks_for(count, rows), rows * row
        values = (*arguments, count, self._n, *self._fit, *found)
        device.launch("edge_stats", kernel, blocks, rows * LANES, *values, shared=shared)
        for noise, least in zip(found, self._nodes, strict=False):
            start(device, "edge_stats", "least_of_nodes", count, noise, *ends, count, least)
        return [
            (device.fetch(one), out[piece]) for one, out in zip(found, self._of_edges, strict=True)
        ]

    def results(self) -> tuple[Array, Array, Array, Array, Array]:
        """Return what is known of the nodes, then of the edges; all pieces have landed."""
        with self._device.active():
            ps_std, ps_max = (fetched(self._device, least) for least in self._nodes)
        edge_std, edge_max, slope = self._of_edges
        return ps_std, ps_max, edge_std, edge_max, slope


def _pieces(device: Device, n_edge: int, row_bytes: float, phase: Array) -> list[slice]:
    """Cut the edges; the phase of all nodes, and two values of each, stay on the device."""
    step = piece_rows(device, row_bytes, phase.nbytes + 2 * DOUBLE * len(phase))
    return list(cut(n_edge, step))


def _transposed(device: Device, matrices: Sequence[Array]) -> list[OnDevice]:
    return [device.upload(np.ascontiguousarray(matrix.T)) for matrix in matrices]


def _sums(
    device: Device,
    pieces: Sequence[slice],
    n_edge: int,
    shape: tuple[int, ...],
    sums_of: Callable[[slice], OnDevice],
) -> Array:
    """Add the sums (n_block, *shape) of all blocks of edges, in order."""
    blocks = np.empty((blocks_for(n_edge, BLOCK), *shape))

    def begin(piece: slice) -> Landings:
        own = slice(piece.start // BLOCK, blocks_for(piece.stop, BLOCK))
        return [(device.fetch(sums_of(piece)), blocks[own])]

    in_turn(device, pieces, begin)
    total = np.zeros(shape)
    for block in blocks:
        total += block
    return total
