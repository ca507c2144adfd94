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
    StaMPS ``ps_plot`` with value type ``v``; specification of stage 8, section 10.1.
    """
    return ordered_product(phase - reference, operator.T)
