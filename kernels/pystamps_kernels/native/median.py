"""The median of a short row, by counting alone.

Floats that are not negative keep their order when their bits are read as integers, and integers
can be halved until nothing is left between them, so that ties end the search, too.
"""

import math
from typing import Any

import numpy as np

from .compile import inline
from .lanes import (
    bits_of,
    count_below,
    filled,
    lanes_in,
    larger,
    load,
    no_counts,
    of_bits,
    smaller,
    store,
    total,
    where_below,
)

Flat = Any  # see lanes.flat

GUESSES = 10  # passes that interpolate before the interval is halved


@inline
def median(values: Flat, there: int, n: int, middle: Flat) -> Any:
    """Mean of the two middle ones of an even number `n` of values >= 0.

    `values` (there,) fills registers, four by four, with infinity besides the `n` values. `middle`
    is room of two registers and holds a guess, any value >= 0, in front, which becomes the median.
    The guess decides how many passes there are, never the result. NaN in front, as a transform of
    infinite values has it, gives NaN.
    """
    half = n // 2
    if not middle[0] >= 0:  # NaN, the median of a row before that held some
        middle[0] = 1.0
    if math.isnan(values[0]):
        return values[0]
    beyond, octave = bits_of(values, np.inf) + 1, bits_of(values, 2.0) - bits_of(values, 1.0)
    low: Any = np.int64(0)
    high, n_low, n_high = beyond, 0, n
    pivot: Any = bits_of(values, middle[0])
    step, passes = np.int64(0), 0
    while high - low > 1:
        limit = of_bits(values, pivot)
        count = _count(values, there, filled(values, limit))
        if count == half:
            return _between(values, there, filled(values, limit), middle)
        if count == half - 1:
            return _nearest(values, there, limit, 1.0, middle)
        if count == half + 1:
            return _nearest(values, there, of_bits(values, pivot - 1), -1.0, middle)
        if step == 0:  # values are dense enough that this is near and mostly on the other side
            step = octave * (abs(count - half) + 3) // (2 * n)
        if count > half:
            high, n_high, aim = pivot, count, -0.5
        else:
            low, n_low, aim = pivot, count, 0.5
        passes += 1
        if high == beyond:
            pivot, step = low + min(step, (high - low) // 2), min(4 * step, beyond // 4)
        elif low == 0:
            pivot, step = high - min(step, high // 2), min(4 * step, beyond // 4)
        elif passes < GUESSES:
            share = (half - n_low + aim) / (n_high - n_low)
            pivot = low + np.int64(share * (high - low))
        else:
            pivot = low + (high - low) // 2
        pivot = min(max(pivot, low + 1), high - 1)
    middle[0] = of_bits(values, low)
    return middle[0]


@inline
def _count(values: Flat, there: int, limit: Any) -> Any:
    """Return how many values lie below a limit."""
    width = lanes_in(values)
    a, b, c, d = no_counts(limit), no_counts(limit), no_counts(limit), no_counts(limit)
    for k in range(0, there, 4 * width):
        a = count_below(a, load(values, k), limit)
        b = count_below(b, load(values, k + width), limit)
        c = count_below(c, load(values, k + 2 * width), limit)
        d = count_below(d, load(values, k + 3 * width), limit)
    return np.int64(total(a + b + (c + d)))


@inline
def _between(values: Flat, there: int, limit: Any, middle: Flat) -> Any:
    """Mean of the largest value below a limit and the smallest of the others."""
    width = lanes_in(values)
    nothing, beyond = filled(values, 0.0), filled(values, np.inf)
    a, b, c, d = nothing, nothing, beyond, beyond
    for k in range(0, there, 2 * width):
        x, y = load(values, k), load(values, k + width)
        a = larger(a, where_below(x, limit, x, nothing))
        b = larger(b, where_below(y, limit, y, nothing))
        c = smaller(c, where_below(x, limit, beyond, x))
        d = smaller(d, where_below(y, limit, beyond, y))
    store(middle, 0, larger(a, b))
    store(middle, width, smaller(c, d))
    for k in range(1, width):
        middle[0] = max(middle[0], middle[k])
        middle[width] = min(middle[width], middle[width + k])
    middle[0] = (middle[0] + middle[width]) / 2
    return middle[0]


@inline
def _nearest(values: Flat, there: int, limit: float, sign: float, middle: Flat) -> Any:
    """Mean of the two smallest values from a limit on, or with -1 the two largest up to it."""
    width = lanes_in(values)
    factor, bound, beyond = (
        filled(values, sign), filled(values, sign * limit), filled(values, np.inf)
    )  # fmt: skip
    a, b = beyond, beyond
    for k in range(0, there, width):
        x = load(values, k) * factor
        x = where_below(x, bound, beyond, x)
        b = smaller(b, larger(a, x))
        a = smaller(a, x)
    store(middle, 0, a)
    store(middle, width, b)
    first, second = middle[0], middle[width]
    for k in range(1, width):
        second = min(second, max(first, middle[k]), middle[width + k])
        first = min(first, middle[k])
    middle[0] = sign * (first + second) / 2
    return middle[0]
