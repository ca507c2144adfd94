"""Annealing of noisy arcs: the motion that was put in, whatever other arcs are beside one."""

import numpy as np
import pytest

from pystamps_kernels.dispatch import table
from pystamps_kernels.reference.annealing import time_basis

from .test_goldstein import angle_between

N_IMAGE = 12
PAIRS = np.array([(i, j) for i in range(N_IMAGE) for j in range(i + 1, min(i + 4, N_IMAGE))])
DAY = 730000.0 + np.array([0, 12, 24, 48, 60, 72, 96, 120, 132, 144, 168, 180.0])
NATIVE = table("native", "double")


def series(rate, size, turn):
    """Phase of the images: a rate and one harmonic."""
    time, cosine, sine, _, _ = time_basis(DAY)
    return rate * time + size * (sine * np.cos(turn) - cosine * np.sin(turn))


def differences(images):
    return images[..., PAIRS[:, 1]] - images[..., PAIRS[:, 0]]


def annealed(phase, edge=None, kernels=NATIVE):
    wrapped = np.exp(1j * phase).astype(np.complex64)
    edge = np.arange(len(phase)) if edge is None else edge
    return kernels.stage6_anneal(wrapped, edge, PAIRS, DAY, np.eye(len(PAIRS)))


def moving(n, noise, seed=1):
    rng = np.random.default_rng(seed)
    images = np.stack([
        series(*rng.uniform((-1.4, -0.5, -3), (1.4, 0.5, 3))) for _ in range(n)
    ])  # fmt: skip
    return differences(images) + rng.normal(0, noise, (n, len(PAIRS)))


@pytest.mark.parametrize("backend", ["python", "native"])
def test_fast_motion_is_found_although_differences_exceed_half_a_cycle(backend):
    phase = moving(4, 0.0)
    assert np.abs(phase).max() > np.pi
    found = annealed(phase, kernels=table(backend, "double"))
    assert np.abs(found - phase).std() < 0.15
    assert not np.rint((found - phase) / (2 * np.pi)).any()


def test_the_noise_that_is_left_is_that_which_was_put_in():
    phase = moving(40, 0.5)
    left = np.angle(np.exp(1j * (phase - annealed(phase))))
    assert np.median(left.std(axis=1)) == pytest.approx(0.5, rel=0.2)


def test_whole_cycles_on_the_interferograms_change_nothing():
    phase = moving(10, 0.3)
    turned = phase + 2 * np.pi * np.random.default_rng(2).integers(-2, 3, phase.shape)
    np.testing.assert_allclose(annealed(turned), annealed(phase), atol=1e-4)


def test_the_number_of_an_arc_chooses_its_random_numbers_not_its_place():
    phase, edge = moving(10, 0.8), np.arange(10) + 3_000_000_000
    order = np.random.default_rng(3).permutation(10)
    found = annealed(phase, edge)
    np.testing.assert_array_equal(annealed(phase[order], edge[order]), found[order])
    assert (annealed(phase, edge + 1) != found).any()


def test_noise_that_is_known_to_be_large_counts_less():
    phase = moving(20, 0.0)
    bad = np.arange(0, len(PAIRS), 3)
    phase[:, bad] = np.random.default_rng(4).uniform(-3, 3, (20, bad.size))
    weights = np.ones(len(PAIRS))
    weights[bad] = 0.01
    wrapped = np.exp(1j * phase).astype(np.complex64)
    found = NATIVE.stage6_anneal(wrapped, np.arange(20), PAIRS, DAY, np.diag(weights))
    off = angle_between(wrapped, np.exp(1j * found))
    assert np.delete(off, bad, axis=1).mean() < 0.15
