"""Complex numbers in separately rounded single precision terms."""

import numpy as np
from numpy.typing import NDArray

Phasors = NDArray[np.complex64]
Phases = NDArray[np.float32]


def join(real: Phases, imag: Phases) -> Phasors:
    """Put real and imaginary parts together."""
    whole = np.empty(real.shape, np.complex64)
    whole.real, whole.imag = real, imag
    return whole


def product(a: Phasors, real: Phases, imag: Phases) -> Phasors:
    """Multiply by the number with these parts; four products and two sums, each rounded."""
    return join(a.real * real - a.imag * imag, a.real * imag + a.imag * real)


def magnitude(a: Phasors) -> Phases:
    """Return |a|, computed in double and rounded once."""
    real, imag = a.real.astype(np.float64), a.imag.astype(np.float64)
    return np.asarray(np.sqrt(real * real + imag * imag), np.float32)


def unit(a: Phasors, zero: float) -> Phasors:
    """Divide by the magnitude; `zero` is the answer for 0."""
    size = magnitude(a)
    empty = size == 0
    size[empty] = 1
    result = join(a.real / size, a.imag / size)
    result[empty] = zero
    return result
