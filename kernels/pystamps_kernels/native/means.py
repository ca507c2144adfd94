"""Means over all rows, each column's sum in ascending row order."""

from typing import Any

import numpy as np
from numba import prange

from .compile import kernel, serial

COLUMNS = 64  # of one thread: where they are all, rows are read as they lie


def column_means(values: Any) -> Any:
    """Native twin of :func:`reference.means.column_means`."""
    return _column_sums(values, np.zeros(values.shape[1])) / len(values)


def column_means_single(values: Any) -> Any:
    """Native twin of :func:`reference.means.column_means_single`."""
    sums = _column_sums(values, np.zeros(values.shape[1], values.dtype))
    return sums / values.dtype.type(len(values))


@kernel
def _column_sums(values: Any, total: Any) -> Any:
    """Add to `total`, threaded over blocks of columns, each sum in ascending row order.

    Four rows at a time, so that a sum is seldom stored.
    """
    n, m = values.shape
    fours = n - n % 4
    for block in prange((m + COLUMNS - 1) // COLUMNS):
        left, right = block * COLUMNS, min((block + 1) * COLUMNS, m)
        own = np.zeros(COLUMNS, total.dtype)
        for p in range(0, fours, 4):
            a, b = values[p, left:right], values[p + 1, left:right]
            c, d = values[p + 2, left:right], values[p + 3, left:right]
            for k in range(right - left):
                own[k] = (((own[k] + a[k]) + b[k]) + c[k]) + d[k]
        for p in range(fours, n):
            for k in range(left, right):
                own[k - left] += values[p, k]
        total[left:right] = own[: right - left]
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
