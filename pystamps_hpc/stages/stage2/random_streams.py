"""Sequences of random numbers as MATLAB and Octave draw them, and places far ahead in them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pystamps_kernels.numerics import shift_register

from ...dataset.rows import FloatArray, IntArray

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable

SEED = 2005
WORDS, LONG, SHORT = 32, 27, 12
"""Words that MATLAB's generator keeps, and the two lags by which it makes the next one."""
BITS = 53
BASE = 1 << BITS
MODULUS = (1 << BITS * LONG) - (1 << BITS * SHORT) + 1


class Stream(Protocol):
    """A generator of uniform numbers that stands at some place of its sequence."""

    def draw(self, n: int) -> FloatArray:
        """Return the next `n` numbers."""
        ...

    def fork(self) -> "Stream":
        """Return an independent generator that stands at the same place."""
        ...

    def ahead(self, n: int) -> "Stream":
        """Return an independent generator that stands `n` numbers further."""
        ...


class OctaveStream:
    """Octave's generator: the Mersenne Twister, 53 bits of two words per number."""

    def __init__(self, seed: int) -> None:
        self._state = np.random.RandomState([seed])

    def draw(self, n: int) -> FloatArray:
        """See :class:`Stream`."""
        return self._state.random_sample(n)

    def fork(self) -> "OctaveStream":
        """See :class:`Stream`."""
        other = OctaveStream(0)
        other._state.set_state(self._state.get_state())
        return other

    def ahead(self, n: int) -> "OctaveStream":
        """See :class:`Stream`; all the numbers are drawn."""
        other = self.fork()
        other.draw(n)
        return other


class MatlabStream:
    """MATLAB's legacy 'state' generator."""

    def __init__(self, state: IntArray, kernels: "KernelTable") -> None:
        self._state = state
        self._kernels = kernels

    def draw(self, n: int) -> FloatArray:
        """See :class:`Stream`."""
        draws, self._state = self._kernels.stage2_matlab_uniform(self._state, n)
        return draws

    def fork(self) -> "MatlabStream":
        """See :class:`Stream`."""
        return MatlabStream(self._state, self._kernels)

    def ahead(self, n: int) -> "MatlabStream":
        """See :class:`Stream`."""
        return MatlabStream(state_after(self._state, n), self._kernels)


def matlab_state(seed: int) -> IntArray:
    """Return the state, (35,), that MATLAB's ``rand('state', seed)`` sets.

    Notes
    -----
    docs/science/gamma.md, Random phases: each word takes bit 19 of 53 steps of the shift register.
    """
    register = seed or 1 << 31
    words = []
    word = register
    for _ in range(WORDS):
        bits = 0
        for _ in range(BITS):
            word = shift_register(word)
            bits = bits << 1 | word >> 19 & 1
        words.append(bits)
    return np.array([*words, 0, 0, register], np.int64)


def state_after(state: IntArray, n: int) -> IntArray:
    """Return a state of MATLAB's generator that goes on after `n` numbers, which are not drawn.

    Parameters
    ----------
    state : (35,) int64
        Words, oldest at ``state[32]``, borrow, shift register.
    n : int
        After fewer than 32, oldest words and borrow may stand for the same in another way.

    Notes
    -----
    A word is that 12 before it less that 27 before it, less the borrow, modulo b = 2^53. With
    m = b^27 - b^12 + 1 the words and the borrow are the digits of a number y that is divided by b
    modulo m at each step (Tezuka, L'Ecuyer and Couture 1993); the next word is -y modulo b. A step
    of the shift register is a linear map of its bits.
    """
    words = np.roll(state[:WORDS], -state[WORDS]).tolist()
    y = (_digits(words) + int(state[WORDS + 1])) * _divisor(n - WORDS) % MODULUS
    words = []
    for _ in range(WORDS):
        words.append(-y % BASE)
        y = (y + words[-1] * MODULUS) // BASE
    borrow = (y - _digits(words)) % MODULUS
    return np.array([*words, 0, borrow, _mapped(_shifts(n), int(state[WORDS + 2]))], np.int64)


def _digits(words: Sequence[int]) -> int:
    """Return the number that words, oldest first, stand for without their borrow."""
    long = sum(word << BITS * k for k, word in enumerate(words[-LONG:]))
    return long - sum(word << BITS * k for k, word in enumerate(words[-SHORT:]))


@lru_cache(maxsize=4)
def _divisor(n: int) -> int:
    """Return by what to multiply, to divide `n` times by the base."""
    return pow(BASE, -n, MODULUS)


@lru_cache(maxsize=4)
def _shifts(n: int) -> tuple[int, ...]:
    """Return what `n` steps of the shift register make of each bit, from those of 1, 2, 4, ..."""
    found = tuple(1 << bit for bit in range(32))
    steps = tuple(map(shift_register, found))
    while n:
        if n & 1:
            found = tuple(_mapped(steps, image) for image in found)
        steps, n = tuple(_mapped(steps, image) for image in steps), n >> 1
    return found


def _mapped(images: Sequence[int], register: int) -> int:
    """Return the image of a register, given those of its bits."""
    found = 0
    for bit, image in enumerate(images):
        if register >> bit & 1:
            found ^= image
    return found


def open_stream(generator: str, kernels: "KernelTable") -> Stream:
    """Open the sequence of ``compat.random_generator`` at its start."""
    if generator == "octave":
        return OctaveStream(SEED)
    return MatlabStream(matlab_state(SEED), kernels)


@lru_cache(maxsize=4)
def column_streams(
    generator: str, n: int, n_columns: int, kernels: "KernelTable"
) -> tuple[Stream, ...]:
    """Return the generator at the start of each column of a matrix that is filled by columns.

    Patches of one run share them; whoever draws draws from a fork.
    """
    columns = [open_stream(generator, kernels)]
    while len(columns) < n_columns:
        columns.append(columns[-1].ahead(n))
    return tuple(columns)
