"""The loops of :mod:`.topofit` in double.

Rows run side by side in lanes, the innermost dimension, so that each step of the fit is a loop over
lanes that the compiler vectorises. Trials t and -t share their cosines and sines, so each product
serves two trials; the cosines come from a recurrence or, with shared baselines, from a table. Sums
run over interferograms in ascending order.
"""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .angle import cycles
from .compile import inline, kernel
from .turn import cos_sin

Array = NDArray[Any]
Fit = tuple[Array, Array, Array, Array]

LANES = 32
BLOCK = 256
CYCLES = 1 / (2 * math.pi)


@inline
def _load(z: Array, first: int, last: int, re: Array, im: Array) -> None:
    """Copy rows `first` to `last` to the lanes; unused lanes repeat the last row."""
    m, lanes = re.shape
    for lane in range(lanes):
        row = min(first + lane, last)
        for k in range(m):
            re[k, lane] = z[row, k].real
            im[k, lane] = z[row, k].imag


@inline
def _load_baselines(b: Array, first: int, last: int, base: Array) -> None:
    """Copy the baselines of rows `first` to `last` to the lanes."""
    m, lanes = base.shape
    for lane in range(lanes):
        row = min(first + lane, last)
        for k in range(m):
            base[k, lane] = b[row, k]


@inline
def _unit_steps(re: Array, im: Array, base: Array, unit: Array) -> None:
    """Trial step of each lane as slope [rad/m]; NaN without a range of baselines with data."""
    m, lanes = re.shape
    for lane in range(lanes):
        low, high = np.inf, -np.inf
        for k in range(m):
            if re[k, lane] != 0 or im[k, lane] != 0:
                low = min(low, base[k, lane])
                high = max(high, base[k, lane])
        unit[lane] = math.pi / 4 / (high - low) if high > low else np.nan


@inline
def _turns(slope: Array, base: Array, cos: Array, sin: Array) -> None:
    """Cosines and sines of the phase of each lane's slope."""
    m, lanes = base.shape
    for k in range(m):
        length, c, s = base[k], cos[k], sin[k]
        for lane in range(lanes):
            c[lane], s[lane] = cos_sin(slope[lane] * length[lane] * CYCLES)


@inline
def _table(b: Array, steps: int) -> tuple[float, Array, Array]:
    """Trial step [rad/m] of shared baselines; cosines, sines (steps + 1, m) of its multiples."""
    low, high = np.inf, -np.inf
    for k in range(b.size):
        low, high = min(low, b[k]), max(high, b[k])
    step = math.pi / 4 / (high - low) if high > low else np.nan
    cos, sin = np.empty((steps + 1, b.size)), np.empty((steps + 1, b.size))
    for t in range(steps + 1):
        for k in range(b.size):
            cos[t, k] = math.cos(step * b[k] * t)
            sin[t, k] = math.sin(step * b[k] * t)
    return step, cos, sin


@inline
def _search(
    re: Array, im: Array, step: Array, power: Array, steps: int, sums: Array, best: Array
) -> None:
    """Find the first most coherent trial of each lane.

    `step` holds cosine and sine of one trial step, `power` is room for those of trial t.
    """
    m, lanes = re.shape
    step_cos, step_sin = step[0].reshape(m * lanes), step[1].reshape(m * lanes)
    all_cos, all_sin = power[0].reshape(m * lanes), power[1].reshape(m * lanes)
    all_cos[:] = 1
    all_sin[:] = 0
    _start(re, im, sums, best)
    for t in range(1, steps + 1):
        for i in range(m * lanes):
            c = all_cos[i] * step_cos[i] - all_sin[i] * step_sin[i]
            s = all_cos[i] * step_sin[i] + all_sin[i] * step_cos[i]
            all_cos[i] = c
            all_sin[i] = s
        rc, js, jc, rs = sums[0], sums[1], sums[2], sums[3]
        sums[:4] = 0
        for k in range(m):
            x, y, cos, sin = re[k], im[k], power[0, k], power[1, k]
            for lane in range(lanes):
                rc[lane] += x[lane] * cos[lane]
                js[lane] += y[lane] * sin[lane]
                jc[lane] += y[lane] * cos[lane]
                rs[lane] += x[lane] * sin[lane]
        _compare(t, sums, best)
    _decide(sums, best)


@inline
def _search_table(
    re: Array, im: Array, cos: Array, sin: Array, steps: int, sums: Array, best: Array
) -> None:
    """Find the first most coherent trial of each lane by a table of cosines and sines."""
    m, lanes = re.shape
    _start(re, im, sums, best)
    for t in range(1, steps + 1):
        rc, js, jc, rs = sums[0], sums[1], sums[2], sums[3]
        sums[:4] = 0
        for k in range(m):
            x, y, c, s = re[k], im[k], cos[t, k], sin[t, k]
            for lane in range(lanes):
                rc[lane] += x[lane] * c
                js[lane] += y[lane] * s
                jc[lane] += y[lane] * c
                rs[lane] += x[lane] * s
        _compare(t, sums, best)
    _decide(sums, best)


@inline
def _start(re: Array, im: Array, sums: Array, best: Array) -> None:
    """Set the power of trial 0 in ``sums[4]``, and of no trial on either side in 5 and 6."""
    m, lanes = re.shape
    sums[:4] = 0
    for k in range(m):
        for lane in range(lanes):
            sums[0, lane] += re[k, lane]
            sums[1, lane] += im[k, lane]
    for lane in range(lanes):
        sums[4, lane] = sums[0, lane] ** 2 + sums[1, lane] ** 2
    sums[5:] = -1
    best[:] = 0


@inline
def _compare(t: int, sums: Array, best: Array) -> None:
    """Keep trials -t and t where they are the most coherent of their side so far."""
    for lane in range(sums.shape[1]):
        minus = (sums[0, lane] - sums[1, lane]) ** 2 + (sums[2, lane] + sums[3, lane]) ** 2
        plus = (sums[0, lane] + sums[1, lane]) ** 2 + (sums[2, lane] - sums[3, lane]) ** 2
        if minus >= sums[5, lane]:
            sums[5, lane] = minus
            best[0, lane] = -t
        if plus > sums[6, lane]:
            sums[6, lane] = plus
            best[1, lane] = t


@inline
def _decide(sums: Array, best: Array) -> None:
    """Choose among the negative side, trial 0 and the positive side; the lowest of equals."""
    for lane in range(sums.shape[1]):
        negative, zero, positive = sums[5, lane], sums[4, lane], sums[6, lane]
        if negative >= zero and negative >= positive:
            continue
        best[0, lane] = 0 if zero >= positive else best[1, lane]


@inline
def _refine(
    re: Array,
    im: Array,
    base: Array,
    unit: Array,
    best: Array,
    residual: Array,
    sums: Array,
    fit: Array,
) -> None:
    """Refine the chosen trial; `fit` receives slope, offset and coherence of each lane.

    `residual` (2, m, lanes) receives real and imaginary parts of what remains of the phasors.
    """
    m, lanes = re.shape
    slope, off_re, off_im = fit[0], fit[1], fit[2]
    moment, norm, length = sums[0], sums[1], sums[2]
    for lane in range(lanes):
        slope[lane] = unit[lane] * best[0, lane]
    _turn(re, im, base, fit, residual)
    sums[:3] = 0
    for k in range(m):
        x, y, b, p, q = re[k], im[k], base[k], residual[0, k], residual[1, k]
        for lane in range(lanes):
            deviation = cycles(
                q[lane] * off_re[lane] - p[lane] * off_im[lane],
                p[lane] * off_re[lane] + q[lane] * off_im[lane],
            )
            weighted = (x[lane] * x[lane] + y[lane] * y[lane]) * b[lane]
            moment[lane] += weighted * deviation
            norm[lane] += weighted * b[lane]
    for lane in range(lanes):
        slope[lane] += moment[lane] / CYCLES / norm[lane] if norm[lane] != 0 else np.nan
    _turn(re, im, base, fit, residual)
    for k in range(m):
        p, q = residual[0, k], residual[1, k]
        for lane in range(lanes):
            length[lane] += math.sqrt(p[lane] * p[lane] + q[lane] * q[lane])
    for lane in range(lanes):
        total_re, total_im = off_re[lane], off_im[lane]
        fit[1, lane] = math.atan2(total_im, total_re)
        total = math.sqrt(total_re * total_re + total_im * total_im)
        fit[2, lane] = total / length[lane] if length[lane] != 0 else np.nan


@inline
def _turn(re: Array, im: Array, base: Array, fit: Array, residual: Array) -> None:
    """Take the slopes in ``fit[0]`` off the phasors; their sums go to ``fit[1]``, ``fit[2]``."""
    m, lanes = re.shape
    total_re, total_im = fit[1], fit[2]
    _turns(fit[0], base, residual[0], residual[1])
    fit[1:] = 0
    for k in range(m):
        x, y, p, q = re[k], im[k], residual[0, k], residual[1, k]
        for lane in range(lanes):
            turned_re = x[lane] * p[lane] + y[lane] * q[lane]
            turned_im = y[lane] * p[lane] - x[lane] * q[lane]
            p[lane] = turned_re
            q[lane] = turned_im
            total_re[lane] += turned_re
            total_im[lane] += turned_im


@inline
def _store(
    first: int,
    last: int,
    fit: Array,
    remains: Array,
    slope: Array,
    offset: Array,
    coherence: Array,
    residual: Array,
) -> None:
    """Copy the lanes' results to rows `first` to `last`."""
    for lane in range(last + 1 - first):
        row = first + lane
        slope[row] = fit[0, lane]
        offset[row] = fit[1, lane]
        coherence[row] = fit[2, lane]
        known = not math.isnan(fit[0, lane])
        for k in range(residual.shape[1]):
            residual[row, k] = complex(remains[0, k, lane], remains[1, k, lane]) if known else 0


@kernel
def fit_rows(z: Array, b: Array, steps: int) -> Fit:
    """Fit every row with its own baselines."""
    n, m = z.shape
    slope, offset, coherence = np.empty(n), np.empty(n), np.empty(n)
    residual = np.empty((n, m), np.complex64)
    for block in prange((n + BLOCK - 1) // BLOCK):
        stop = min(n, (block + 1) * BLOCK)
        lanes = min(LANES, n)
        re, im, base = np.empty((m, lanes)), np.empty((m, lanes)), np.empty((m, lanes))
        step, power = np.empty((2, m, lanes)), np.empty((2, m, lanes))
        unit, fit, sums = np.empty(lanes), np.empty((3, lanes)), np.empty((7, lanes))
        best = np.empty((2, lanes), np.int64)
        for first in range(block * BLOCK, stop, lanes):
            last = min(first + lanes, stop) - 1
            _load(z, first, last, re, im)
            _load_baselines(b, first, last, base)
            _unit_steps(re, im, base, unit)
            _turns(unit, base, step[0], step[1])
            _search(re, im, step, power, steps, sums, best)
            _refine(re, im, base, unit, best, power, sums, fit)
            _store(first, last, fit, power, slope, offset, coherence, residual)
    return slope, offset, coherence, residual


@kernel
def fit_shared(z: Array, b: Array, steps: int, n_residual: int) -> Fit:
    """Fit every row with the baselines that all share; residual of `n_residual` interferograms."""
    n, m = z.shape
    step, cos, sin = _table(b, steps)
    slope, offset, coherence = np.empty(n), np.empty(n), np.empty(n)
    residual = np.empty((n, n_residual), np.complex64)
    for block in prange((n + BLOCK - 1) // BLOCK):
        stop = min(n, (block + 1) * BLOCK)
        lanes = min(LANES, n)
        re, im, base = np.empty((m, lanes)), np.empty((m, lanes)), np.empty((m, lanes))
        remains = np.empty((2, m, lanes))
        unit, fit, sums = np.full(lanes, step), np.empty((3, lanes)), np.empty((7, lanes))
        best = np.empty((2, lanes), np.int64)
        for k in range(m):
            base[k] = b[k]
        for first in range(block * BLOCK, stop, lanes):
            last = min(first + lanes, stop) - 1
            _load(z, first, last, re, im)
            _search_table(re, im, cos, sin, steps, sums, best)
            _refine(re, im, base, unit, best, remains, sums, fit)
            _store(first, last, fit, remains, slope, offset, coherence, residual)
    return slope, offset, coherence, residual
