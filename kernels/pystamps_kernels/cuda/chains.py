"""Residues of a wrapped raster; ``sources/raster.cu``."""

import numpy as np

from .device import Array, current, fetched
from .pieces import require_room
from .samples import start


def residues(turns: Array) -> Array:
    """CUDA twin of :func:`reference.chains.residues`."""
    device, (n_row, n_col) = current(), turns.shape
    require_room(2 * turns.nbytes)
    with device.active():
        found = device.empty((n_row - 1, n_col - 1), np.int32)
        start(device, "raster", "residues", found.size, device.upload(turns), n_row, n_col, found)
        return fetched(device, found)
