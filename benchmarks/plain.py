"""What the chain would cost without its savings: the plain procedures, vectorised in NumPy."""

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import factorized

from pystamps_kernels.clap_windows import BATCH_SAMPLES, corners
from pystamps_kernels.reference.clap import response, without_nan

Array = NDArray[Any]


def window_per_ps(
    ph_grid: Array, cells: Array, n_w: int, alpha: float, beta: float, low_pass: Array
) -> Array:
    """Filter the window around the cell of each PS, transform it back, take the sample (n, m)."""
    n_i, n_j, m = ph_grid.shape
    top, left = corners(cells, (n_i, n_j), n_w).T
    own = cells - np.stack([top, left], axis=1)
    offsets = np.arange(n_w)
    filtered = np.zeros((len(cells), m), np.complex128)
    step = max(1, BATCH_SAMPLES // (n_w * n_w * m))
    for first in range(0, len(cells), step):
        batch = slice(first, first + step)
        rows = top[batch, None, None] + offsets[:, None]
        windows = without_nan(ph_grid[rows, left[batch, None, None] + offsets])
        windows = np.moveaxis(windows, 3, 1).astype(np.complex128)
        each = np.arange(len(windows))
        windows[each, :, own[batch, 0], own[batch, 1]] = 0
        spectrum = scipy.fft.fft2(windows)
        spectrum *= response(spectrum, alpha, beta, low_pass)
        filtered[batch] = scipy.fft.ifft2(spectrum)[each, :, own[batch, 0], own[batch, 1]]
    return filtered


def solve_per_ps(phase: Array, bperp: Array, reference: Array) -> tuple[Array, Array]:
    """Fit slope and offset of the phase steps of each PS by its own least-squares solve."""
    steps = np.diff(phase - reference, axis=1).astype(np.float64)
    baseline = np.diff(bperp, axis=1).mean(axis=0)
    design = np.stack([np.ones(baseline.size), baseline], axis=1)
    slope = np.empty(len(phase))
    for point, values in enumerate(steps):
        slope[point] = np.linalg.lstsq(design, values, rcond=None)[0][1]
    correction = slope[:, None] * bperp
    return slope, (phase - reference - correction).mean(axis=1)


def highpass_through_network(phase: Array, weights: Array, edges: Array) -> Array:
    """Filter the phase of each arc in time, then solve the network of each interferogram.

    The first point is the origin. Returns (n, m) float64.
    """
    low, high = edges.T
    arcs = (phase[high] - phase[low]).astype(np.float64)
    arcs -= arcs @ weights
    n, n_edge = len(phase), len(edges)
    rows = np.repeat(np.arange(n_edge), 2)
    signs = np.tile([-1.0, 1.0], n_edge)
    incidence = csc_matrix((signs, (rows, edges.ravel())), (n_edge, n))[:, 1:]
    solve = factorized((incidence.T @ incidence).tocsc())
    right = incidence.T @ arcs
    result = np.zeros(phase.shape)
    for ifg in range(phase.shape[1]):
        result[1:, ifg] = solve(right[:, ifg])
    return result
