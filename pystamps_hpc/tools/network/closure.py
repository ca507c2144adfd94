"""Triplets of interferograms: unwrapped right, their phases add up to nothing."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray, Rows

PIECE = 1 << 13
MOST_CYCLES = 50
"""Closures beyond are counted as this many cycles."""


@dataclass(frozen=True)
class Triplets:
    """Interferograms that make a triangle of images.

    Parameters
    ----------
    ifgs : (n, 3) int64
        Interferograms of each.
    signs : (n, 3) int64
        1 or -1: how their phases add up to nothing.
    """

    ifgs: IntArray
    signs: IntArray

    def __len__(self) -> int:
        """Return the number of triplets."""
        return len(self.ifgs)


def triplets_of(pairs: IntArray, used: IntArray) -> Triplets:
    """Return all triplets of the used ones among pairs of images, (n_ifg, 2) from 0."""
    known = {frozenset(pairs[ifg].tolist()): ifg for ifg in used.tolist()}
    later: dict[int, set[int]] = {}
    for pair in known:
        first, second = sorted(pair)
        later.setdefault(first, set()).add(second)
    sides = [
        ((a, b), (b, c), (a, c))
        for a in sorted(later)
        for b in sorted(later[a])
        for c in sorted(later[a] & later.get(b, set()))
    ]
    ifgs = np.array([[known[frozenset(s)] for s in each] for each in sides], np.int64)
    ifgs = ifgs.reshape(-1, 3)
    ascending = np.where(pairs[ifgs, 0] < pairs[ifgs, 1], 1, -1)
    return Triplets(ifgs, ascending * np.array([1, 1, -1]))


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
