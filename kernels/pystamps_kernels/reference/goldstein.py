"""Filters of a gridded interferogram in overlapping windows: Goldstein's, and a low-pass."""

from collections.abc import Callable, Iterator

import numpy as np
import scipy
from numpy.typing import NDArray

from ..clap_windows import GAUSSIAN
from .phasors import join, length

Phasors = NDArray[np.complex64]
Doubles = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]

# Windows transformed at a time: bounds the memory (32 cells: 26 kB each).
BATCH = 128

LOW_PASS_SHAPE = 16
"""Half the width of the spectrum, in deviations of the Gaussian that passes low frequencies."""


def goldstein(raster: Phasors, window: int, alpha: float) -> Phasors:
    """Filter the phase of a gridded interferogram, window by window, by its own spectrum.

    Parameters
    ----------
    raster : (n_row, n_col) complex64
        Cell sums; an empty cell is zero or NaN. At least one window in both directions.
    window : int
        Window width, even [cells].
    alpha : float
        Exponent of the smoothed spectral amplitude that weights the spectrum.

    Returns
    -------
    (n_row, n_col) complex64
        Amplitude of `raster` with the filtered phase.

    Notes
    -----
    Windows overlap by half and are joined with a tent-like taper; one that sticks out is moved
    inwards, its taper is not. Goldstein and Werner (1998); StaMPS ``wrap_filt``;
    docs/science/unwrapping.md, Goldstein filter.

    Examples
    --------
    >>> raster = np.full((8, 8), 2 * np.exp(0.7j), np.complex64)
    >>> filtered = goldstein(raster, 8, 0.8)
    >>> np.angle(filtered[3, :3]).round(4), np.abs(filtered[3, :3]).round(4)
    (array([0.7, 0.7, 0.7], dtype=float32), array([2., 2., 2.], dtype=float32))
    """
    return _filtered(raster, window, lambda spectrum: response(np.abs(spectrum), alpha))


def low_pass(raster: Phasors, window: int) -> Phasors:
    """Keep the lowest frequencies of the phase of a gridded interferogram, window by window.

    Parameters
    ----------
    raster : (n_row, n_col) complex64
        Cell sums; an empty cell is zero or NaN. At least one window in both directions.
    window : int
        Window width, even [cells].

    Returns
    -------
    (n_row, n_col) complex64
        Amplitude of `raster` with the low-passed phase.

    Notes
    -----
    The windows are those of :func:`goldstein`. StaMPS ``wrap_filt``; docs/science/unwrapping.md,
    Annealing.
    """
    weight = low_pass_response(padded_width(window))
    return _filtered(raster, window, lambda _: weight)


def low_pass_response(width: int) -> Doubles:
    """Spectral weights of the low-pass; (width, width).

    Notes
    -----
    An even width centres the Gaussian half a frequency beside zero, as in StaMPS: even a constant
    phase gets a ramp.
    """
    half = (width - 1) / 2
    one = np.exp(-0.5 * (LOW_PASS_SHAPE * (np.arange(width) - half) / half) ** 2)
    return np.asarray(scipy.fft.ifftshift(np.outer(one, one)))


def _filtered(raster: Phasors, window: int, weights: Callable[[Complexes], Doubles]) -> Phasors:
    clean = np.where(np.isnan(raster), np.complex64(0), raster)
    joined = np.zeros(raster.shape, np.complex128)
    for row, col, row_taper, col_taper, spectrum in spectra(clean, window):
        filtered = inverse(spectrum * weights(spectrum), window)
        row_cells = (row[:, None] + np.arange(window))[:, :, None]
        col_cells = (col[:, None] + np.arange(window))[:, None, :]
        np.add.at(joined, (row_cells, col_cells), filtered * taper(row_taper, col_taper))
    return with_phase(clean, joined)


Batch = tuple[Ints, Ints, Doubles, Doubles, Complexes]


def spectra(raster: Phasors, window: int, workers: int = 1) -> Iterator[Batch]:
    """Yield windows in batches, rows of windows from top to bottom.

    Yields
    ------
    row, col : (n,) int64
        First cell of each window.
    row_taper, col_taper : (n, window) float64
        Taper along rows and columns, 0 outside.
    spectrum : (n, padded, padded) complex128
        Spectrum of the zero-padded window.
    """
    padded = padded_width(window)
    rows, row_taper = origins(raster.shape[0], window)
    cols, col_taper = origins(raster.shape[1], window)
    i, j = (index.ravel() for index in np.mgrid[: rows.size, : cols.size])
    tiles = np.lib.stride_tricks.sliding_window_view(raster, (window, window))
    for start in range(0, i.size, BATCH):
        a, b = i[start : start + BATCH], j[start : start + BATCH]
        blocks = tiles[rows[a], cols[b]].astype(np.complex128)
        spectrum = scipy.fft.fft2(blocks, s=(padded, padded), workers=workers)
        yield rows[a], cols[b], row_taper[a], col_taper[b], spectrum


def inverse(spectrum: Complexes, window: int, workers: int = 1) -> Complexes:
    """Transform back and keep the window."""
    whole = scipy.fft.ifft2(spectrum, overwrite_x=True, workers=workers)
    return np.ascontiguousarray(whole[:, :window, :window])


def padded_width(window: int) -> int:
    """Width of the transform: the window and a quarter of it, halves rounded up."""
    return window + int(window / 4 + 0.5)


def origins(length: int, window: int) -> tuple[Ints, Doubles]:
    """First cell of each window along an axis, and its taper.

    Returns
    -------
    first : (n,) int64
        First cell; the last windows are moved inwards.
    taper : (n, window) float64
        Weights 1, 2, .. w/2, w/2, .. 1 at the position of the unmoved window, 0 before it.

    Examples
    --------
    >>> origins(11, 8)[0].tolist()
    [0, 3]
    """
    step = window // 2
    wanted = np.arange(-(-length // step) - 1) * step
    moved = np.maximum(wanted + window - length, 0)
    tent = np.minimum(np.arange(window) + 1, window - np.arange(window)).astype(np.float64)
    place = np.arange(window) - moved[:, None]
    return wanted - moved, np.where(place >= 0, tent[np.maximum(place, 0)], 0.0)


def taper(row_taper: Doubles, col_taper: Doubles) -> Doubles:
    """Sum of both tapers, 0 where either is 0; (n, window, window)."""
    both = (row_taper[:, :, None] > 0) & (col_taper[:, None, :] > 0)
    return np.where(both, row_taper[:, :, None] + col_taper[:, None, :], 0.0)


def response(amplitude: Doubles, alpha: float) -> Doubles:
    """Spectral weights: smoothed amplitude over its median, to the power of `alpha`.

    The CLAP filter smooths with the same taps, added up in another order: the last bits differ.
    """
    shifted = scipy.fft.fftshift(amplitude, axes=(1, 2))
    for axis in (1, 2):
        shifted = scipy.ndimage.correlate1d(shifted, GAUSSIAN, axis=axis, mode="constant")
    smooth = scipy.fft.ifftshift(shifted, axes=(1, 2))
    median = np.median(smooth, axis=(1, 2))
    return np.asarray((smooth / np.where(median == 0, 1.0, median)[:, None, None]) ** alpha)


def with_phase(raster: Phasors, joined: Complexes) -> Phasors:
    """Amplitude of `raster`, phase of `joined`."""
    phase = np.arctan2(joined.imag, joined.real)
    size = length(raster.real, raster.imag)
    return join(size * np.cos(phase).astype(np.float32), size * np.sin(phase).astype(np.float32))
