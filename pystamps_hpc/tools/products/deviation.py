"""How well a velocity is known: from the residuals of its line, or by resampling its columns."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...errors import StageError
from ...stages.shared.least_squares import operator, pseudo_inverse, whitening
from ...stages.shared.velocity import DAYS_PER_YEAR

SAMPLES = 1500
"""Samples of a bootstrap, as StaMPS' plotting takes."""


@dataclass(frozen=True)
class LineFit:
    """The weighted fit of a straight line, the same for every point.

    Attributes
    ----------
    design : (n_fit, 2) float64
        Ones, and days.
    gain : (2, n_fit) float64
        Displacements -> offset and rate.
    weights : (n_fit, n_fit) float64
        Inverse of the covariance of the columns.
    of_rate : float
        Variance of the rate for noise of unit weight; NaN where two columns or fewer leave nothing
        to estimate noise from.
    """

    design: FloatArray
    gain: FloatArray
    weights: FloatArray
    of_rate: float

    @classmethod
    def of(cls, design: FloatArray, covariance: FloatArray) -> "LineFit":
        """Prepare the fit; `covariance` of the columns, (n_fit, n_fit), up to a factor."""
        weights, of_rate = pseudo_inverse(covariance), np.nan
        if len(design) > 2:
            of_rate = float(np.linalg.inv(design.T @ weights @ design)[1, 1])
        return cls(design, operator(design, covariance), weights, of_rate)

    @property
    def is_open(self) -> bool:
        """Whether two columns or fewer leave nothing to estimate noise from."""
        return len(self.design) <= 2

    def left(self, displacement: FloatArray) -> FloatArray:
        """Return what the line leaves of displacements, (n, n_fit) [mm]."""
        residual: FloatArray = displacement - (displacement @ self.gain.T) @ self.design.T
        return residual


def deviation_of_residuals(displacement: FloatArray, line: LineFit) -> FloatArray:
    """Return the standard deviation of the velocity of each point, from what its line leaves.

    Parameters
    ----------
    displacement : (n, n_fit) float
        Displacement [mm].
    line : LineFit
        The line.

    Returns
    -------
    (n,) float64
        Deviation [mm/yr]; NaN where two columns or fewer leave nothing to estimate it from.

    Notes
    -----
    With the design G, weights W and residuals r of a point, sqrt(rᵀWr / (n - 2) [(GᵀWG)⁻¹]₂₂):
    the weights say how the columns compare, the point's own residuals how noisy it is.
    """
    if line.is_open:
        return np.full(len(displacement), np.nan)
    residual = line.left(displacement)
    variance = ((residual @ line.weights) * residual).sum(axis=1) / (len(line.design) - 2)
    deviation: FloatArray = np.sqrt(variance * line.of_rate) * DAYS_PER_YEAR
    return deviation


def rmse_of_line(displacement: FloatArray, line: LineFit) -> FloatArray:
    """Return the root mean square of what its line leaves of each point, (n,) float64 [mm].

    Parameters as of :func:`deviation_of_residuals`; NaN likewise.
    """
    if line.is_open:
        return np.full(len(displacement), np.nan)
    rmse: FloatArray = np.sqrt((line.left(displacement) ** 2).mean(axis=1))
    return rmse


def resampled(n_fitted: int, seed: int) -> IntArray:
    """Draw the columns of every sample of a bootstrap, (n_sample, n_fit), with replacement."""
    return np.random.default_rng(seed).integers(0, n_fitted, (SAMPLES, n_fitted))


def spread_of_samples(design: FloatArray, covariance: FloatArray, samples: IntArray) -> FloatArray:
    """Return the covariance of the weights that samples give to the columns.

    Parameters
    ----------
    design : (n_fit, 2) float64
        Ones, and days.
    covariance : (n_fit, n_fit) float64
        Covariance of the columns; it stays in order when the columns are drawn, as in StaMPS.
    samples : (n_sample, n_fit) int64
        Columns of every sample.

    Returns
    -------
    (n_fit, n_fit) float64
        S, with which y S y is the variance of the velocity of a point with displacements y.

    Raises
    ------
    StageError
        The covariance is singular.

    Notes
    -----
    StaMPS ``ps_mean_v`` fits every point once per sample. The velocity of a sample is linear in the
    displacements, so that the variance over samples is a quadratic form.
    """
    if np.linalg.matrix_rank(covariance) < len(covariance):
        raise StageError(
            "standard deviation of velocities: interferograms are included for which there is no "
            "unwrapped solution (their covariance is singular)"
        )
    years = design / np.array([1, DAYS_PER_YEAR])
    whiten = whitening(covariance)
    drawn = whiten @ years[samples]
    tolerance = len(years) * np.finfo(np.float64).eps
    slope = np.linalg.pinv(drawn, tolerance)[:, 1] @ whiten
    weights = np.zeros((len(samples), len(years)))
    np.add.at(weights, (np.arange(len(samples))[:, None], samples), slope)
    return np.cov(weights, rowvar=False)


def deviation_of_samples(displacement: FloatArray, spread: FloatArray) -> FloatArray:
    """Return the deviation of the velocity of each point [mm/yr] over samples; see above.

    Parameters
    ----------
    displacement : (n, n_fit) float
        Displacement [mm].
    spread : (n_fit, n_fit) float64
        See :func:`spread_of_samples`.
    """
    variance = ((displacement @ spread) * displacement).sum(axis=1)
    deviation: FloatArray = np.sqrt(np.maximum(variance, 0))
    return deviation
