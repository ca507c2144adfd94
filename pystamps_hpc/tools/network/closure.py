"""How well the phases of triplets add up, and interferograms fit the series of the images."""

import numpy as np

from ...dataset.rows import FloatArray, Rows
from ...stages.shared.triplets import Triplets

PIECE = 1 << 13
MOST_CYCLES = 50
"""Closures beyond are counted as this many cycles."""


def misclosed(phase: Rows, triplets: Triplets) -> FloatArray:
    """Return the share of points whose unwrapped phases do not add up, per triplet.

    Parameters
    ----------
    phase : Rows
        (n_ps, n_ifg) unwrapped phase [rad]; each interferogram up to a whole number of cycles,
        so that what most points have counts as closed.
    triplets : Triplets
        Which phases add up.

    Returns
    -------
    (n,) float64
        NaN where no point has all three phases.
    """
    counts = np.zeros((len(triplets), 2 * MOST_CYCLES + 1), np.int64)
    for first in range(0, phase.shape[0], PIECE):
        block = phase[slice(first, min(first + PIECE, phase.shape[0]))].astype(np.float64)
        for k, (ifgs, signs) in enumerate(zip(triplets.ifgs, triplets.signs, strict=True)):
            turns = block[:, ifgs] @ (signs / (2 * np.pi))
            cycles = np.rint(turns[np.isfinite(turns)]).clip(-MOST_CYCLES, MOST_CYCLES)
            counts[k] += np.bincount(
                cycles.astype(np.int64) + MOST_CYCLES, minlength=counts.shape[1]
            )
    total = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(1 - counts.max(axis=1) / total)


def of_each(values: FloatArray, triplets: Triplets, n_ifg: int) -> FloatArray:
    """Return the mean over the triplets of each interferogram, (n_ifg,); NaN without any."""
    total, number = np.zeros(n_ifg), np.zeros(n_ifg)
    known = np.isfinite(values)
    for side in triplets.ifgs[known].T:
        np.add.at(total, side, values[known])
        np.add.at(number, side, 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / number)
