"""Means over all rows, by blocks of rows or row after row; ``sources/sums.cu``."""

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import UNIT, added_rows, blocks_for
from .samples import start
from .sources import of_classes


def column_means(values: Array) -> Array:
    """CUDA twin of :func:`reference.means.column_means`; sums by blocks of rows, in order."""
    m = values.shape[1]

    def add(device: Device, piece: OnDevice, sums: OnDevice) -> None:
        n = piece.shape[0]
        parts = device.empty((blocks_for(n, UNIT), m), np.float64)
        start(device, "sums", of_classes("column_parts", piece), parts.size, piece, n, m, parts)
        add_columns(device, parts, sums)

    return added_rows(add, values, (m,), np.float64) / len(values)


def column_means_single(values: Array) -> Array:
    """CUDA twin of :func:`reference.means.column_means_single`; row after row, as it has to be."""
    sums = added_rows(add_columns, values, values.shape[1:], values.dtype)
    means: Array = sums / values.dtype.type(len(values))
    return means


def add_columns(device: Device, values: OnDevice, sums: OnDevice) -> None:
    """Start what adds rows (n, m) to sums (m,), one after the other."""
    n, m = values.shape
    start(device, "sums", of_classes("column_sums", values, sums), m, values, n, m, sums)
