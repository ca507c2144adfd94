"""Least absolute deviations: against a linear program, ties, gross errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from pystamps_kernels.dispatch import table

from .conftest import BACKENDS


def least_squares(design, values):
    return values @ np.linalg.pinv(design).T


def linear_programming_optimum(design, values):
    n_obs, n_par = design.shape
    cost = np.concatenate((np.zeros(n_par), np.ones(2 * n_obs)))
    equal = np.hstack((design, np.eye(n_obs), -np.eye(n_obs)))
    bounds = [(None, None)] * n_par + [(0, None)] * (2 * n_obs)
    return linprog(cost, A_eq=equal, b_eq=values, bounds=bounds).fun


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    n_obs=st.integers(3, 9),
    n_par=st.integers(1, 3),
    whole_numbers=st.booleans(),
    backend=st.sampled_from(BACKENDS),
)
def test_deviations_are_the_least_possible(seed, n_obs, n_par, whole_numbers, backend):
    rng = np.random.default_rng(seed)
    design = np.column_stack((np.ones(n_obs), rng.normal(0, 100, (n_obs, 2))))[:, :n_par].copy()
    values = rng.normal(0, 2, (3, n_obs))
    if whole_numbers:  # residuals of exactly zero and many equally good solutions
        design, values = np.round(design / 40), np.round(values)
        design[:, 0] = 1
    if np.linalg.matrix_rank(design) < n_par:
        return
    start = least_squares(design, values)
    fit = table(backend, "double").stage7_lad_fit(design, values, start)
    for row, solution in zip(values, fit, strict=True):
        objective = np.abs(row - design @ solution).sum()
        assert objective <= linear_programming_optimum(design, row) + 1e-8


@pytest.mark.parametrize("start", [0.2, 3.9])
def test_of_equally_good_solutions_the_nearest_to_the_start_is_taken(kernels, start):
    # every value between the two middle observations is a median
    values = np.array([[0.0, 1.0, 3.0, 4.0]])
    fit = kernels.stage7_lad_fit(np.ones((4, 1)), values, np.array([[start]]))
    assert fit[0, 0] == pytest.approx(1.0 if start < 2 else 3.0, abs=1e-12)


def test_one_gross_error_does_not_move_least_deviations(kernels):
    rng = np.random.default_rng(1)
    design = np.column_stack((np.ones(12), rng.normal(0, 100, 12), rng.uniform(10, 50, 12)))
    truth = np.array([0.3, 0.01, -0.002])
    values = (design @ truth)[None]
    values[0, 4] += 2 * np.pi
    fit = kernels.stage7_lad_fit(design, values, least_squares(design, values))
    np.testing.assert_allclose(fit[0], truth, atol=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_observation_that_is_not_finite_takes_its_point_alone(kernels, value):
    design = np.column_stack((np.ones(6), np.arange(6.0)))
    values = np.tile(design @ [2.0, 0.5], (3, 1))
    start = np.tile([2.0, 0.5], (3, 1))
    values[1, 2] = value
    with np.errstate(invalid="ignore"):
        fit = kernels.stage7_lad_fit(design, values, start)
    assert np.isnan(fit[1]).all()
    np.testing.assert_allclose(fit[[0, 2]], start[[0, 2]], atol=1e-12)


def test_a_design_without_enough_independent_observations_gives_no_fit():
    design = np.ones((5, 2))
    fit = table("native", "double").stage7_lad_fit(design, np.ones((2, 5)), np.zeros((2, 2)))
    assert np.isnan(fit).all()
