"""Orbital ramps: a low-degree surface per interferogram, fitted over all PS."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dataset.rows import ALL, AnyArray, ComputedRows, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from .ifgs import one_based

FEWEST_PS = 6
"""PS with a valid phase that a fit needs (StaMPS: more than 5)."""

_SINGULAR = 1e-12


@dataclass(frozen=True)
class Ramps:
    """Ramps of some columns.

    Parameters
    ----------
    terms : (n_ps, n_term) float64
        Regressors of all PS.
    coefficients : (n_term, n_col) float64
        What they are multiplied by.
    """

    terms: FloatArray
    coefficients: FloatArray

    @property
    def rows(self) -> ComputedRows:
        """The ramps of all PS, (n_ps, n_col) float64 [rad]."""
        shape = (len(self.terms), self.coefficients.shape[1])
        return ComputedRows(shape, np.dtype(np.float64), self.at)

    def at(self, rows: Any, columns: Any = ALL) -> FloatArray:
        """Evaluate ramps at some PS, (n, m) float64 [rad]."""
        terms, coefficients = self.terms[rows], self.coefficients[:, columns]
        total = np.zeros((len(terms), coefficients.shape[1]))
        for term, weights in zip(terms.T, coefficients, strict=True):
            total += term[:, None] * weights
        return total


def degree_or_default(degree: float | None) -> float:
    """Return the degree of ``deramp_degree.mat``, 1 where the dataset has no such file."""
    return 1.0 if degree is None else degree


def regressors(xy: FloatArray, degree: float) -> FloatArray:
    """Return the terms of a ramp.

    Parameters
    ----------
    xy : (n_ps, 2) float32
        Local coordinates [m].
    degree : float
        1, 1.5, 2 or 3; 2 and 3 have no linear terms, as in StaMPS.

    Returns
    -------
    (n_ps, n_term) float64
        Terms in km, the constant last.

    Raises
    ------
    StageError
        Another degree.

    Notes
    -----
    StaMPS ``ps_deramp``; docs/science/scla.md, Ramps.
    """
    x, y = xy.astype(np.float64).T / 1000
    terms = {
        1.0: (x, y),
        1.5: (x, y, x * y),
        2.0: (x**2, y**2, x * y),
        3.0: (x**3, y**3, x**2 * y, y**2 * x, x**2, y**2, x * y),
    }
    if degree not in terms:
        raise StageError(f"deramp_degree.degree: {degree} is no degree; use 1, 1.5, 2 or 3")
    return np.column_stack((*terms[degree], np.ones(len(x))))


def fit_ramps(terms: FloatArray, phase: Rows, columns: IntArray, ctx: Context) -> Ramps:
    """Fit a ramp to every column.

    Parameters
    ----------
    terms : (n_ps, n_term) float64
        Regressors of all PS.
    phase : Rows, (n_ps, n_col)
        Phase [rad]; NaN do not take part.
    columns : (n_col,) int64
        Which columns of all they are, for the message.
    ctx : Context
        Sums over PS.

    Returns
    -------
    Ramps
        Zero, with a warning, for a column of fewer than six valid PS. (StaMPS makes
        such a column NaN in stage 7 and leaves it in velocities.)
    """
    scale = np.maximum(np.abs(terms).max(axis=0, initial=0), np.finfo(np.float64).tiny)
    scaled = terms / scale
    n_term = terms.shape[1]

    def normal_equations(rows: slice) -> AnyArray:
        values = phase[rows].astype(np.float64)
        valid = (~np.isnan(values)).astype(np.float64)
        design = scaled[rows]
        left = np.einsum("np,nq,nc->cpq", design, design, valid)
        right = np.einsum("np,nc->cp", design, np.where(valid == 1, values, 0))
        return np.concatenate((left, right[:, :, None]), axis=2)

    sums = ctx.sum_rows(normal_equations, len(terms), "ramps")
    left, right = sums[:, :, :n_term], sums[:, :, n_term:]
    coefficients = ctx.on_root(
        lambda: (np.linalg.pinv(left, _SINGULAR, hermitian=True) @ right)[:, :, 0]
    )
    few = left[:, -1, -1] < FEWEST_PS
    if few.any():
        ctx.warn(
            f"interferograms {one_based(columns[few])}: not deramped, fewer than "
            f"{FEWEST_PS} PS have a phase"
        )
    coefficients[few] = 0
    return Ramps(terms, (coefficients / scale).T)
