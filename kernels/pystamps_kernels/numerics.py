"""Small rules that backends and stages share: MATLAB's rounding, sums in order, and more."""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", bound=np.floating)


def round_half_away(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Round to the nearest integer, halves away from zero (MATLAB ``round``); keeps the dtype."""
    whole = np.trunc(values)
    away = np.where(np.abs(values - whole) >= 0.5, np.sign(values), 0).astype(values.dtype)
    return np.asarray(whole + away)


def wrap(phase: NDArray[np.floating]) -> NDArray[np.floating]:
    """Take whole cycles off a phase [rad]; the result lies in [-pi, pi]."""
    cycle = phase.dtype.type(2 * np.pi)
    return np.asarray(phase - cycle * np.rint(phase / cycle))


def row_sums(values: NDArray[Real]) -> NDArray[Real]:
    """Add the columns of each row one after the other, in the class of the values."""
    return np.asarray(np.add.accumulate(values, axis=1)[:, -1])


def ordered_product(
    values: NDArray[np.floating], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Matrix product in double; sums run over the columns of `values` in ascending order."""
    product = np.zeros((len(values), weights.shape[1]))
    for column, weight in zip(values.T, weights, strict=True):
        product += column[:, None].astype(np.float64) * weight
    return product


def histogram_cuts(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cuts between bins given by their centres; a value on a cut is in the lower bin."""
    return (centres[:-1] + centres[1:]) / 2


def trial_steps(n_trial_wraps: float) -> int:
    """Return the number of trial slopes to each side of zero, a quarter of pi of phase apart."""
    return math.ceil(8 * float(n_trial_wraps))


def shift_register(word: int) -> int:
    """Advance the 32-bit shift register of MATLAB's 'state' generator by one step."""
    word ^= word << 13 & 0xFFFFFFFF
    word ^= word >> 17
    return word ^ (word << 5 & 0xFFFFFFFF)
