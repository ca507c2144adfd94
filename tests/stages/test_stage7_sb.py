"""Stage 7 of small baselines: known networks, invariants, weights, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage7_sb

from .stacks import (
    context,
    difference,
    pairs_of,
    stack,
    stage7_sb_inputs,
    stage7_sb_params,
)

ARITHMETICS = ("double", "single")


def quiet(seed=0, **shape):
    """A stack without master phase, as the inversion leaves it: images relative to the master."""
    scene = stack(seed=seed, **shape)
    scene.phase[:, scene.master] = scene.master_phase
    return scene


def solve(scene, params=None, ctx=None, ifgs=None, **inputs):
    inputs = stage7_sb_inputs(scene, ifgs or pairs_of(scene), **inputs)
    return stage7_sb.solve(inputs, params or stage7_sb_params(), ctx or context())


def assert_same(one, other):
    for name in ("pair_slope", "pair_phase", "smooth_slope", "smooth_phase", "slope", "offset",
                 "scla_phase"):  # fmt: skip
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), arithmetic=st.sampled_from(ARITHMETICS))
def test_a_noise_free_network_gives_back_its_look_angle_error(seed, arithmetic):
    scene = quiet(seed)
    found = solve(scene, ctx=context(arithmetic))
    relative = scene.slope - scene.slope.mean()
    np.testing.assert_allclose(found.pair_slope, relative, atol=1e-7)
    np.testing.assert_allclose(found.slope, relative, atol=1e-7)
    np.testing.assert_allclose(found.offset, 0, atol=2e-5)
    bperp = np.diff(scene.bperp[pairs_of(scene).pairs], axis=1)[:, 0]
    np.testing.assert_allclose(found.pair_phase, relative[:, None] * bperp, atol=3e-5)
    np.testing.assert_allclose(found.scla_phase, relative[:, None] * scene.bperp, atol=3e-5)


def test_the_phase_of_the_master_comes_back_from_the_images():
    scene = quiet(1)
    images = scene.phase - scene.phase[:, [scene.master]]
    others = np.delete(np.arange(12), scene.master)
    images[:, others] += scene.master_phase.astype(np.float32)[:, None]
    found = solve(scene, unwrapped=images)
    offset = scene.master_phase - scene.master_phase.mean()
    np.testing.assert_allclose(found.offset, offset, atol=2e-5)
    assert not np.any(found.pair_offset)
    assert found.pair_offset.dtype == found.smooth_offset.dtype == np.float64


def test_the_troposphere_of_pairs_is_taken_off_pairs_and_images():
    scene = quiet(8)
    ifgs = pairs_of(scene)
    tropo = np.random.default_rng(0).normal(0, 3, scene.phase.shape).astype(np.float32)
    tropo[:, scene.master] = 0
    wet = replace(scene)
    wet.phase = scene.phase + tropo
    dry = solve(scene, ifgs=ifgs)
    params = stage7_sb_params(subtr_tropo=True)
    found = solve(wet, params, ifgs=ifgs, tropo=(difference(tropo, ifgs),))
    np.testing.assert_allclose(found.pair_slope, dry.pair_slope, atol=1e-7)
    np.testing.assert_allclose(found.slope, dry.slope, atol=1e-7)
    np.testing.assert_allclose(found.offset, dry.offset, atol=2e-5)


def test_a_steady_motion_changes_no_slope():
    scene = quiet(2)
    moving = replace(scene)
    rate = np.random.default_rng(7).normal(0, 0.01, len(scene.xy))
    moving.phase = (scene.phase + rate[:, None] * scene.day).astype(np.float32)
    still, moved = solve(scene), solve(moving)
    np.testing.assert_allclose(moved.pair_slope, still.pair_slope, atol=1e-5)
    np.testing.assert_allclose(moved.slope, still.slope, atol=1e-5)


def test_a_noisy_pair_weighs_less():
    scene, ifgs = quiet(3), pairs_of(quiet(3))
    pairs = stage7_sb_inputs(scene, ifgs).unwrapped_pairs
    pairs[:, 4] += np.random.default_rng(0).normal(0, 5, 60).astype(np.float32)
    covariance = np.eye(len(ifgs))
    covariance[4, 4] = 1e8
    error = [
        np.abs(found.pair_slope - scene.slope + scene.slope.mean()).max()
        for found in (
            solve(scene, unwrapped_pairs=pairs, pair_covariance=covariance),
            solve(scene, unwrapped_pairs=pairs),
        )
    ]
    assert error[0] < 1e-6 < 1e-4 < error[1]


def test_least_deviations_are_not_moved_by_an_unwrapping_error():
    scene = quiet(4)
    pairs = stage7_sb_inputs(scene, pairs_of(scene)).unwrapped_pairs
    pairs[::3, 2] += 2 * np.pi
    everywhere = {"ref_radius": -np.inf}
    robust = solve(scene, stage7_sb_params(scla_method="L1", **everywhere), unwrapped_pairs=pairs)
    ordinary = solve(scene, stage7_sb_params(**everywhere), unwrapped_pairs=pairs)
    error = [np.std(found.pair_slope - scene.slope) for found in (robust, ordinary)]
    assert error[0] < 1e-6 < 1e-5 < error[1]


def test_what_a_dropped_pair_holds_does_not_matter_to_the_pairs():
    scene = quiet(5)
    garbage = stage7_sb_inputs(scene, pairs_of(scene)).unwrapped_pairs
    garbage[:, 1] = 1e3 * np.sin(np.arange(len(garbage)))
    for drop in ({"drop_ifg_index": (2,)}, {"sb_scla_drop_index": (2,)}):
        params = stage7_sb_params(**drop)
        assert_same(solve(scene, params), solve(scene, params, unwrapped_pairs=garbage))


def test_an_image_that_is_left_out_counts_as_one_without_baseline():
    scene, log = quiet(6), context()
    ifgs = pairs_of(scene)
    found = solve(scene, stage7_sb_params(scla_drop_index=(3,)), log)
    images = np.setdiff1d(np.arange(12), [2, scene.master])
    bperp = difference(np.insert(scene.bperp_mat, scene.master, 0, axis=1), ifgs)[0]
    expected = np.zeros(12)
    expected[images] = np.linalg.lstsq(ifgs.design[:, images], bperp.astype(float), rcond=None)[0]
    single = np.float32(found.slope[:])[:, None] * expected.astype(np.float32)
    np.testing.assert_allclose(found.scla_phase, single, rtol=2e-6, atol=1e-6)
    assert any("taken as zero" in warning for warning in log.log.warnings)


def test_images_without_phase_take_no_part():
    scene = quiet(7)
    garbage = scene.phase - scene.phase[:, [scene.master]]
    garbage[:, 0] = 99
    images = np.arange(1, 12)
    one = solve(scene, images=images)
    assert_same(one, solve(scene, images=images, unwrapped=garbage))


def test_with_deramping_a_plane_changes_only_the_ramps():
    scene = quiet(8)
    plane = (scene.xy / 1000) @ np.random.default_rng(0).normal(0, 2, (2, 12))
    tilted = replace(scene)
    tilted.phase = (scene.phase + plane).astype(np.float32)
    params = stage7_sb_params(scla_deramp=True)
    flat, found = solve(scene, params), solve(tilted, params)
    np.testing.assert_allclose(found.pair_slope, flat.pair_slope, atol=1e-6)
    np.testing.assert_allclose(found.slope, flat.slope, atol=1e-6)
    change = difference(plane, pairs_of(scene))
    np.testing.assert_allclose(found.pair_ramp[:] - flat.pair_ramp[:], change, atol=2e-5)
    assert found.smooth_ramp is found.pair_ramp
    assert solve(scene).pair_ramp is solve(scene).ramp is None


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_results_do_not_depend_on_the_pieces(arithmetic):
    scene = quiet(9, n_ps=9000, n_ifg=7, side=20_000.0, common_bperp=False)
    params = stage7_sb_params(scla_deramp=True)
    found = [
        solve(scene, params, context(arithmetic, **{"runtime.stage7_chunk_ps": piece}))
        for piece in (1, 100_000)
    ]
    assert_same(*found)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_native_and_reference_kernels_give_the_same_bits(arithmetic):
    scene = quiet(10, common_bperp=False)
    assert_same(
        solve(scene, ctx=context(arithmetic, "native")),
        solve(scene, ctx=context(arithmetic, "python")),
    )


def test_without_point_baselines_the_mean_ones_count_for_all():
    scene = quiet(11)
    assert_same(solve(scene), solve(scene, bperp_mat=None))


def test_a_covariance_that_is_not_positive_definite_is_told():
    scene, log = quiet(12), context()
    n_ifg = len(pairs_of(scene))
    found = solve(scene, ctx=log, pair_covariance=np.diag(np.r_[0.0, np.ones(n_ifg - 1)]))
    assert np.isfinite(found.pair_slope).all()
    assert any("1 of its eigenvalues are not positive" in warning for warning in log.log.warnings)


def test_few_pairs_are_fitted_with_a_warning():
    scene, log = quiet(13), context()
    every = len(pairs_of(scene))
    found = solve(scene, stage7_sb_params(sb_scla_drop_index=tuple(range(4, every + 1))), log)
    assert np.isfinite(found.pair_slope).all()
    assert any("3 interferograms are too few" in warning for warning in log.log.warnings)


def chain(scene):
    """A network that falls apart with any image in the middle."""
    return pairs_of(scene, reach=1)


@pytest.mark.parametrize(
    ("changes", "network", "message"),
    [
        ({"sb_scla_drop_index": (31,)}, pairs_of, "sb_scla_drop_index: 31 is outside 1 to 30"),
        ({"scla_drop_index": (13,)}, pairs_of, "scla_drop_index: 13 is outside 1 to 12"),
        ({"sb_scla_drop_index": tuple(range(1, 30))}, pairs_of, "1 interferograms are left, 2"),
        ({"scla_drop_index": (1, 2, 3, 4, 5, 9, 10, 11, 12)}, pairs_of, "2 images give 1 diff"),
        ({"scla_drop_index": (3,)}, chain, r"scla_drop_index \(3,\) no pairs join .* to the"),
        ({"ref_lon": (0.0, 1.0)}, pairs_of, "0 PS in reference area"),
    ],
)  # fmt: skip
def test_unusable_parameters_are_named_before_work(changes, network, message):
    scene = quiet()
    ifgs = network(scene)
    with pytest.raises(StageError, match=message):
        solve(scene, stage7_sb_params(**changes), ifgs=ifgs)


def test_equal_baselines_do_not_show_a_look_angle_error():
    scene = quiet()
    ifgs = pairs_of(scene)
    with pytest.raises(StageError, match=r"30 interferograms are all equal \(7\.0 m\)"):
        solve(scene, bperp_mat=np.full((60, len(ifgs)), 7, np.float32))


def test_a_pair_without_phase_in_the_reference_area_is_named():
    scene = quiet()
    pairs = stage7_sb_inputs(scene, pairs_of(scene)).unwrapped_pairs
    pairs[:, 5] = np.nan
    with pytest.raises(StageError, match=r"phuw_sb2.ph_uw: interferogram 6 \(20\S+ to 20\S+\)"):
        solve(scene, unwrapped_pairs=pairs)


def test_no_reference_at_all_is_told_once():
    log = context()
    solve(quiet(), stage7_sb_params(ref_radius=-np.inf), log)
    assert sum("not referenced" in warning for warning in log.log.warnings) == 1
