"""Empirical variograms: their lags, and the samples they are taken from."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray

MOST = 15_000
"""Arcs, or points, of a sample."""

KEPT = 1.75
"""Part of the bins that is fitted: the first ones, one of so many."""


@dataclass(frozen=True)
class Bins:
    """Bins of lags.

    Parameters
    ----------
    n : int
        Number of bins.
    largest : float
        Upper bound of the last one.
    start : float
        Range that StaMPS starts its fit from, which a variogram without a sill keeps.
    """

    n: int
    largest: float
    start: float

    @property
    def width(self) -> float:
        """Width of a bin."""
        return self.largest / self.n

    def kept(self, pairs: IntArray) -> IntArray:
        """Return the bins that are fitted, of `pairs` many pairs: not empty, the first of these."""
        return np.flatnonzero(pairs)[: round(self.n / KEPT)].astype(np.int64)

    def lags(self, bins: IntArray) -> FloatArray:
        """Return the middles of bins."""
        return (bins + 0.5) * self.width


IN_TIME = Bins(24, 1.5, 0.25)
"""Lags between images [years]."""

IN_SPACE = Bins(29, 30_000.0, 15_000.0)
"""Lags between points [m]."""


def sample(n: int, seed: int) -> IntArray:
    """Return all of `n` things, or :data:`MOST` of them drawn without replacement; ascending."""
    if n <= MOST:
        return np.arange(n)
    drawn = np.random.Generator(np.random.PCG64(seed)).choice(n, MOST, replace=False)
    return np.sort(drawn).astype(np.int64)
