"""Amplitudes of complex images, calibrated and added up in the order of the images.

One thread each: whoever calls them works on several pieces side by side. Every loop over pixels is
one that the compiler turns into vectors: short, without branches, over slices that begin at 0.
``LANES`` pixels are worked on at a time: their parts and sums stay in the first cache.
"""

import math
from typing import Any

import numpy as np

from ..reference.amplitude import LANES, LEAST, NEARLY_ZERO
from .compile import inline, serial

INFINITE = np.uint32(0x7F800000)  # word of infinity; those above are NaN
LEAST_CALIBRATED = np.array([NEARLY_ZERO], np.float32).view(np.uint32)[0]


def amplitude_sum(words: Any, swapped: bool, excluded: Any, total: float, count: int) -> Any:
    """Native twin of :func:`reference.amplitude.amplitude_sum`."""
    return _sum(words.reshape(-1), bool(swapped), excluded, float(total), int(count))


def add_amplitudes(
    words: Any, swapped: bool, constants: Any, total: Any, square: Any, low: Any
) -> Any:
    """Native twin of :func:`reference.amplitude.add_amplitudes`."""
    flat = words.reshape(len(words), -1)
    return _add(flat, bool(swapped), constants, total, square, low)


def add_pairs(words: Any, swapped: bool, constants: Any, total: Any, square: Any) -> Any:
    """Native twin of :func:`reference.amplitude.add_pairs`."""
    flat = words.reshape(len(words), -1)
    return _pairs(flat, bool(swapped), constants, total, square)


@inline
def _amplitude(words: Any, swapped: bool, parts: Any, out: Any) -> None:
    """Write the moduli of some pixels into `out`; `parts` is room for their parts."""
    _as_floats(words, swapped, parts)
    numbers = parts[: len(words)].view(np.float32)
    for p in range(len(out)):
        real, imaginary = np.float64(numbers[2 * p]), np.float64(numbers[2 * p + 1])
        out[p] = np.float32(math.sqrt(real * real + imaginary * imaginary))
    if _largest(out.view(np.uint32)) > INFINITE:  # of NaN beside infinity it is infinite, too
        for p in range(len(out)):
            if abs(numbers[2 * p]) == np.inf or abs(numbers[2 * p + 1]) == np.inf:
                out[p] = np.inf


@inline
def _largest(words: Any) -> Any:
    """Return the largest word; numbers from 0 on are in the order of their words, then NaN."""
    most = np.uint32(0)
    for p in range(len(words)):
        most = words[p] if words[p] > most else most
    return most


@inline
def _smallest(words: Any) -> Any:
    """Return the smallest word; see :func:`_largest`."""
    least = np.uint32(0xFFFFFFFF)
    for p in range(len(words)):
        least = words[p] if words[p] < least else least
    return least


@inline
def _as_floats(words: Any, swapped: bool, parts: Any) -> None:
    """Write words of the disk as words of floats; the size of a word is known when compiled."""
    if words.itemsize == 2:
        numbers = parts.view(np.float32)
        for q in range(len(words)):
            word = words[q]
            turned = (word >> 8) | (word << 8) if swapped else word
            numbers[q] = np.float32(np.int16(turned))
    elif swapped:
        for q in range(len(words)):
            word = words[q]
            parts[q] = (word >> 24) | ((word >> 8) & 0xFF00) | ((word & 0xFF00) << 8) | (word << 24)
    else:
        for q in range(len(words)):
            parts[q] = words[q]


@serial
def _sum(words: Any, swapped: bool, excluded: Any, total: float, count: int) -> Any:
    parts, amplitude = np.empty(2 * LANES, np.uint32), np.empty(LANES, np.float32)
    sums = np.zeros(LANES)  # a single one would wait for each addition
    for first in range(0, len(excluded), LANES):
        left_out = excluded[first : first + LANES]
        found = amplitude[: len(left_out)]
        _amplitude(words[2 * first : 2 * (first + LANES)], swapped, parts, found)
        for p in range(len(found)):
            counts = (found[p] > LEAST) & (not left_out[p])
            sums[p] += np.float64(found[p]) if counts else 0.0
            count += counts
    for p in range(LANES):
        total += sums[p]
    return total, count


@inline
def _calibrated(words: Any, swapped: bool, constant: Any, parts: Any, out: Any) -> None:
    """Write calibrated amplitudes of some pixels into `out`."""
    _amplitude(words, swapped, parts, out)
    for p in range(len(out)):
        out[p] = np.divide(out[p], constant)  # the operator would look for zeros, one by one


@serial
def _add(words: Any, swapped: bool, constants: Any, total: Any, square: Any, low: Any) -> Any:
    parts, amplitude = np.empty(2 * LANES, np.uint32), np.empty(LANES, np.float32)
    least = np.float32(NEARLY_ZERO)  # below the number in double: the same amplitudes are up to it
    new_total, new_square, new_low = total.copy(), square.copy(), low.copy()
    for first in range(0, len(total), LANES):
        sums, squares = new_total[first : first + LANES], new_square[first : first + LANES]
        flags, found = new_low[first : first + LANES], amplitude[: len(sums)]
        for k in range(len(words)):
            here = words[k][2 * first : 2 * (first + LANES)]
            _calibrated(here, swapped, constants[k], parts, found)
            if _smallest(found.view(np.uint32)) <= LEAST_CALIBRATED:
                _add_with_low(found, least, sums, squares, flags)
                continue
            for p in range(len(found)):
                sums[p] += found[p]
            for p in range(len(found)):
                squares[p] += found[p] * found[p]
    return new_total, new_square, new_low


@inline
def _add_with_low(found: Any, least: Any, sums: Any, squares: Any, flags: Any) -> None:
    for p in range(len(found)):
        sums[p] = np.float32(0) if found[p] <= least else sums[p] + found[p]
    for p in range(len(found)):
        squares[p] = squares[p] if found[p] <= least else squares[p] + found[p] * found[p]
    for p in range(len(found)):
        flags[p] |= found[p] <= least


@serial
def _pairs(words: Any, swapped: bool, constants: Any, total: Any, square: Any) -> Any:
    parts = np.empty(2 * LANES, np.uint32)
    one, other = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    new_total, new_square = total.copy(), square.copy()
    for first in range(0, len(total), LANES):
        sums, squares = new_total[first : first + LANES], new_square[first : first + LANES]
        a, b = one[: len(sums)], other[: len(sums)]
        for k in range(0, len(words), 2):
            here = slice(2 * first, 2 * (first + LANES))
            _calibrated(words[k][here], swapped, constants[k], parts, a)
            _calibrated(words[k + 1][here], swapped, constants[k + 1], parts, b)
            for p in range(len(a)):
                sums[p] = sums[p] + a[p] + b[p]
            for p in range(len(a)):
                difference = a[p] - b[p]
                squares[p] += difference * difference
    return new_total, new_square
