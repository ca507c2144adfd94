"""Smoothing of arcs with known cycles, threaded over arcs; a small Cholesky solution for each."""

import math
from typing import Any

import numpy as np
from numba import prange

from ..reference.held import KNOWN, UNKNOWN
from .compile import inline, kernel

BLOCK = 256  # arcs that share scratch arrays


def held_smooth(phase: Any, known: Any, design: Any, in_time: Any) -> Any:
    """Native twin of :func:`reference.held.held_smooth`."""
    pairs = np.stack([design.argmin(axis=1), design.argmax(axis=1)], axis=1)
    return _held_smooth(phase, known, pairs, in_time)


@kernel
def _held_smooth(phase: Any, known: Any, pairs: Any, in_time: Any) -> Any:
    n, m = phase.shape
    n_image = len(in_time)
    smooth = np.empty((n, m), np.float32)
    for block in prange((n + BLOCK - 1) // BLOCK):
        normal, images = np.empty((n_image, n_image)), np.empty(n_image)
        in_order = np.empty(n_image, np.float32)
        for e in range(block * BLOCK, min((block + 1) * BLOCK, n)):
            normal[:] = 0
            images[:] = 0
            for k in range(m):
                weight = KNOWN if known[e, k] else UNKNOWN
                first, second = pairs[k, 0], pairs[k, 1]
                normal[first, first] += weight
                normal[second, second] += weight
                normal[max(first, second), min(first, second)] -= weight
                images[first] -= weight * phase[e, k]
                images[second] += weight * phase[e, k]
            _solve(normal, images)
            for i in range(n_image):
                total = 0.0
                for j in range(n_image):
                    total += in_time[i, j] * images[j]
                in_order[i] = total
            for k in range(m):
                smooth[e, k] = in_order[pairs[k, 1]] - in_order[pairs[k, 0]]
    return smooth


@inline
def _solve(normal: Any, right: Any) -> None:
    """Solve by Cholesky factors, in place, with 0 for the first unknown."""
    n = right.size
    for i in range(1, n):
        for j in range(1, i + 1):
            rest = normal[i, j]
            for k in range(1, j):
                rest -= normal[i, k] * normal[j, k]
            normal[i, j] = math.sqrt(rest) if i == j else rest / normal[j, j]
    for i in range(1, n):
        for k in range(1, i):
            right[i] -= normal[i, k] * right[k]
        right[i] /= normal[i, i]
    for i in range(n - 1, 0, -1):
        for k in range(i + 1, n):
            right[i] -= normal[k, i] * right[k]
        right[i] /= normal[i, i]
    right[0] = 0
