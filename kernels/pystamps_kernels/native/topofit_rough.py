"""The loops of :mod:`.topofit` for a coherence of few digits: single throughout, nothing kept.

Rows run side by side in lanes as in :mod:`.topofit_double`. The phasors of the best trial come from
the table of the search, the weights are one, and no offset, residual or length is computed.
"""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ..reference.topofit import NEARLY_HALF, TIE, WEAK
from .compile import inline, kernel

Array = NDArray[Any]
f4 = np.float32

LANES = 32
BLOCK = 256


@inline
def _cos_sin(cycles: Any) -> Any:
    """Cosine and sine of a phase [cycles], as :func:`.turn.cos_sin`, good to 3e-7."""
    quarters = np.floor(f4(4) * cycles + f4(0.5))
    x = (cycles - f4(0.25) * quarters) * f4(6.2831855)
    z = x * x
    cos = f4(2.48015873015873e-05)
    cos = cos * z - f4(0.001388888888888889)
    cos = cos * z + f4(0.041666666666666664)
    cos = cos * z - f4(0.5)
    cos = cos * z + f4(1)
    sin = f4(2.7557319223985893e-06)
    sin = sin * z - f4(0.0001984126984126984)
    sin = sin * z + f4(0.008333333333333333)
    sin = sin * z - f4(0.16666666666666666)
    sin = sin * z * x + x
    quadrant = quarters - f4(4) * np.floor(f4(0.25) * quarters)
    odd = quadrant == f4(1) or quadrant == f4(3)
    re = sin if odd else cos
    im = cos if odd else sin
    re = -re if quadrant == f4(1) or quadrant == f4(2) else re
    im = -im if quadrant >= f4(2) else im
    return re, im


@inline
def _cycles(y: Any, x: Any) -> Any:
    """Angle of ``x + iy`` in cycles, as :func:`.angle.cycles`, good to 3e-7."""
    side_x, side_y = abs(x), abs(y)
    short, long = min(side_x, side_y), max(side_x, side_y)
    upper = short > f4(0.41421357) * long
    rise = short - long if upper else short
    run = short + long if upper else long
    t = rise / (run if run > f4(0) else f4(1))
    z = t * t
    value = f4(0.01224227036878328)
    value = value * z - f4(0.014468611642996702)
    value = value * z + f4(0.017683881982953932)
    value = value * z - f4(0.022736420431411483)
    value = value * z + f4(0.03183098861828499)
    value = value * z - f4(0.05305164769729811)
    value = value * z + f4(0.15915494309189535)
    value = value * t + (f4(0.125) if upper else f4(0))
    value = f4(0.25) - value if side_y > side_x else value
    value = f4(0.5) - value if x < f4(0) else value
    return -value if y < f4(0) else value


@inline
def _table(b: Array, steps: int, cos: Array, sin: Array, base: Array, weight: Array) -> None:
    """Fill in cosines and sines of all trials, and the baselines by their range.

    Trials are ordered 0, 1, -1, 2, -2, ...; `weight` turns deviations [cycles] into the slope that
    is added, in cycles over the range.
    """
    low, high, square = np.inf, -np.inf, 0.0
    for k in range(b.size):
        low, high = min(low, b[k]), max(high, b[k])
        square += b[k] * b[k]
    spread = high - low if high > low else np.nan
    for k in range(b.size):
        base[k] = b[k] / spread
        weight[k] = b[k] / square * spread
        cos[k, 0], sin[k, 0] = 1, 0
        for t in range(1, steps + 1):
            phase = math.pi / 4 / spread * b[k] * t
            cos[k, 2 * t - 1] = cos[k, 2 * t] = math.cos(phase)
            sin[k, 2 * t - 1] = math.sin(phase)
            sin[k, 2 * t] = -math.sin(phase)


@inline
def _search(
    re: Array, im: Array, cos: Array, sin: Array, sums: Array, power: Array, best: Array
) -> None:
    """Find the most coherent trial of each lane; `power` receives its power and the next one."""
    m, lanes = re.shape
    rc, js, jc, rs = sums[0], sums[1], sums[2], sums[3]
    first, second = power[0], power[1]
    power[:2] = f4(-1)
    best[:] = 0
    for t in range(0, cos.shape[1], 2):
        sums[:4] = f4(0)
        for k in range(m):
            x, y, c, s = re[k], im[k], cos[k, t], sin[k, t]
            for lane in range(lanes):
                rc[lane] += x[lane] * c
                js[lane] += y[lane] * s
                jc[lane] += y[lane] * c
                rs[lane] += x[lane] * s
        for lane in range(lanes):
            along, across = rc[lane] + js[lane], jc[lane] - rs[lane]
            minus = along * along + across * across
            more = minus > first[lane]
            second[lane] = first[lane] if more else max(second[lane], minus)
            best[lane] = np.uint32(t) if more else best[lane]
            first[lane] = minus if more else first[lane]
        if t > 0:
            for lane in range(lanes):
                along, across = rc[lane] - js[lane], jc[lane] + rs[lane]
                plus = along * along + across * across
                more = plus > first[lane]
                second[lane] = first[lane] if more else max(second[lane], plus)
                best[lane] = np.uint32(t - 1) if more else best[lane]
                first[lane] = plus if more else first[lane]


@inline
def _turn(
    re: Array, im: Array, cos: Array, sin: Array, best: Array, left: Array, sums: Array
) -> None:
    """Take the best trial of each lane off; its sum goes to the first two of `sums`."""
    m, lanes = re.shape
    off_re, off_im = sums[0], sums[1]
    sums[:2] = f4(0)
    for k in range(m):
        x, y, p, q, of_cos, of_sin = re[k], im[k], left[0, k], left[1, k], cos[k], sin[k]
        for lane in range(lanes):
            c, s = of_cos[best[lane]], of_sin[best[lane]]
            p[lane] = x[lane] * c + y[lane] * s
            q[lane] = y[lane] * c - x[lane] * s
            off_re[lane] += p[lane]
            off_im[lane] += q[lane]


@inline
def _refine(left: Array, base: Array, weight: Array, sums: Array, power: Array) -> None:
    """Refine the slopes; the sums of what remains go to `sums`, the largest deviations to `power`.

    The first two of `sums` hold the sums of `left`.
    """
    m, lanes = left.shape[1:]
    off_re, off_im, slope, largest = sums[0], sums[1], sums[2], power[2]
    slope[:] = f4(0)
    largest[:] = f4(0)
    for k in range(m):
        p, q, w = left[0, k], left[1, k], weight[k]
        for lane in range(lanes):
            deviation = _cycles(
                q[lane] * off_re[lane] - p[lane] * off_im[lane],
                p[lane] * off_re[lane] + q[lane] * off_im[lane],
            )
            largest[lane] = max(largest[lane], abs(deviation))
            slope[lane] += w * deviation
    total_re, total_im = sums[3], sums[4]
    sums[3:5] = f4(0)
    for k in range(m):
        p, q, b = left[0, k], left[1, k], base[k]
        for lane in range(lanes):
            c, s = _cos_sin(slope[lane] * b)
            total_re[lane] += p[lane] * c + q[lane] * s
            total_im[lane] += q[lane] * c - p[lane] * s


@kernel
def fit_rough(z: Array, b: Array, steps: int) -> Array:
    """Coherence (n,) single of every row with shared baselines; NaN where it stays open."""
    n, m = z.shape
    shape = (m, 2 * steps + 1)
    cos, sin = np.empty(shape, np.float32), np.empty(shape, np.float32)
    base, weight = np.empty(m, np.float32), np.empty(m, np.float32)
    _table(b, steps, cos, sin, base, weight)
    coherence = np.empty(n, np.float32)
    length, gap, weak = f4(m), f4(TIE * m * m), f4((WEAK * m) ** 2)
    for block in prange((n + BLOCK - 1) // BLOCK):
        re, im = np.empty((m, LANES), np.float32), np.empty((m, LANES), np.float32)
        left = np.empty((2, m, LANES), np.float32)
        sums, power = np.empty((5, LANES), np.float32), np.empty((3, LANES), np.float32)
        best = np.empty(LANES, np.uint32)
        stop = min(n, (block + 1) * BLOCK)
        for first in range(block * BLOCK, stop, LANES):
            last = min(first + LANES, stop) - 1
            for lane in range(LANES):
                row = min(first + lane, last)
                for k in range(m):
                    re[k, lane] = z[row, k].real
                    im[k, lane] = z[row, k].imag
            _search(re, im, cos, sin, sums, power, best)
            _turn(re, im, cos, sin, best, left, sums)
            _refine(left, base, weight, sums, power)
            for lane in range(last + 1 - first):
                clear = power[0, lane] - power[1, lane] > gap and power[0, lane] > weak
                clear = clear and power[2, lane] < f4(NEARLY_HALF)
                total = sums[3, lane] * sums[3, lane] + sums[4, lane] * sums[4, lane]
                coherence[first + lane] = np.sqrt(total) / length if clear else f4(np.nan)
    return coherence
