"""Arithmetic on phasors, sample by sample; complex products in separately rounded terms."""

import math
from typing import Any

import numpy as np
from numba import float64, prange
from numpy.typing import NDArray

from .angle import CYCLE, radians
from .compile import inline, kernel
from .turn import cos_sin

Array = NDArray[Any]

PER_RADIAN = 1 / CYCLE
ROWS = 64  # that share scratch of one row


@inline
def times(a: Any, real: Any, imag: Any) -> Any:
    """Multiply `a` by a number of these parts; real and imaginary part."""
    return a.real * real - a.imag * imag, a.real * imag + a.imag * real


@inline
def length(real: Any, imag: Any) -> Any:
    """Magnitude, computed in double and rounded once."""
    x, y = float64(real), float64(imag)
    return np.float32(math.sqrt(x * x + y * y))


@inline
def unit(real: Any, imag: Any, zero: Any) -> Any:
    """Divide by the magnitude; `zero` is the answer for 0."""
    modulus = length(real, imag)
    if modulus == 0:
        return np.complex64(complex(zero, np.float32(0)))
    return np.complex64(complex(real / modulus, imag / modulus))


@kernel
def unit_phasors(phasors: Array) -> Array:
    """Native twin of :func:`reference.phasors.unit_phasors`."""
    unit = np.empty(phasors.shape, np.complex64)
    for i in prange(phasors.shape[0]):
        for k in range(phasors.shape[1]):
            re, im = phasors[i, k].real, phasors[i, k].imag
            modulus = length(re, im)
            if modulus == 0:
                modulus = np.float32(1)
            unit[i, k] = complex(re / modulus, im / modulus)
    return unit


@kernel
def phasors_of_cycles(cycles: Array) -> Array:
    """Native twin of :func:`reference.phasors.phasors_of_cycles`."""
    m, n = cycles.shape
    phasors = np.empty((n, m), np.complex128)
    for block in prange((n + 255) // 256):
        first, stop = block * 256, min(n, block * 256 + 256)
        cos, sin = np.empty(256), np.empty(256)
        for k in range(m):
            column = cycles[k]
            for i in range(first, stop):
                cos[i - first], sin[i - first] = cos_sin(column[i])
            for i in range(first, stop):
                phasors[i, k] = complex(cos[i - first], sin[i - first])
    return phasors


@kernel
def deviation(phasors: Array, model: Array) -> Array:
    """Native twin of :func:`reference.phasors.deviation`."""
    turned = np.empty(phasors.shape, np.complex64)
    for i in prange(phasors.shape[0]):
        for k in range(phasors.shape[1]):
            re, im = phasors[i, k].real, phasors[i, k].imag
            cos, sin = model[i, k].real, model[i, k].imag
            turned[i, k] = complex(re * cos + im * sin, im * cos - re * sin)
    return turned


@kernel
def angle(phasors: Array) -> Array:
    """Native twin of :func:`reference.phasors.angle`; in double, rounded once."""
    phase = np.empty(phasors.shape, np.float32)
    for i in prange(phasors.shape[0]):
        for k in range(phasors.shape[1]):
            phase[i, k] = radians(float64(phasors[i, k].imag), float64(phasors[i, k].real))
    return phase


@kernel
def angle_single(phasors: Array) -> Array:
    """Native twin of :func:`reference.phasors.angle`; the C library's single function."""
    phase = np.empty(phasors.shape, np.float32)
    for i in prange(phasors.shape[0]):
        for k in range(phasors.shape[1]):
            phase[i, k] = math.atan2(phasors[i, k].imag, phasors[i, k].real)
    return phase


@kernel
def unit_phase(ph: Array) -> Array:
    """Native twin of :func:`reference.phasors.unit_phase`."""
    n_ps, n_ifg = ph.shape
    unit = np.empty_like(ph)
    for p in prange(n_ps):
        for ifg in range(n_ifg):
            re, im = ph[p, ifg].real, ph[p, ifg].imag
            modulus = math.hypot(re, im)
            if modulus > 0:
                re, im = re / modulus, im / modulus
            unit[p, ifg] = complex(re, im)
    return unit


@inline
def turn_back(phasors: Array, phase: Array, re: Array, im: Array) -> None:
    """Turn a row of phasors back by a phase [rad]; real and imaginary part go to `re` and `im`.

    Cosine and sine are computed in double and rounded once; in a loop of their own they are
    vectorised.
    """
    for k in range(phase.size):
        re[k], im[k] = cos_sin(float64(phase[k]) * PER_RADIAN)
    for k in range(phase.size):
        re[k], im[k] = times(phasors[k], re[k], -im[k])


@kernel
def subtract_phase(phasors: Array, phase: Array) -> Array:
    """Native twin of :func:`reference.phasors.subtract_phase`."""
    n, m = phasors.shape
    turned = np.empty((n, m), np.complex64)
    for block in prange((n + ROWS - 1) // ROWS):
        re, im = np.empty(m, np.float32), np.empty(m, np.float32)
        for p in range(block * ROWS, min(n, (block + 1) * ROWS)):
            turn_back(phasors[p], phase[p], re, im)
            for k in range(m):
                turned[p, k] = complex(re[k], im[k])
    return turned


@kernel
def subtract_phase_single(phasors: Array, phase: Array) -> Array:
    """Native twin of :func:`reference.phasors.subtract_phase`; the C library's functions."""
    n, m = phasors.shape
    turned = np.empty((n, m), np.complex64)
    for p in prange(n):
        for k in range(m):
            real, imag = times(phasors[p, k], math.cos(phase[p, k]), -math.sin(phase[p, k]))
            turned[p, k] = complex(real, imag)
    return turned
