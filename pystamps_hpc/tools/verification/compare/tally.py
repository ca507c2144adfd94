"""Differences of a whole array, added up block by block."""

import numpy as np
from numpy.typing import NDArray

from ....dataset.rows import FloatArray

_DECADES = (-20, 12)
_PER_DECADE = 64
_N_BINS = (_DECADES[1] - _DECADES[0]) * _PER_DECADE


class Tally:
    """Counts and extremes of the differences seen so far.

    Attributes
    ----------
    total, compared : int
        Elements, and those that are not NaN on both sides.
    outliers : int
        Elements beyond their limit.
    above_bulk : int
        Elements above the bulk threshold.
    max_abs : float
        Largest difference.
    where : (int, int)
        Row and column of the worst element: the largest difference among those beyond their
        limit, of all elements when there is none.
    """

    def __init__(self, bulk: float | None = None) -> None:
        self.bulk = bulk
        self.total = self.compared = self.outliers = self.above_bulk = 0
        self.max_abs = 0.0
        self.where = (0, 0)
        self._worst = (False, -1.0)
        self._squares = 0.0
        self._finite = 0
        self._histogram = np.zeros(_N_BINS + 1, np.int64)

    def add(
        self,
        first_row: int,
        distance: FloatArray,
        beyond: NDArray[np.bool_],
        both_nan: int = 0,
    ) -> None:
        """Add a block that begins at a row of the whole array.

        Parameters
        ----------
        first_row : int
            Row of its first element.
        distance : (n, m) float64
            Differences.
        beyond : (n, m) bool
            Which elements lie beyond their limit.
        both_nan : int
            Elements that are NaN on both sides.
        """
        if not distance.size:
            return
        self.total += distance.size
        self.compared += distance.size - both_nan
        n_beyond = int(np.count_nonzero(beyond))
        self.outliers += n_beyond
        if self.bulk is not None:
            self.above_bulk += int(np.count_nonzero(distance > self.bulk))
        self.max_abs = max(self.max_abs, float(distance.max()))
        candidates = np.where(beyond, distance, -1.0) if n_beyond else distance
        at = int(np.argmax(candidates))
        worst = (n_beyond > 0, float(candidates.flat[at]))
        if worst > self._worst:
            row, column = divmod(at, distance.shape[1])
            self._worst, self.where = worst, (first_row + row, column)
        self._spread(distance)

    def _spread(self, distance: FloatArray) -> None:
        differing = distance[np.isfinite(distance) & (distance > 0)]
        if not differing.size:
            return
        with np.errstate(over="ignore"):
            self._squares += float(np.sum(np.square(differing)))
        place = np.ceil((np.log10(differing) - _DECADES[0]) * _PER_DECADE).astype(np.int64)
        self._histogram += np.bincount(np.clip(place, 0, _N_BINS), minlength=_N_BINS + 1)

    @property
    def rms(self) -> float:
        """Root mean square of the finite differences."""
        return float(np.sqrt(self._squares / self.compared)) if self.compared else 0.0

    def quantile(self, q: float) -> float:
        """Return a quantile of the differences, at most 4 % too large, never too small."""
        if not self.compared:
            return 0.0
        above = int(self._histogram.sum())
        equal = self.compared - above
        wanted = int(np.ceil(q * self.compared))
        if wanted <= equal:
            return 0.0
        place = int(np.searchsorted(np.cumsum(self._histogram), wanted - equal))
        if place >= _N_BINS:
            return self.max_abs
        return min(float(10.0 ** (place / _PER_DECADE + _DECADES[0])), self.max_abs)
