"""Native twins of :mod:`pystamps_kernels.reference.topofit`, double form.

Eight rows at a time run side by side. Trials t and -t share their cosines and sines, so each
product serves two trials; the cosines come from a recurrence or, with shared baselines, from a
table. Sums run over interferograms in ascending order.
"""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ..reference.topofit import trial_steps
from .compile import inline, kernel

Array = NDArray[Any]
Fit = tuple[Array, Array, Array, Array]

LANES = 8
BLOCK = 256


def topofit(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Native twin of :func:`reference.topofit.topofit`."""
    fit = _fit_rows(cpxphase, bperp, trial_steps(n_trial_wraps))
    return _rounded(fit, cpxphase, bperp)


def topofit_row_invariant(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Native twin of :func:`reference.topofit.topofit_row_invariant`."""
    fit = _rounded(_fit_shared(cpxphase, bperp, trial_steps(n_trial_wraps)), cpxphase, bperp)
    holes = np.flatnonzero((cpxphase == 0).any(axis=1))
    if holes.size:
        own = np.broadcast_to(bperp, (holes.size, bperp.size)).copy()
        for whole, part in zip(fit, topofit(cpxphase[holes], own, n_trial_wraps), strict=True):
            whole[holes] = part
    return fit


def topofit_coh_row_invariant(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """Native twin of :func:`reference.topofit.topofit_coh_row_invariant`."""
    return _coherence_shared(cpxphase, bperp, trial_steps(n_trial_wraps)).astype(bperp.dtype)


def _rounded(fit: Fit, cpxphase: Array, bperp: Array) -> Fit:
    slope, offset, coherence, residual = fit
    if bperp.dtype == np.float32:
        slope = slope.astype(np.float32).astype(np.float64)
    if bperp.dtype == np.float32 or cpxphase.dtype == np.complex64:
        offset = offset.astype(np.float32).astype(np.float64)
        coherence = coherence.astype(np.float32).astype(np.float64)
    return slope, offset, coherence, residual


@inline
def _load(z: Array, first: int, last: int, re: Array, im: Array) -> None:
    """Copy rows `first` to `last` to the lanes; unused lanes repeat the last row."""
    for lane in range(LANES):
        row = min(first + lane, last)
        for k in range(z.shape[1]):
            re[k, lane] = z[row, k].real
            im[k, lane] = z[row, k].imag


@inline
def _load_baselines(b: Array, first: int, last: int, base: Array) -> None:
    """Copy the baselines of rows `first` to `last` to the lanes."""
    for lane in range(LANES):
        row = min(first + lane, last)
        for k in range(b.shape[1]):
            base[k, lane] = b[row, k]


@inline
def _table(b: Array, steps: int) -> tuple[float, Array, Array]:
    """Trial step [rad/m] of shared baselines; cosines, sines (steps + 1, m) of its multiples."""
    low, high = np.inf, -np.inf
    for k in range(b.size):
        low, high = min(low, b[k]), max(high, b[k])
    step = math.pi / 4 / (high - low) if high > low else np.nan
    cos, sin = np.empty((2, steps + 1, b.size))
    for t in range(steps + 1):
        for k in range(b.size):
            cos[t, k] = math.cos(step * b[k] * t)
            sin[t, k] = math.sin(step * b[k] * t)
    return step, cos, sin


@inline
def _unit_steps(re: Array, im: Array, base: Array, unit: Array) -> None:
    """Trial step of each lane as slope [rad/m]; NaN without a range of baselines with data."""
    for lane in range(LANES):
        low, high = np.inf, -np.inf
        for k in range(base.shape[0]):
            if re[k, lane] != 0 or im[k, lane] != 0:
                low = min(low, base[k, lane])
                high = max(high, base[k, lane])
        unit[lane] = math.pi / 4 / (high - low) if high > low else np.nan


@inline
def _search(
    re: Array, im: Array, cos: Array, sin: Array, steps: int, best: Array, sums: Array
) -> None:
    """Find the first most coherent trial of each lane; `cos`, `sin` hold one step's phase.

    Powers of the step are advanced in place of ``cos[1]``, ``sin[1]``.
    """
    m = re.shape[0]
    _start(re, im, sums, best)
    for t in range(1, steps + 1):
        sums[:4] = 0
        for k in range(m):
            for lane in range(LANES):
                c = cos[1, k, lane] * cos[0, k, lane] - sin[1, k, lane] * sin[0, k, lane]
                s = cos[1, k, lane] * sin[0, k, lane] + sin[1, k, lane] * cos[0, k, lane]
                cos[1, k, lane] = c
                sin[1, k, lane] = s
                sums[0, lane] += re[k, lane] * c
                sums[1, lane] += im[k, lane] * s
                sums[2, lane] += im[k, lane] * c
                sums[3, lane] += re[k, lane] * s
        _compare(t, sums, best)
    _decide(sums, best)


@inline
def _search_table(
    re: Array, im: Array, cos: Array, sin: Array, steps: int, best: Array, sums: Array
) -> None:
    """As :func:`_search`, with a table (steps + 1, m) of cosines and sines for all lanes."""
    m = re.shape[0]
    _start(re, im, sums, best)
    for t in range(1, steps + 1):
        sums[:4] = 0
        for k in range(m):
            c, s = cos[t, k], sin[t, k]
            for lane in range(LANES):
                sums[0, lane] += re[k, lane] * c
                sums[1, lane] += im[k, lane] * s
                sums[2, lane] += im[k, lane] * c
                sums[3, lane] += re[k, lane] * s
        _compare(t, sums, best)
    _decide(sums, best)


@inline
def _start(re: Array, im: Array, sums: Array, best: Array) -> None:
    """Set the power of trial 0, and of no trial on either side."""
    sums[:] = 0
    for k in range(re.shape[0]):
        for lane in range(LANES):
            sums[0, lane] += re[k, lane]
            sums[1, lane] += im[k, lane]
    for lane in range(LANES):
        sums[4, lane] = sums[0, lane] ** 2 + sums[1, lane] ** 2
        sums[5, lane] = -1.0
        sums[6, lane] = -1.0
    best[:] = 0


@inline
def _compare(t: int, sums: Array, best: Array) -> None:
    """Keep trials -t and t where they are the most coherent of their side so far."""
    for lane in range(LANES):
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
    for lane in range(LANES):
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
    res_re: Array,
    res_im: Array,
    fit: Array,
) -> None:
    """Refine the chosen trial; `fit` receives slope, offset and coherence of each lane."""
    m = re.shape[0]
    for lane in range(LANES):
        fit[0, lane] = unit[lane] * best[0, lane]
    _turn(re, im, base, fit, res_re, res_im)
    for lane in range(LANES):
        moment, norm = 0.0, 0.0
        for k in range(m):
            off_re, off_im = fit[1, lane], fit[2, lane]
            deviation = math.atan2(
                res_im[k, lane] * off_re - res_re[k, lane] * off_im,
                res_re[k, lane] * off_re + res_im[k, lane] * off_im,
            )
            power = re[k, lane] ** 2 + im[k, lane] ** 2
            moment += power * base[k, lane] * deviation
            norm += power * base[k, lane] ** 2
        fit[0, lane] += moment / norm
    _turn(re, im, base, fit, res_re, res_im)
    for lane in range(LANES):
        length = 0.0
        for k in range(m):
            length += math.sqrt(res_re[k, lane] ** 2 + res_im[k, lane] ** 2)
        total_re, total_im = fit[1, lane], fit[2, lane]
        fit[1, lane] = math.atan2(total_im, total_re)
        fit[2, lane] = math.sqrt(total_re**2 + total_im**2) / length


@inline
def _turn(re: Array, im: Array, base: Array, fit: Array, res_re: Array, res_im: Array) -> None:
    """Take the slopes in ``fit[0]`` off the phasors; their sums go to ``fit[1]``, ``fit[2]``."""
    fit[1:] = 0
    for k in range(re.shape[0]):
        for lane in range(LANES):
            phase = fit[0, lane] * base[k, lane]
            c, s = math.cos(phase), math.sin(phase)
            turned_re = re[k, lane] * c + im[k, lane] * s
            turned_im = im[k, lane] * c - re[k, lane] * s
            res_re[k, lane] = turned_re
            res_im[k, lane] = turned_im
            fit[1, lane] += turned_re
            fit[2, lane] += turned_im


@inline
def _store(
    first: int,
    last: int,
    fit: Array,
    res_re: Array,
    res_im: Array,
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
        for k in range(res_re.shape[0]):
            residual[row, k] = complex(res_re[k, lane], res_im[k, lane]) if known else 0


@kernel
def _fit_rows(z: Array, b: Array, steps: int) -> Fit:
    n, m = z.shape
    slope, offset, coherence = np.empty(n), np.empty(n), np.empty(n)
    residual = np.empty((n, m), np.complex64)
    for block in prange((n + BLOCK - 1) // BLOCK):
        stop = min(n, (block + 1) * BLOCK)
        re, im, base = np.empty((3, m, LANES))
        cos, sin = np.empty((2, 2, m, LANES))
        unit, fit, sums = np.empty(LANES), np.empty((3, LANES)), np.empty((7, LANES))
        best = np.empty((2, LANES), np.int64)
        for first in range(block * BLOCK, stop, LANES):
            last = min(first + LANES, stop) - 1
            _load(z, first, last, re, im)
            _load_baselines(b, first, last, base)
            _unit_steps(re, im, base, unit)
            for k in range(m):
                for lane in range(LANES):
                    cos[0, k, lane] = math.cos(unit[lane] * base[k, lane])
                    sin[0, k, lane] = math.sin(unit[lane] * base[k, lane])
            cos[1] = 1
            sin[1] = 0
            _search(re, im, cos, sin, steps, best, sums)
            _refine(re, im, base, unit, best, cos[0], sin[0], fit)
            _store(first, last, fit, cos[0], sin[0], slope, offset, coherence, residual)
    return slope, offset, coherence, residual


@kernel
def _fit_shared(z: Array, b: Array, steps: int) -> Fit:
    n, m = z.shape
    step, cos, sin = _table(b, steps)
    slope, offset, coherence = np.empty(n), np.empty(n), np.empty(n)
    residual = np.empty((n, m), np.complex64)
    for block in prange((n + BLOCK - 1) // BLOCK):
        stop = min(n, (block + 1) * BLOCK)
        re, im, base, res_re, res_im = np.empty((5, m, LANES))
        unit, fit, sums = np.full(LANES, step), np.empty((3, LANES)), np.empty((7, LANES))
        best = np.empty((2, LANES), np.int64)
        for k in range(m):
            base[k] = b[k]
        for first in range(block * BLOCK, stop, LANES):
            last = min(first + LANES, stop) - 1
            _load(z, first, last, re, im)
            _search_table(re, im, cos, sin, steps, best, sums)
            _refine(re, im, base, unit, best, res_re, res_im, fit)
            _store(first, last, fit, res_re, res_im, slope, offset, coherence, residual)
    return slope, offset, coherence, residual


@kernel
def _coherence_shared(z: Array, b: Array, steps: int) -> Array:
    n, m = z.shape
    step, cos, sin = _table(b, steps)
    coherence = np.empty(n)
    for block in prange((n + BLOCK - 1) // BLOCK):
        stop = min(n, (block + 1) * BLOCK)
        re, im, base, res_re, res_im = np.empty((5, m, LANES))
        unit, fit, sums = np.full(LANES, step), np.empty((3, LANES)), np.empty((7, LANES))
        best = np.empty((2, LANES), np.int64)
        for k in range(m):
            base[k] = b[k]
        for first in range(block * BLOCK, stop, LANES):
            last = min(first + LANES, stop) - 1
            _load(z, first, last, re, im)
            _search_table(re, im, cos, sin, steps, best, sums)
            _refine(re, im, base, unit, best, res_re, res_im, fit)
            for lane in range(last + 1 - first):
                coherence[first + lane] = fit[2, lane]
    return coherence
