"""Kernels of stage 2: fit, weighting, gridding, CLAP filter, histogram, random draws."""

import numba
import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.stages.stage2.filter_grid import low_pass_response
from pystamps_hpc.stages.stage2.random_phase import matlab_state
from pystamps_kernels.dispatch import table
from pystamps_kernels.reference.clap import response

BACKENDS = ["python", "native"]
ARITHMETICS = ["double", "single"]
BINS = 0.005 + 0.01 * np.arange(100)
BASELINES = np.array([-310.0, -150.0, -75.0, -20.0, 35.0, 90.0, 180.0, 260.0])
NUMBER = np.arange(1, 9)
VECTORS = {
    "V1": np.exp(1j * (0.011 * BASELINES + 0.7 + 0.4 * np.sin(1.7 * NUMBER))),
    "V3": np.exp(1j * (-0.03 * BASELINES + 0.2 * NUMBER)),
}
VECTORS["V2"] = VECTORS["V1"] * (0.5 + 0.1 * NUMBER)
FITS = {  # slope, offset, coherence
    "V1": (0.0107721454117407, 0.732731576649419, 0.957699956505699),
    "V2": (0.0111333716252002, 0.722107002677982, 0.956880101670329),
    "V3": (0.00723243622746564, -0.827152744517734, 0.264041201425388),
}


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture
def kernels(backend):
    return table(backend, "double")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def noisy_rows(rng, n=300, m=19, noise=0.8):
    bperp = rng.normal(0, 150, m) + rng.normal(0, 0.3, (n, m))
    phase = rng.normal(0, 0.005, (n, 1)) * bperp + rng.normal(0, noise, (n, m))
    return np.exp(1j * phase), bperp


# --- fit of the look-angle error


@pytest.mark.parametrize("name", VECTORS)
def test_the_fit_of_a_micro_vector_is_the_published_one(kernels, name):
    row = VECTORS[name][np.newaxis]
    slope, offset, coherence, _ = kernels.stage2_topofit(row, BASELINES[np.newaxis], 1.2)
    np.testing.assert_allclose((slope[0], offset[0], coherence[0]), FITS[name], rtol=1e-12)


def test_the_residual_still_holds_the_offset(kernels):
    residual = kernels.stage2_topofit(VECTORS["V1"][np.newaxis], BASELINES[np.newaxis], 1.2)[3]
    np.testing.assert_allclose(
        np.angle(residual[0, [0, -1]]), (1.0260310018206, 1.10290691889002), atol=1e-6
    )


def test_the_single_form_rounds_as_the_reference(backend):
    fit = table(backend, "single").stage2_topofit(
        VECTORS["V1"][np.newaxis].astype("c8"), BASELINES[np.newaxis].astype("f4"), 1.2
    )
    found = np.concatenate(fit[:3])
    assert (found == found.astype(np.float32)).all()
    np.testing.assert_allclose(found, (0.0107721454, 0.732731581, 0.957699895), rtol=2e-7)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_tie_takes_one_of_the_tied_trials(backend, arithmetic):
    fit = table(backend, arithmetic).stage2_topofit(
        np.exp(1j * np.array([[0, np.pi / 8]])), np.array([[0.0, 100.0]]), 1.2
    )
    tied = [-0.0608684, -0.0569414, 0.0019635, 0.0058905, 0.0647953, 0.0687223]
    assert np.abs(fit[0][0] - tied).min() < 1e-6
    assert fit[2][0] == pytest.approx(0.9951847, abs=1e-6)
    assert abs(fit[1][0]) == pytest.approx(0.0981748, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.012, 0.012), st.floats(-3.1, 3.1))
def test_a_noise_free_ramp_over_symmetric_baselines_is_recovered(slope, offset):
    half = np.array([20.0, 75.0, 150.0, 285.0])
    bperp = np.concatenate((-half, half))
    row = np.exp(1j * (slope * bperp + offset))[np.newaxis]
    fit = table("native", "double").stage2_topofit(row, bperp[np.newaxis], 1.2)
    np.testing.assert_allclose((fit[0][0], fit[1][0], fit[2][0]), (slope, offset, 1), atol=1e-12)


def test_a_fit_turns_with_a_constant_phase_and_ignores_scale(kernels, rng):
    rows, bperp = noisy_rows(rng, 40, 12, 0.5)
    slope, offset, coherence, _ = kernels.stage2_topofit(rows, bperp, 1.0)
    turned = kernels.stage2_topofit(3 * rows * np.exp(0.4j), bperp, 1.0)
    np.testing.assert_allclose(turned[0], slope, atol=1e-12)
    np.testing.assert_allclose(np.exp(1j * (turned[1] - offset)), np.exp(0.4j), atol=1e-12)
    np.testing.assert_allclose(turned[2], coherence, atol=1e-12)
    mirrored = kernels.stage2_topofit(rows.conj(), bperp, 1.0)
    np.testing.assert_allclose(mirrored[0], -slope, atol=1e-12)
    assert ((coherence >= 0) & (coherence <= 1)).all()


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_missing_phases_are_left_out_of_the_fit(backend, arithmetic):
    kernel = table(backend, arithmetic)
    holes = np.insert(VECTORS["V1"], [0, 5], 0)[np.newaxis]
    bperp = np.insert(BASELINES, [0, 5], [-4000.0, 55.0])[np.newaxis]
    whole = kernel.stage2_topofit(VECTORS["V1"][np.newaxis], BASELINES[np.newaxis], 1.2)
    for fit in (
        kernel.stage2_topofit(holes, bperp, 1.2),
        kernel.stage2_topofit_row_invariant(holes, bperp[0], 1.2),
    ):
        np.testing.assert_allclose(np.ravel(fit[:3]), np.ravel(whole[:3]), rtol=1e-12)
        assert (fit[3][0, [0, 6]] == 0).all()


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("classes", [("c8", "f4"), ("c8", "f8")])
def test_baselines_without_a_range_give_no_fit(backend, arithmetic, classes):
    rows = np.ones((3, 4), classes[0])
    rows[1] = 0
    bperp = np.full((3, 4), 100, classes[1])
    bperp[1] = [0, 10, 20, 30]
    kernel = table(backend, arithmetic)
    for fit in (
        kernel.stage2_topofit(rows, bperp, 1.0),
        kernel.stage2_topofit_row_invariant(rows, bperp[0], 1.0),
    ):
        assert np.isnan(fit[:3]).all()
        assert (fit[3] == 0).all()
    phasors = rows.astype(np.complex128)
    assert np.isnan(kernel.stage2_topofit_coh_row_invariant(phasors, bperp[0], 1.0)).all()


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("classes", [("c8", "f4"), ("c8", "f8"), ("c16", "f8")])
def test_native_and_reference_fits_agree(arithmetic, classes, rng):
    rows, bperp = noisy_rows(rng)
    rows[::17, 3] = 0
    rows, bperp = rows.astype(classes[0]), bperp.astype(classes[1])
    reference = table("python", arithmetic).stage2_topofit(rows, bperp, 0.78)
    native = table("native", arithmetic).stage2_topofit(rows, bperp, 0.78)
    for found, wanted, atol in zip(native, reference, (5e-9, 2e-6, 1e-6, 2e-6), strict=True):
        np.testing.assert_allclose(found, wanted, atol=atol)
        assert found.dtype == wanted.dtype


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("bperp_class", ["f4", "f8"])
def test_shared_baselines_change_nothing(backend, arithmetic, bperp_class, rng):
    kernel = table(backend, arithmetic)
    rows = noisy_rows(rng, 100, 12)[0]
    shared = rng.normal(0, 150, 12).astype(bperp_class)
    own = kernel.stage2_topofit(rows, np.tile(shared, (100, 1)), 1.1)
    common = kernel.stage2_topofit_row_invariant(rows, shared, 1.1)
    atol = 0 if arithmetic == "single" and bperp_class == "f4" else 1e-12
    for found, wanted in zip(common, own, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)
    coherence = kernel.stage2_topofit_coh_row_invariant(rows, shared, 1.1)
    assert coherence.dtype == shared.dtype
    np.testing.assert_allclose(coherence, own[2], rtol=0, atol=atol)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_the_fit_of_a_row_depends_on_nothing_but_the_row(arithmetic, rng):
    kernel = table("native", arithmetic)
    rows, bperp = noisy_rows(rng, 700, 11)
    rows, bperp = rows.astype("c8"), bperp.astype("f4")
    whole = kernel.stage2_topofit(rows, bperp, 0.9)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        cuts = [slice(0, 3), slice(3, 260), slice(260, 700)]
        parts = [kernel.stage2_topofit(rows[cut], bperp[cut], 0.9) for cut in cuts]
    finally:
        numba.set_num_threads(threads)
    for k in range(4):
        np.testing.assert_array_equal(np.concatenate([part[k] for part in parts]), whole[k])


# --- weighting and gridding


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("bperp_class", ["f4", "f8"])
def test_weighted_phasors_lose_their_slope(backend, arithmetic, bperp_class, rng):
    rows, bperp = noisy_rows(rng, 50, 7)
    slope, weight = rng.normal(0, 0.01, 50), rng.uniform(0, 5, 50)
    slope[4] = np.nan
    bperp = bperp.astype(bperp_class)
    found = table(backend, arithmetic).stage2_ph_weight(rows.astype("c8"), bperp, slope, weight)
    wanted = rows * np.exp(-1j * slope[:, None] * bperp) * weight[:, None]
    np.testing.assert_allclose(found, wanted, atol=5e-6)
    assert np.isnan(found[4]).all()


def test_grid_cells_hold_the_sums_of_their_rows_in_order(backend, rng):
    kernels = table(backend, "double")
    rows = (rng.normal(size=(500, 3)) + 1j * rng.normal(size=(500, 3))).astype("c8")
    cell = rng.integers(0, 12, 500)
    rows[7] = np.nan
    grid = kernels.stage2_grid_accumulate(rows, cell, 3, 5)
    expected = np.zeros((15, 3), np.complex64)
    for row, place in zip(rows, cell, strict=True):
        expected[place] += row
    np.testing.assert_array_equal(grid, expected.reshape(3, 5, 3))
    assert np.isnan(grid).any(axis=2).sum() == 1
    order = np.argsort(cell, kind="stable")  # keeps the order inside each cell
    np.testing.assert_array_equal(
        kernels.stage2_grid_accumulate(rows[order], cell[order], 3, 5), grid
    )


def test_a_cell_outside_the_grid_is_an_error(kernels):
    with pytest.raises(IndexError, match=r"1 cells outside the grid of 6, first grid_lin\[1\] = 6"):
        kernels.stage2_grid_accumulate(np.ones((2, 1), "c8"), np.array([0, 6]), 2, 3)


def test_no_rows_give_an_empty_grid(kernels):
    grid = kernels.stage2_grid_accumulate(np.ones((0, 2), "c8"), np.zeros(0, np.int64), 2, 3)
    assert grid.shape == (2, 3, 2)
    assert not grid.any()


def test_phasor_arithmetic_is_the_same_bits_in_both_backends(rng):
    rows = (rng.normal(size=(200, 5)) + 1j * rng.normal(size=(200, 5))).astype("c8")
    model = rng.permutation(rows)
    rows[3, 2] = 0
    python, native = table("python", "single"), table("native", "single")
    unit = native.stage2_unit_phasors(rows)
    np.testing.assert_array_equal(unit, python.stage2_unit_phasors(rows))
    assert unit[3, 2] == 0
    np.testing.assert_allclose(np.abs(np.delete(unit, 3, 0)), 1, rtol=2e-7)
    deviation = native.stage2_deviation(rows, model)
    np.testing.assert_array_equal(deviation, python.stage2_deviation(rows, model))
    np.testing.assert_allclose(deviation, rows * model.conj(), atol=1e-6)
    phase = native.stage2_angle(rows)
    np.testing.assert_allclose(phase, python.stage2_angle(rows), atol=5e-7)
    np.testing.assert_allclose(phase, np.angle(rows), atol=5e-7)


# --- CLAP filter


def field(n_i, n_j):
    row, column = np.mgrid[:n_i, :n_j]
    phase = 0.35 * row - 0.2 * column + 0.8 * np.sin(0.9 * row * column)
    return np.exp(1j * phase) * (1 + 0.1 * ((row + 2 * column) % 5))


def filtered_patch(window, *parameters):
    spectrum = scipy.fft.fft2(window)
    return scipy.fft.ifft2(spectrum * response(spectrum, *parameters))


LOW_PASS = low_pass_response(32, 50.0, 800.0)


def test_one_window_is_filtered_as_published():
    found = filtered_patch(field(32, 32), 1.0, 0.3, LOW_PASS)
    assert found[0, 0] == pytest.approx(2.6963768895066 - 1.4870076123397j, abs=1e-11)
    assert found[5, 7] == pytest.approx(3.8848205656328 + 1.2358988113857j, abs=1e-11)
    assert found[16, 16] == pytest.approx(-3.1576169716145 + 2.8449876450657j, abs=1e-11)
    assert found[31, 30] == pytest.approx(2.3223511365668 - 2.0305864953513j, abs=1e-11)
    found = filtered_patch(field(32, 32), 0.5, 0.1, np.zeros((32, 32)))
    assert found[5, 7] == pytest.approx(0.25010791045231 + 0.082354210201007j, abs=1e-11)


def test_a_grid_is_filtered_as_published(kernels):
    grid = field(25, 31).astype("c8")[:, :, np.newaxis]
    found = kernels.stage2_clap_grid(grid, 1.0, 0.3, 24, 8, LOW_PASS)[:, :, 0]
    assert found[0, 0] == pytest.approx(1.8363333078499e-6 + 2.1850836575178e-7j, rel=1e-5)
    assert found[12, 15] == pytest.approx(144.35952356723 + 413.84649764083j, rel=1e-6)
    assert found[24, 30] == pytest.approx(-13.932766101678 + 10.560674095183j, rel=1e-6)
    assert found[3, 28] == pytest.approx(-13.984082890091 + 44.706612747569j, rel=1e-6)
    assert found.sum() == pytest.approx(-2989.1073878618 + 2525.5533097776j, rel=1e-5)


@pytest.mark.parametrize("alpha", [1.0, 1.5])
def test_native_and_reference_filters_agree(alpha, rng):
    grid = (rng.normal(size=(40, 55, 7)) + 1j * rng.normal(size=(40, 55, 7))).astype("c8")
    grid[3, 4] = np.nan
    python, native = (
        table(name, "double").stage2_clap_grid(grid, alpha, 0.3, 24, 8, LOW_PASS)
        for name in BACKENDS
    )
    np.testing.assert_allclose(native, python, rtol=0 if alpha == 1 else 1e-6, atol=0)
    grid[3, 4] = 0
    voided = table("native", "double").stage2_clap_grid(grid, alpha, 0.3, 24, 8, LOW_PASS)
    np.testing.assert_array_equal(voided, native)


def test_the_filter_turns_and_scales_with_its_input(kernels, rng):
    grid = (rng.normal(size=(26, 30, 1)) + 1j * rng.normal(size=(26, 30, 1))).astype("c8")
    found = kernels.stage2_clap_grid(grid, 1.0, 0.3, 24, 8, LOW_PASS)
    turned = kernels.stage2_clap_grid(4j * grid, 1.0, 0.3, 24, 8, LOW_PASS)
    np.testing.assert_allclose(turned, 4j * found, atol=1e-4)


def test_without_an_adaptive_part_each_window_comes_back_tapered(kernels, rng):
    grid = (rng.normal(size=(24, 24, 2)) + 1j * rng.normal(size=(24, 24, 2))).astype("c8")
    found = kernels.stage2_clap_grid(grid, 1.0, 0.0, 24, 8, np.ones((32, 32)))
    ramp = np.minimum(np.arange(24), 23 - np.arange(24))
    weight = ramp[:, None] + ramp + 1e-6
    np.testing.assert_allclose(found, grid * weight[:, :, None], atol=1e-5)


def test_an_empty_grid_stays_empty_and_an_infinite_one_is_not_hidden(kernels):
    grid = np.zeros((24, 24, 1), "c8")
    assert not kernels.stage2_clap_grid(grid, 1.0, 0.3, 24, 8, LOW_PASS).any()
    grid[5, 5] = np.inf
    with np.errstate(invalid="ignore"):
        found = kernels.stage2_clap_grid(grid, 1.0, 0.3, 24, 8, LOW_PASS)
    assert not np.isfinite(found).any()


def test_a_grid_smaller_than_a_window_is_refused(kernels):
    with pytest.raises(ValueError, match="grid of 23 x 40 cells is smaller than n_win = 24"):
        kernels.stage2_clap_grid(np.ones((23, 40, 1), "c8"), 1.0, 0.3, 24, 8, LOW_PASS)


# --- histogram and random draws


@pytest.mark.parametrize("values_class", ["f4", "f8"])
def test_a_value_on_a_cut_is_in_the_lower_bin(kernels, values_class):
    values = np.array(
        [0.01, 0.010001, 0.015, 0.02, np.nan, 0.995, 1, 0, 0.31, 0.3101, -np.inf, np.inf],
        values_class,
    )
    counts = kernels.stage2_histogram(values, BINS)
    assert {k + 1: counts[k] for k in np.flatnonzero(counts)} == {1: 3, 2: 3, 31: 1, 32: 1, 100: 3}


def test_native_and_reference_histograms_are_equal(rng):
    values = np.concatenate((rng.uniform(size=200_000), np.arange(101) / 100)).astype("f4")
    python, native = (table(name, "double").stage2_histogram(values, BINS) for name in BACKENDS)
    np.testing.assert_array_equal(python, native)
    assert native.sum() == values.size


def test_the_start_of_matlabs_generator_is_the_well_known_one(kernels):
    draws, _ = kernels.stage2_matlab_uniform(matlab_state(0), 5)
    known = [0.9501292851, 0.2311385136, 0.6068425835, 0.4859824687, 0.8912989661]
    np.testing.assert_allclose(draws, known, atol=5e-11)
    draws, _ = kernels.stage2_matlab_uniform(matlab_state(2005), 4)
    known = [0.0929589905831912, 0.37373775840752277, 0.44877057937117765, 0.6138667461568371]
    np.testing.assert_array_equal(draws, known)


def test_draws_go_on_where_they_stopped_and_leave_the_state_alone():
    python, native = table("python", "double"), table("native", "double")
    state = matlab_state(7)
    before = state.copy()
    whole, end = native.stage2_matlab_uniform(state, 3000)
    np.testing.assert_array_equal(state, before)
    first, middle = python.stage2_matlab_uniform(state, 1234)
    rest, python_end = python.stage2_matlab_uniform(middle, 3000 - 1234)
    np.testing.assert_array_equal(np.concatenate((first, rest)), whole)
    np.testing.assert_array_equal(python_end, end)
    assert ((whole > 0) & (whole < 1)).all()
    assert whole.mean() == pytest.approx(0.5, abs=0.03)
