"""The resampling merge: noise of points, weighted sums over the points of each cell.

Every operation is rounded to single, as the reference's, and sums run over ascending columns or
rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics import row_sums
from .cells import added, cell_of_rows

Singles = NDArray[np.floating]  # all of them float32


def point_noise(noise: Singles) -> tuple[Singles, Singles]:
    """Return variance and coherence of the noise of each point.

    Parameters
    ----------
    noise : (n_ps, n_col) float32
        Noise [rad].

    Returns
    -------
    variance : (n_ps,) float32
        About the mean, normalised by ``n_col - 1`` [rad^2].
    coherence : (n_ps,) float32
        Modulus of the mean of ``exp(i noise)``.

    Notes
    -----
    docs/science/merging.md, Resampling.

    Examples
    --------
    >>> variance, coherence = point_noise(np.array([[0.1, -0.1, 0.1, -0.1]], np.float32))
    >>> variance.round(5), coherence.round(5)
    (array([0.01333], dtype=float32), array([0.995], dtype=float32))
    """
    n_col = np.float32(noise.shape[1])
    deviation = noise - (row_sums(noise) / n_col)[:, None]
    variance = row_sums(deviation * deviation) / (n_col - np.float32(1))
    phasor = np.exp(1j * noise)
    coherence = np.hypot(row_sums(phasor.real), row_sums(phasor.imag)) / n_col
    return variance, coherence


def cell_sums(values: NDArray[Any], weight: Singles, start: NDArray[np.int64]) -> NDArray[Any]:
    """Add up weighted values of the points of each cell.

    Parameters
    ----------
    values : (n_ps, n_col) float32 or complex64
        Values of the points, cell after cell.
    weight : (n_ps,) float32
        Weight of each point.
    start : (n_cell + 1,) int64
        First row of each cell, and the number of rows.

    Returns
    -------
    (n_cell, n_col) of the type of `values`
        Sums of ``weight * value``, in single in the order of the rows.

    Examples
    --------
    >>> values, weight = np.array([[1], [2], [5]], np.float32), np.array([1, 2, 3], np.float32)
    >>> cell_sums(values, weight, np.array([0, 2, 3])).tolist()
    [[5.0], [15.0]]
    """
    return added(weight[:, None] * values, cell_of_rows(start), len(start) - 1)
