"""Weighted sums over the points of each cell; ``sources/sums.cu``."""

from .device import Array, current, fetched
from .pieces import require_room
from .samples import start
from .sources import of_classes


def cell_sums(values: Array, weight: Array, start_of: Array) -> Array:
    """CUDA twin of :func:`reference.resample.cell_sums`."""
    device, n_cell, m = current(), len(start_of) - 1, values.shape[1]
    require_room(2 * values.nbytes + weight.nbytes + start_of.nbytes)
    with device.active():
        given = [device.upload(array) for array in (values, weight, start_of)]
        sums = device.empty((n_cell, m), values.dtype)
        kernel = of_classes("weighted_sums", given[0])
        start(device, "sums", kernel, n_cell * m, *given, n_cell, m, sums)
        return fetched(device, sums)
