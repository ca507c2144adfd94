"""Points and the cells of a grid; ``sums.cu``, ``samples.cu`` and ``raster.cu`` of the sources."""

from collections.abc import Sequence

import numpy as np

from ..reference.cells import check_cells
from .device import Array, OnDevice, current, fetched
from .pieces import Landings, cut, in_turn, piece_rows, require_room
from .samples import by_samples, start

SORTED = 4
"""Times its size that sorting an array of whole numbers takes."""


def grid_accumulate(ph_weight: Array, grid_lin: Array, n_i: int, n_j: int) -> Array:
    """CUDA twin of :func:`reference.cells.grid_accumulate`."""
    check_cells(grid_lin, n_i * n_j)
    starts = np.zeros(n_i * n_j + 1, np.int64)
    np.cumsum(np.bincount(grid_lin, minlength=n_i * n_j), out=starts[1:])
    device = current()
    require_room(SORTED * grid_lin.nbytes)
    with device.active():
        order = device.sorted_order(device.upload(grid_lin))
        places = order, device.upload(starts)
        device.wait()
    sums = by_columns("cell_sums", ph_weight, places, starts.size - 1)
    return sums.reshape(n_i, n_j, ph_weight.shape[1])


def cell_sums(phasors: Array, members: Array, starts: Array) -> Array:
    """CUDA twin of :func:`reference.cells.cell_sums`."""
    device = current()
    require_room(members.nbytes + starts.nbytes)
    with device.active():
        places = device.upload(members), device.upload(starts)
        device.wait()
    return by_columns("cell_sums", phasors[:, np.newaxis], places, starts.size - 1)[:, 0]


def by_columns(kernel: str, values: Array, places: Sequence[OnDevice], n_cells: int) -> Array:
    """Add up the rows of each cell by a kernel of ``sums.cu``, in pieces of columns.

    Parameters
    ----------
    kernel : str
        Its name, with the classes of a template.
    values : (n, m) ndarray
        Rows.
    places : sequence of arrays of the device
        What the kernel gets beside them.
    n_cells : int
        Cells.
    """
    device, (n, m) = current(), values.shape
    sums = np.empty((n_cells, m), values.dtype)
    step = piece_rows(device, (n + n_cells) * values.itemsize, unit=1)

    def begin(columns: slice) -> Landings:
        piece = device.upload(np.ascontiguousarray(values[:, columns]))
        count = piece.shape[1]
        found = device.empty((n_cells, count), values.dtype)
        start(device, "sums", kernel, n_cells * count, piece, *places, n_cells, count, found)
        return [(device.fetch(found), sums[:, columns])]

    in_turn(device, cut(m, step), begin)
    return sums


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
