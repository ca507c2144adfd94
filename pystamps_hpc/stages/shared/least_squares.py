"""Least squares whose design never depends on the PS: one fixed linear operator for all."""

import numpy as np

from ...dataset.rows import BoolArray, FloatArray


def pseudo_inverse(matrix: FloatArray) -> FloatArray:
    """Return the Moore-Penrose inverse; singular values within rounding of zero are dropped."""
    tolerance = max(matrix.shape) * np.finfo(np.float64).eps
    inverse: FloatArray = np.linalg.pinv(matrix, tolerance)
    return inverse


def operator(design: FloatArray, covariance: FloatArray | None = None) -> FloatArray:
    """Return the matrix that turns observations into least-squares coefficients.

    Parameters
    ----------
    design : (n_obs, n_par) float64
        Regressors.
    covariance : (n_obs, n_obs) float64, optional
        Covariance of the observations; equal weights by default.

    Returns
    -------
    (n_par, n_obs) float64
        Operator; the shortest solution where the design does not determine one.

    Notes
    -----
    MATLAB ``lscov``; docs/science/scla.md, Weighted least squares. A covariance that is not
    positive definite is reduced to the space of its positive eigenvalues. Where ranks share a task,
    one decides (``ctx.on_root``): LAPACK may give other bits on another processor.
    """
    if covariance is None:
        return pseudo_inverse(design)
    whiten = whitening(covariance)
    fitted: FloatArray = pseudo_inverse(whiten @ design) @ whiten
    return fitted


def n_left_out(covariance: FloatArray) -> int:
    """Return how many eigenvalues of a covariance :func:`operator` leaves out."""
    return 0 if _factor(covariance) is not None else int(np.sum(~_eigen(covariance)[2]))


def whitening(covariance: FloatArray) -> FloatArray:
    """Return the matrix that makes observations of a covariance uncorrelated, (n, n_obs)."""
    factor = _factor(covariance)
    if factor is None:
        values, vectors, positive = _eigen(covariance)
        return pseudo_inverse(vectors[:, positive] * np.sqrt(values[positive]))
    whiten: FloatArray = np.linalg.solve(factor, np.eye(len(factor)))
    return whiten


def _factor(covariance: FloatArray) -> FloatArray | None:
    """Return the lower Cholesky factor; None of what is not positive definite."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return None


def _eigen(covariance: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return eigenvalues, eigenvectors, and which of them are positive."""
    values, vectors = np.linalg.eigh(covariance)
    return values, vectors, values > 0
