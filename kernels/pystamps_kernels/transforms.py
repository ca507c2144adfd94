"""Short Fourier transforms in place, which leave the frequencies in another order: the tables."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def turns(n: int) -> tuple[Array, Array]:
    """Return cosine and sine of ``-2 pi k / n``, each (n,)."""
    wave = np.exp(-2j * np.pi / n * np.arange(n))
    return np.ascontiguousarray(wave.real), np.ascontiguousarray(wave.imag)


def places(n: int) -> Array:
    """Return where a transform in place leaves each frequency, (n,) int64.

    Each step, of radix 4 as long as that divides the length, then 2, sorts frequencies by their
    remainder; an odd rest keeps its order.
    """
    if n % 2:
        return np.arange(n)
    radix = 4 if n % 4 == 0 else 2
    place = np.empty(n, np.int64)
    for remainder in range(radix):
        place[remainder::radix] = remainder * (n // radix) + places(n // radix)
    return place
