"""Velocity: a straight line through the phase of every PS; ``sources/series.cu``."""

import numpy as np

from .device import Array
from .series import by_products


def velocity_fit(operator: Array, phase: Array, reference: Array) -> Array:
    """CUDA twin of :func:`reference.velocity.velocity_fit`."""
    return by_products("referenced_product<double>", phase, operator.T, np.float64, reference)
