"""Kernel of stage 3, by definition: the CLAP filter at single cells."""

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..clap_windows import BATCH_SAMPLES, corner_starts
from .clap import response, without_nan

Array = NDArray[Any]


def clap_cells(
    ph_grid: Array,
    cells: Array,
    n_w: int,
    alpha: float,
    beta: float,
    low_pass: Array,
    slc_osf: int,
) -> Array:
    """Filter the window around each cell, the cell itself set to zero.

    Parameters
    ----------
    ph_grid : (n_i, n_j, m) complex64
        Gridded phasors; NaN counts as 0.
    cells : (n_c, 2) int64
        Row and column of each cell, from 0.
    n_w : int
        Cells of the window per axis.
    alpha, beta : float
        Exponent and weight of the adaptive response.
    low_pass : (n_w, n_w) float64
        Low-pass response, zero frequency first.
    slc_osf : int
        Oversampling factor of the SLCs; above 1 the neighbours within ``slc_osf - 1`` cells are set
        to zero too, in the first plane only (as the reference does).

    Returns
    -------
    (n_c, m) complex128
        Filtered phasor at each cell, not normalised; 0 if the grid is smaller than the window.

    Notes
    -----
    StaMPS ``ps_select``, ``clap_filt_patch``; docs/science/selection.md, Gamma without the
    own cell. The inverse transform is evaluated at the cell only.
    """
    n_i, n_j, m = ph_grid.shape
    filtered = np.zeros((len(cells), m), np.complex128)
    if min(n_i, n_j) < n_w:
        return filtered
    first_row = corner_starts(cells[:, 0], n_i, n_w)
    first_column = corner_starts(cells[:, 1], n_j, n_w)
    own_row, own_column = cells[:, 0] - first_row, cells[:, 1] - first_column
    offsets = np.arange(n_w)

    step = max(1, BATCH_SAMPLES // (n_w * n_w * m))
    for first in range(0, len(cells), step):
        batch = slice(first, first + step)
        rows = first_row[batch, np.newaxis, np.newaxis] + offsets[:, np.newaxis]
        columns = first_column[batch, np.newaxis, np.newaxis] + offsets
        windows = without_nan(ph_grid[rows, columns]).astype(np.complex128)
        away = np.maximum(
            np.abs(offsets[:, np.newaxis] - own_row[batch, np.newaxis, np.newaxis]),
            np.abs(offsets - own_column[batch, np.newaxis, np.newaxis]),
        )
        windows[away == 0] = 0
        windows[..., 0][away < slc_osf] = 0
        spectrum = scipy.fft.fft2(np.moveaxis(windows, 3, 1))
        spectrum *= response(spectrum, alpha, beta, low_pass)
        turn_rows = np.exp(2j * np.pi / n_w * offsets * own_row[batch, np.newaxis])
        turn_columns = np.exp(2j * np.pi / n_w * offsets * own_column[batch, np.newaxis])
        sample = np.einsum("ckuv,cu,cv->ck", spectrum, turn_rows, turn_columns)
        filtered[batch] = sample / n_w**2
    return filtered


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
