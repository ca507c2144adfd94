"""Least absolute deviations: the fit of stage 7 with ``scla_method`` L1."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Double = NDArray[np.float64]

_BLOCK = 4_000_000
_TIE = 1e-9


def lad_fit(design: Double, values: Double, start: Double) -> Double:
    """Fit every PS by least absolute deviations, exactly.

    Parameters
    ----------
    design : (n_obs, n_par) float64
        Regressors, of full column rank.
    values : (n_ps, n_obs) float64
        Observations of each PS.
    start : (n_ps, n_par) float64
        Least-squares solution; among equally good solutions the nearest to it is taken.

    Returns
    -------
    (n_ps, n_par) float64
        Coefficients; NaN where an observation is not finite.

    Notes
    -----
    docs/science/scla.md, Least absolute deviations. A minimum lies on a vertex, where ``n_par``
    independent observations are met exactly; all vertices are compared, which takes
    ``n_obs ** n_par`` time.

    Examples
    --------
    With a constant alone it is the median, which one gross error does not move.

    >>> values = np.array([[1.0, 2.0, 3.0, 4.0, 100.0]])
    >>> lad_fit(np.ones((5, 1)), values, np.array([[22.0]])).tolist()
    [[3.0]]
    """
    rows = np.array(list(combinations(range(design.shape[0]), design.shape[1])))
    scaled = design / np.abs(design).max(axis=0)
    rows = rows[np.linalg.matrix_rank(scaled[rows], tol=1e-10) == design.shape[1]]
    inverse = np.linalg.inv(design[rows])
    solution = np.empty_like(start)
    step = max(_BLOCK // (len(rows) * design.shape[0]), 1)
    for first in range(0, len(values), step):
        block = slice(first, first + step)
        vertices = np.einsum("vij,nvj->nvi", inverse, values[block][:, rows])
        residual = vertices @ design.T - values[block][:, None, :]
        objective = np.abs(residual).sum(axis=2)
        best = objective <= objective.min(axis=1, keepdims=True) + _TIE
        distance = ((vertices - start[block][:, None, :]) ** 2).sum(axis=2)
        nearest = np.where(best, distance, np.inf).argmin(axis=1)
        solution[block] = np.take_along_axis(vertices, nearest[:, None, None], axis=1)[:, 0]
    solution[~np.isfinite(values).all(axis=1)] = np.nan
    return solution
