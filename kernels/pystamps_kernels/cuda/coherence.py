"""Statistics of the coherence of candidates; ``sources/sums.cu``."""

import numpy as np

from ..numerics import histogram_cuts
from .device import Array, current, fetched
from .pieces import blocks_for
from .sources import of_classes

THREADS = 256
MOST_BLOCKS = 1024
"""Each adds its own counts to the total once."""


def histogram(values: Array, centers: Array) -> Array:
    """CUDA twin of :func:`reference.coherence.histogram`."""
    device, n = current(), values.size
    cuts = histogram_cuts(centers).astype(values.dtype)
    with device.active():
        counts = device.zeros((centers.size,), np.uint64)
        arguments = (device.upload(values), n, device.upload(cuts), cuts.size, counts)
        blocks = min(blocks_for(n, THREADS), MOST_BLOCKS)
        kernel = of_classes("histogram", values)
        shared = centers.size * counts.dtype.itemsize
        device.launch("sums", kernel, blocks, THREADS, *arguments, shared=shared)
        return fetched(device, counts).astype(np.float64)
