"""The look-angle error of points, taken off their phase and put back."""

import numpy as np
import pytest

from pystamps_kernels.dispatch import table

ARITHMETICS = ["double", "single"]


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("bperp_class", ["f4", "f8"])
def test_weighted_phasors_lose_their_slope(backend, arithmetic, bperp_class):
    rng = np.random.default_rng(5)
    bperp = rng.normal(0, 150, (50, 7))
    rows = np.exp(1j * rng.normal(0, 0.005, (50, 1)) * bperp)
    slope, weight = rng.normal(0, 0.01, 50), rng.uniform(0, 5, 50)
    slope[4] = np.nan
    bperp = bperp.astype(bperp_class)
    found = table(backend, arithmetic).stage2_ph_weight(rows.astype("c8"), bperp, slope, weight)
    wanted = rows * np.exp(-1j * slope[:, None] * bperp) * weight[:, None]
    np.testing.assert_allclose(found, wanted, atol=5e-6)
    assert np.isnan(found[4]).all()


def points(n_ps=500, n_ifg=9, master=4, dtype=np.float32):
    """Noise-free points: phase = filtered phase + look-angle error + master noise."""
    rng = np.random.default_rng(7)
    bperp = rng.normal(0, 200, (n_ps, n_ifg)).astype(dtype)
    bperp[:, master] = 0
    k_ps, c_ps = rng.normal(0, 0.05, n_ps), rng.normal(0, 1, n_ps)
    filtered = np.exp(1j * rng.uniform(-3, 3, bperp.shape)).astype(np.complex64)
    filtered[:, master] = 1
    angle = k_ps[:, None] * bperp + c_ps[:, None]
    amplitude = rng.uniform(0.5, 8, (n_ps, n_ifg))
    ph = amplitude * filtered * np.exp(1j * angle)
    return ph.astype(np.complex64), filtered, k_ps, c_ps, bperp


@pytest.mark.parametrize("master", [0, 4, 8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_correction_leaves_the_filtered_phase_and_the_amplitude(kernels, master, dtype):
    ph, filtered, *rest = points(master=master, dtype=dtype)
    corrected = kernels.stage5_phase_correction(ph, *rest)
    wanted = np.abs(ph) * filtered
    np.testing.assert_allclose(corrected, wanted, atol=2e-5 * np.abs(ph).max())
    np.testing.assert_allclose(np.abs(corrected), np.abs(ph), rtol=1e-6)


def test_the_master_is_turned_by_its_noise_alone(kernels):
    ph, _, k_ps, c_ps, bperp = points(master=4)
    ph[:, 4] = 1
    corrected = kernels.stage5_phase_correction(ph, k_ps, c_ps, bperp)
    np.testing.assert_allclose(corrected[:, 4], np.exp(-1j * c_ps), atol=1e-6)


def test_noise_is_what_is_left_of_the_filtered_phase(kernels):
    ph, *rest = points()
    np.testing.assert_allclose(kernels.stage5_ifg_noise(ph, *rest), 0, atol=2e-5)
    turned = (ph * np.exp(0.1j)).astype(np.complex64)
    np.testing.assert_allclose(kernels.stage5_ifg_noise(turned, *rest), 0.1, atol=2e-5)


def test_residuals_are_wrapped_without_their_offset(kernels):
    rng = np.random.default_rng(4)
    residual, offset = rng.normal(0, 2, (300, 11)).astype("f4"), rng.normal(size=300).astype("f4")
    wrapped = kernels.stage5_wrapped_residual(residual, offset)
    wanted = np.angle(np.exp(1j * (residual.astype(float) - offset[:, None])))
    np.testing.assert_allclose(wrapped, wanted, atol=2e-6)


def test_no_points_give_no_rows(kernels):
    ph, filtered, *rest = points(n_ps=0)
    assert kernels.stage5_phase_correction(ph, *rest).shape == (0, 9)
    assert kernels.stage5_ifg_noise(ph, filtered, *rest).shape == (0, 9)


def test_the_look_angle_error_is_put_back_and_the_amplitude_taken_off(kernels):
    phase = np.array([[3j, 0, 2]], np.complex64)
    bperp = np.array([[100, 100, -50]], np.float32)
    psi = kernels.stage6_wrapped_phase(phase, bperp, np.array([0.01], np.float32))
    np.testing.assert_allclose(psi[0], [1j * np.exp(1j), 0, np.exp(-0.5j)], atol=2e-7)
