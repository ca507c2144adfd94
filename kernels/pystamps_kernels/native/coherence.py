"""Statistics of the coherence of candidates."""

import math
from typing import Any

import numpy as np
from numba import prange, uint64
from numpy.typing import NDArray

from ..numerics import histogram_cuts
from .compile import inline, kernel

Array = NDArray[Any]


def histogram(values: Array, centers: Array) -> Array:
    """Native twin of :func:`reference.coherence.histogram`."""
    counts: Array = _counts(values, histogram_cuts(centers).astype(values.dtype))
    total: Array = counts.sum(axis=0)
    return total


@kernel
def _counts(values: Array, cuts: Array) -> Array:
    n_blocks = (values.size + 65535) // 65536
    counts = np.zeros((n_blocks, cuts.size + 1))
    for block in prange(n_blocks):
        for i in range(block * 65536, min(values.size, (block + 1) * 65536)):
            if math.isnan(values[i]):
                continue
            low, high = 0, cuts.size
            while low < high:
                middle = (low + high) // 2
                if cuts[middle] < values[i]:
                    low = middle + 1
                else:
                    high = middle
            counts[block, low] += 1
    return counts


_INCREMENT = np.uint64(0x9E3779B97F4A7C15)


@inline
def _mixed(word: Any) -> Any:
    word = (word ^ (word >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> uint64(27))) * uint64(0x94D049BB133111EB)
    return word ^ (word >> uint64(31))


@kernel
def bootstrap_deviation(residual: Array, candidate: Array, n_resamples: int, seed: int) -> Array:
    """Native twin of :func:`reference.coherence.bootstrap_deviation`."""
    n, m = residual.shape
    deviation = np.empty(n)
    for block in prange((n + 255) // 256):
        cos, sin, coherence = np.empty(m), np.empty(m), np.empty(n_resamples)
        for i in range(block * 256, min(n, block * 256 + 256)):
            for k in range(m):
                cos[k] = math.cos(np.float64(residual[i, k]))
                sin[k] = math.sin(np.float64(residual[i, k]))
            word = _mixed(uint64(candidate[i]) + uint64(seed) * _INCREMENT)
            mean = 0.0
            for sample in range(n_resamples):
                re, im = 0.0, 0.0
                for _ in range(m):
                    word += _INCREMENT
                    picked = (_mixed(word) >> uint64(32)) * uint64(m) >> uint64(32)
                    re += cos[picked]
                    im += sin[picked]
                coherence[sample] = math.sqrt(re * re + im * im) / m
                mean += coherence[sample]
            mean /= n_resamples
            square = 0.0
            for sample in range(n_resamples):
                square += (coherence[sample] - mean) ** 2
            deviation[i] = math.sqrt(square / (n_resamples - 1))
    return deviation
