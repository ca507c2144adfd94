"""The median of a short row, by counting alone: every pass over the values is vectorised.

Doubles that are not negative keep their order when their bits are read as integers, and integers
can be halved until nothing is left between them, so that ties end the search, too.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compile import inline

Array = NDArray[Any]

BEYOND = np.int64(0x7FF0000000000001)  # more than the bits of infinity
STEP = np.int64(1 << 48)  # first step away from a guess, a sixteenth of a factor of two
FAR = np.int64(1 << 61)  # up to which steps double
GUESSES = 10  # passes that interpolate before the interval is halved


@inline
def median(values: Array, middle: Array) -> Any:
    """Mean of the two middle ones of an even number of values >= 0.

    `middle` (2,) holds a guess, any value >= 0, in its first element; both become the two middle
    values. The guess decides how many passes there are, never the result. NaN in front, as a
    transform of infinite values has it, gives NaN.
    """
    n, half = values.size, values.size // 2
    if math.isnan(values[0]):
        return np.nan
    bits, ends = values.view(np.int64), middle.view(np.int64)
    low, high, n_low, n_high = np.int64(0), BEYOND, 0, n
    pivot, step, passes = ends[0], STEP, 0
    while high - low > 1:
        count = 0
        for k in range(n):
            count += 1 if bits[k] < pivot else 0
        if count == half:
            below, above = low, BEYOND
            for k in range(n):
                below = max(below, bits[k] if bits[k] < pivot else low)
                above = min(above, bits[k] if bits[k] >= pivot else BEYOND)
            ends[0], ends[1] = below, above
            return (middle[0] + middle[1]) / 2
        if count > half:
            high, n_high, aim = pivot, count, -0.5
        else:
            low, n_low, aim = pivot, count, 0.5
        passes += 1
        if high == BEYOND:
            pivot, step = low + min(step, (high - low) // 2), min(2 * step, FAR)
        elif low == 0:
            pivot, step = high - min(step, high // 2), min(2 * step, FAR)
        elif passes < GUESSES:
            share = (half - n_low + aim) / (n_high - n_low)
            pivot = low + np.int64(share * (high - low))
        else:
            pivot = low + (high - low) // 2
        pivot = min(max(pivot, low + 1), high - 1)
    ends[0] = ends[1] = low
    return middle[0]
