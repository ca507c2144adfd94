"""Velocity: a straight line through the phase of every PS."""

from typing import Any

import numpy as np
from numba import float64, prange

from .compile import kernel


@kernel
def velocity_fit(operator: Any, phase: Any, reference: Any) -> Any:
    """Native twin of :func:`reference.velocity.velocity_fit`."""
    n_ps, n_fit = phase.shape
    fit = np.empty((n_ps, 2), np.float64)
    for point in prange(n_ps):
        offset = 0.0
        rate = 0.0
        for k in range(n_fit):
            value = float64(phase[point, k] - reference[k])
            offset += value * operator[0, k]
            rate += value * operator[1, k]
        fit[point, 0] = offset
        fit[point, 1] = rate
    return fit
