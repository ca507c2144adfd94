"""Points and the cells of a grid; ``sums.cu``, ``samples.cu`` and ``raster.cu`` of the sources."""

import numpy as np

from ..reference.cells import check_cells
from .device import Array, OnDevice, current, fetched
from .pieces import require_room
from .samples import by_samples, start


def grid_accumulate(ph_weight: Array, grid_lin: Array, n_i: int, n_j: int) -> Array:
    """CUDA twin of :func:`reference.cells.grid_accumulate`."""
    check_cells(grid_lin, n_i * n_j)
    starts = np.zeros(n_i * n_j + 1, np.int64)
    np.cumsum(np.bincount(grid_lin, minlength=n_i * n_j), out=starts[1:])
    device = current()
    with device.active():
        order = device.sorted_order(device.upload(grid_lin))
        return _sums(ph_weight, order, starts).reshape(n_i, n_j, ph_weight.shape[1])


def cell_sums(phasors: Array, members: Array, starts: Array) -> Array:
    """CUDA twin of :func:`reference.cells.cell_sums`."""
    device = current()
    with device.active():
        return _sums(phasors[:, np.newaxis], device.upload(members), starts)[:, 0]


def _sums(values: Array, order: OnDevice, starts: Array) -> Array:
    """Add up the rows of each cell; on the device that is active."""
    device = current()
    n_cells, m = starts.size - 1, values.shape[1]
    sums = device.empty((n_cells, m), np.complex64)
    arguments = (device.upload(values), order, device.upload(starts), n_cells, m, sums)
    start(device, "sums", "cell_sums", n_cells * m, *arguments)
    return fetched(device, sums)


def nearest_node(node: Array) -> Array:
    """CUDA twin of :func:`reference.cells.nearest_node`."""
    device, (n_row, n_col) = current(), node.shape
    require_room(4 * node.nbytes)
    with device.active():
        distance, winner, nearest = (device.empty(node.shape, np.int64) for _ in range(3))
        columns = (device.upload(node), n_row, n_col, distance, winner)
        start(device, "raster", "nearest_in_column", n_col, *columns)
        along = (distance, winner, n_row, n_col, nearest)
        start(device, "raster", "nearest_along_rows", n_row * n_col, *along)
        return fetched(device, nearest)


def to_points(phasors: Array, grid_phase: Array, node: Array) -> Array:
    """CUDA twin of :func:`reference.cells.to_points`."""
    arguments, shared = (phasors, node), (grid_phase,)
    return by_samples(
        "to_points", arguments, phasors.shape, np.float32, per_row=True, shared=shared
    )
