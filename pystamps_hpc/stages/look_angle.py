"""How far the look-angle error is searched: from the largest height error to cycles.

The geometry is that of the reference: one slant range for every sensor.
"""

from typing import Any

import numpy as np

from ..dataset.rows import FloatArray

SLANT_RANGE = 830_000.0
"""Distance from sensor to ground [m]."""

EARTH_CURVATURE = 0.052
"""Incidence minus look angle [rad]."""

DEFAULT_INCIDENCE = 21 * np.pi / 180
"""Incidence where no angle is known [rad]."""


def trial_wraps(
    bperp: FloatArray, incidence: Any, max_topo_err: float, wavelength: float, real: type[Any]
) -> Any:
    """Return how many cycles the largest look-angle error makes over the range of baselines.

    Parameters
    ----------
    bperp : (n_ifg,) float32 or float64
        Baselines [m].
    incidence : float32 or float64
        Mean incidence [rad]; the slope is computed in its class.
    max_topo_err : float
        Largest height error [m].
    wavelength : float
        Radar wavelength [m].
    real : type
        Class of the result.

    Notes
    -----
    docs/science/gamma.md, Range of slopes.
    """
    slope = max_topo_err / (wavelength * SLANT_RANGE * np.sin(incidence) / (4 * np.pi))
    return real(np.ptp(bperp)) * real(slope) / real(2 * np.pi)
