"""What stages 2 and 3 share: the filter window, coherence bins, scaled random histogram."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray
from ...errors import StageError
from .ifgs import Ifgs

COHERENCE_BINS = 0.005 + 0.01 * np.arange(100)
"""Centres of the 100 coherence bins."""


def check_clap_win(clap_win: int) -> None:
    """Refuse a filter window that does not divide into quarters of whole pairs of cells."""
    if clap_win < 8 or clap_win % 8:
        nearest = max(8, 8 * round(clap_win / 8))
        raise StageError(f"clap_win={clap_win}: must be a multiple of 8; set it to {nearest}")


def low_bins(ifgs: Ifgs) -> int:
    """Return the number of bins of low coherence, in which candidates count as random.

    Noise of small baselines, with their many interferograms, is less coherent.
    """
    return 15 if ifgs.master is None else 31


@dataclass(frozen=True)
class RandomCoherence:
    """Histogram of the coherence of random phases.

    Parameters
    ----------
    counts : (100,) float64
        Random samples in each bin.
    low_bins : int
        See :func:`low_bins`.
    """

    counts: FloatArray
    low_bins: int

    @property
    def last_bin(self) -> int:
        """Last bin (from 1) that holds random samples."""
        return int(np.flatnonzero(self.counts)[-1]) + 1

    def scaled(self, candidates: FloatArray) -> FloatArray:
        """Scale the histogram to the candidates of low coherence.

        Parameters
        ----------
        candidates : (100,) float64
            Counts of candidates.

        Returns
        -------
        (100,) float64
            Estimated counts of random candidates; zero where neither has low coherence.

        Notes
        -----
        The reference rescales the stored vector and divides zero by zero once it has become zero.
        """
        total = self.counts[: self.low_bins].sum()
        if total == 0:
            return np.zeros_like(self.counts)
        scaled: FloatArray = self.counts * (candidates[: self.low_bins].sum() / total)
        return scaled
