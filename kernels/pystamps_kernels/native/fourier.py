"""Fourier transforms of short columns side by side, for windows that stay in the cache.

Columns stand in lanes, the innermost dimension, so that each step is a loop over lanes that the
compiler vectorises. Real and imaginary parts are apart, and the work is done in place.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compile import inline

Array = NDArray[Any]


def turns(n: int) -> tuple[Array, Array]:
    """Return cosine and sine of ``-2 pi k / n``, each (n,)."""
    wave = np.exp(-2j * np.pi / n * np.arange(n))
    return np.ascontiguousarray(wave.real), np.ascontiguousarray(wave.imag)


def places(n: int) -> Array:
    """Return where :func:`transform` leaves each frequency, (n,) int64.

    Halving puts even frequencies before odd ones; an odd rest keeps its order.
    """
    odd, halvings = n, 0
    while odd % 2 == 0:
        odd, halvings = odd // 2, halvings + 1
    place = np.empty(n, np.int64)
    for block in range(2**halvings):
        first = int(f"{block:0{halvings}b}"[::-1], 2) if halvings else 0
        place[first + 2**halvings * np.arange(odd)] = block * odd + np.arange(odd)
    return place


@inline
def transform(re: Array, im: Array, cos: Array, sin: Array) -> None:
    """Transform the columns of (n, lanes) arrays in place; frequency k ends in row ``places[k]``.

    `cos`, `sin` are those of :func:`turns`. With `re` and `im` exchanged this is the inverse
    transform times n.
    """
    n, lanes = re.shape
    length = n
    while length % 2 == 0:
        half, step = length // 2, n // length
        for first in range(0, n, length):
            for k in range(half):
                c, s = cos[k * step], sin[k * step]
                a_re, a_im = re[first + k], im[first + k]
                b_re, b_im = re[first + k + half], im[first + k + half]
                for lane in range(lanes):
                    x, y = a_re[lane] - b_re[lane], a_im[lane] - b_im[lane]
                    a_re[lane] += b_re[lane]
                    a_im[lane] += b_im[lane]
                    b_re[lane] = x * c - y * s
                    b_im[lane] = x * s + y * c
        length = half
    if length > 1:
        _transform_odd(re, im, cos, sin, length)


@inline
def _transform_odd(re: Array, im: Array, cos: Array, sin: Array, length: int) -> None:
    """Transform each block of `length` rows by the definition."""
    n, lanes = re.shape
    step = n // length
    sums = np.empty((2, length, lanes))
    for first in range(0, n, length):
        sums[:] = 0
        for k in range(length):
            total_re, total_im = sums[0, k], sums[1, k]
            for j in range(length):
                turn = k * j % length * step
                c, s = cos[turn], sin[turn]
                x, y = re[first + j], im[first + j]
                for lane in range(lanes):
                    total_re[lane] += x[lane] * c - y[lane] * s
                    total_im[lane] += x[lane] * s + y[lane] * c
        re[first : first + length] = sums[0]
        im[first : first + length] = sums[1]
