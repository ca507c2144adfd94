"""Stage 8 of small baselines: noise of all images, velocity of the pairs that are left."""

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage8, stage8_sb
from pystamps_hpc.stages.shared.velocity import line_of_sight_velocity

from .stacks import (
    context,
    difference,
    pairs_of,
    stack,
    stage8_inputs,
    stage8_params,
    stage8_sb_inputs,
)


def noisy(seed=0):
    scene = stack(seed=seed, side=400.0)
    scene.phase = np.random.default_rng(seed).normal(0, 1, (60, 12)).astype(np.float32)
    scene.phase[:, scene.master] = 0
    return scene


def solve(scene, params=None, value_type="v-do", **inputs):
    inputs = stage8_sb_inputs(scene, pairs_of(scene), **inputs)
    ctx = context(**{"output.mean_v_type": value_type})
    return stage8_sb.solve(inputs, params or stage8_params(), ctx)


def pair_of(scene, image):
    """Number of the first pair of an image, and how many pairs there are."""
    pairs = pairs_of(scene)
    return pairs.of_image(image)[0], len(pairs)


def test_images_are_filtered_as_those_of_a_single_master():
    scene = noisy(1)
    single = stage8.solve(stage8_inputs(scene, ifg_std=None), stage8_params(), context())
    found = solve(scene)
    for name in ("scn", "high_pass", "planes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(single, name), err_msg=name)


def test_a_steady_motion_gives_its_velocity_whatever_the_images_say():
    scene = noisy(2)
    rate = np.linspace(-0.02, 0.02, 60)
    pairs = pairs_of(scene)
    steady = (rate[:, None] * pairs.spans).astype(np.float32)
    found = solve(scene, unwrapped_pairs=steady, value_type="v")
    expected = line_of_sight_velocity(rate - rate.mean(), 0.0555)
    np.testing.assert_allclose(found.velocity, expected, atol=1e-4)
    assert found.value_type == "v"
    assert found.velocity_ifgs.tolist() == list(range(len(pairs)))


def test_dropped_pairs_do_not_count_for_the_velocity_and_change_no_noise():
    scene = noisy(3)
    pair, other = pair_of(scene, 4)[0], 29
    dropped = stage8_params(drop_ifg_index=(int(pair) + 1, other + 1))
    phase = difference(scene.phase, pairs_of(scene))
    wrong = phase.copy()
    wrong[:, [pair, other]] += np.random.default_rng(0).normal(0, 9, (60, 2)).astype(np.float32)
    one, same = (solve(scene, dropped, unwrapped_pairs=each) for each in (phase, wrong))
    np.testing.assert_array_equal(one.velocity, same.velocity)
    assert not {pair, other} & set(one.velocity_ifgs.tolist())
    every = solve(scene)
    np.testing.assert_array_equal(one.scn, every.scn)
    assert (one.velocity != every.velocity).any()


def test_correlated_pairs_are_weighted_by_their_covariance():
    scene = noisy(4)
    pair, n_ifg = pair_of(scene, 2)
    covariance = np.eye(n_ifg)
    covariance[pair, pair] = 1e10
    phase = difference(scene.phase, pairs_of(scene))
    loud = phase.copy()
    loud[::2, pair] += 1
    one, other = (
        solve(scene, pair_covariance=covariance, unwrapped_pairs=each) for each in (phase, loud)
    )
    np.testing.assert_allclose(one.velocity, other.velocity, atol=1e-4)
    equal = solve(scene, unwrapped_pairs=loud)
    assert np.abs(equal.velocity - solve(scene).velocity).max() > 0.1


@pytest.mark.parametrize(("value_type", "left"), [("v", True), ("v-d", False), ("v-do", False)])
def test_the_look_angle_error_of_the_pairs_is_taken_off(value_type, left):
    scene, pairs = noisy(5), pairs_of(noisy(5))
    phase = difference(scene.phase, pairs)
    error = np.outer(np.random.default_rng(5).normal(0, 0.01, 60), pairs.bperp).astype(np.float32)
    one = solve(scene, value_type=value_type)
    other = solve(
        scene, value_type=value_type, unwrapped_pairs=phase + error, pair_scla_phase=error
    )
    assert (np.abs(one.velocity - other.velocity).max() > 0.1) == left


def test_messages_name_the_artifacts_of_the_pairs():
    scene = noisy(6)
    with pytest.raises(StageError, match=r"scla_sb2\.ph_scla is missing"):
        solve(scene, pair_scla_phase=None)
    wrong = np.zeros((60, len(pairs_of(scene))), np.float32)
    wrong[7] = np.nan
    with pytest.raises(StageError, match=r"scla_sb2\.mat: .* of PS 8 and 0 others"):
        solve(scene, value_type="v-d", pair_scla_phase=wrong)
    with pytest.raises(StageError, match="1 interferograms are used, 2 are needed"):
        solve(scene, stage8_params(drop_ifg_index=tuple(range(2, 31))))
