"""Kernels of stage 5: corrected phase, unit phase, noise against the filtered phase."""

import numpy as np
import pytest

from pystamps_kernels.dispatch import table

BACKENDS = ["python", "native"]


@pytest.fixture(params=BACKENDS)
def kernels(request):
    return table(request.param, "double")


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


def test_correction_and_unit_phase_are_the_same_bits_in_all_backends():
    ph, _, *rest = points(n_ps=5000)
    ph[3, 2] = 0
    corrected = [table(b, "double").stage5_phase_correction(ph, *rest) for b in BACKENDS]
    np.testing.assert_array_equal(*corrected)
    np.testing.assert_array_equal(*[table(b, "double").stage5_unit_phase(ph) for b in BACKENDS])


def test_unit_phase_keeps_the_angle_and_zeros(kernels):
    ph, *_ = points()
    ph[0, 0] = 0
    unit = kernels.stage5_unit_phase(ph)
    assert unit[0, 0] == 0
    modulus = np.abs(unit)
    modulus[0, 0] = 1
    np.testing.assert_allclose(modulus, 1, atol=1e-7)
    np.testing.assert_allclose(np.angle(unit * ph.conj()), 0, atol=1e-6)


def test_noise_is_what_is_left_of_the_filtered_phase(kernels):
    ph, *rest = points()
    np.testing.assert_allclose(kernels.stage5_ifg_noise(ph, *rest), 0, atol=2e-5)
    turned = (ph * np.exp(0.1j)).astype(np.complex64)
    np.testing.assert_allclose(kernels.stage5_ifg_noise(turned, *rest), 0.1, atol=2e-5)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_noise_is_the_same_bits_in_all_backends(dtype):
    ph, filtered, *rest = points(n_ps=5000)
    noisy = ph * np.exp(1j * np.random.default_rng(1).normal(0, 0.7, ph.shape))
    arguments = (noisy.astype(dtype), filtered.astype(dtype), *rest)
    np.testing.assert_array_equal(
        *[table(b, "double").stage5_ifg_noise(*arguments) for b in BACKENDS]
    )


def residuals(n_ps=3000, n_col=11):
    rng = np.random.default_rng(4)
    return rng.normal(0, 2, (n_ps, n_col)).astype(np.float32), rng.normal(size=n_ps).astype("f4")


def test_residuals_are_wrapped_without_their_offset(kernels):
    residual, offset = residuals()
    wrapped = kernels.stage5_wrapped_residual(residual, offset)
    wanted = np.angle(np.exp(1j * (residual.astype(float) - offset[:, None])))
    np.testing.assert_allclose(wrapped, wanted, atol=2e-6)


def test_variance_and_coherence_of_a_point_are_those_of_its_columns(kernels):
    noise, _ = residuals()
    variance, coherence = kernels.stage5_point_noise(noise)
    np.testing.assert_allclose(variance, noise.astype(float).var(axis=1, ddof=1), rtol=3e-6)
    wanted = np.abs(np.exp(1j * noise.astype(float)).mean(axis=1))
    np.testing.assert_allclose(coherence, wanted, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_cells_add_up_their_points_in_single_and_in_order(kernels, dtype):
    values, weight = residuals()
    values = values.astype(dtype) * dtype(1.5 if dtype == np.float32 else 1 + 2j)
    start = np.array([0, 1, 1500, 1500, 3000])
    sums = kernels.stage5_cell_sums(values, weight, start)
    assert sums.dtype == dtype
    np.testing.assert_array_equal(sums[0], weight[0] * values[0])
    assert not sums[2].any()
    wanted = np.zeros(11, dtype)
    for w, row in zip(weight[1500:], values[1500:], strict=True):
        wanted = wanted + w * row
    np.testing.assert_array_equal(sums[3], wanted)


def test_sums_of_cells_and_noise_of_points_are_the_same_bits_in_all_backends():
    residual, offset = residuals()
    start = np.arange(0, 3001, 7)
    for name, arguments in (
        ("wrapped_residual", (residual, offset)),
        ("point_noise", (residual,)),
        ("cell_sums", (residual, offset, np.append(start, 3000))),
    ):
        one, other = (getattr(table(b, "double"), f"stage5_{name}")(*arguments) for b in BACKENDS)
        np.testing.assert_array_equal(one, other, err_msg=name)


def test_no_points_give_no_rows(kernels):
    ph, filtered, *rest = points(n_ps=0)
    assert kernels.stage5_phase_correction(ph, *rest).shape == (0, 9)
    assert kernels.stage5_unit_phase(ph).shape == (0, 9)
    assert kernels.stage5_ifg_noise(ph, filtered, *rest).shape == (0, 9)
