"""Variograms of known fields, and what kriging promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from pystamps_hpc.stages.stage8.variograms import IN_TIME
from pystamps_kernels.dispatch import table

from .conftest import BACKENDS

LAGS = IN_TIME.lags(np.arange(14))
DAYS = np.array([0.0, 0.1, 0.25, 0.3, 0.55, 0.6, 0.9, 1.4])


def variogram(span, sill, nugget):
    return nugget + sill * (1 - np.exp(-LAGS / span))


def in_time(kernels, series, model, day=DAYS, n_most=20):
    series = np.atleast_2d(series).astype(np.float32)
    distance = np.abs(day[:, None] - day)
    order = np.argsort(distance, axis=1, kind="stable")
    models = np.tile(np.asarray(model, float), (len(series), 1))
    return kernels.stage8_krig_time(series, models, distance, order, n_most)


def in_space(kernels, values, xy, model, near=None):
    n = len(xy)
    order = np.argsort(np.linalg.norm(xy[:, None] - xy, axis=2), axis=1, kind="stable")
    models = np.tile(np.asarray(model, float), (values.shape[1], 1))
    near = order if near is None else near
    return kernels.stage8_krig_space(values, xy, models, np.arange(n), near)


def scene(seed=0, n=30, n_use=3):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 2000, (n, 2)).astype(np.float32)
    return xy, rng.normal(0, 1, (n, n_use)).astype(np.float32)


@pytest.mark.parametrize("model", [(0.2, 1.5, 0.4), (0.05, 2.0, 0.0), (30.0, 40.0, 0.1)])
def test_a_variogram_of_the_model_gives_its_model(kernels, model):
    found, objective = kernels.stage8_fit_variograms(LAGS, variogram(*model)[None], 0.25)
    np.testing.assert_allclose(found[0], model, rtol=1e-6, atol=1e-9)
    assert objective[0] < 1e-20


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), backend=st.sampled_from(BACKENDS))
def test_no_start_value_leads_to_a_better_fit(seed, backend):
    rng = np.random.default_rng(seed)
    measured = variogram(rng.uniform(0.02, 2), rng.random(), rng.random())
    measured = measured * rng.uniform(0.7, 1.3, len(LAGS))
    fit = table(backend, "double").stage8_fit_variograms
    (found,), (objective,) = fit(LAGS, measured[None], 0.25)
    low, high = 0.05 * LAGS[0], 1000 * LAGS[-1]
    assert low * (1 - 1e-9) <= found[0] <= high * (1 + 1e-9)
    assert (found[1:] >= 0).all()
    np.testing.assert_allclose(((variogram(*found) - measured) ** 2).sum(), objective, rtol=1e-9)
    for start in (0.01, 0.25, 3.0):
        other = least_squares(
            lambda p: variogram(*p) - measured, (start, 1, 2), bounds=([low, 0, 0], [high, 1e9, 9])
        )
        assert objective <= 2 * other.cost * (1 + 1e-8) + 1e-18


@pytest.mark.parametrize("measured", [np.ones(14), LAGS[::-1].copy(), np.zeros(14)])
def test_a_variogram_that_does_not_rise_has_no_sill_and_the_mean_for_its_nugget(kernels, measured):
    (found,), _ = kernels.stage8_fit_variograms(LAGS, measured[None], 0.25)
    np.testing.assert_allclose(found, (0.25, 0, measured.mean()), atol=1e-15)


def test_a_straight_line_keeps_its_range_within_bounds(kernels):
    (found,), (objective,) = kernels.stage8_fit_variograms(LAGS, LAGS[None], 0.25)
    assert found[0] == pytest.approx(1000 * LAGS[-1])
    assert objective < 1e-7


def test_the_variogram_in_space_counts_every_pair_once_whatever_the_cut(kernels):
    xy, values = scene(n=90)
    whole = kernels.stage8_spatial_variogram(xy, values, 200.0, 10, 0, 90)
    parts = [kernels.stage8_spatial_variogram(xy, values, 200.0, 10, *cut)
             for cut in ((0, 40), (40, 90))]  # fmt: skip
    lower, upper = np.triu_indices(90, 1)
    number = (np.linalg.norm(xy[lower] - xy[upper], axis=1) / 200).astype(int)
    inside = number < 10
    pairs = np.bincount(number[inside], minlength=10)
    np.testing.assert_array_equal(whole[1], pairs)
    np.testing.assert_array_equal(parts[0][1] + parts[1][1], pairs)
    square = (values[lower, 1].astype(float) - values[upper, 1]) ** 2
    expected = np.bincount(number[inside], square[inside], 10)
    np.testing.assert_allclose(whole[0][:, 1], expected, rtol=1e-6)
    np.testing.assert_allclose(parts[0][0] + parts[1][0], whole[0], rtol=1e-12)


def test_without_nugget_the_value_at_a_point_is_met(kernels):
    series = np.random.default_rng(1).normal(0, 2, (5, len(DAYS)))
    np.testing.assert_allclose(in_time(kernels, series, (0.3, 2, 0))[0], series, atol=1e-6)
    xy, values = scene(1)
    np.testing.assert_allclose(in_space(kernels, values, xy, (700, 2, 0)), values, atol=1e-6)


def test_without_sill_the_prediction_is_the_mean_of_the_neighbours(kernels):
    series = np.random.default_rng(2).normal(0, 2, (1, len(DAYS)))
    low_pass, others = in_time(kernels, series, (9.0, 0, 1))
    np.testing.assert_allclose(low_pass, series.mean(), atol=1e-6)
    np.testing.assert_allclose(others[0, 0], series[0, 1:].mean(), atol=1e-6)
    xy, values = scene(2)
    expected = np.tile(values.astype(float).mean(axis=0), (30, 1))
    np.testing.assert_allclose(in_space(kernels, values, xy, (1e4, 0, 1)), expected, atol=1e-7)


def test_weights_sum_to_one_so_that_a_constant_comes_back_and_a_shift_stays(kernels):
    xy, values = scene(3)
    model = (500.0, 1.0, 0.3)
    np.testing.assert_allclose(in_space(kernels, np.full_like(values, 7), xy, model), 7, rtol=1e-12)
    shifted = in_space(kernels, values + np.float32(64), xy, model)
    np.testing.assert_allclose(shifted - 64, in_space(kernels, values, xy, model), atol=1e-5)
    low_pass, others = in_time(kernels, np.full(len(DAYS), 3.0), (0.3, 1, 0.5))
    np.testing.assert_allclose(np.stack((low_pass, others)), 3, rtol=1e-12)


def test_an_epoch_without_neighbours_in_reach_is_predicted_by_itself_alone(kernels):
    series = np.arange(len(DAYS), dtype=float)
    low_pass, others = in_time(kernels, series, (0.01, 1, 1))
    np.testing.assert_array_equal(low_pass[0], series)
    assert np.isnan(others).all()


def test_points_at_one_place_share_their_values_even_without_nugget(kernels):
    xy, values = scene(4)
    xy[7] = xy[3]
    found = in_space(kernels, values, xy, (600, 1, 0))
    np.testing.assert_allclose(found[7], values[[3, 7]].mean(axis=0), atol=1e-2)
    np.testing.assert_allclose(np.delete(found, [3, 7], 0), np.delete(values, [3, 7], 0), atol=1e-5)


def test_a_column_takes_the_neighbours_of_its_own_reach_among_those_given(kernels):
    xy = np.array([[0, 0], [10, 0], [30, 0]], np.float32)
    values = np.array([[1, 1], [2, 2], [30, 30]], np.float32)
    near = np.array([[0, 1, 2], [1, 0, -1], [-1, -1, -1]])
    models = np.array([[100.0, 0, 1], [5.0, 0, 1]])
    found = kernels.stage8_krig_space(values, xy, models, np.arange(3), near)
    np.testing.assert_allclose(found, [[11, 1.5], [1.5, 1.5], [0, 0]])
