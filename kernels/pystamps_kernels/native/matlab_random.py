"""MATLAB's random numbers, draw by draw."""

from typing import Any

import numpy as np
from numba import int64
from numpy.typing import NDArray

from .compile import serial

Array = NDArray[Any]


@serial
def matlab_uniform(state: Array, n: int) -> tuple[Array, Array]:
    """Native twin of :func:`reference.matlab_random.matlab_uniform`."""
    state = state.copy()
    draws = np.empty(n)
    index, borrow, register = state[32], state[33], state[34]
    for k in range(n):
        difference = state[(index + 20) % 32] - state[(index + 5) % 32] - borrow
        borrow = int64(difference < 0)
        difference += borrow << 53
        state[index] = difference
        index = (index + 1) % 32
        previous = register
        register ^= register << 13 & 0xFFFFFFFF
        register ^= register >> 17
        register ^= register << 5 & 0xFFFFFFFF
        mask = (register & 0xFFFFF) << 32 ^ previous
        scale = 2.0**-53
        while 0 < difference < 1 << 52:
            difference <<= 1
            scale /= 2
        draws[k] = (difference ^ mask) * scale
    state[32], state[33], state[34] = index, borrow, register
    return draws, state
