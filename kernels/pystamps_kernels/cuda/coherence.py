"""Statistics of the coherence of candidates; ``sources/sums.cu``, ``series.cu``."""

import numpy as np

from ..numerics import histogram_cuts
from .device import Array, Device, OnDevice, current, fetched
from .pieces import blocks_for, by_rows, require_room, rows_in_block
from .sources import of_classes

THREADS = 256
MOST_BLOCKS = 1024
"""Each adds its own counts to the total once."""

INCREMENT = 0x9E3779B97F4A7C15
"""Of the counter of random numbers; as in the reference."""


def histogram(values: Array, centers: Array) -> Array:
    """CUDA twin of :func:`reference.coherence.histogram`."""
    device, n = current(), values.size
    cuts = histogram_cuts(centers).astype(values.dtype)
    require_room(values.nbytes)
    with device.active():
        counts = device.zeros((centers.size,), np.uint64)
        arguments = (device.upload(values), n, device.upload(cuts), cuts.size, counts)
        blocks = min(blocks_for(n, THREADS), MOST_BLOCKS)
        kernel = of_classes("histogram", values)
        shared = centers.size * counts.dtype.itemsize
        device.launch("sums", kernel, blocks, THREADS, *arguments, shared=shared)
        return fetched(device, counts).astype(np.float64)


def bootstrap_deviation(residual: Array, candidate: Array, n_resamples: int, seed: int) -> Array:
    """CUDA twin of :func:`reference.coherence.bootstrap_deviation`."""
    n, m = residual.shape
    deviation = np.empty(n)
    # 64-bit words, as the signed numbers that kernels take
    first = seed * INCREMENT % (1 << 64)
    words = [word - (1 << 64) if word >> 63 else word for word in (first, INCREMENT)]
    room = m * np.dtype(np.complex128).itemsize + n_resamples * np.dtype(np.float64).itemsize

    def run(device: Device, *pieces: OnDevice) -> tuple[OnDevice]:
        rows_in_block(device, room, 1, "stage3_bootstrap_deviation")
        count = pieces[0].shape[0]
        out = device.empty((count,), np.float64)
        arguments = (*pieces, count, m, int(n_resamples), *words, out)
        device.launch("series", "bootstrap_deviation", count, THREADS, *arguments, shared=room)
        return (out,)

    by_rows(run, (residual, candidate), (deviation,))
    return deviation
