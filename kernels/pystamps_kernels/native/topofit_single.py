"""The loops of :mod:`.topofit` in the mixed single precision of the reference.

Every operation is rounded as in the reference: cosine, sine and angle of single values are the C
library's single functions, sums run over interferograms in ascending order in their own class, and
no product is fused. Trials t and -t share their cosines, sines and products, exactly.
"""

import math
from typing import Any

import numpy as np
from numba import float64, prange
from numpy.typing import NDArray

from .compile import inline, kernel
from .phasors import length

Array = NDArray[Any]
Fit = tuple[Array, Array, Array, Array]

BLOCK = 256
LANES = 32


@inline
def _spread(z: Array, b: Array) -> Any:
    """Range of the baselines with data, of their class; 0 without data."""
    low, high, found = b[0], b[0], False
    for k in range(z.size):
        if z[k] != 0:
            low = min(low, b[k]) if found else b[k]
            high = max(high, b[k]) if found else b[k]
            found = True
    return high - low


@inline
def _search(
    z: Array,
    b: Array,
    spread: Any,
    trials: Array,
    pi: Any,
    four: Any,
    cos: Array,
    sin: Array,
    sums: Array,
) -> int:
    """Return the first most coherent trial of one row."""
    steps = trials.size - 1
    sums[:] = 0
    magnitude = np.float32(0)
    for k in range(z.size):
        re, im = np.float32(z[k].real), np.float32(z[k].imag)
        magnitude += length(z[k].real, z[k].imag)
        unit = b[k] / spread * pi / four
        for t in range(1, steps + 1):
            cos[t] = np.float32(math.cos(unit * trials[t]))
            sin[t] = np.float32(math.sin(unit * trials[t]))
        cos[0] = 1
        sin[0] = 0
        for t in range(steps + 1):
            rc, rs, ic, js = re * cos[t], re * sin[t], im * cos[t], im * sin[t]
            sums[0, t] += rc - js
            sums[1, t] += rs + ic
            sums[2, t] += rc + js
            sums[3, t] += ic - rs
    best, largest = 0, np.float32(-1)
    for t in range(steps, 0, -1):
        coherence = length(sums[0, t], sums[1, t]) / magnitude
        if coherence > largest:
            best, largest = -t, coherence
    for t in range(steps + 1):
        coherence = length(sums[2, t], sums[3, t]) / magnitude
        if coherence > largest:
            best, largest = t, coherence
    return best


@inline
def _turn(z: Array, b: Array, slope: Any, res_re: Array, res_im: Array) -> tuple[Any, Any]:
    """Take a slope off one row; return the sum of what remains."""
    total_re, total_im = np.float32(0), np.float32(0)
    for k in range(z.size):
        re, im = np.float32(z[k].real), np.float32(z[k].imag)
        phase = slope * b[k]
        cos, sin = np.float32(math.cos(phase)), np.float32(math.sin(phase))
        res_re[k] = re * cos + im * sin
        res_im[k] = im * cos - re * sin
        total_re += res_re[k]
        total_im += res_im[k]
    return total_re, total_im


@inline
def _refine(z: Array, b: Array, coarse: Any, res_re: Array, res_im: Array) -> tuple[Any, Any, Any]:
    """Refine the slope of one row; return slope, offset and coherence."""
    off_re, off_im = _turn(z, b, coarse, res_re, res_im)
    moment, norm = 0.0, 0.0
    for k in range(z.size):
        deviation = math.atan2(
            res_im[k] * off_re - res_re[k] * off_im, res_re[k] * off_re + res_im[k] * off_im
        )
        magnitude = length(z[k].real, z[k].imag)
        weighted = float64(magnitude * np.float32(b[k]))
        moment += weighted * float64(magnitude * deviation)
        norm += weighted * weighted
    slope = coarse + b.dtype.type(moment / norm)
    total_re, total_im = _turn(z, b, slope, res_re, res_im)
    lengths = np.float32(0)
    for k in range(z.size):
        lengths += length(res_re[k], res_im[k])
    return slope, math.atan2(total_im, total_re), length(total_re, total_im) / lengths


@kernel
def fit_rows(z: Array, b: Array, trials: Array, pi: Any, four: Any, quarter_pi: Any) -> Fit:
    """Fit every row with its own baselines."""
    n, m = z.shape
    slope, offset, coherence = np.empty(n), np.empty(n), np.empty(n)
    residual = np.zeros((n, m), np.complex64)
    for block in prange((n + BLOCK - 1) // BLOCK):
        cos, sin = np.empty(trials.size, np.float32), np.empty(trials.size, np.float32)
        sums = np.empty((4, trials.size), np.float32)
        res_re, res_im = np.empty(m, np.float32), np.empty(m, np.float32)
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            spread = _spread(z[i], b[i])
            if not spread > 0:
                slope[i] = offset[i] = coherence[i] = np.nan
                continue
            best = _search(z[i], b[i], spread, trials, pi, four, cos, sin, sums)
            coarse = quarter_pi / spread * b.dtype.type(best)
            slope[i], offset[i], coherence[i] = _refine(z[i], b[i], coarse, res_re, res_im)
            for k in range(m):
                residual[i, k] = complex(res_re[k], res_im[k])
    return slope, offset, coherence, residual


@inline
def _table(b: Array, spread: Any, trials: Array, pi: Any, four: Any) -> tuple[Array, Array]:
    """Cosines and sines (n_trials, m) single of every trial from 0 at shared baselines."""
    shape = (trials.size, b.size)
    cos, sin = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for t in range(trials.size):
        for k in range(b.size):
            unit = b[k] / spread * pi / four if spread > 0 else spread
            cos[t, k] = np.float32(math.cos(unit * trials[t]))
            sin[t, k] = np.float32(math.sin(unit * trials[t]))
    return cos, sin


@inline
def _search_lanes(
    z: Array,
    first: int,
    last: int,
    cos: Array,
    sin: Array,
    phasor: Array,
    sums: Array,
    best: Array,
) -> None:
    """Find the first most coherent trial of rows `first` to `last`, side by side."""
    m, lanes = z.shape[1], sums.shape[1]
    magnitude, largest_minus, largest_plus = sums[4], sums[5], sums[6]
    magnitude[:] = 0
    for lane in range(lanes):
        row = min(first + lane, last)
        for k in range(m):
            phasor[0, k, lane] = np.float32(z[row, k].real)
            phasor[1, k, lane] = np.float32(z[row, k].imag)
            magnitude[lane] += length(z[row, k].real, z[row, k].imag)
    best[:] = 0
    largest_minus[:] = -1
    largest_plus[:] = -1
    for t in range(cos.shape[0]):
        minus_re, minus_im, plus_re, plus_im = sums[0], sums[1], sums[2], sums[3]
        sums[:4] = 0
        for k in range(m):
            c, s, x, y = cos[t, k], sin[t, k], phasor[0, k], phasor[1, k]
            for lane in range(lanes):
                rc, rs, ic, js = x[lane] * c, x[lane] * s, y[lane] * c, y[lane] * s
                minus_re[lane] += rc - js
                minus_im[lane] += rs + ic
                plus_re[lane] += rc + js
                plus_im[lane] += ic - rs
        for lane in range(lanes):
            scale = magnitude[lane] if magnitude[lane] > 0 else np.float32(1)
            minus = length(sums[0, lane], sums[1, lane]) / scale
            plus = length(sums[2, lane], sums[3, lane]) / scale
            if minus >= largest_minus[lane]:
                largest_minus[lane] = minus
                best[0, lane] = -t
            if plus > largest_plus[lane]:
                largest_plus[lane] = plus
                best[1, lane] = t
    for lane in range(lanes):
        if largest_plus[lane] > largest_minus[lane]:
            best[0, lane] = best[1, lane]


@kernel
def fit_shared(
    z: Array, b: Array, n_residual: int, trials: Array, pi: Any, four: Any, quarter_pi: Any
) -> Fit:
    """Fit every row with the baselines that all share; residual of `n_residual` interferograms."""
    n, m = z.shape
    slope, offset, coherence = np.empty(n), np.empty(n), np.empty(n)
    residual = np.zeros((n, n_residual), np.complex64)
    shared = np.max(b) - np.min(b)
    cos, sin = _table(b, shared, trials, pi, four)
    for block in prange((n + BLOCK - 1) // BLOCK):
        stop = min(n, (block + 1) * BLOCK)
        lanes = min(LANES, n)
        phasor = np.empty((2, m, lanes), np.float32)
        sums, best = np.empty((7, lanes), np.float32), np.empty((2, lanes), np.int64)
        own_cos, own_sin = np.empty(trials.size, np.float32), np.empty(trials.size, np.float32)
        own_sums = np.empty((4, trials.size), np.float32)
        res_re, res_im = np.empty(m, np.float32), np.empty(m, np.float32)
        for first in range(block * BLOCK, stop, lanes):
            last = min(first + lanes, stop) - 1
            _search_lanes(z, first, last, cos, sin, phasor, sums, best)
            for i in range(first, last + 1):
                spread = _spread(z[i], b)
                if not spread > 0:
                    slope[i] = offset[i] = coherence[i] = np.nan
                    continue
                trial = best[0, i - first]
                if _has_hole(z[i]):
                    trial = _search(z[i], b, spread, trials, pi, four, own_cos, own_sin, own_sums)
                coarse = quarter_pi / spread * b.dtype.type(trial)
                slope[i], offset[i], coherence[i] = _refine(z[i], b, coarse, res_re, res_im)
                for k in range(n_residual):
                    residual[i, k] = complex(res_re[k], res_im[k])
    return slope, offset, coherence, residual


@inline
def _has_hole(z: Array) -> bool:
    hole = False
    for k in range(z.size):
        hole |= z[k] == 0
    return hole
