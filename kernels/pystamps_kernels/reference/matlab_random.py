"""MATLAB's random numbers, draw by draw."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics import shift_register

Array = NDArray[Any]


def matlab_uniform(state: Array, n: int) -> tuple[Array, Array]:
    """Draw from MATLAB's legacy 'state' generator: subtract with borrow, and a shift register.

    Parameters
    ----------
    state : (35,) int64
        32 words of 53 bits, the index of the next one, the borrow, and the 32-bit register.
    n : int
        Number of draws.

    Returns
    -------
    draws : (n,) float64
        Uniform numbers in (0, 1).
    state : (35,) int64
        State after the draws; the argument keeps its value.

    Notes
    -----
    docs/science/gamma.md, Random phases.
    """
    *words, index, borrow, register = (int(word) for word in state)
    draws = np.empty(n)
    for k in range(n):
        difference = words[(index + 20) % 32] - words[(index + 5) % 32] - borrow
        borrow = int(difference < 0)
        difference += borrow << 53
        words[index] = difference
        index = (index + 1) % 32
        previous, register = register, shift_register(register)
        mask = (register << 32) % (1 << 52) ^ previous
        shift = max(53 - difference.bit_length(), 0) if difference else 0
        draws[k] = ((difference << shift) ^ mask) * 2.0 ** -(53 + shift)
    return draws, np.array([*words, index, borrow, register], np.int64)
