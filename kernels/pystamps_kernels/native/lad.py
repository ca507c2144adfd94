"""Least absolute deviations by a simplex search."""

from typing import Any

import numpy as np
from numba import prange

from .compile import inline, kernel

_POINTS = 256
_MARGIN = 1e-9
_JITTER = 1e-10


@inline
def _invert(matrix: Any, inverse: Any) -> Any:
    """Invert a small matrix by elimination with row exchanges; `matrix` is used up."""
    size = matrix.shape[0]
    for row in range(size):
        for column in range(size):
            inverse[row, column] = 1.0 if row == column else 0.0
    for column in range(size):
        pivot = column
        for row in range(column + 1, size):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        for k in range(size):
            matrix[column, k], matrix[pivot, k] = matrix[pivot, k], matrix[column, k]
            inverse[column, k], inverse[pivot, k] = inverse[pivot, k], inverse[column, k]
        scale = matrix[column, column]
        for k in range(size):
            matrix[column, k] /= scale
            inverse[column, k] /= scale
        for row in range(size):
            factor = matrix[row, column]
            if row != column and factor != 0.0:
                for k in range(size):
                    matrix[row, k] -= factor * matrix[column, k]
                    inverse[row, k] -= factor * inverse[column, k]


@inline
def _first_basis(design: Any, distance: Any, basis: Any, directions: Any) -> bool:
    """Choose independent observations with small `distance`, which is used up; False if too few."""
    n_obs, n_par = design.shape
    found = 0
    while found < n_par:
        nearest = 0
        for obs in range(1, n_obs):
            if distance[obs] < distance[nearest]:
                nearest = obs
        if distance[nearest] == np.inf:
            return False
        distance[nearest] = np.inf
        for k in range(n_par):
            directions[found, k] = design[nearest, k]
        for before in range(found):
            product = 0.0
            for k in range(n_par):
                product += directions[found, k] * directions[before, k]
            for k in range(n_par):
                directions[found, k] -= product * directions[before, k]
        norm = 0.0
        for k in range(n_par):
            norm += directions[found, k] ** 2
        norm = np.sqrt(norm)
        if norm > 1e-6:
            for k in range(n_par):
                directions[found, k] /= norm
            basis[found] = nearest
            found += 1
    return True


@inline
def _vertex(design: Any, values: Any, basis: Any, matrix: Any, inverse: Any, solution: Any) -> None:
    """Solve for the point that meets the observations of `basis` exactly."""
    n_par = design.shape[1]
    for row in range(n_par):
        for k in range(n_par):
            matrix[row, k] = design[basis[row], k]
    _invert(matrix, inverse)
    for k in range(n_par):
        total = 0.0
        for row in range(n_par):
            total += inverse[k, row] * values[basis[row]]
        solution[k] = total


@inline
def _residuals(design: Any, values: Any, solution: Any, basis: Any, residual: Any) -> None:
    """Write observation minus prediction; exactly zero in the basis."""
    n_obs, n_par = design.shape
    for obs in range(n_obs):
        total = values[obs]
        for k in range(n_par):
            total -= design[obs, k] * solution[k]
        residual[obs] = total
    for row in range(n_par):
        residual[basis[row]] = 0.0


@inline
def _pull(design: Any, residual: Any, inverse: Any, row: int) -> Any:
    """Decrease of the other deviations per unit step away from observation `row` of the basis."""
    n_obs, n_par = design.shape
    total = 0.0
    for obs in range(n_obs):
        if residual[obs] != 0.0:
            rate = 0.0
            for k in range(n_par):
                rate += design[obs, k] * inverse[k, row]
            total += rate if residual[obs] > 0.0 else -rate
    return total


@inline
def _line_search(
    design: Any, residual: Any, inverse: Any, row: int, sign: float, slope: float, step: Any
) -> Any:
    """Go from the vertex along an edge until the sum of deviations stops falling.

    `slope` is the derivative at the start; `step` is room for the step to each observation. The
    observation that is met there is returned, -1 if there is none.
    """
    n_obs, n_par = design.shape
    for obs in range(n_obs):
        rate = 0.0
        for k in range(n_par):
            rate += design[obs, k] * inverse[k, row]
        rate *= sign
        step[obs] = residual[obs] / rate if residual[obs] * rate > 0.0 else np.inf
    while True:
        nearest = 0
        for obs in range(1, n_obs):
            if step[obs] < step[nearest]:
                nearest = obs
        if step[nearest] == np.inf:
            return -1
        slope += 2.0 * abs(residual[nearest] / step[nearest])
        if slope >= -_MARGIN:
            return nearest
        step[nearest] = np.inf


@inline
def _descend(
    design: Any, values: Any, basis: Any, matrix: Any, inverse: Any, residual: Any, work: Any,
    solution: Any,
) -> None:  # fmt: skip
    """Exchange observations of the basis until no edge of the vertex leads down."""
    n_obs, n_par = design.shape
    for _ in range(50 + 10 * n_obs):
        _vertex(design, values, basis, matrix, inverse, solution)
        _residuals(design, values, solution, basis, residual)
        steepest = 0
        strongest = 0.0
        for row in range(n_par):
            pull = _pull(design, residual, inverse, row)
            if abs(pull) > abs(strongest):
                steepest = row
                strongest = pull
        if abs(strongest) <= 1.0 + _MARGIN:
            return
        sign = 1.0 if strongest > 0.0 else -1.0
        entering = _line_search(
            design, residual, inverse, steepest, sign, 1.0 - abs(strongest), work
        )
        if entering < 0:
            return
        basis[steepest] = entering


@inline
def _settle_ties(
    design: Any, values: Any, exact: Any, start: Any, scale: Any, basis: Any, matrix: Any,
    inverse: Any, residual: Any, work: Any, solution: Any,
) -> None:  # fmt: skip
    """Walk over edges of equal deviation to the vertex nearest to `start`.

    On entry and return `solution` belongs to `basis` and to the observations `exact`.
    """
    n_obs, n_par = design.shape
    for _ in range(n_obs):
        _vertex(design, values, basis, matrix, inverse, solution)
        _residuals(design, values, solution, basis, residual)
        _vertex(design, exact, basis, matrix, inverse, solution)
        here = 0.0
        for k in range(n_par):
            here += (solution[k] / scale[k] - start[k]) ** 2
        moved = False
        for row in range(n_par):
            pull = _pull(design, residual, inverse, row)
            if moved or abs(pull) < 1.0 - _MARGIN:
                continue
            sign = 1.0 if pull > 0.0 else -1.0
            entering = _line_search(design, residual, inverse, row, sign, 0.0, work)
            if entering < 0:
                continue
            leaving = basis[row]
            basis[row] = entering
            _vertex(design, exact, basis, matrix, inverse, solution)
            there = 0.0
            for k in range(n_par):
                there += (solution[k] / scale[k] - start[k]) ** 2
            if there < here:
                moved = True
            else:
                basis[row] = leaving
                _vertex(design, exact, basis, matrix, inverse, solution)
        if not moved:
            return


@kernel
def lad_fit(design: Any, values: Any, start: Any) -> Any:
    """Native twin of :func:`reference.lad.lad_fit`: a simplex search over the vertices.

    The observations are shifted by at most 1e-10 while the basis is sought, so that no vertex is
    degenerate; the solution is computed from the true ones.
    """
    n_ps, n_obs = values.shape
    n_par = design.shape[1]
    scale = np.empty(n_par)
    for k in range(n_par):
        scale[k] = np.max(np.abs(design[:, k]))
    scaled = design / scale
    jitter = np.empty(n_obs)
    for obs in range(n_obs):
        jitter[obs] = _JITTER * (((obs + 1) * 0.6180339887498949) % 1.0)
    fit = np.empty((n_ps, n_par))
    for block in prange((n_ps + _POINTS - 1) // _POINTS):
        shifted = np.empty(n_obs)
        residual = np.empty(n_obs)
        work = np.empty(n_obs)
        basis = np.empty(n_par, np.int64)
        matrix = np.empty((n_par, n_par))
        inverse = np.empty((n_par, n_par))
        solution = np.empty(n_par)
        for point in range(block * _POINTS, min((block + 1) * _POINTS, n_ps)):
            valid = True
            for obs in range(n_obs):
                predicted = 0.0
                for k in range(n_par):
                    predicted += design[obs, k] * start[point, k]
                work[obs] = abs(values[point, obs] - predicted)
                shifted[obs] = values[point, obs] + jitter[obs]
                valid = valid and work[obs] < np.inf
            if valid:
                valid = _first_basis(scaled, work, basis, matrix)
            if not valid:
                for k in range(n_par):
                    fit[point, k] = np.nan
                continue
            _descend(scaled, shifted, basis, matrix, inverse, residual, work, solution)
            _settle_ties(
                scaled, shifted, values[point], start[point], scale, basis, matrix, inverse,
                residual, work, solution,
            )  # fmt: skip
            for k in range(n_par):
                fit[point, k] = solution[k] / scale[k]
    return fit
