"""Means over all rows: sums of each column in a fixed order, whatever the threads."""

from typing import Any

import numpy as np
from numba import prange

from .compile import inline, kernel, serial

COLUMNS = 16  # columns of one thread in the sums of the single form: a cache line of float32
ROWS = 4096  # rows of one thread in the sums of the other; their sums are added in order


def column_means(values: Any) -> Any:
    """Native twin of :func:`reference.means.column_means`."""
    sums = np.zeros((-(-len(values) // ROWS), values.shape[1]))
    _block_sums(values, sums)
    return np.add.accumulate(sums)[-1] / len(values)


def column_means_single(values: Any) -> Any:
    """Native twin of :func:`reference.means.column_means_single`."""
    sums = _column_sums(values)
    return sums / values.dtype.type(len(values))


@inline
def _add_rows(values: Any, first: int, stop: int, left: int, right: int, total: Any) -> None:
    """Add rows to `total`, in order; four at a time, so that a sum is seldom stored."""
    fours = stop - (stop - first) % 4
    for p in range(first, fours, 4):
        a, b = values[p, left:right], values[p + 1, left:right]
        c, d = values[p + 2, left:right], values[p + 3, left:right]
        for k in range(right - left):
            total[k] = (((total[k] + a[k]) + b[k]) + c[k]) + d[k]
    for p in range(fours, stop):
        for k in range(right - left):
            total[k] += values[p, left + k]


@kernel
def _block_sums(values: Any, sums: Any) -> None:
    """Add up each block of rows, threaded over the blocks."""
    n, m = values.shape
    for block in prange(sums.shape[0]):
        _add_rows(values, block * ROWS, min(n, (block + 1) * ROWS), 0, m, sums[block])


@kernel
def _column_sums(values: Any) -> Any:
    """Add all rows, threaded over blocks of columns, each sum in ascending row order."""
    n, m = values.shape
    total = np.empty(m, values.dtype)
    for block in prange((m + COLUMNS - 1) // COLUMNS):
        left, right = block * COLUMNS, min((block + 1) * COLUMNS, m)
        own = np.zeros(COLUMNS, values.dtype)
        _add_rows(values, 0, n, left, right, own)
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
