"""Stage 8 of small baselines: the series of the images, whatever pairs were dropped."""

import numpy as np

from pystamps_hpc.stages import stage8, stage8_sb

from .stacks import context, pairs_of, stack, stage8_inputs, stage8_params, stage8_sb_inputs


def noisy(seed=0):
    scene = stack(seed=seed, side=400.0)
    scene.phase = np.random.default_rng(seed).normal(0, 1, (60, 12)).astype(np.float32)
    scene.phase[:, scene.master] = 0
    return scene


def solve(scene, params=None, **inputs):
    inputs = stage8_sb_inputs(scene, pairs_of(scene), **inputs)
    return stage8_sb.solve(inputs, params or stage8_params(), context())


def test_images_are_filtered_and_fitted_as_those_of_a_single_master():
    scene = noisy(1)
    single = stage8.solve(stage8_inputs(scene, ifg_std=None), stage8_params(), context())
    found = solve(scene)
    for name in ("scn", "high_pass", "planes", "velocity_fit", "velocity"):
        np.testing.assert_array_equal(getattr(found, name), getattr(single, name), err_msg=name)
    assert (single.value_type, found.value_type) == ("v-do", "V-do")


def test_dropped_pairs_change_nothing():
    scene = noisy(2)
    one, other = solve(scene), solve(scene, stage8_params(drop_ifg_index=(2, 30)))
    np.testing.assert_array_equal(one.scn, other.scn)
    np.testing.assert_array_equal(one.velocity, other.velocity)


def test_images_without_phase_are_filtered_but_not_fitted():
    scene = noisy(3)
    scene.phase[:, 2] = 0
    found = solve(scene, images=np.delete(np.arange(12), 2))
    assert found.velocity_ifgs.tolist() == [0, 1, 3, 4, 5, 7, 8, 9, 10, 11]
    assert found.high_pass.shape == (60, 12)


def test_correlated_images_are_weighted_by_their_covariance():
    scene = noisy(4)
    covariance = np.eye(12)
    covariance[0, 0] = 1e10
    loud = scene.phase.copy()
    loud[:, 0] += 1
    one = solve(scene, image_covariance=covariance)
    other = solve(scene, image_covariance=covariance, unwrapped=loud)
    np.testing.assert_allclose(one.velocity, other.velocity, atol=1e-4)
