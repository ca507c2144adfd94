"""Stage 7 kernels: fixed operators, clamping, least absolute deviations, sums in single."""

from itertools import product

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from pystamps_kernels.dispatch import table

BACKENDS = ("python", "native")


def kernels(backend):
    return table(backend, "double")


@pytest.fixture(params=BACKENDS)
def k(request):
    return kernels(request.param)


def scene(n_ps=700, n_ifg=15, seed=0):
    rng = np.random.default_rng(seed)
    phase = rng.normal(0, 3, (n_ps, n_ifg)).astype(np.float32)
    bperp = rng.normal(0, 100, (n_ps, n_ifg)).astype(np.float32)
    reference = rng.normal(0, 1, n_ifg).astype(np.float32)
    sequence = np.array([0, 1, 3, 4, 7, 9, 14])
    fitted = np.array([0, 1, 4, 14])
    return phase, bperp, reference, sequence, rng.normal(0, 0.01, 6), fitted, rng.normal(0, 1, 4)


def graph(n_ps, n_edge, seed=0):
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, n_ps, (n_edge, 2))
    return np.ascontiguousarray(edges[edges[:, 0] != edges[:, 1]])


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_native_equals_reference_bit_for_bit():
    native, reference = kernels("native"), kernels("python")
    arguments = scene()
    arguments[0][5, 3] = np.nan
    fit = native.stage7_scla(*arguments)
    assert_same(fit, reference.stage7_scla(*arguments))
    phase, bperp, area, _, _, fitted, operator = arguments
    known = (phase, bperp, area, fit[0], fitted, operator)
    assert_same(native.stage7_scla_of_slope(*known), reference.stage7_scla_of_slope(*known))
    assert_same(native.stage7_scla_of_slope(*known), fit[1:])
    smooth = (fit[0], fit[1], graph(len(phase), 2000))
    assert_same(native.stage7_scla_smooth(*smooth), reference.stage7_scla_smooth(*smooth))
    column = phase[:, 3].copy()
    assert native.stage7_sequential_mean(column) == reference.stage7_sequential_mean(column)


def test_a_row_does_not_depend_on_cut_or_threads(k):
    phase, bperp, *rest = scene()
    whole = k.stage7_scla(phase, bperp, *rest)
    numba.set_num_threads(1)
    try:
        for start, stop in ((0, 1), (1, 260), (260, 700)):
            part = k.stage7_scla(phase[start:stop], bperp[start:stop], *rest)
            assert_same(part, [result[start:stop] for result in whole])
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)


def test_look_angle_error_is_the_single_slope_times_the_baseline(k):
    arguments = scene()
    slope, _, look_angle = k.stage7_scla(*arguments)
    np.testing.assert_array_equal(look_angle, slope.astype(np.float32)[:, None] * arguments[1])


def test_a_missing_phase_spoils_its_ps_only(k):
    arguments = scene()
    clean = k.stage7_scla(*arguments)
    arguments[0][4, 3] = np.nan
    slope, offset, look_angle = k.stage7_scla(*arguments)
    assert np.isnan([slope[4], offset[4]]).all()
    assert np.isnan(look_angle[4]).all()
    for before, after in zip(clean, (slope, offset, look_angle), strict=True):
        np.testing.assert_array_equal(np.delete(before, 4, axis=0), np.delete(after, 4, axis=0))


def test_weights_must_fit_the_sequence(k):
    phase, bperp, reference, sequence, weights, fitted, operator = scene()
    with pytest.raises(ValueError, match="slope_operator"):
        k.stage7_scla(phase, bperp, reference, sequence, weights[:-1].copy(), fitted, operator)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), backend=st.sampled_from(BACKENDS))
def test_clamping_never_leaves_the_range_of_the_neighbours(seed, backend):
    rng = np.random.default_rng(seed)
    n_ps = int(rng.integers(3, 30))
    edges = graph(n_ps, 3 * n_ps, seed)
    slope = rng.normal(size=n_ps)
    offset = rng.normal(size=n_ps).astype(np.float32)
    slope[0] = np.nan
    found = kernels(backend).stage7_scla_smooth(slope, offset, edges)
    for values, clamped in zip((slope, offset), found, strict=True):
        for point in range(n_ps):
            own = (edges == point).any(axis=1)
            around = edges[own].ravel()
            around = values[around[around != point]].astype(np.float32)
            around = around[~np.isnan(around)]
            if np.isnan(values[point]):
                assert np.isnan(clamped[point])
            elif not len(around) or around.min() <= values[point] <= around.max():
                assert clamped[point] == values[point]
            else:
                assert clamped[point] == np.clip(values[point], around.min(), around.max())


def test_a_ps_without_neighbours_keeps_its_values(k):
    slope = np.array([0.0, 1.0, 5.0])
    offset = np.array([0.0, 2.0, 7.0], np.float32)
    new_slope, new_offset = k.stage7_scla_smooth(slope, offset, np.array([[0, 1]]))
    np.testing.assert_array_equal(new_slope, [1.0, 0.0, 5.0])
    np.testing.assert_array_equal(new_offset, [2.0, 0.0, 7.0])


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
    fit = kernels(backend).stage7_lad_fit(design, values, start)
    for row, solution in zip(values, fit, strict=True):
        objective = np.abs(row - design @ solution).sum()
        assert objective <= linear_programming_optimum(design, row) + 1e-8


def test_backends_agree_on_least_deviations():
    rng = np.random.default_rng(3)
    design = np.column_stack((np.ones(14), rng.normal(0, 100, 14), rng.uniform(10, 50, 14)))
    values = rng.normal(0, 1, (40, 14))
    values[7, 2] = np.nan
    start = least_squares(design, np.nan_to_num(values))
    native = kernels("native").stage7_lad_fit(design, values, start)
    reference = kernels("python").stage7_lad_fit(design, values, start)
    np.testing.assert_allclose(native, reference, rtol=0, atol=1e-9)
    assert np.isnan(native[7]).all()
    assert np.isfinite(np.delete(native, 7, axis=0)).all()


@pytest.mark.parametrize("start", [0.2, 3.9])
def test_of_equally_good_solutions_the_nearest_to_the_start_is_taken(k, start):
    # every value between the two middle observations is a median
    values = np.array([[0.0, 1.0, 3.0, 4.0]])
    fit = k.stage7_lad_fit(np.ones((4, 1)), values, np.array([[start]]))
    assert fit[0, 0] == pytest.approx(1.0 if start < 2 else 3.0, abs=1e-12)


def test_one_gross_error_does_not_move_least_deviations(k):
    rng = np.random.default_rng(1)
    design = np.column_stack((np.ones(12), rng.normal(0, 100, 12), rng.uniform(10, 50, 12)))
    truth = np.array([0.3, 0.01, -0.002])
    values = (design @ truth)[None]
    values[0, 4] += 2 * np.pi
    fit = k.stage7_lad_fit(design, values, least_squares(design, values))
    np.testing.assert_allclose(fit[0], truth, atol=1e-9)


def test_the_mean_in_single_drifts_with_the_number_of_points(k):
    column = np.full(600_000, 100.30, np.float32)
    assert k.stage7_sequential_mean(column) / 100.30 - 1 == pytest.approx(-2.5e-3, abs=1e-4)


def test_the_mean_leaves_nan_out(k):
    values = np.array([1, np.nan, 4], np.float32)
    assert k.stage7_sequential_mean(values) == 2.5
    assert np.isnan(k.stage7_sequential_mean(values[1:2].copy()))


@pytest.mark.parametrize("values", list(product([0.1, -3.0], repeat=3)))
def test_the_mean_is_summed_in_order(k, values):
    column = np.array([1e8, *values, -1e8], np.float32)
    total = np.float32(0)
    for value in column:
        total += value
    assert k.stage7_sequential_mean(column) == total / np.float32(5)
