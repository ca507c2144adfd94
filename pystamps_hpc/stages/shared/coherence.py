"""What stages 2 and 3 share: the filter window, coherence bins, scaled random histogram."""

import numpy as np

from ...dataset.rows import FloatArray
from ...errors import StageError

COHERENCE_BINS = 0.005 + 0.01 * np.arange(100)
"""Centres of the 100 coherence bins."""

LOW_BINS = 31
"""Bins of low coherence in which single-master candidates count as random."""


def check_clap_win(clap_win: int) -> None:
    """Refuse a filter window that does not divide into quarters of whole pairs of cells."""
    if clap_win < 8 or clap_win % 8:
        nearest = max(8, 8 * round(clap_win / 8))
        raise StageError(f"clap_win={clap_win}: must be a multiple of 8; set it to {nearest}")


def scaled_random(random: FloatArray, candidates: FloatArray) -> FloatArray:
    """Scale the histogram of random phases to the candidates of low coherence.

    Parameters
    ----------
    random, candidates : (100,) float64
        Counts of random samples and of candidates.

    Returns
    -------
    (100,) float64
        Estimated counts of random candidates; zero where neither has low coherence.

    Notes
    -----
    The reference rescales the stored vector and divides zero by zero once it has become zero.
    """
    total = random[:LOW_BINS].sum()
    if total == 0:
        return np.zeros_like(random)
    scaled: FloatArray = random * (candidates[:LOW_BINS].sum() / total)
    return scaled
