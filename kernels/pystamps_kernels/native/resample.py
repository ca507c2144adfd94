"""The resampling merge, all of it in single; threaded over points and cells."""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .compile import kernel

Array = NDArray[Any]
ZERO = np.float32(0)


@kernel
def point_noise(noise: Array) -> tuple[Array, Array]:
    """Native twin of :func:`reference.resample.point_noise`."""
    n_ps, n_col = noise.shape
    variance, coherence = np.empty(n_ps, np.float32), np.empty(n_ps, np.float32)
    for p in prange(n_ps):
        mean, re, im = ZERO, ZERO, ZERO
        for k in range(n_col):
            mean += noise[p, k]
            re += math.cos(noise[p, k])
            im += math.sin(noise[p, k])
        mean /= np.float32(n_col)
        squares = ZERO
        for k in range(n_col):
            squares += (noise[p, k] - mean) * (noise[p, k] - mean)
        variance[p] = squares / np.float32(n_col - 1)
        coherence[p] = math.hypot(re, im) / np.float32(n_col)
    return variance, coherence


@kernel
def cell_sums(values: Array, weight: Array, start: Array) -> Array:
    """Native twin of :func:`reference.resample.cell_sums`.

    Apart from the sums in :mod:`.cells`: times its weight, a phasor that is not finite turns out
    another.
    """
    sums = np.zeros((len(start) - 1, values.shape[1]), values.dtype)
    for cell in prange(len(sums)):
        for p in range(start[cell], start[cell + 1]):
            for k in range(values.shape[1]):
                sums[cell, k] += weight[p] * values[p, k]
    return sums
