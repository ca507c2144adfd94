"""The inversion of a network of interferograms, and the sums of their covariance."""

import numpy as np
from numpy.typing import NDArray

from ..numerics import ordered_product

Single = NDArray[np.float32]
Double = NDArray[np.float64]


def network_inversion(phase: Single, reference: Single, operator: Double) -> Single:
    """Turn the phase of the pairs into that of the images, at every PS.

    Parameters
    ----------
    phase : (n_ps, n_pair) float32
        Unwrapped phase of the pairs [rad].
    reference : (n_pair,) float32
        Phase of the reference area [rad], taken off every PS.
    operator : (n_image, n_pair) float64
        Weighted least-squares operator from pairs to images.

    Returns
    -------
    (n_ps, n_image) float32
        Phase of the images [rad]; NaN where any pair is NaN.

    Notes
    -----
    StaMPS ``sb_invert_uw``; docs/science/unwrapping.md, Inversion of the network.

    Examples
    --------
    Three pairs of three images, the first of which is the master:

    >>> design = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]])
    >>> phase = np.array([[0.5, 2.0, 1.5]], np.float32)
    >>> network_inversion(phase, np.zeros(3, np.float32), np.linalg.pinv(design)).round(6).tolist()
    [[0.5, 2.0]]
    """
    return ordered_product(phase - reference, operator.T).astype(np.float32)


def column_products(values: Double) -> Double:
    """Add the products of all pairs of columns up, row after row.

    Parameters
    ----------
    values : (n, m) float64
        Values, deviations from a mean for a covariance.

    Returns
    -------
    (m, m) float64
        Sums of products.

    Examples
    --------
    >>> column_products(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[10.0, 14.0], [14.0, 20.0]]
    """
    return ordered_product(np.ascontiguousarray(values.T), values)
