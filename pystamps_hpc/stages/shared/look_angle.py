"""How far the look-angle error is searched: from the largest height error to cycles.

The geometry is that of the reference: one slant range for every sensor.
"""

from typing import Any

import numpy as np

from ...dataset.rows import FloatArray
from ...errors import StageError

SLANT_RANGE = 830_000.0
"""Distance from sensor to ground [m]."""

EARTH_CURVATURE = 0.052
"""Incidence minus look angle [rad]."""

DEFAULT_INCIDENCE = 21 * np.pi / 180
"""Incidence where no angle is known [rad]."""


def mean_incidence(
    incidence: FloatArray | None, look_angle: FloatArray | None, version: int
) -> Any:
    """Return the mean incidence of the points, from the angles that there are.

    Parameters
    ----------
    incidence : (n_ps,) float or None
        Incidence angles [rad]; 0 and what is not finite do not count.
    look_angle : (n_ps,) float or None
        Look angles [rad], taken in their place; what is not finite does not count.
    version : {1, 2}
        Of the files that they come from, for the message.

    Returns
    -------
    float32 or float64
        In the class of the angles [rad].

    Raises
    ------
    StageError
        The mean is no incidence angle.

    Notes
    -----
    GAMMA and SNAP data hold the incidence in ``la1``; the step from look angle to incidence is
    added all the same.
    """
    if incidence is not None:
        mean, source = _mean(incidence[incidence != 0]), f"inc{version}.mat: inc"
    elif look_angle is not None:
        mean, source = _mean(look_angle) + EARTH_CURVATURE, f"la{version}.mat: la"
    else:
        return DEFAULT_INCIDENCE
    if not 0 < mean < np.pi / 2:
        raise StageError(
            f"mean incidence angle {float(mean):g} rad from {source}: must lie between 0 and pi/2; "
            "correct the angles"
        )
    return mean


def _mean(angles: FloatArray) -> Any:
    finite = angles[np.isfinite(angles)]
    if not finite.size:
        return np.float64(np.nan)
    total = finite.cumsum(dtype=np.float64)[-1]  # one after the other, as the reference adds
    return (total / finite.size).astype(angles.dtype)


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
