"""Amplitudes of complex images, calibrated and added up in the order of the images.

One thread each: whoever calls them works on several pieces side by side.
"""

import math
from typing import Any

import numpy as np

from ..reference.amplitude import LEAST, NEARLY_ZERO
from .compile import inline, serial

LANES = 512  # pixels whose parts stay in the first cache


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
    if words.dtype == np.uint16:
        return _of_integers(_swapped(words).view(np.int16) if swapped else words.view(np.int16))
    return _of_floats(words, swapped)


@serial
def _swapped(words: Any) -> Any:
    out = np.empty_like(words)
    for p in range(len(words)):
        for part in range(2):
            out[p, part] = (words[p, part] >> 8) | (words[p, part] << 8)
    return out


@serial
def _of_integers(parts: Any) -> Any:
    out = np.empty(len(parts), np.float32)
    for p in range(len(parts)):
        real, imaginary = np.float64(parts[p, 0]), np.float64(parts[p, 1])
        out[p] = math.sqrt(real * real + imaginary * imaginary)
    return out


@serial
def _of_floats(words: Any, swapped: bool) -> Any:
    """Take real and imaginary parts apart, a few at a time, so that all that follows is lanes."""
    n = len(words)
    out = np.empty(n, np.float32)
    real_words, imaginary_words = np.empty(LANES, np.uint32), np.empty(LANES, np.uint32)
    reals, imaginaries = real_words.view(np.float32), imaginary_words.view(np.float32)
    for first in range(0, n, LANES):
        count = min(LANES, n - first)
        if swapped:
            for p in range(count):
                real_words[p] = _turned(words[first + p, 0])
                imaginary_words[p] = _turned(words[first + p, 1])
        else:
            for p in range(count):
                real_words[p] = words[first + p, 0]
                imaginary_words[p] = words[first + p, 1]
        unknown = 0
        for p in range(count):
            real, imaginary = np.float64(reals[p]), np.float64(imaginaries[p])
            modulus = np.float32(math.sqrt(real * real + imaginary * imaginary))
            out[first + p] = modulus
            unknown += modulus != modulus
        if unknown > 0:  # of an infinite part the modulus is infinite, beside NaN, too
            for p in range(count):
                if abs(reals[p]) == np.inf or abs(imaginaries[p]) == np.inf:
                    out[first + p] = np.inf
    return out


@inline
def _turned(word: Any) -> Any:
    return (word >> 24) | ((word >> 8) & 0xFF00) | ((word & 0xFF00) << 8) | (word << 24)


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
