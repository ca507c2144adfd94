"""Goldstein filter: what passes, what is brought out."""

import numpy as np
import pytest

from pystamps_kernels.reference.goldstein import origins, padded_width, response

from .arguments import angle_between, phasors

FILTER_SIZES = [8, 9, 15, 23]


@pytest.mark.parametrize("n_row", FILTER_SIZES)
def test_the_filter_keeps_a_constant_phase(kernels, n_row):
    raster = np.full((n_row, 11), 2 * np.exp(0.7j), np.complex64)
    np.testing.assert_allclose(kernels.stage6_goldstein(raster, 8, 0.8), raster, atol=1e-6)


@pytest.mark.parametrize("window", [8, 10])  # a spectrum of even and of odd width
@pytest.mark.parametrize("n_row", [10, 11, 19, 23])
def test_the_filter_without_exponent_keeps_every_phase(kernels, n_row, window):
    raster = phasors(np.random.default_rng(2), n_row, 14) * np.float32(3)
    filtered = kernels.stage6_goldstein(raster, window, 0.0)
    np.testing.assert_allclose(filtered, raster, atol=3e-6)


def test_a_window_that_sticks_out_is_moved_but_its_weight_is_not():
    first, taper = origins(11, 8)
    np.testing.assert_array_equal(first, [0, 3])
    np.testing.assert_array_equal(taper, [[1, 2, 3, 4, 4, 3, 2, 1], [0, 1, 2, 3, 4, 4, 3, 2]])


def test_a_window_is_padded_by_a_quarter_halves_rounded_up():
    assert [padded_width(window) for window in (8, 10, 14, 16)] == [10, 13, 18, 20]


@pytest.mark.parametrize("window", [10, 16])  # spectra of odd and of even width
def test_the_spectral_weight_of_a_fringe_peaks_at_its_frequency(window):
    width = padded_width(window)
    i, j = np.mgrid[:width, :width]
    fringe = np.exp(2j * np.pi * (3 * i - 2 * j) / width)
    weight = response(np.abs(np.fft.fft2(fringe))[None] + 1, 1.0)[0]
    assert np.unravel_index(np.argmax(weight), weight.shape) == (3, width - 2)


def test_the_filter_commutes_with_a_constant_phase(kernels):
    raster = phasors(np.random.default_rng(3), 20, 17)
    turn = np.complex64(np.exp(1j * 2.5))
    turned = kernels.stage6_goldstein(raster * turn, 8, 0.8)
    np.testing.assert_allclose(turned, kernels.stage6_goldstein(raster, 8, 0.8) * turn, atol=1e-5)


def test_the_filter_brings_out_a_fringe_from_noise_and_counts_nan_as_empty(kernels):
    rng = np.random.default_rng(4)
    i, j = np.mgrid[:48, :40]
    fringe = np.exp(1j * (0.4 * i - 0.2 * j))
    noisy = (fringe * np.exp(1j * rng.normal(0, 0.9, i.shape))).astype(np.complex64)
    noisy[rng.random(i.shape) < 0.2] = 0
    filtered = kernels.stage6_goldstein(noisy, 16, 1.0)
    inside = noisy != 0
    before, after = angle_between(noisy, fringe)[inside], angle_between(filtered, fringe)[inside]
    assert after.mean() < 0.55 * before.mean()
    empty = np.where(noisy == 0, np.complex64(np.nan), noisy)
    np.testing.assert_array_equal(kernels.stage6_goldstein(empty, 16, 1.0), filtered)


def test_the_low_pass_keeps_a_slow_fringe_and_drops_a_fast_one(kernels):
    i, j = np.mgrid[:32, :24]
    slow, fast = (np.exp(1j * rate * (i + j)).astype(np.complex64) for rate in (0.02, 2.0))
    low = kernels.stage6_low_pass(slow + np.float32(0.5) * fast, 16)
    np.testing.assert_allclose(np.abs(low), np.abs(slow + 0.5 * fast), rtol=1e-5)
    assert angle_between(low, slow)[4:-4, 4:-4].max() < 0.45
    assert angle_between(low, slow).mean() < angle_between(slow + 0.5 * fast, slow).mean()
