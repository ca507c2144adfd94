"""What stages 2 and 3 share: coherence bins, scaled random histogram, weights from it."""

import numpy as np

from pystamps_kernels.clap_windows import GAUSSIAN
from pystamps_kernels.numerics import round_half_away

from ..dataset.rows import FloatArray
from ..errors import StageError

COHERENCE_BINS = 0.005 + 0.01 * np.arange(100)
"""Centres of the 100 coherence bins."""

LOW_BINS = 31
"""Bins of low coherence in which single-master candidates count as random."""

INTERPOLATION = 10


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


def p_square_weights(
    coherence: FloatArray, random: FloatArray, candidates: FloatArray, last_bin: int
) -> FloatArray:
    """Weight candidates by the square of the probability of not being random.

    Parameters
    ----------
    coherence : (n,) float64
        Coherence of each candidate.
    random, candidates : (100,) float64
        Scaled counts of random samples, and counts of candidates.
    last_bin : int
        Last bin (from 1) that holds random samples.

    Returns
    -------
    (n,) float64
        Weights.

    Notes
    -----
    StaMPS ``ps_est_gamma_quick``; specification of stages 2 and 3, section 3.9. The smoothing is
    causal, which shifts the curve by three bins.
    """
    probability = random / np.where(candidates == 0, 1, candidates)
    probability[:LOW_BINS] = 1
    probability[last_bin:] = 0
    probability = np.minimum(probability, 1)
    padded = np.concatenate((np.ones(GAUSSIAN.size - 1), probability))
    smooth = np.convolve(padded, GAUSSIAN, "valid") / GAUSSIAN.sum()
    curve = interpolated(np.concatenate(([1.0], smooth)))[: -(INTERPOLATION - 1)]
    place = round_half_away(1000 * coherence).astype(np.int64)
    weights: FloatArray = (1 - curve[np.clip(place, 0, curve.size - 1)]) ** 2
    return weights


def interpolated(samples: FloatArray) -> FloatArray:
    """Interpolate by ten with the mean-square optimal band-limited filter.

    Parameters
    ----------
    samples : (n,) float64
        At least nine.

    Returns
    -------
    (10 n,) float64
        Every tenth value is a sample; the ends are continued by point reflection.

    Notes
    -----
    MATLAB ``interp`` with half-length 4 and cut-off 1/2; Oetken, Parks and Schuessler (1975);
    specification of stages 2 and 3, section 3.10.
    """
    taps = np.arange(-4, 4)
    fraction = np.arange(INTERPOLATION)[:, np.newaxis] / INTERPOLATION
    system = np.sinc(0.5 * (taps[:, np.newaxis] - taps))
    coefficients = np.linalg.solve(system, np.sinc(0.5 * (taps + fraction)).T)
    coefficients[:, 0] = taps == 0
    n = samples.size
    before = 2 * samples[0] - samples[3:0:-1]
    after = 2 * samples[-1] - samples[-2:-6:-1]
    extended = np.concatenate((before, samples, after))
    shifted = np.stack([extended[3 - tap : 3 - tap + n] for tap in taps], axis=1)
    return (shifted @ coefficients).reshape(-1)
