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


@dataclass(frozen=True)
class MotionFit:
    """The weighted fit of the model, the same for every point.

    Attributes
    ----------
    design : (n_fit, 5) float64
        See :func:`design_of`.
    gain : (5, n_fit) float64
        Displacements -> terms.
    weights : (n_fit, n_fit) float64
        Inverse of the covariance of the dates.
    spread : (5, 5) float64
        Covariance of the terms for noise of unit weight.
    """

    design: FloatArray
    gain: FloatArray
    weights: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, years: FloatArray, covariance: FloatArray) -> "MotionFit | None":
        """Prepare the fit.

        Parameters
        ----------
        years : (n_fit,) float64
            Time since the master [yr of 365.25 days].
        covariance : (n_fit, n_fit) float64
            Covariance of the dates, up to a factor; that of the velocity.

        Returns
        -------
        MotionFit or None
            None where the dates do not tell all terms of the model apart, or leave no residual.
        """
        design = design_of(years)
        if len(years) <= N_TERMS or _rank(whitening(covariance) @ design) < N_TERMS:
            return None
        weights = pseudo_inverse(covariance)
        spread = np.linalg.inv(design.T @ weights @ design)
        return cls(design, operator(design, covariance), weights, spread)


def _rank(matrix: FloatArray) -> int:
    return int(np.linalg.matrix_rank(matrix))


def motion_of(displacement: FloatArray, model: MotionFit | None) -> Motion:
    """Fit offset, velocity, acceleration and a yearly wave to the displacements of points.

    Parameters
    ----------
    displacement : (n, n_fit) float
        Displacement [mm].
    model : MotionFit or None
        The model; None where the dates do not determine it.

    Returns
    -------
    Motion
        NaN where the dates do not determine the model.

    Notes
    -----
    One weighted least-squares fit of 1, t, t^2 / 2, sin(2 pi t) and cos(2 pi t). The residuals of a
    point say how noisy it is, as for the deviation of its velocity. With s and c of sine and
    cosine, the amplitude is A = sqrt(s^2 + c^2), and its variance g C g with g = (s, c) / A and C
    their covariance.
    """
    if model is None:
        return Motion(*np.full((4, len(displacement)), np.nan))
    fitted, spread = displacement @ model.gain.T, model.spread
    residual = displacement - fitted @ model.design.T
    free = len(model.design) - N_TERMS
    noise = ((residual @ model.weights) * residual).sum(axis=1) / free
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
