"""Triplets of interferograms: unwrapped right, their phases add up to nothing."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import IntArray


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
