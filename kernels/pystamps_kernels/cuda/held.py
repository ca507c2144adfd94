"""Smoothing of arcs in time where whole cycles are known; ``sources/arcs.cu``."""

from collections.abc import Sequence

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import by_rows, rows_in_block

WARP, MOST_THREADS = 32, 256
DOUBLE = np.dtype(np.float64).itemsize


def held_smooth(phase: Array, known: Array, design: Array, in_time: Array) -> Array:
    """CUDA twin of :func:`reference.held.held_smooth`."""
    (n, m), n_image = phase.shape, len(in_time)
    smooth = np.empty((n, m), np.float32)
    shared = (design.argmin(axis=1), design.argmax(axis=1), np.ascontiguousarray(in_time.T))
    shared_bytes = room(n_image)
    threads = min(-(-n_image // WARP) * WARP, MOST_THREADS)

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        *network, values, flags = given
        rows_in_block(device, shared_bytes, 1, "stage6_held_smooth")
        count = values.shape[0]
        out = device.empty((count, m), np.float32)
        arguments = (values, flags, count, m, *network, n_image, out)
        device.launch("arcs", "held_smooth", count, threads, *arguments, shared=shared_bytes)
        return (out,)

    by_rows(run, (phase, known), (smooth,), shared)
    return smooth


def room(n_image: int) -> int:
    """Return the shared memory that an arc takes, its normal matrix above all [bytes]."""
    return n_image * (n_image + 2) * DOUBLE
