"""How points move beyond a steady velocity: acceleration, and a yearly wave."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray
from ...stages.shared.least_squares import operator, pseudo_inverse, whitening

N_TERMS = 5
"""Terms of the model: offset, velocity, acceleration, sine and cosine of a year."""


@dataclass(frozen=True)
class Motion:
    """Motion of some points; each (n,) float64, NaN where it is not determined.

    Attributes
    ----------
    acceleration, acceleration_deviation : (n,) float64
        [mm/yr^2]
    amplitude, amplitude_deviation : (n,) float64
        Of the yearly wave [mm].
    """

    acceleration: FloatArray
    acceleration_deviation: FloatArray
    amplitude: FloatArray
    amplitude_deviation: FloatArray


def design_of(years: FloatArray) -> FloatArray:
    """Return the design of the model, (n_fit, 5); `years` since the master."""
    turn = 2 * np.pi * years
    return np.column_stack(
        (np.ones(len(years)), years, years**2 / 2, np.sin(turn), np.cos(turn))
    )  # fmt: skip


def is_determined(years: FloatArray, covariance: FloatArray) -> bool:
    """Whether these dates tell all terms of the model apart, and leave a residual."""
    if len(years) <= N_TERMS:
        return False
    return bool(np.linalg.matrix_rank(whitening(covariance) @ design_of(years)) == N_TERMS)


def motion_of(displacement: FloatArray, years: FloatArray, covariance: FloatArray) -> Motion:
    """Fit offset, velocity, acceleration and a yearly wave to the displacements of points.

    Parameters
    ----------
    displacement : (n, n_fit) float
        Displacement [mm].
    years : (n_fit,) float64
        Time since the master [yr of 365.25 days].
    covariance : (n_fit, n_fit) float64
        Covariance of the dates, up to a factor; that of the velocity.

    Returns
    -------
    Motion
        NaN where the dates do not determine the model, see :func:`is_determined`.

    Notes
    -----
    One weighted least-squares fit of 1, t, t^2 / 2, sin(2 pi t) and cos(2 pi t). The residuals of a
    point say how noisy it is, as for the deviation of its velocity. With s and c of sine and
    cosine, the amplitude is A = sqrt(s^2 + c^2), and its variance g C g with g = (s, c) / A and C
    their covariance.
    """
    if not is_determined(years, covariance):
        return Motion(*np.full((4, len(displacement)), np.nan))
    design, weights = design_of(years), pseudo_inverse(covariance)
    fitted = displacement @ operator(design, covariance).T
    residual = displacement - fitted @ design.T
    noise = ((residual @ weights) * residual).sum(axis=1) / (len(years) - N_TERMS)
    spread = np.linalg.inv(design.T @ weights @ design)
    wave = fitted[:, 3:]
    amplitude = np.hypot(*wave.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        gradient = wave / amplitude[:, None]
    variance = ((gradient @ spread[3:, 3:]) * gradient).sum(axis=1)
    return Motion(
        acceleration=fitted[:, 2],
        acceleration_deviation=np.sqrt(noise * spread[2, 2]),
        amplitude=amplitude,
        amplitude_deviation=np.sqrt(noise * variance),
    )
