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
    unit = np.empty((n_ps, n_ifg), np.complex64)
    for p in prange(n_ps):
        for ifg in range(n_ifg):
            re, im = ph[p, ifg].real, ph[p, ifg].imag
            modulus = math.hypot(re, im)
            divisor = ONE if modulus == ZERO else modulus
            unit[p, ifg] = complex(re / divisor, im / divisor)
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
            noise[p, ifg] = math.atan2(re * sine + im * cosine, re * cosine - im * sine)
    return noise
