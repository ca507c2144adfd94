"""Arcs between neighbours, threaded over arcs."""

import math
from typing import Any

import numpy as np
from numba import float64, prange

from ..reference.arcs import (
    CLEAR_LEAD,
    LEAST_COHERENCE,
    NOISE_SHARE,
    check_nodes,
    trial_step,
    trial_table,
)
from .angle import radians
from .compile import inline, kernel
from .phasors import ROWS, times, turn_back, unit

PI = np.float32(math.pi)
CYCLE = np.float32(2 * math.pi)
LEAD = np.float32(CLEAR_LEAD)
NAN = np.float32(np.nan)

# Arcs per scratch array of the look-angle search, and side by side in the smoothing.
BLOCK = 256
LANES = 64


@kernel
def arc_phasors(phase: Any, low: Any, high: Any) -> Any:
    """Native twin of :func:`reference.arcs.arc_phasors`."""
    n, m = low.size, phase.shape[1]
    phasors = np.empty((n, m), np.complex64)
    for e in prange(n):
        for k in range(m):
            start = phase[low[e], k]
            real, imag = times(phase[high[e], k], start.real, -start.imag)
            phasors[e, k] = unit(real, imag, NAN)
    return phasors


@kernel
def phase_steps(phasors: Any) -> Any:
    """Native twin of :func:`reference.arcs.phase_steps`."""
    n, m = phasors.shape
    steps = np.empty((n, m - 1), np.complex64)
    for e in prange(n):
        for k in range(m - 1):
            before = phasors[e, k]
            real, imag = times(phasors[e, k + 1], before.real, -before.imag)
            steps[e, k] = unit(real, imag, NAN)
    return steps


def look_angle(phasors: Any, baseline: Any, n_trial: int) -> Any:
    """Native twin of :func:`reference.arcs.look_angle`."""
    cosine, sine = trial_table(baseline, n_trial)
    return _look_angle(phasors, baseline, trial_step(baseline), cosine, sine)


@kernel
def _look_angle(phasors: Any, baseline: Any, step: Any, cosine: Any, sine: Any) -> Any:
    n, n_side = phasors.shape[0], cosine.shape[1]
    slope = np.empty(n, np.float32)
    for block in prange((n + BLOCK - 1) // BLOCK):
        sums = np.empty((4, n_side))
        coherence = np.empty(2 * n_side - 1, np.float32)
        for e in range(block * BLOCK, min((block + 1) * BLOCK, n)):
            _coherences(phasors[e], cosine, sine, sums, coherence)
            trial = _best_trial(coherence)
            slope[e] = 0
            if trial >= 0:
                slope[e] = _refined(phasors[e], baseline, step * (trial - (n_side - 1)))
    return slope


@inline
def _modulus(z: Any) -> Any:
    x, y = float64(z.real), float64(z.imag)
    return math.sqrt(x * x + y * y)


@inline
def _coherences(z: Any, cosine: Any, sine: Any, sums: Any, coherence: Any) -> None:
    """Coherence of every trial; one cosine and sine serve both signs of the slope."""
    n_side = cosine.shape[1]
    sums[:] = 0
    total = 0.0
    for i in range(z.size):
        real, imag = float64(z[i].real), float64(z[i].imag)
        total += _modulus(z[i])
        for k in range(n_side):
            sums[0, k] += real * cosine[i, k]
            sums[1, k] += real * sine[i, k]
            sums[2, k] += imag * cosine[i, k]
            sums[3, k] += imag * sine[i, k]
    for k in range(n_side):
        rc, rs, ic, is_ = sums[0, k], sums[1, k], sums[2, k], sums[3, k]
        plus = math.sqrt((rc + is_) * (rc + is_) + (ic - rs) * (ic - rs))
        minus = math.sqrt((rc - is_) * (rc - is_) + (ic + rs) * (ic + rs))
        coherence[n_side - 1 - k] = minus / total
        coherence[n_side - 1 + k] = plus / total


@inline
def _best_trial(coherence: Any) -> Any:
    """Index of the first maximum, -1 unless it leads all other peaks clearly."""
    n = coherence.size
    best = 0
    for k in range(n):
        if np.isnan(coherence[k]):
            return -1
        if coherence[k] > coherence[best]:
            best = k
    left = best
    while left > 0 and not coherence[left] < coherence[left - 1]:
        left -= 1
    right = best
    while right < n - 1 and not coherence[right + 1] > coherence[right]:
        right += 1
    rest = np.float32(0)
    for k in range(n):
        if (k < left or k > right) and coherence[k] > rest:
            rest = coherence[k]
    return best if coherence[best] - rest > LEAD else -1


@inline
def _turned(z: Any, angle: Any) -> Any:
    """Turn z back by an angle; real and imaginary part in double."""
    real, imag = float64(z.real), float64(z.imag)
    cosine, sine = math.cos(angle), math.sin(angle)
    return real * cosine + imag * sine, imag * cosine - real * sine


@inline
def _refined(z: Any, baseline: Any, slope: Any) -> Any:
    sum_real, sum_imag = 0.0, 0.0
    for i in range(z.size):
        real, imag = _turned(z[i], slope * baseline[i])
        sum_real += real
        sum_imag += imag
    upper, lower, total = 0.0, 0.0, 0.0
    for i in range(z.size):
        real, imag = _turned(z[i], slope * baseline[i])
        rest = math.atan2(imag * sum_real - real * sum_imag, real * sum_real + imag * sum_imag)
        weight = _modulus(z[i])
        upper += weight * weight * baseline[i] * rest
        lower += weight * weight * baseline[i] * baseline[i]
        total += weight
    fitted = np.float32(slope + upper / lower)
    sum_real, sum_imag = 0.0, 0.0
    for i in range(z.size):
        real, imag = _turned(z[i], float64(fitted) * baseline[i])
        sum_real += real
        sum_imag += imag
    coherence = math.sqrt(sum_real * sum_real + sum_imag * sum_imag) / total
    return fitted if coherence >= LEAST_COHERENCE else np.float32(0)


@kernel
def star_smooth(phasors: Any, weights: Any, intercepts: Any, first: Any, last: Any) -> Any:
    """Native twin of :func:`reference.arcs.star_smooth`, several arcs side by side."""
    n, m = phasors.shape
    smooth = np.empty((n, m), np.float32)
    for block in prange((n + LANES - 1) // LANES):
        rows = slice(block * LANES, min((block + 1) * LANES, n))
        _smooth_block(phasors[rows], weights, intercepts, smooth[rows])
        for e in range(rows.start, rows.stop):
            centre = (smooth[e, first] + smooth[e, last]) / np.float32(2)
            shift = centre - math.atan2(math.sin(centre), math.cos(centre))
            for k in range(m):
                smooth[e, k] -= shift
    return smooth


@inline
def _smooth_block(phasors: Any, weights: Any, intercepts: Any, smooth: Any) -> None:
    """Smooth phase of a block of arcs; the inner loops run over arcs, each sum over dates."""
    n, m = phasors.shape
    real, imag = phasors.real.T.copy(), phasors.imag.T.copy()
    angles = np.empty((m, n), np.float32)
    for j in range(m):
        for e in range(n):
            angles[j, e] = math.atan2(imag[j, e], real[j, e])
    mean_real, mean_imag, intercept = np.empty(n), np.empty(n), np.empty(n)
    level = np.empty(n, np.float32)
    before = np.ones(n, np.complex64)
    phase = np.zeros(n, np.float32)
    for k in range(m):
        mean_real[:] = 0
        mean_imag[:] = 0
        for j in range(m):
            for e in range(n):
                mean_real[e] += weights[k, j] * real[j, e]
                mean_imag[e] += weights[k, j] * imag[j, e]
        for e in range(n):
            level[e] = math.atan2(np.float32(mean_imag[e]), np.float32(mean_real[e]))
        intercept[:] = 0
        for j in range(m):
            for e in range(n):
                rest = angles[j, e] - level[e] + PI
                rest = rest + CYCLE if rest < 0 else rest
                rest = rest - CYCLE if rest >= CYCLE else rest
                intercept[e] += intercepts[k, j] * (rest - PI)
        for e in range(n):
            mean = np.complex64(complex(mean_real[e], mean_imag[e]))
            turn = np.float32(intercept[e])
            x, y = times(mean, math.cos(turn), math.sin(turn))
            here = np.complex64(complex(x, y))
            x, y = times(here, before[e].real, -before[e].imag)
            phase[e] += math.atan2(y, x)
            smooth[e, k] = phase[e]
            before[e] = here


@kernel
def network_smooth(phasors: Any, operator: Any, design: Any) -> Any:
    """Native twin of :func:`reference.arcs.network_smooth`."""
    n, m = phasors.shape
    angles = np.empty((n, m), np.float32)
    smooth = np.zeros((n, m), np.float32)
    for e in prange(n):
        for j in range(m):
            angles[e, j] = math.atan2(phasors[e, j].imag, phasors[e, j].real)
        for i in range(operator.shape[0]):
            image = 0.0
            for j in range(m):
                image += operator[i, j] * angles[e, j]
            value = np.float32(image)
            for j in range(m):
                smooth[e, j] += value * design[j, i]
    return smooth


@kernel
def arc_noise(phasors: Any, smooth: Any, limit: Any) -> Any:
    """Native twin of :func:`reference.arcs.arc_noise`; angles in double, rounded once."""
    n, m = phasors.shape
    noise = np.empty((n, m), np.float32)
    for block in prange((n + ROWS - 1) // ROWS):
        re, im = np.empty(m, np.float32), np.empty(m, np.float32)
        for e in range(block * ROWS, min(n, (block + 1) * ROWS)):
            turn_back(phasors[e], smooth[e], re, im)
            for k in range(m):
                noise[e, k] = radians(float64(im[k]), float64(re[k]))
            if not _deviation(noise[e]) <= np.float32(limit):
                noise[e] = np.nan
    return noise


@kernel
def arc_noise_single(phasors: Any, smooth: Any, limit: Any) -> Any:
    """Native twin of :func:`reference.arcs.arc_noise`; the C library's functions."""
    n, m = phasors.shape
    noise = np.empty((n, m), np.float32)
    for e in prange(n):
        for k in range(m):
            real, imag = times(phasors[e, k], math.cos(smooth[e, k]), -math.sin(smooth[e, k]))
            noise[e, k] = math.atan2(imag, real)
        if not _deviation(noise[e]) <= np.float32(limit):
            noise[e] = np.nan
    return noise


@kernel
def arc_variance(noise: Any) -> Any:
    """Native twin of :func:`reference.arcs.arc_variance`."""
    variance = np.empty(noise.shape[0], np.float32)
    for e in prange(noise.shape[0]):
        cycles = _deviation(noise[e]) / np.float32(2) / PI
        variance[e] = cycles * cycles
    return variance


@inline
def _deviation(values: Any) -> Any:
    """Take the standard deviation, summed in double in ascending order."""
    total = 0.0
    for k in range(values.size):
        total += float64(values[k])
    mean = total / values.size
    squares = 0.0
    for k in range(values.size):
        rest = float64(values[k]) - mean
        squares += rest * rest
    return np.float32(math.sqrt(squares / (values.size - 1)))


def edge_noise(uw_ph: Any, node_a: Any, node_b: Any) -> Any:
    """Native twin of :func:`reference.arcs.edge_noise`."""
    check_nodes(uw_ph, node_a, node_b)
    return _edge_noise(uw_ph, node_a, node_b)


@kernel
def _edge_noise(uw_ph: Any, node_a: Any, node_b: Any) -> Any:
    n_edge, n_ifg = node_a.shape[0], uw_ph.shape[1]
    arc = np.empty((n_edge, n_ifg), np.float32)
    noise = np.empty((n_edge, n_ifg), np.float32)
    for edge in prange(n_edge):
        total = 0.0
        for ifg in range(n_ifg):
            a = uw_ph[node_a[edge], ifg]
            b = uw_ph[node_b[edge], ifg]
            real = b.real * a.real + b.imag * a.imag
            imaginary = b.imag * a.real - b.real * a.imag
            arc[edge, ifg] = 0.0
            if real != 0.0 or imaginary != 0.0:
                arc[edge, ifg] = math.atan2(imaginary, real)
            total += float64(arc[edge, ifg])
        mean = np.float32(total / n_ifg) if n_ifg else np.float32(0.0)
        for ifg in range(n_ifg):
            noise[edge, ifg] = NOISE_SHARE * (arc[edge, ifg] - mean)
    return arc, noise
