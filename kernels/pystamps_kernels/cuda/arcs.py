"""Arcs between neighbours: phase, slope, smoothing, noise.

In ``samples.cu``, ``series.cu`` and ``arcs.cu`` of the sources.
"""

from collections.abc import Sequence

import numpy as np

from ..reference.arcs import check_nodes, trial_step, trial_table
from .device import Array, Device, OnDevice
from .pieces import by_rows, rows_in_block
from .samples import by_samples, start
from .series import DOUBLE, launch_rows

WIDE = 32
"""Threads of an arc in ``edge_noise``, ``look_angle`` and ``star_smooth``; as in the sources."""
THREADS = 128
STAR = 3
"""Doubles that ``star_smooth`` keeps of an interferogram."""


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


def look_angle(phasors: Array, baseline: Array, n_trial: int) -> Array:
    """CUDA twin of :func:`reference.arcs.look_angle`."""
    n, m = phasors.shape
    step, tables = trial_step(baseline), trial_table(baseline, n_trial)
    slope = np.empty(n, np.float32)
    n_side = int(n_trial) + 1

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        base, cosine, sine, piece = given
        count = piece.shape[0]
        out = device.empty((count,), np.float32)
        arguments = (piece, count, m, base, step, cosine, sine, n_side, out)
        room = 4 * m + n_side
        launch_rows(device, "look_angle", count, room, *arguments, lanes=WIDE, source="arcs")
        return (out,)

    by_rows(run, (phasors,), (slope,), (baseline, *map(np.ascontiguousarray, tables)))
    return slope


def star_smooth(phasors: Array, weights: Array, intercepts: Array, first: int, last: int) -> Array:
    """CUDA twin of :func:`reference.arcs.star_smooth`."""
    n, m = phasors.shape
    smooth = np.empty((n, m), np.float32)
    shared = [np.ascontiguousarray(matrix.T) for matrix in (weights, intercepts)]

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        around, lines, piece = given
        count = piece.shape[0]
        out = device.empty((count, m), np.float32)
        arguments = (piece, count, m, around, lines, int(first), int(last), out)
        launch_rows(device, "star_smooth", count, STAR * m, *arguments, lanes=WIDE, source="arcs")
        return (out,)

    by_rows(run, (phasors,), (smooth,), shared)
    return smooth


def network_smooth(phasors: Array, operator: Array, design: Array) -> Array:
    """CUDA twin of :func:`reference.arcs.network_smooth`."""
    (n, m), n_image = phasors.shape, len(operator)
    smooth = np.empty((n, m), np.float32)
    shared = [np.ascontiguousarray(matrix.T) for matrix in (operator, design)]

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        to_images, back, piece = given
        count = piece.shape[0]
        room = network_room(m, n_image)
        rows_in_block(device, room, 1, "stage6_network_smooth")
        out = device.empty((count, m), np.float32)
        arguments = (piece, count, m, to_images, n_image, back, out)
        device.launch("series", "network_smooth", count, THREADS, *arguments, shared=room)
        return (out,)

    by_rows(run, (phasors,), (smooth,), shared)
    return smooth


def network_room(m: int, n_image: int) -> int:
    """Return the shared memory of an arc that is smoothed through a network [bytes]."""
    return (m + n_image) * DOUBLE


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
