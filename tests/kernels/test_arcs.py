"""Arcs: phase, look-angle error, smoothing in time, noise."""

import numpy as np
import pytest

from pystamps_hpc.stages.stage6.stars import gaussian_weights, line_intercepts

from .arguments import phasors


def test_arcs_are_high_minus_low_and_nan_at_an_empty_node(kernels):
    phase = np.array([[2 * np.exp(0.5j)], [5 * np.exp(1.5j)], [0]], np.complex64)
    arcs = kernels.stage6_arc_phasors(phase, np.array([0, 0]), np.array([1, 2]))
    np.testing.assert_allclose(arcs[0], np.exp(1j), atol=2e-7)
    assert np.isnan(arcs[1]).all()


def test_the_look_angle_error_of_a_noise_free_arc_is_found(kernels):
    baseline = np.array([-150.0, -80, -33, 0, 33, 80, 150])
    slopes = np.array([-0.03, -0.004, 0.0123, 0.025])
    z = np.exp(1j * slopes[:, None] * baseline).astype(np.complex64)
    found = kernels.stage6_look_angle(z, baseline, 16)
    np.testing.assert_allclose(found, slopes, rtol=5e-3)


def test_two_equal_peaks_or_a_gap_give_no_look_angle_error(kernels):
    baseline = np.linspace(-100, 100, 9)
    up, down = np.exp(1j * 0.03 * baseline), np.exp(-1j * 0.03 * baseline)
    missing = up.copy()
    missing[3] = np.nan
    z = np.stack([up + down, missing]).astype(np.complex64)
    np.testing.assert_array_equal(kernels.stage6_look_angle(z, baseline, 10), [0, 0])


def test_of_equally_coherent_trials_the_first_is_taken(kernels):
    # the second phasor is too short to change the length of the sum: all trials tie
    arc = np.array([[1, 1e-30]], np.complex64)
    found = kernels.stage6_look_angle(arc, np.array([0.0, 100]), 4)
    assert found[0] == pytest.approx(-8 * np.pi / 4 / 100, rel=1e-6)


def test_an_incoherent_arc_gives_no_look_angle_error(kernels):
    baseline = np.linspace(-100, 100, 40)
    noise = phasors(np.random.default_rng(5), 300, 40)
    assert np.mean(kernels.stage6_look_angle(noise, baseline, 10) == 0) > 0.9


def star(day, width):
    weights = gaussian_weights(day, width)
    return weights, line_intercepts(day, weights)


@pytest.mark.parametrize("rate", [-0.0028, 0.0, 0.001, 0.0028])
def test_a_motion_of_less_than_half_a_cycle_passes_the_smoothing(kernels, rate):
    day = np.array([-500.0, -310, -200, -14, 30, 144, 290, 410])
    phase = rate * day + 0.3
    z = np.exp(1j * phase)[None].astype(np.complex64)
    smooth = kernels.stage6_star_smooth(z, *star(day, 730.0), 3, 4)
    np.testing.assert_allclose(smooth[0], phase, atol=2e-6)


def test_the_smooth_phase_next_to_the_master_stays_within_a_cycle(kernels):
    rng = np.random.default_rng(6)
    day = np.sort(rng.uniform(-900, 900, 14))
    smooth = kernels.stage6_star_smooth(phasors(rng, 200, 14), *star(day, 200.0), 6, 7)
    centre = (smooth[:, 6] + smooth[:, 7]) / 2
    assert np.abs(centre).max() <= np.pi + 1e-6
    assert np.abs(smooth).max() > np.pi


def test_a_consistent_network_passes_the_smoothing_of_a_slow_motion(kernels):
    pairs = np.array([(a, b) for a in range(5) for b in range(a + 1, 5)])
    design = np.zeros((len(pairs), 5), np.float32)
    design[np.arange(len(pairs)), pairs[:, 0]] = -1
    design[np.arange(len(pairs)), pairs[:, 1]] = 1
    images = np.zeros((5, len(pairs)))
    images[1:] = np.linalg.pinv(design[:, 1:].astype(float))
    operator = gaussian_weights(np.arange(5) * 12.0, 1e-3) @ images
    phase = design @ np.array([0, 0.5, -0.2, 0.9, 1.4])
    z = np.exp(1j * phase)[None].astype(np.complex64)
    smooth = kernels.stage6_network_smooth(z, operator, design)
    np.testing.assert_allclose(smooth[0], phase, atol=1e-6)


def test_arcs_above_the_noise_limit_lose_their_noise(kernels):
    smooth = np.zeros((2, 4), np.float32)
    noise = np.array([[0.1, -0.1, 0.1, -0.1], [2, -2, 2, -2]], np.float32)
    found = kernels.stage6_arc_noise(np.exp(1j * noise).astype(np.complex64), smooth, 1.2)
    np.testing.assert_allclose(found[0], noise[0], atol=2e-7)
    assert np.isnan(found[1]).all()
    variance = kernels.stage6_arc_variance(found)
    assert variance[0] == pytest.approx((np.std(noise[0], ddof=1) / (2 * np.pi)) ** 2, rel=1e-6)
    assert np.isnan(variance[1])


def test_arc_noise_of_the_micro_vector(kernels):
    phasors = np.array([[1, 1j], [1j, 1]], np.complex64)
    arc, arc_noise = kernels.stage8_edge_noise(phasors, np.array([0]), np.array([1]))
    np.testing.assert_allclose(arc, [[np.pi / 2, -np.pi / 2]], atol=1e-6)
    np.testing.assert_allclose(arc_noise, [[np.pi / 4, -np.pi / 4]], atol=1e-6)
    assert arc.dtype == arc_noise.dtype == np.float32


def test_an_empty_phasor_has_arc_phase_zero(kernels):
    phasors = np.array([[-1, 1], [0, -1]], np.complex64)
    arc, _ = kernels.stage8_edge_noise(phasors, np.array([0, 1]), np.array([1, 0]))
    np.testing.assert_array_equal(arc[:, 0], 0)
    np.testing.assert_allclose(np.abs(arc[:, 1]), np.pi, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_no_arcs_or_no_interferograms_give_empty_arrays(kernels, shape):
    phasors = np.ones((4, shape[1]), np.complex64)
    ends = np.zeros(shape[0], np.int64)
    for result in kernels.stage8_edge_noise(phasors, ends, ends):
        assert result.shape == shape


@pytest.mark.parametrize("bad", [-1, 2])
def test_an_arc_must_end_at_a_node(kernels, bad):
    phasors = np.ones((2, 3), np.complex64)
    with pytest.raises(ValueError, match="node_b"):
        kernels.stage8_edge_noise(phasors, np.array([0]), np.array([bad]))
    with pytest.raises(ValueError, match="node_b"):
        kernels.stage8_edge_noise(phasors, np.array([0]), np.array([0, 1]))
