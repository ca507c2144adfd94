"""Velocity: a straight line through the phase of every PS."""

import numpy as np
from numpy.typing import NDArray

from ..numerics import ordered_product

Single = NDArray[np.float32]
Double = NDArray[np.float64]


def velocity_fit(operator: Double, phase: Single, reference: Single) -> Double:
    """Fit offset and rate of every PS.

    Parameters
    ----------
    operator : (2, n_fit) float64
        Weighted least-squares operator from phase to offset [rad] and rate [rad/day].
    phase : (n_ps, n_fit) float32
        Phase [rad].
    reference : (n_fit,) float32
        Phase of the reference area [rad], taken off every PS.

    Returns
    -------
    (n_ps, 2) float64
        Offset [rad] and rate [rad/day].

    Notes
    -----
    StaMPS ``ps_plot`` with value type ``v``; docs/science/velocity.md, Fit.

    Examples
    --------
    >>> days = np.array([-12.0, 0.0, 12.0])
    >>> operator = np.linalg.pinv(np.stack([np.ones(3), days], axis=1))
    >>> phase = (0.5 + 0.01 * days)[None].astype(np.float32)
    >>> velocity_fit(operator, phase, np.zeros(3, np.float32)).round(6).tolist()
    [[0.5, 0.01]]
    """
    return ordered_product(phase - reference, operator.T)
