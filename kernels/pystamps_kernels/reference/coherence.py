"""Statistics of the coherence of candidates: its histogram, its spread by resampling."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clap_windows import BATCH_SAMPLES
from ..numerics import histogram_cuts

Array = NDArray[Any]


def histogram(values: Array, centers: Array) -> Array:
    """Count values in the bins around `centers`.

    Parameters
    ----------
    values : (n,) float32 or float64
        NaN is not counted; infinities fall into the end bins.
    centers : (c,) float64
        Bin centres, strictly ascending.

    Returns
    -------
    (c,) float64
        Counts. The cuts lie halfway between centres, rounded to the class of `values`; a value on
        a cut belongs to the lower bin.

    Examples
    --------
    >>> histogram(np.array([0.05, 0.1, 0.11, np.nan]), np.array([0.05, 0.15, 0.25])).tolist()
    [2.0, 1.0, 0.0]
    """
    cuts = histogram_cuts(centers).astype(values.dtype)
    bins = np.searchsorted(cuts, values[~np.isnan(values)], side="left")
    return np.bincount(bins, minlength=centers.size).astype(np.float64)


def bootstrap_deviation(residual: Array, candidate: Array, n_resamples: int, seed: int) -> Array:
    """Spread the coherence by resampling interferograms; return its standard deviation.

    Parameters
    ----------
    residual : (n, m) float32
        Residual phases [rad].
    candidate : (n,) int64
        Number of each row; with `seed` it is the key of the row's random numbers, so a result
        depends on nothing but its row.
    n_resamples : int
        Resamples, with replacement, of the m interferograms.
    seed : int
        Seed of all rows.

    Returns
    -------
    (n,) float64
        Sample standard deviation (n - 1) of the coherence.

    Examples
    --------
    >>> residual = np.array([[0.7, 0.7, 0.7], [0.0, 1.5, -1.5]], np.float32)
    >>> bootstrap_deviation(residual, np.arange(2), 100, 2005).round(3).tolist()
    [0.0, 0.234]
    """
    n, m = residual.shape
    phasors = np.exp(1j * residual.astype(np.float64))
    deviation = np.empty(n)
    start = np.uint64(seed * int(_INCREMENT) % (1 << 64))
    counter = np.arange(1, n_resamples * m + 1, dtype=np.uint64) * _INCREMENT
    step = max(1, BATCH_SAMPLES // (n_resamples * m))
    for first in range(0, n, step):
        rows = slice(first, first + step)
        key = _mixed(candidate[rows].astype(np.uint64) + start)
        words = _mixed(key[:, np.newaxis] + counter)
        scaled = (words >> np.uint64(32)) * np.uint64(m) >> np.uint64(32)
        picked = scaled.astype(np.int64).reshape(-1, n_resamples, m)
        sampled = np.take_along_axis(phasors[rows, np.newaxis], picked, axis=2)
        deviation[rows] = np.abs(sampled.mean(axis=2)).std(axis=1, ddof=1)
    return deviation


_INCREMENT = np.uint64(0x9E3779B97F4A7C15)


def _mixed(words: Array) -> Array:
    """Scramble 64-bit words (finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scrambled: Array = words ^ (words >> np.uint64(31))
    return scrambled
