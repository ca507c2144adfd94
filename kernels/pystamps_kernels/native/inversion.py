"""The inversion of a network, threaded over PS; its covariance, threaded over columns."""

from typing import Any

import numpy as np
from numba import float64, prange

from .compile import kernel


@kernel
def network_inversion(phase: Any, reference: Any, operator: Any) -> Any:
    """Native twin of :func:`reference.inversion.network_inversion`."""
    n_ps, n_pair = phase.shape
    n_image = operator.shape[0]
    images = np.empty((n_ps, n_image), np.float32)
    for point in prange(n_ps):
        for image in range(n_image):
            total = 0.0
            for k in range(n_pair):
                total += float64(phase[point, k] - reference[k]) * operator[image, k]
            images[point, image] = total
    return images


@kernel
def column_products(values: Any) -> Any:
    """Native twin of :func:`reference.inversion.column_products`."""
    n, m = values.shape
    products = np.zeros((m, m))
    for i in prange(m):
        for row in range(n):
            value = values[row, i]
            for j in range(m):
                products[i, j] += value * values[row, j]
    return products
