"""The median of a short row, by counting first and selecting among the few values that are left."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compile import inline

Array = NDArray[Any]

PASSES = 9  # over all values
FEW = 24  # values worth selecting among
THINNED = 16  # every so many values make the first guess
MARGIN = 0.04  # by which a guess aims past the middle, so that the interval shrinks from both sides


@inline
def median(values: Array) -> Any:
    """Mean of the two middle ones of an even number of values >= 0; `values` is reordered.

    Counting, which is vectorised, first narrows the interval that holds both; the few values in it
    are then selected. Values that are all NaN give NaN.
    """
    n, middle = values.size, values.size // 2
    low, high, n_low, n_high = 0.0, np.inf, 0, n
    pivot = 0.0
    for k in range(0, n, THINNED):
        pivot += values[k] * THINNED / n
    for _ in range(PASSES):
        count = 0
        for k in range(n):
            count += 1 if values[k] < pivot else 0
        if count == middle:
            break
        if count > middle:
            high, n_high, aim = pivot, count, -MARGIN
        else:
            low, n_low, aim = pivot, count, MARGIN
        if n_high - n_low < FEW:
            break
        if high < np.inf:
            share = (middle - n_low) / (n_high - n_low) + aim
            pivot = low + (high - low) * min(max(share, MARGIN), 1 - MARGIN)
        else:
            pivot *= 2
    n_kept = 0
    for k in range(n):
        value = values[k]
        values[n_kept] = value
        n_kept += int((low <= value) & (value < high))
    if n_kept <= middle - n_low:  # all NaN
        return np.nan
    kept = values[:n_kept]
    _select(kept, middle - n_low)
    below = kept[0]
    for k in range(1, middle - n_low):
        below = max(below, kept[k])
    return (below + kept[middle - n_low]) / 2


@inline
def _select(values: Array, place: int) -> None:
    """Reorder so that ``values[place]`` has its rank and smaller ones stand before it."""
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            break
