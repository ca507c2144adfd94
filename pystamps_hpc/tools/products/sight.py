"""How the radar sees the points: incidence angle, direction of the satellite, error of heights."""

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...stages.shared.reference_area import mean_over_ps
from .artifacts import MergedArtifacts

EARTH_RADIUS = 6_371_000.0
"""Mean radius of the Earth [m]."""

WITH_INCIDENCE = ("snap", "gamma")
"""Processors whose ``la2`` holds the incidence where there is a single master."""


def incidence_of(found: MergedArtifacts) -> FloatArray:
    """Return the incidence angle of every point, (n_ps,) float64 [rad]; NaN where unknown.

    Notes
    -----
    That of ``inc2`` where it is not zero. Else that of ``la2``, which is the incidence already of a
    single master of SNAP and GAMMA (docs/science/loading.md, Look angle and incidence), and of all
    others the look angle theta: with slant range rho and Earth radius r the satellite, the point
    and the centre of the Earth make the incidence theta + arcsin(rho sin(theta) / r).
    """
    incidence = found.of_points("inc2.inc")
    incidence[~((incidence > 0) & (incidence < np.pi / 2))] = np.nan
    angle = found.of_points("la2.la")
    processor = str(found.parameters.value("insar_processor")).lower()
    if found.small_baselines or processor not in WITH_INCIDENCE:
        with np.errstate(invalid="ignore"):
            angle = angle + np.arcsin(slant_range(found) * np.sin(angle) / EARTH_RADIUS)
    return np.where(np.isnan(incidence), angle, incidence)


def slant_range(found: MergedArtifacts) -> float:
    """Return the mean distance from satellite to points [m]; NaN where unknown."""
    known = found.points.get("mean_range")
    return float(known) if known is not None and 0 < known < np.inf else np.nan


def direction_of_satellite(
    heading: float, incidence: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the unit vector from each point to the satellite, which looks to the right.

    Parameters
    ----------
    heading : float
        Flight direction, clockwise from north [deg].
    incidence : (n_ps,) float64
        Incidence angle [rad].

    Returns
    -------
    east, north, up : (n_ps,) float64
        Its components: a movement (e, n, u) is seen as their scalar product, positive towards the
        satellite.
    """
    flight = np.radians(heading)
    level = np.sin(incidence)
    return -level * np.cos(flight), level * np.sin(flight), np.cos(incidence)


def dem_error(
    found: MergedArtifacts, incidence: FloatArray, reference: IntArray | None
) -> FloatArray:
    """Return how far the points lie above the DEM, (n_ps,) float64 [m]; NaN where unknown.

    Parameters
    ----------
    found : MergedArtifacts
        Dataset processed through stage 7.
    incidence : (n_ps,) float64
        Incidence angle [rad].
    reference : (n_ref,) int64 or None
        Rows of the reference area, whose mean error counts as zero.

    Notes
    -----
    From the slope K of stage 7 [rad/m] relative to the reference area: -K lambda rho sin(incidence)
    / (4 pi). StaMPS ``ps_output`` takes constants of one sensor for rho and the incidence.
    """
    slope = found.of_points("scla2.K_ps_uw")
    if reference is not None:
        slope = slope - mean_over_ps(slope[:, None], found.ctx, reference)
    leverage = slant_range(found) * np.sin(incidence)
    error: FloatArray = -slope * found.wavelength * leverage / (4 * np.pi)
    return error
