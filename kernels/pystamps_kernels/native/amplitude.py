"""Amplitudes of complex images, calibrated and added up in the order of the images.

One thread each: whoever calls them works on several pieces side by side.
"""

import math
from typing import Any

import numpy as np

from ..reference.amplitude import LEAST, NEARLY_ZERO
from .compile import serial


def amplitude_sum(words: Any, swapped: bool, excluded: Any, total: float, count: int) -> Any:
    """Native twin of :func:`reference.amplitude.amplitude_sum`."""
    return _sum(_amplitude(words, swapped), excluded, float(total), int(count))


def add_amplitudes(
    words: Any, swapped: bool, constant: float, total: Any, square: Any, low: Any
) -> Any:
    """Native twin of :func:`reference.amplitude.add_amplitudes`."""
    return _add(_amplitude(words, swapped), np.float32(constant), total, square, low)


def add_pair(
    first: Any,
    second: Any,
    swapped: bool,
    first_constant: float,
    second_constant: float,
    total: Any,
    square: Any,
) -> Any:
    """Native twin of :func:`reference.amplitude.add_pair`."""
    one, other = _amplitude(first, swapped), _amplitude(second, swapped)
    return _pair(one, other, np.float32(first_constant), np.float32(second_constant), total, square)


def _amplitude(words: Any, swapped: bool) -> Any:
    native = _swapped(words) if swapped else words
    return _modulus(native.view(np.int16 if words.dtype == np.uint16 else np.float32))


@serial
def _swapped(words: Any) -> Any:
    out = np.empty_like(words)
    source, target = words.reshape(-1), out.reshape(-1)
    if words.itemsize == 2:
        for k in range(len(source)):
            target[k] = (source[k] >> 8) | (source[k] << 8)
    else:
        for k in range(len(source)):
            word = source[k]
            target[k] = (
                (word >> 24) | ((word >> 8) & 0xFF00) | ((word & 0xFF00) << 8) | (word << 24)
            )
    return out


@serial
def _modulus(parts: Any) -> Any:
    out = np.empty(len(parts), np.float32)
    for p in range(len(parts)):
        real, imaginary = np.float64(parts[p, 0]), np.float64(parts[p, 1])
        infinite = (abs(real) == np.inf) | (abs(imaginary) == np.inf)
        squares = np.inf if infinite else real * real + imaginary * imaginary
        out[p] = math.sqrt(squares)
    return out


@serial
def _sum(amplitude: Any, excluded: Any, total: float, count: int) -> Any:
    for p in range(len(amplitude)):
        if amplitude[p] > LEAST and not excluded[p]:
            total += amplitude[p]
            count += 1
    return total, count


# np.divide: the operator would look for zeros, one division after the other


@serial
def _add(amplitude: Any, constant: Any, total: Any, square: Any, low: Any) -> Any:
    n = len(amplitude)
    new_total, new_square = np.empty(n, np.float32), np.empty(n, np.float32)
    new_low = np.empty(n, np.bool_)
    for p in range(n):
        calibrated = np.divide(amplitude[p], constant)
        nearly_zero = np.float64(calibrated) <= NEARLY_ZERO
        added, squared = total[p] + calibrated, square[p] + calibrated * calibrated
        new_total[p] = np.float32(0) if nearly_zero else added
        new_square[p] = square[p] if nearly_zero else squared
        new_low[p] = low[p] | nearly_zero
    return new_total, new_square, new_low


@serial
def _pair(
    first: Any, second: Any, first_constant: Any, second_constant: Any, total: Any, square: Any
) -> Any:
    n = len(first)
    new_total, new_square = np.empty(n, np.float32), np.empty(n, np.float32)
    for p in range(n):
        one = np.divide(first[p], first_constant)
        other = np.divide(second[p], second_constant)
        difference = one - other
        new_total[p] = total[p] + one + other
        new_square[p] = square[p] + difference * difference
    return new_total, new_square
