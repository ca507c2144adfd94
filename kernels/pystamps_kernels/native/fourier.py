"""Fourier transforms of short columns side by side, for windows that stay in the cache.

Columns stand in lanes, the innermost dimension, so that each step is a loop over lanes that the
compiler vectorises. Real and imaginary parts are apart, and the work is done in place.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compile import inline

Array = NDArray[Any]


@inline
def transform(re: Array, im: Array, cos: Array, sin: Array) -> None:
    """Transform the columns of (n, lanes) arrays in place; frequency k ends in row ``places[k]``.

    `cos`, `sin` are those of :func:`pystamps_kernels.transforms.turns`. With `re` and `im`
    exchanged this is the inverse transform times n.
    """
    n = re.shape[0]
    length = n
    while length % 4 == 0:
        _quarter(re, im, cos, sin, length)
        length //= 4
    if length % 2 == 0:
        _halve(re, im, cos, sin, length)
        length //= 2
    if length > 1:
        _transform_odd(re, im, cos, sin, length)


@inline
def _quarter(re: Array, im: Array, cos: Array, sin: Array, length: int) -> None:
    """Split each block of `length` rows into four transforms of a quarter of the length."""
    n, lanes = re.shape
    quarter, step = length // 4, n // length
    for first in range(0, n, length):
        for k in range(first, first + quarter):
            turn = (k - first) * step
            c1, s1 = cos[turn], sin[turn]
            c2, s2 = cos[2 * turn], sin[2 * turn]
            c3, s3 = cos[3 * turn], sin[3 * turn]
            a_re, b_re, c_re, d_re = (
                re[k], re[k + quarter], re[k + 2 * quarter], re[k + 3 * quarter]
            )  # fmt: skip
            a_im, b_im, c_im, d_im = (
                im[k], im[k + quarter], im[k + 2 * quarter], im[k + 3 * quarter]
            )  # fmt: skip
            for lane in range(lanes):
                p_re, p_im = a_re[lane] + c_re[lane], a_im[lane] + c_im[lane]
                q_re, q_im = a_re[lane] - c_re[lane], a_im[lane] - c_im[lane]
                r_re, r_im = b_re[lane] + d_re[lane], b_im[lane] + d_im[lane]
                t_re, t_im = b_im[lane] - d_im[lane], d_re[lane] - b_re[lane]
                a_re[lane], a_im[lane] = p_re + r_re, p_im + r_im
                x, y = q_re + t_re, q_im + t_im
                b_re[lane], b_im[lane] = x * c1 - y * s1, x * s1 + y * c1
                x, y = p_re - r_re, p_im - r_im
                c_re[lane], c_im[lane] = x * c2 - y * s2, x * s2 + y * c2
                x, y = q_re - t_re, q_im - t_im
                d_re[lane], d_im[lane] = x * c3 - y * s3, x * s3 + y * c3


@inline
def _halve(re: Array, im: Array, cos: Array, sin: Array, length: int) -> None:
    """Split each block of `length` rows into two transforms of half the length."""
    n, lanes = re.shape
    half, step = length // 2, n // length
    for first in range(0, n, length):
        for k in range(first, first + half):
            c, s = cos[(k - first) * step], sin[(k - first) * step]
            a_re, a_im = re[k], im[k]
            b_re, b_im = re[k + half], im[k + half]
            for lane in range(lanes):
                x, y = a_re[lane] - b_re[lane], a_im[lane] - b_im[lane]
                a_re[lane] += b_re[lane]
                a_im[lane] += b_im[lane]
                b_re[lane] = x * c - y * s
                b_im[lane] = x * s + y * c


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
