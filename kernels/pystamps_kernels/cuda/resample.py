"""Weighted sums over the points of each cell; ``sources/sums.cu``."""

from .cells import by_columns
from .device import Array, current
from .pieces import require_room
from .sources import of_classes


def cell_sums(values: Array, weight: Array, start_of: Array) -> Array:
    """CUDA twin of :func:`reference.resample.cell_sums`."""
    device = current()
    require_room(weight.nbytes + start_of.nbytes)
    with device.active():
        places = device.upload(weight), device.upload(start_of)
        device.wait()
    return by_columns(of_classes("weighted_sums", values), values, places, len(start_of) - 1)
