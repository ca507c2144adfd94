"""Simulated annealing of noisy arcs; ``sources/annealing.cu``."""

from collections.abc import Sequence

import numpy as np

from ..reference.annealing import (
    BOUNDS,
    COOLNESS,
    N_START,
    ROUGHNESS,
    STEPS,
    TEMPERATURES,
    time_basis,
)
from .device import Array, Device, OnDevice
from .pieces import by_rows, rows_in_block

GROUP = 32
"""Threads that price a model; as in the source."""
DOUBLE = np.dtype(np.float64).itemsize


def anneal(phasors: Array, edge: Array, pairs: Array, day: Array, whitener: Array) -> Array:
    """CUDA twin of :func:`reference.annealing.anneal`."""
    (n, m), n_image, n_step = phasors.shape, len(day), len(STEPS)
    smooth = np.empty((n, m), np.float32)
    settings = np.concatenate((BOUNDS, STEPS, COOLNESS, TEMPERATURES))
    shared = (pairs, time_basis(day), np.ascontiguousarray(whitener.T), settings)
    shared_bytes = room(m, n_image)
    counts = (n_step, len(COOLNESS), len(TEMPERATURES), N_START)

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        ends, basis, columns, numbers, piece, own = given
        rows_in_block(device, shared_bytes, 1, "stage6_anneal")
        count = piece.shape[0]
        out = device.empty((count, m), np.float32)
        device.launch(
            "annealing", "anneal", count, n_step * GROUP, piece, own, count, m, ends, basis,
            n_image, columns, numbers, *counts, ROUGHNESS, out, shared=shared_bytes,
        )  # fmt: skip
        return (out,)

    by_rows(run, (phasors, edge), (smooth,), shared)
    return smooth


def room(m: int, n_image: int) -> int:
    """Return the shared memory of an arc of `m` interferograms, for all of a step [bytes]."""
    return (m + len(STEPS) * (1 + n_image + 2 * m)) * DOUBLE
