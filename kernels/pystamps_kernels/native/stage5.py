"""Stage 5, compiled: corrected phase, unit phase, noise of interferograms; all in single."""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .compile import inline, kernel

Array = NDArray[Any]
ZERO, ONE = np.float32(0), np.float32(1)


@inline
def _correction(k: float, c: float, bperp: Array, master: int, ifg: int) -> tuple[float, float]:
    """Return cosine and sine of minus the correction of one sample; columns skip the master."""
    baseline = ZERO
    if ifg != master:
        baseline = np.float32(bperp[ifg - (ifg > master)])
    angle = -(np.float32(k) * baseline + np.float32(c))
    return math.cos(angle), math.sin(angle)


@kernel
def phase_correction(ph: Array, k_ps: Array, c_ps: Array, bperp: Array, master: int) -> Array:
    """Native twin of :func:`reference.stage5.phase_correction`."""
    n_ps, n_ifg = ph.shape
    corrected = np.empty((n_ps, n_ifg), np.complex64)
    for p in prange(n_ps):
        for ifg in range(n_ifg):
            cosine, sine = _correction(k_ps[p], c_ps[p], bperp[p], master, ifg)
            re, im = ph[p, ifg].real, ph[p, ifg].imag
            corrected[p, ifg] = complex(re * cosine - im * sine, re * sine + im * cosine)
    return corrected


@kernel
def unit_phase(ph: Array) -> Array:
    """Native twin of :func:`reference.stage5.unit_phase`."""
    n_ps, n_ifg = ph.shape
    unit = np.empty_like(ph)
    for p in prange(n_ps):
        for ifg in range(n_ifg):
            re, im = ph[p, ifg].real, ph[p, ifg].imag
            modulus = math.hypot(re, im)
            if modulus > ZERO:
                re, im = re / modulus, im / modulus
            unit[p, ifg] = complex(re, im)
    return unit


@kernel
def ifg_noise(
    ph: Array, ph_patch: Array, k_ps: Array, c_ps: Array, bperp: Array, master: int
) -> Array:
    """Native twin of :func:`reference.stage5.ifg_noise`."""
    n_ps, n_ifg = ph.shape
    noise = np.empty((n_ps, n_ifg), np.float32)
    for p in prange(n_ps):
        for ifg in range(n_ifg):
            cosine, sine = _correction(k_ps[p], c_ps[p], bperp[p], master, ifg)
            re, im = ph[p, ifg].real, ph[p, ifg].imag
            if ifg != master:
                filtered = np.conj(ph_patch[p, ifg - (ifg > master)])
                re, im = (
                    re * filtered.real - im * filtered.imag,
                    re * filtered.imag + im * filtered.real,
                )
            single_re, single_im = np.float32(re), np.float32(im)
            noise[p, ifg] = math.atan2(
                single_re * sine + single_im * cosine, single_re * cosine - single_im * sine
            )
    return noise


@kernel
def wrapped_residual(residual: Array, offset: Array) -> Array:
    """Native twin of :func:`reference.stage5.wrapped_residual`."""
    n_ps, n_pm = residual.shape
    wrapped = np.empty((n_ps, n_pm), np.float32)
    for p in prange(n_ps):
        for ifg in range(n_pm):
            phase = residual[p, ifg] - offset[p]
            wrapped[p, ifg] = math.atan2(math.sin(phase), math.cos(phase))
    return wrapped


@kernel
def point_noise(noise: Array) -> tuple[Array, Array]:
    """Native twin of :func:`reference.stage5.point_noise`."""
    n_ps, n_col = noise.shape
    variance, coherence = np.empty(n_ps, np.float32), np.empty(n_ps, np.float32)
    for p in prange(n_ps):
        mean, re, im = ZERO, ZERO, ZERO
        for k in range(n_col):
            mean += noise[p, k]
            re += math.cos(noise[p, k])
            im += math.sin(noise[p, k])
        mean /= np.float32(n_col)
        squares = ZERO
        for k in range(n_col):
            squares += (noise[p, k] - mean) * (noise[p, k] - mean)
        variance[p] = squares / np.float32(n_col - 1)
        coherence[p] = math.hypot(re, im) / np.float32(n_col)
    return variance, coherence


@kernel
def cell_sums(values: Array, weight: Array, start: Array) -> Array:
    """Native twin of :func:`reference.stage5.cell_sums`."""
    sums = np.zeros((len(start) - 1, values.shape[1]), values.dtype)
    for cell in prange(len(sums)):
        for p in range(start[cell], start[cell + 1]):
            for k in range(values.shape[1]):
                sums[cell, k] += weight[p] * values[p, k]
    return sums
