"""Means over all rows, each column's sum in ascending row order; ``sources/sums.cu``."""

from typing import Any

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import added_rows
from .samples import start
from .sources import of_classes


def column_means(values: Array) -> Array:
    """CUDA twin of :func:`reference.means.column_means`."""
    return _column_sums(values, np.float64) / len(values)


def column_means_single(values: Array) -> Array:
    """CUDA twin of :func:`reference.means.column_means_single`."""
    means: Array = _column_sums(values, values.dtype) / values.dtype.type(len(values))
    return means


def _column_sums(values: Array, dtype: Any) -> Array:
    m = values.shape[1]

    def add(device: Device, piece: OnDevice, sums: OnDevice) -> None:
        kernel = of_classes("column_sums", piece, sums)
        start(device, "sums", kernel, m, piece, piece.shape[0], m, sums)

    return added_rows(add, values, (m,), dtype)
