"""The inversion of a network of interferograms, and its covariance; ``series.cu``, ``sums.cu``."""

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import added_rows
from .samples import start
from .series import by_products


def network_inversion(phase: Array, reference: Array, operator: Array) -> Array:
    """CUDA twin of :func:`reference.inversion.network_inversion`."""
    return by_products("referenced_product<float>", phase, operator.T, np.float32, reference)


def column_products(values: Array) -> Array:
    """CUDA twin of :func:`reference.inversion.column_products`."""
    m = values.shape[1]

    def add(device: Device, piece: OnDevice, sums: OnDevice) -> None:
        start(device, "sums", "column_products", m * m, piece, piece.shape[0], m, sums)

    return added_rows(add, values, (m, m), np.float64)
