"""The loops of :mod:`.topofit` for a coherence of few digits: single throughout, nothing kept.

Rows run side by side in lanes (:mod:`.lanes`), in two registers. Their angles are taken once, in
cycles: what a slope leaves of them is a difference. Baselines are counted from the middle of their
range, which keeps phases short; it turns all phasors of a trial alike, and neither power nor
deviations nor coherence depend on that.
"""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ..reference.topofit import NEARLY_HALF, TIE, WEAK
from .compile import inline, kernel
from .lanes import (
    after,
    fetch,
    filled,
    flat,
    fused,
    fused_less,
    lanes_in,
    larger,
    load,
    load_as,
    root,
    smaller,
    store,
    where_below,
)
from .transpose import turn_square

Array = NDArray[Any]
Flat = Any  # see lanes.flat
Lanes = Any

ROWS = 16  # in two registers
BLOCK = 512
LINE = 8  # double values of a line of memory
WHOLE = float(3 << 22)  # added to a single value below 2^22 and taken off, it rounds to an integer
EXACT = 1 << 16  # in such parts of a cycle the phase of up to 4096 steps is exact in single


@inline
def _tables(b: Array, steps: int, cos: Array, sin: Array, of_ifg: Array) -> None:
    """Fill in cosines and sines of the trials (steps + 1, m), and what is of an interferogram.

    The rows of `of_ifg` (4, m) are the phase of one step [cycles] in two parts, the baseline by
    the range of all, and what turns deviations [cycles] into the slope [cycles over the range].
    """
    low, high, square = np.inf, -np.inf, 0.0
    for k in range(b.size):
        low, high = min(low, b[k]), max(high, b[k])
        square += b[k] * b[k]
    spread = high - low if high > low else np.nan
    for k in range(b.size):
        length = (b[k] - (low + high) / 2) / spread
        of_ifg[0, k] = np.rint(length / 8 * EXACT) / EXACT
        of_ifg[1, k] = length / 8 - np.rint(length / 8 * EXACT) / EXACT
        of_ifg[2, k] = length
        of_ifg[3, k] = b[k] / square * spread
        for t in range(steps + 1):
            cos[t, k] = math.cos(math.pi / 4 * length * t)
            sin[t, k] = math.sin(math.pi / 4 * length * t)


@inline
def _shorten(z: Flat, first: int, size: int, short: Flat) -> None:
    """Copy values in single, one after the other, which is how memory is read soonest."""
    like, width = filled(short, 0.0), lanes_in(short)
    whole = size // width * width
    for k in range(0, whole, width):
        store(short, k, load_as(like, z, first + k))
    for k in range(whole, size):
        short[k] = z[first + k]


@inline
def _make_columns(rows: Flat, at: Flat, size: int, columns: Flat) -> None:
    """Make columns of rows, which begin at `at`; up to a register of others follow them."""
    width = lanes_in(columns)
    for first in range(0, size, width):
        for lane in range(0, ROWS, width):
            turn_square(rows, after(at, lane), first, columns, first * ROWS + lane, ROWS)


@inline
def _better(found: Any, columns: Flat, trial: float, re: Lanes, im: Lanes) -> Any:
    """Return the power of the best trial and of the next one, its number and its sum."""
    first, second, best, best_re, best_im = found
    power = fused(re, re, im * im)
    return (
        larger(first, power),
        larger(second, smaller(first, power)),
        where_below(first, power, filled(columns, trial), best),
        where_below(first, power, re, best_re),
        where_below(first, power, im, best_im),
    )


@inline
def _search(columns: Flat, m: int, cos: Flat, sin: Flat, steps: int) -> Any:
    """Find the most coherent trials of two registers of rows; return what :func:`_better` does."""
    width, nothing, below = lanes_in(columns), filled(columns, 0.0), filled(columns, -1.0)
    found = found_b = below, below, nothing, nothing, nothing
    for t in range(steps + 1):
        rc, js, jc, rs = nothing, nothing, nothing, nothing
        rc_b, js_b, jc_b, rs_b = nothing, nothing, nothing, nothing
        for k in range(m):
            c, s = filled(columns, cos[t * m + k]), filled(columns, sin[t * m + k])
            x, y = load(columns, 2 * k * ROWS), load(columns, (2 * k + 1) * ROWS)
            rc, js, jc, rs = fused(x, c, rc), fused(y, s, js), fused(y, c, jc), fused(x, s, rs)
            x, y = load(columns, 2 * k * ROWS + width), load(columns, (2 * k + 1) * ROWS + width)
            rc_b, js_b = fused(x, c, rc_b), fused(y, s, js_b)
            jc_b, rs_b = fused(y, c, jc_b), fused(x, s, rs_b)
        found = _better(found, columns, t, rc + js, jc - rs)
        found_b = _better(found_b, columns, t, rc_b + js_b, jc_b - rs_b)
        if t > 0:
            found = _better(found, columns, -t, rc - js, jc + rs)
            found_b = _better(found_b, columns, -t, rc_b - js_b, jc_b + rs_b)
    return found, found_b


@inline
def _angle(columns: Flat, re: Lanes, im: Lanes) -> Lanes:
    """Return the angle of unit phasors in cycles, from -1/4 to 3/4, good to 4e-8.

    The smaller part is a sine; the polynomial is the Chebyshev interpolation of
    ``asin(t) / t / 2 pi`` in ``t^2`` up to an eighth of a cycle.
    """
    nothing, quarter, half = filled(columns, 0.0), filled(columns, 0.25), filled(columns, 0.5)
    square = im * im
    t, other = where_below(square, half, im, re), where_below(square, half, re, im)
    z = t * t
    value = filled(columns, 0.01590782999)
    value = fused(value, z, filled(columns, -0.008531216138))
    value = fused(value, z, filled(columns, 0.009573943743))
    value = fused(value, z, filled(columns, 0.006208122605))
    value = fused(value, z, filled(columns, 0.01201483832))
    value = fused(value, z, filled(columns, 0.02652332289))
    value = fused(value, z, filled(columns, 0.1591549559)) * t
    along = where_below(other, nothing, half - value, value)
    across = where_below(other, nothing, value - quarter, quarter - value)
    return where_below(square, half, along, across)


@inline
def _rest(columns: Flat, cycles: Lanes) -> Lanes:
    """Return what is left of a phase without whole cycles."""
    whole = filled(columns, WHOLE)
    return cycles - ((cycles + whole) - whole)


@inline
def _deviations(columns: Flat, m: int, of_ifg: Flat, best: Lanes, offset: Lanes) -> Any:
    """Put deviations [cycles] from the best trial into the columns, in place of real parts.

    Returns the slope that is added, and the largest deviation.
    """
    slope = filled(columns, 0.0)
    lowest, highest = slope, slope
    for k in range(m):
        angle = _angle(columns, load(columns, 2 * k * ROWS), load(columns, (2 * k + 1) * ROWS))
        model = _rest(columns, best * filled(columns, of_ifg[k]))
        model = fused(best, filled(columns, of_ifg[m + k]), model)
        deviation = _rest(columns, (angle - offset) - model)
        store(columns, 2 * k * ROWS, deviation)
        slope = fused(deviation, filled(columns, of_ifg[3 * m + k]), slope)
        lowest, highest = smaller(lowest, deviation), larger(highest, deviation)
    return slope, larger(highest, filled(columns, 0.0) - lowest)


@inline
def _length(columns: Flat, m: int, of_ifg: Flat, slope: Lanes) -> Lanes:
    """Return the length of the sum of what the slope leaves of the deviations.

    Sine and cosine of half a phase come from Chebyshev interpolations up to a quarter of a cycle,
    good to 2e-7. What is added up is half the cosine and sine of the phase, the first with a minus.
    """
    re, im, half = filled(columns, 0.0), filled(columns, 0.0), filled(columns, 0.5)
    for k in range(m):
        deviation = load(columns, 2 * k * ROWS)
        x = _rest(columns, fused_less(filled(columns, of_ifg[2 * m + k]), slope, deviation))
        z = x * x
        sin = fused(filled(columns, 0.07765591229), z, filled(columns, -0.5982904113))
        sin = fused(sin, z, filled(columns, 2.550077387))
        sin = fused(sin, z, filled(columns, -5.167710077))
        sin = fused(sin, z, filled(columns, 3.14159264)) * x
        cos = fused(filled(columns, 0.2196824236), z, filled(columns, -1.331872973))
        cos = fused(cos, z, filled(columns, 4.058410791))
        cos = fused(cos, z, filled(columns, -4.934792802))
        cos = fused(cos, z, filled(columns, 0.999999953))
        re, im = re + fused_less(sin, sin, half), fused(sin, cos, im)
    return filled(columns, 2.0) * root(fused(re, re, im * im))


@inline
def _refine(columns: Flat, m: int, of_ifg: Flat, found: Any, coherence: Flat) -> None:
    """Refine the slopes of a register of rows; store their coherence, NaN where it stays open."""
    first, second, best, re, im = found
    length, nan = root(first), filled(columns, np.nan)
    slope, largest = _deviations(
        columns, m, of_ifg, best, _angle(columns, re / length, im / length)
    )
    value = _length(columns, m, of_ifg, slope) * filled(columns, 1 / m)
    value = where_below(filled(columns, TIE * m * m), first - second, value, nan)
    value = where_below(filled(columns, (WEAK * m) ** 2), first, value, nan)
    store(coherence, 0, where_below(largest, filled(columns, NEARLY_HALF), value, nan))


@inline
def _fit_block(
    z: Array, first: int, stop: int, steps: int, cos: Array, sin: Array, of_ifg: Array,
    at: Array, rows: Array, columns: Array, coherence: Array,
) -> None:  # fmt: skip
    """Fit some rows; `rows` and `columns` are room, with a register after their values."""
    size, source, own, ifgs = z.shape[1], flat(z, 0), flat(columns, 0), flat(of_ifg, 0)
    width = lanes_in(own)
    other = flat(columns, width)
    for begin in range(first, stop, ROWS):
        there = min(ROWS, stop - begin)
        _shorten(source, begin * size, there * size, flat(rows, 0))
        for line in range((begin + ROWS) * size, (begin + 2 * ROWS) * size, LINE):
            fetch(source, line)
        _make_columns(flat(rows, 0), flat(at, 0), size, own)
        found, found_other = _search(own, size // 2, flat(cos, 0), flat(sin, 0), steps)
        _refine(own, size // 2, ifgs, found, flat(rows, 0))
        _refine(other, size // 2, ifgs, found_other, flat(rows, width))
        for k in range(there):
            coherence[begin + k] = rows[k]


@kernel
def fit_rough(z: Array, b: Array, steps: int) -> Array:
    """Coherence (n,) single of every row with shared baselines; NaN where it stays open.

    Rows are real and imaginary parts of unit phasors, one after the other.
    """
    n, m = z.shape[0], b.size
    cos, sin = np.empty((steps + 1, m), np.float32), np.empty((steps + 1, m), np.float32)
    of_ifg = np.empty((4, m), np.float32)
    _tables(b, steps, cos, sin, of_ifg)
    at = np.arange(ROWS) * (2 * m)
    coherence = np.empty(n, np.float32)
    for block in prange((n + BLOCK - 1) // BLOCK):
        first, stop = block * BLOCK, min(n, (block + 1) * BLOCK)
        rows = np.zeros((2 * m + 1) * ROWS, np.float32)
        columns = np.empty((2 * m + ROWS) * ROWS, np.float32)
        _fit_block(z, first, stop, steps, cos, sin, of_ifg, at, rows, columns, coherence)
    return coherence
