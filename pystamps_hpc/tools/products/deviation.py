"""How well a velocity is known: from the residuals of its line, or by resampling its columns."""

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...errors import StageError
from ...stages.shared.least_squares import operator, pseudo_inverse, whitening
from ...stages.shared.velocity import DAYS_PER_YEAR

SAMPLES = 1500
"""Samples of a bootstrap, as StaMPS' plotting takes."""


def deviation_of_residuals(
    displacement: FloatArray, design: FloatArray, covariance: FloatArray
) -> FloatArray:
    """Return the standard deviation of the velocity of each point, from what its line leaves.

    Parameters
    ----------
    displacement : (n, n_fit) float
        Displacement [mm].
    design : (n_fit, 2) float64
        Ones, and days.
    covariance : (n_fit, n_fit) float64
        Covariance of the columns, up to a factor.

    Returns
    -------
    (n,) float64
        Deviation [mm/yr]; NaN where two columns or fewer leave nothing to estimate it from.

    Notes
    -----
    With the design G, weights W and residuals r of a point, sqrt(rᵀWr / (n - 2) [(GᵀWG)⁻¹]₂₂):
    the weights say how the columns compare, the point's own residuals how noisy it is.
    """
    n_fitted = len(covariance)
    if n_fitted <= 2:
        return np.full(len(displacement), np.nan)
    weights = pseudo_inverse(covariance)
    residual = _left_by_line(displacement, design, covariance)
    variance = ((residual @ weights) * residual).sum(axis=1) / (n_fitted - 2)
    normal = np.linalg.inv(design.T @ weights @ design)
    deviation: FloatArray = np.sqrt(variance * normal[1, 1]) * DAYS_PER_YEAR
    return deviation


def rmse_of_line(
    displacement: FloatArray, design: FloatArray, covariance: FloatArray
) -> FloatArray:
    """Return the root mean square of what its line leaves of each point, (n,) float64 [mm].

    Parameters as of :func:`deviation_of_residuals`; NaN likewise.
    """
    if len(covariance) <= 2:
        return np.full(len(displacement), np.nan)
    residual = _left_by_line(displacement, design, covariance)
    rmse: FloatArray = np.sqrt((residual**2).mean(axis=1))
    return rmse


def _left_by_line(
    displacement: FloatArray, design: FloatArray, covariance: FloatArray
) -> FloatArray:
    residual: FloatArray = displacement - (displacement @ operator(design, covariance).T) @ design.T
    return residual


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
