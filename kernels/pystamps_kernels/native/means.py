"""Means over all rows, each column's sum in ascending row order."""

from typing import Any

import numpy as np
from numba import prange

from .compile import kernel, serial

COLUMNS = 16  # columns of one thread in the sums: a cache line of float32


def column_means(values: Any) -> Any:
    """Native twin of :func:`reference.means.column_means`."""
    return _column_sums(values, np.zeros(values.shape[1])) / len(values)


def column_means_single(values: Any) -> Any:
    """Native twin of :func:`reference.means.column_means_single`."""
    sums = _column_sums(values, np.zeros(values.shape[1], values.dtype))
    return sums / values.dtype.type(len(values))


@kernel
def _column_sums(values: Any, total: Any) -> Any:
    """Add to `total`, threaded over blocks of columns, each sum in ascending row order."""
    n, m = values.shape
    for block in prange((m + COLUMNS - 1) // COLUMNS):
        first, last = block * COLUMNS, min((block + 1) * COLUMNS, m)
        for p in range(n):
            for k in range(first, last):
                total[k] += values[p, k]
    return total


@serial
def sequential_mean(values: Any) -> Any:
    """Native twin of :func:`reference.means.sequential_mean`."""
    total = np.float32(0.0)
    count = 0
    for row in range(values.shape[0]):
        if not np.isnan(values[row]):
            total += values[row]
            count += 1
    if count == 0:
        return np.float32(np.nan)
    return total / np.float32(count)
