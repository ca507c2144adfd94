"""The look-angle error of points, taken off their phase and put back; threaded over points."""

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .compile import inline, kernel
from .phasors import times, unit

Array = NDArray[Any]
ZERO = np.float32(0)


@kernel
def ph_weight(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """Native twin of :func:`reference.correction.ph_weight`, in the class of `weight`."""
    real = weight.dtype.type
    weighted = np.empty(ph.shape, np.complex64)
    for i in prange(ph.shape[0]):
        for k in range(ph.shape[1]):
            phase = slope[i] * bperp[i, k]
            cos, sin = real(math.cos(phase)), real(math.sin(phase))
            re, im = real(ph[i, k].real), real(ph[i, k].imag)
            weighted[i, k] = complex(
                (re * cos + im * sin) * weight[i], (im * cos - re * sin) * weight[i]
            )
    return weighted


def ph_weight_single(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """Native twin of :func:`reference.correction.ph_weight_single`."""
    return ph_weight(ph, bperp, slope.astype(bperp.dtype), weight.astype(np.float32))


@inline
def _correction(k: float, c: float, bperp: float) -> tuple[float, float]:
    """Return cosine and sine of minus the correction of one sample."""
    angle = -(np.float32(k) * np.float32(bperp) + np.float32(c))
    return math.cos(angle), math.sin(angle)


@kernel
def phase_correction(ph: Array, k_ps: Array, c_ps: Array, bperp: Array) -> Array:
    """Native twin of :func:`reference.correction.phase_correction`."""
    n_ps, n_ifg = ph.shape
    corrected = np.empty((n_ps, n_ifg), np.complex64)
    for p in prange(n_ps):
        for ifg in range(n_ifg):
            cosine, sine = _correction(k_ps[p], c_ps[p], bperp[p, ifg])
            re, im = ph[p, ifg].real, ph[p, ifg].imag
            corrected[p, ifg] = complex(re * cosine - im * sine, re * sine + im * cosine)
    return corrected


@kernel
def ifg_noise(ph: Array, ph_patch: Array, k_ps: Array, c_ps: Array, bperp: Array) -> Array:
    """Native twin of :func:`reference.correction.ifg_noise`."""
    n_ps, n_ifg = ph.shape
    noise = np.empty((n_ps, n_ifg), np.float32)
    for p in prange(n_ps):
        for ifg in range(n_ifg):
            cosine, sine = _correction(k_ps[p], c_ps[p], bperp[p, ifg])
            re, im = ph[p, ifg].real, ph[p, ifg].imag
            filtered = np.conj(ph_patch[p, ifg])
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
    """Native twin of :func:`reference.correction.wrapped_residual`."""
    n_ps, n_pm = residual.shape
    wrapped = np.empty((n_ps, n_pm), np.float32)
    for p in prange(n_ps):
        for ifg in range(n_pm):
            phase = residual[p, ifg] - offset[p]
            wrapped[p, ifg] = math.atan2(math.sin(phase), math.cos(phase))
    return wrapped


@kernel
def wrapped_phase(phase: Array, bperp: Array, slope: Array) -> Array:
    """Native twin of :func:`reference.correction.wrapped_phase`."""
    n, m = phase.shape
    psi = np.empty((n, m), np.complex64)
    for p in prange(n):
        for k in range(m):
            angle = slope[p] * bperp[p, k]
            real, imag = times(phase[p, k], math.cos(angle), math.sin(angle))
            psi[p, k] = unit(real, imag, ZERO)
    return psi
