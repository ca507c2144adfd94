"""Fit of the look-angle error: published micro-vectors, holes, ties, shared baselines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_kernels.dispatch import table
from pystamps_kernels.reference.topofit import ROUGH

ARITHMETICS = ["double", "single"]
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


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def noisy_rows(rng, n=300, m=19, noise=0.8):
    bperp = rng.normal(0, 150, m) + rng.normal(0, 0.3, (n, m))
    phase = rng.normal(0, 0.005, (n, 1)) * bperp + rng.normal(0, noise, (n, m))
    return np.exp(1j * phase), bperp


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


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize(("phasor_class", "bperp_class"), [("c8", "f4"), ("c16", "f8")])
def test_of_equally_coherent_trials_the_lowest_is_taken(
    backend, arithmetic, phasor_class, bperp_class
):
    # the second phasor is too short to change the length of the sum: all trials tie
    rows = np.array([[1, 1e-30]], phasor_class)
    bperp = np.array([[0, 100]], bperp_class)
    kernel = table(backend, arithmetic)
    for fit in (
        kernel.stage2_topofit(rows, bperp, 1.0),
        kernel.stage2_topofit_row_invariant(rows, bperp[0], 1.0),
    ):
        assert fit[0][0] == pytest.approx(-8 * np.pi / 4 / 100, rel=1e-6)


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


@pytest.mark.parametrize("m", [1, 2, 3, 4, 9, 50])
@pytest.mark.parametrize(("offset", "wraps"), [(0, 0.0), (0, 0.4), (3000, 2.0), (0, 90.0)])
def test_few_digits_are_those_of_the_fit_of_any_number_of_phases_and_trials(
    backend, m, offset, wraps, rng
):
    kernels, bperp = table(backend, "double"), rng.normal(offset, 150, m)
    for n in (1, 15, 17, 700):
        rows = np.exp(2j * np.pi * rng.random((n, m)))
        rough = kernels.stage2_topofit_coh_rough(rows, bperp, wraps)
        whole = kernels.stage2_topofit_coh_row_invariant(rows, bperp, wraps)
        assert rough.dtype == np.float32
        known = ~np.isnan(rough)
        np.testing.assert_allclose(rough[known], whole[known], rtol=0, atol=ROUGH / 5)
        if m == 1:
            assert not known.any()
        if m > 8 and n == 700:
            assert known.mean() > 0.95
