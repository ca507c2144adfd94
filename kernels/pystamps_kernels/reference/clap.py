"""CLAP filter, combined low-pass and adaptive, of all windows of a grid and at single cells."""

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from ..clap_windows import (
    BATCH_SAMPLES,
    GAUSSIAN,
    check_grid,
    corners,
    plane_groups,
    taper,
    taper_ramp,
    window_starts,
)

Array = NDArray[Any]


def clap_grid(
    ph_grid: Array, alpha: float, beta: float, n_win: int, n_pad: int, low_pass: Array
) -> Array:
    """Filter every plane of a grid.

    Parameters
    ----------
    ph_grid : (n_i, n_j, m) complex64
        Gridded phasors; NaN counts as 0.
    alpha, beta : float
        Exponent and weight of the adaptive response.
    n_win, n_pad : int
        Cells of a window and of the zeros after it, per axis.
    low_pass : (n_win + n_pad, n_win + n_pad) float64
        Low-pass response, zero frequency first.

    Returns
    -------
    (n_i, n_j, m) complex64
        Filtered phasors, the tapered windows added in raster order and not divided by the sum of
        the tapers.

    Raises
    ------
    ValueError
        The grid is smaller than a window.

    Notes
    -----
    StaMPS ``clap_filt``; Hooper et al. (2007); docs/science/gamma.md, CLAP filter.

    Examples
    --------
    Without the adaptive part, and with everything passed, a window comes back tapered.

    >>> grid = np.ones((4, 4, 1), np.complex64)
    >>> clap_grid(grid, 1.0, 0.0, 4, 4, np.ones((8, 8)))[:, :, 0].real.round().tolist()
    [[0.0, 1.0, 1.0, 0.0], [1.0, 2.0, 2.0, 1.0], [1.0, 2.0, 2.0, 1.0], [0.0, 1.0, 1.0, 0.0]]
    """
    n_i, n_j, m = ph_grid.shape
    check_grid("stage2_clap_grid", n_i, n_j, n_win)
    n_edge = n_win + n_pad
    row_start, row_shift = window_starts(n_i, n_win)
    column_start, column_shift = window_starts(n_j, n_win)
    row_ramp, column_ramp = taper_ramp(n_win, row_shift), taper_ramp(n_win, column_shift)
    columns = column_start[:, np.newaxis] + np.arange(n_win)

    filtered = np.empty((n_i, n_j, m), np.complex64)
    for planes in plane_groups(m, column_start.size * n_edge**2):
        grid = np.moveaxis(without_nan(ph_grid[:, :, planes]), 2, 0)
        total = np.zeros(grid.shape, np.complex128)
        windows = np.zeros((grid.shape[0], column_start.size, n_edge, n_edge), np.complex128)
        for first, ramp in zip(row_start, row_ramp, strict=True):
            strip = grid[:, first : first + n_win]
            windows[...] = 0
            windows[:, :, :n_win, :n_win] = strip[:, :, columns].transpose(0, 2, 1, 3)
            spectrum = scipy.fft.fft2(windows)
            spectrum *= response(spectrum, alpha, beta, low_pass)
            tapered = scipy.fft.ifft2(spectrum)[:, :, :n_win, :n_win]
            tapered *= taper(ramp[:, np.newaxis], column_ramp[:, np.newaxis, :])
            target = np.moveaxis(total[:, first : first + n_win], 2, 0)
            np.add.at(target, columns, tapered.transpose(1, 3, 0, 2))
        filtered[:, :, planes] = np.moveaxis(total, 0, 2)
    return filtered


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

    Examples
    --------
    What the cell itself holds does not count.

    >>> grid = np.ones((8, 8, 1), np.complex64)
    >>> arguments = (np.array([[4, 4]]), 8, 1.0, 0.3, np.ones((8, 8)), 1)
    >>> before = clap_cells(grid, *arguments)
    >>> grid[4, 4] = -100
    >>> bool(clap_cells(grid, *arguments) == before)
    True
    """
    n_i, n_j, m = ph_grid.shape
    filtered = np.zeros((len(cells), m), np.complex128)
    if min(n_i, n_j) < n_w:
        return filtered
    first_row, first_column = corners(cells, (n_i, n_j), n_w).T
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


# Natively this one is filtered in double; the other, as by StaMPS, in single precision.
clap_cells_single = clap_cells


def without_nan(phasors: Array) -> Array:
    """Return phasors with 0 where a part is NaN."""
    return np.where(np.isnan(phasors), 0, phasors)


def response(spectrum: Array, alpha: float, beta: float, low_pass: Array) -> Array:
    """Adaptive and low-pass response to spectra (..., n, n) complex128, zero frequency first.

    Notes
    -----
    StaMPS ``clap_filt_patch``; docs/science/gamma.md, Adaptive response. Smoothing works on the
    centred spectrum with zeros around it.
    """
    n = spectrum.shape[-1]
    modulus = np.sqrt(spectrum.real**2 + spectrum.imag**2)
    smooth = _smoothed(_smoothed(scipy.fft.fftshift(modulus, axes=(-2, -1)), -2), -1)
    smooth = scipy.fft.ifftshift(smooth, axes=(-2, -1))
    middle = n * n // 2
    ordered = np.partition(smooth.reshape(*smooth.shape[:-2], -1), (middle - 1, middle), axis=-1)
    median = (ordered[..., middle - 1] + ordered[..., middle]) / 2
    median = np.where(median == 0, 1, median)
    adaptive = np.maximum((smooth / median[..., np.newaxis, np.newaxis]) ** alpha - 1, 0)
    combined: Array = beta * adaptive + low_pass
    return combined


def _smoothed(values: Array, axis: int) -> Array:
    """Correlate with the Gaussian window along one axis, zeros beyond its ends."""
    values = np.moveaxis(values, axis, -1)
    n = values.shape[-1]
    padded = np.zeros((*values.shape[:-1], n + 6))
    padded[..., 3 : n + 3] = values
    smooth = GAUSSIAN[0] * padded[..., :n]
    for k in range(1, 7):
        smooth += GAUSSIAN[k] * padded[..., k : k + n]
    return np.moveaxis(smooth, -1, axis)
