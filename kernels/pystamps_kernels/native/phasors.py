"""Complex numbers in separately rounded single precision terms, for the native kernels."""

import math
from typing import Any

import numba
import numpy as np

from .compile import inline


@inline
def times(a: Any, real: Any, imag: Any) -> Any:
    """Multiply `a` by a number of these parts; real and imaginary part."""
    return a.real * real - a.imag * imag, a.real * imag + a.imag * real


@inline
def size(real: Any, imag: Any) -> Any:
    """Magnitude, computed in double and rounded once."""
    x, y = numba.float64(real), numba.float64(imag)
    return np.float32(math.sqrt(x * x + y * y))


@inline
def unit(real: Any, imag: Any, zero: Any) -> Any:
    """Divide by the magnitude; `zero` is the answer for 0."""
    length = size(real, imag)
    if length == 0:
        return np.complex64(complex(zero, np.float32(0)))
    return np.complex64(complex(real / length, imag / length))
