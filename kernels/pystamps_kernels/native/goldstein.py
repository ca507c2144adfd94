"""Filters of a raster; transforms by ``scipy.fft``, the rest threaded over windows or rows."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import get_num_threads, prange

from ..clap_windows import GAUSSIAN
from ..reference.goldstein import (
    inverse,
    low_pass_response,
    padded_width,
    spectra,
    with_phase,
)
from .compile import inline, kernel


def goldstein(raster: Any, window: int, alpha: float) -> Any:
    """Native twin of :func:`reference.goldstein.goldstein`."""
    return _filtered(raster, window, lambda spectra: _weight(spectra, GAUSSIAN, float(alpha)))


def low_pass(raster: Any, window: int) -> Any:
    """Native twin of :func:`reference.goldstein.low_pass`."""
    weights = low_pass_response(padded_width(window))
    return _filtered(raster, window, lambda spectra: np.multiply(spectra, weights, out=spectra))


def _filtered(raster: Any, window: int, weight: Callable[[Any], Any]) -> Any:
    """Filter window by window; `weight` changes a batch of spectra in place."""
    workers = get_num_threads()
    clean = np.where(np.isnan(raster), np.complex64(0), raster)
    joined = np.zeros(raster.shape, np.complex128)
    for row, col, row_taper, col_taper, spectrum in spectra(clean, window, workers):
        weight(spectrum)
        _join(joined, row, col, row_taper, col_taper, inverse(spectrum, window, workers))
    return with_phase(clean, joined)


@kernel
def _weight(spectra: Any, taps: Any, alpha: Any) -> None:
    """Multiply each spectrum by its smoothed amplitude over the median, to the power of alpha."""
    n, width = spectra.shape[:2]
    for b in prange(n):
        smooth = np.empty((width, width))
        for i in range(width):
            for j in range(width):
                real, imag = spectra[b, i, j].real, spectra[b, i, j].imag
                smooth[i, j] = math.sqrt(real * real + imag * imag)
        smooth = _smoothed(_smoothed(smooth, taps).T, taps).T
        median = np.median(smooth)
        if median == 0:
            median = 1.0
        for i in range(width):
            for j in range(width):
                spectra[b, i, j] *= (smooth[i, j] / median) ** alpha


@inline
def _smoothed(values: Any, taps: Any) -> Any:
    """Smooth along the first axis of a spectrum, whose highest frequencies have no neighbours.

    Frequencies are stored from zero; in ascending order they start at the middle.
    """
    n, reach = values.shape[0], taps.size // 2
    half = n // 2
    out = np.zeros(values.shape)
    for place in range(n):
        here = (place + n - half) % n
        for t in range(max(-reach, -place), min(reach, n - 1 - place) + 1):
            there = (place + t + n - half) % n
            for j in range(values.shape[1]):
                out[here, j] += taps[t + reach] * values[there, j]
    return out


@kernel
def _join(joined: Any, row: Any, col: Any, row_taper: Any, col_taper: Any, windows: Any) -> None:
    """Add tapered windows in their order; every row of the raster by one thread."""
    width = windows.shape[1]
    for r in prange(joined.shape[0]):
        for b in range(row.size):
            i = r - row[b]
            if i < 0 or i >= width or row_taper[b, i] == 0:
                continue
            for j in range(width):
                if col_taper[b, j] > 0:
                    taper = row_taper[b, i] + col_taper[b, j]
                    joined[r, col[b] + j] += taper * windows[b, i, j]
