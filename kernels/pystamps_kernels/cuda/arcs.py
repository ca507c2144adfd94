"""Arcs between neighbours: phase, noise, smoothing; ``sources/samples.cu``, ``series.cu``."""

from collections.abc import Sequence

import numpy as np

from ..reference.arcs import check_nodes
from .device import Array, Device, OnDevice
from .pieces import by_rows, rows_in_block
from .samples import by_samples, start
from .series import DOUBLE, launch_rows

WIDE = 32
"""Threads of an arc in ``edge_noise``; as in the source."""
THREADS = 128


def arc_phasors(phase: Array, low: Array, high: Array) -> Array:
    """CUDA twin of :func:`reference.arcs.arc_phasors`."""
    shape, shared = (len(low), phase.shape[1]), (phase,)
    return by_samples("arc_phasors", (low, high), shape, np.complex64, per_row=True, shared=shared)


def phase_steps(phasors: Array) -> Array:
    """CUDA twin of :func:`reference.arcs.phase_steps`."""
    n, m = phasors.shape
    steps = np.empty((n, m - 1), np.complex64)

    def run(device: Device, piece: OnDevice) -> Sequence[OnDevice]:
        count = piece.shape[0]
        out = device.empty((count, m - 1), np.complex64)
        start(device, "samples", "phase_steps", count * (m - 1), piece, count, m, out)
        return (out,)

    by_rows(run, (phasors,), (steps,))
    return steps


def network_smooth(phasors: Array, operator: Array, design: Array) -> Array:
    """CUDA twin of :func:`reference.arcs.network_smooth`."""
    (n, m), n_image = phasors.shape, len(operator)
    smooth = np.empty((n, m), np.float32)
    shared = [np.ascontiguousarray(matrix.T) for matrix in (operator, design)]

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        to_images, back, piece = given
        count = piece.shape[0]
        room = (m + n_image) * DOUBLE
        rows_in_block(device, room, 1, "stage6_network_smooth")
        out = device.empty((count, m), np.float32)
        arguments = (piece, count, m, to_images, n_image, back, out)
        device.launch("series", "network_smooth", count, THREADS, *arguments, shared=room)
        return (out,)

    by_rows(run, (phasors,), (smooth,), shared)
    return smooth


def arc_noise(phasors: Array, smooth: Array, limit: float) -> Array:
    """CUDA twin of :func:`reference.arcs.arc_noise`."""
    n, m = phasors.shape
    noise = np.empty((n, m), np.float32)

    def run(device: Device, *pieces: OnDevice) -> Sequence[OnDevice]:
        count = pieces[0].shape[0]
        out = device.empty((count, m), np.float32)
        launch_rows(device, "arc_noise", count, m, *pieces, count, m, float(limit), out)
        return (out,)

    by_rows(run, (phasors, smooth), (noise,))
    return noise


def arc_variance(noise: Array) -> Array:
    """CUDA twin of :func:`reference.arcs.arc_variance`."""
    n, m = noise.shape
    variance = np.empty(n, np.float32)

    def run(device: Device, piece: OnDevice) -> Sequence[OnDevice]:
        count = piece.shape[0]
        out = device.empty((count,), np.float32)
        launch_rows(device, "arc_variance", count, m, piece, count, m, out)
        return (out,)

    by_rows(run, (noise,), (variance,))
    return variance


def edge_noise(uw_ph: Array, node_a: Array, node_b: Array) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.arcs.edge_noise`."""
    check_nodes(uw_ph, node_a, node_b)
    n, m = len(node_a), uw_ph.shape[1]
    arc, noise = np.empty((2, n, m), np.float32)

    def run(device: Device, nodes: OnDevice, *ends: OnDevice) -> Sequence[OnDevice]:
        count = ends[0].shape[0]
        found = [device.empty((count, m), np.float32) for _ in range(2)]
        launch_rows(device, "edge_noise", count, WIDE, *ends, count, m, nodes, *found, lanes=WIDE)
        return found

    by_rows(run, (node_a, node_b), (arc, noise), (uw_ph,))
    return arc, noise
