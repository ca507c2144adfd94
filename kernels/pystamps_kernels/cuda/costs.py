"""SNAPHU's costs: of edges, as records, of a solution; ``sources/raster.cu``."""

from collections.abc import Sequence

import numpy as np

from .device import Array, Device, OnDevice, current, fetched
from .pieces import by_rows, require_room
from .samples import start


def edge_costs(
    unwrapped: Array, noise: Array, variance: Array, n_arcs: Array
) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.costs.edge_costs`."""
    n, m = unwrapped.shape
    offset, sigsq = np.empty((n, m), np.int16), np.empty(n, np.int16)

    def run(device: Device, *pieces: OnDevice) -> Sequence[OnDevice]:
        count = pieces[0].shape[0]
        found = device.empty((count, m), np.int16), device.empty((count,), np.int16)
        samples = count * max(m, 1)
        start(device, "raster", "edge_costs", samples, *pieces, count, m, *found)
        return found

    by_rows(run, (unwrapped, noise, variance, n_arcs), (offset, sigsq))
    return offset, sigsq


def cost_records(
    row_edges: Array, col_edges: Array, offset: Array, sigsq: Array
) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.costs.cost_records`."""
    return _records(row_edges, offset, sigsq, -1), _records(col_edges, offset, sigsq, 1)


def _records(edges: Array, offset: Array, sigsq: Array, sign: int) -> Array:
    n_col = edges.shape[1]
    records = np.empty((*edges.shape, 4), np.int16)

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        *costs, piece = given
        count = piece.shape[0]
        out = device.empty((count, n_col, 4), np.int16)
        cells = count * n_col
        start(device, "raster", "cost_records", cells, *costs, piece, cells, sign, out)
        return (out,)

    by_rows(run, (edges,), (records,), (offset, sigsq))
    return records


def solution_cost(
    turns: Array, unwrapped: Array, row_edges: Array, col_edges: Array, offset: Array, sigsq: Array
) -> tuple[int, int, int]:
    """CUDA twin of :func:`reference.costs.solution_cost`."""
    device, n_col = current(), turns.shape[1]
    arrays = (turns, unwrapped, row_edges, col_edges, offset, sigsq)
    require_room(sum(array.nbytes for array in arrays))
    with device.active():
        raster, phase, rows, columns, *costs = (device.upload(array) for array in arrays)
        sums, most = device.zeros((2,), np.uint64), device.zeros((1,), np.int64)
        for edges, apart in ((rows, n_col), (columns, 1)):
            cells = edges.size
            arguments = (edges, cells, max(edges.shape[1], 1), n_col, apart, *costs, sums, most)
            start(device, "raster", "solution_cost", cells, raster, phase, *arguments)
        statistical, free = fetched(device, sums)
        return int(statistical), int(free), int(fetched(device, most)[0])
