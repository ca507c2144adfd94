"""Stage 7: look-angle error and master phase of known stacks, invariants, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage7

from .stacks import context, stack, stage7_inputs, stage7_params

ARITHMETICS = ("double", "single")


def solve(scene, params=None, ctx=None, **inputs):
    return stage7.solve(stage7_inputs(scene, **inputs), params or stage7_params(), ctx or context())


def assert_same(one, other):
    for name in ("slope", "offset", "scla_phase", "smooth_slope", "smooth_scla_phase"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), arithmetic=st.sampled_from(ARITHMETICS))
def test_a_noise_free_stack_gives_back_its_look_angle_error_and_master_phase(seed, arithmetic):
    scene = stack(seed=seed)
    scene.phase[:, scene.master] = scene.master_phase  # so that the master has no step
    found = solve(scene, ctx=context(arithmetic))
    relative = scene.slope - scene.slope.mean()
    np.testing.assert_allclose(found.slope, relative, atol=1e-7)
    offset = scene.master_phase - scene.master_phase.mean()
    np.testing.assert_allclose(found.offset, offset, atol=2e-5)
    np.testing.assert_allclose(found.scla_phase, relative[:, None] * scene.bperp, atol=3e-5)


def test_a_steady_motion_changes_neither_slope_nor_master_phase():
    scene = stack(seed=1)
    rate = np.random.default_rng(7).normal(0, 0.01, len(scene.xy))
    elapsed = scene.day - scene.day[scene.master]
    moving = replace(scene)
    moving.phase = (scene.phase + rate[:, None] * elapsed).astype(np.float32)
    still, moved = solve(scene), solve(moving)
    np.testing.assert_allclose(moved.slope, still.slope, atol=1e-6)
    np.testing.assert_allclose(moved.offset, still.offset, atol=1e-4)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_constant_per_interferogram_changes_nothing(arithmetic):
    scene = stack(seed=2)
    shifted = replace(scene)
    shifted.phase = scene.phase + np.arange(12, dtype=np.float32)
    one, other = solve(scene, ctx=context(arithmetic)), solve(shifted, ctx=context(arithmetic))
    np.testing.assert_allclose(one.slope, other.slope, atol=1e-7)
    np.testing.assert_allclose(one.scla_phase, other.scla_phase, atol=2e-5)


def test_what_is_known_of_the_troposphere_is_taken_off_first():
    scene = stack(seed=8)
    tropo = np.random.default_rng(0).normal(0, 3, scene.phase.shape).astype(np.float32)
    wet = replace(scene)
    wet.phase = scene.phase + tropo
    params = stage7_params(subtr_tropo=True, scla_deramp=True)
    dry = solve(scene, stage7_params(scla_deramp=True))
    found = solve(wet, params, tropo=(tropo,))
    np.testing.assert_allclose(found.slope, dry.slope, atol=1e-7)
    np.testing.assert_allclose(found.offset, dry.offset, atol=1e-5)
    np.testing.assert_allclose(found.ramp, dry.ramp, atol=1e-5)
    with pytest.raises(StageError, match="a_erai is 60 x 11, expected 60 x 12; estimate it again"):
        solve(wet, params, tropo=(tropo[:, 1:],))


def test_with_deramping_a_plane_changes_only_the_ramp():
    scene = stack(seed=3)
    plane = (scene.xy / 1000) @ np.random.default_rng(0).normal(0, 2, (2, 12))
    tilted = replace(scene)
    tilted.phase = (scene.phase + plane).astype(np.float32)
    params = stage7_params(scla_deramp=True)
    flat, found = solve(scene, params), solve(tilted, params)
    np.testing.assert_allclose(found.slope, flat.slope, atol=1e-6)
    np.testing.assert_allclose(found.ramp - flat.ramp, plane, atol=1e-5)
    assert found.ramp.dtype == np.float64
    assert found.smooth_ramp is found.ramp
    assert solve(scene).ramp is None


def test_shifting_all_days_changes_nothing():
    scene = stack(seed=4)
    later = replace(scene)
    later.phase = scene.phase
    later.day = scene.day + 1000
    assert_same(solve(scene), solve(later))


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_slopes_go_with_the_inverse_of_the_baselines(factor):
    scene = stack(seed=5, common_bperp=False)
    one = solve(scene)
    other = solve(scene, bperp_mat=scene.bperp_mat * np.float32(factor))
    np.testing.assert_allclose(other.slope * factor, one.slope, rtol=1e-10)
    np.testing.assert_allclose(other.scla_phase, one.scla_phase, atol=1e-6)


def test_a_common_factor_of_the_noise_does_not_matter():
    scene = stack(seed=6)
    scene.phase += np.random.default_rng(0).normal(0, 1, scene.phase.shape).astype(np.float32)
    one, other = solve(scene), solve(scene, ifg_std=scene.ifg_std * np.float32(4))
    np.testing.assert_allclose(one.offset, other.offset, atol=1e-6)
    assert np.abs(one.offset - solve(scene, ifg_std=None).offset).max() > 1e-3
    np.testing.assert_array_equal(solve(scene, ifg_std=None).covariance, np.eye(12))


def test_permuting_the_ps_permutes_the_results():
    scene = stack(seed=7, common_bperp=False)
    order = np.random.default_rng(1).permutation(len(scene.xy))
    shuffled = solve(
        scene,
        unwrapped=scene.phase[order],
        bperp_mat=scene.bperp_mat[order],
        xy=scene.xy[order],
        lonlat=scene.lonlat[order],
    )
    straight = solve(scene)
    np.testing.assert_allclose(shuffled.slope, straight.slope[order], atol=1e-9)
    np.testing.assert_allclose(shuffled.smooth_slope, straight.smooth_slope[order], atol=1e-8)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_results_do_not_depend_on_the_pieces(arithmetic):
    scene = stack(n_ps=9000, n_ifg=8, side=20_000.0, common_bperp=False)
    params = stage7_params(scla_deramp=True)
    found = [
        solve(scene, params, context(arithmetic, **{"runtime.stage7_chunk_ps": piece}))
        for piece in (1, 100_000)
    ]
    assert_same(*found)


def test_the_look_angle_error_of_dropped_interferograms_is_there_too():
    scene = stack(seed=9)
    found = solve(scene, stage7_params(drop_ifg_index=(2, 5), scla_drop_index=(9,)))
    slope = found.slope.astype(np.float32)
    baselines = np.insert(scene.bperp_mat, scene.master, 0, axis=1)
    np.testing.assert_array_equal(found.scla_phase, slope[:, None] * baselines)
    assert not found.scla_phase[:, scene.master].any()


def test_what_a_dropped_interferogram_holds_does_not_matter():
    scene = stack(seed=10)
    garbage = scene.phase.copy()
    garbage[:, 1] = 1e3 * np.sin(np.arange(len(garbage)))
    for drop in ({"drop_ifg_index": (2,)}, {"scla_drop_index": (2,)}):
        params = stage7_params(**drop)
        assert_same(solve(scene, params), solve(scene, params, unwrapped=garbage))


def test_without_point_baselines_the_mean_ones_count_for_all():
    scene = stack(seed=11)
    ifgs = replace(scene.ifgs, bperp=scene.bperp_mat[0])
    assert_same(solve(scene), solve(scene, bperp_mat=None, ifgs=ifgs))


def test_least_deviations_are_not_moved_by_an_unwrapping_error():
    scene = stack(seed=12)
    scene.phase[:, scene.master] = scene.master_phase
    scene.phase[::3, 2] += 2 * np.pi
    robust = solve(scene, stage7_params(scla_method="L1", ref_x=(-1e6, 1e6), ref_y=(-1e6, 1e6)))
    ordinary = solve(scene)
    error = [np.std(found.slope - scene.slope) for found in (robust, ordinary)]
    assert error[0] < 1e-6 < 1e-4 < error[1]


def test_the_master_takes_no_part_in_the_fit_of_its_own_phase():
    # two steps of twelve meet the empty master column, which least deviations ignore
    scene = stack(seed=18, n_ifg=14)
    assert not scene.phase[:, scene.master].any()
    found = solve(scene, stage7_params(scla_method="L1", ref_radius=-np.inf))
    np.testing.assert_allclose(found.slope, scene.slope, atol=1e-6)
    np.testing.assert_allclose(found.offset, scene.master_phase, atol=2e-5)


def test_least_deviations_allow_a_constant_acquisition_interval():
    scene = stack(seed=13)
    scene.day = 736_000.0 + 24 * np.arange(12)
    found = solve(scene, stage7_params(scla_method="L1"))
    assert np.isfinite(found.slope).all()


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_reference_area_of_one_ps_gives_that_ps_zero(arithmetic):
    scene = stack(seed=14)
    x, y = scene.xy[17]
    params = stage7_params(ref_x=(x - 1e-2, x + 1e-2), ref_y=(y - 1e-2, y + 1e-2))
    found = solve(scene, params, context(arithmetic))
    assert found.slope[17] == 0
    assert found.offset[17] == 0


def test_a_missing_phase_spoils_its_ps_only():
    scene = stack(seed=15)
    phase = scene.phase.copy()
    phase[4, 2] = np.nan
    found = solve(scene, unwrapped=phase)
    assert np.isnan(found.slope).nonzero()[0].tolist() == [4]
    assert np.isfinite(np.delete(found.smooth_slope, 4)).all()


def test_a_single_ps_is_not_smoothed():
    found = solve(stack(n_ps=1))
    np.testing.assert_array_equal(found.smooth_slope, found.slope)


def test_ps_at_the_same_place_stay_finite():
    scene = stack()
    scene.xy[5] = scene.xy[4]
    found = solve(scene)
    assert np.isfinite(found.smooth_slope).all()
    assert (found.smooth_slope[[4, 5]] == found.slope[[4, 5]]).any()


def test_the_covariance_is_the_squared_noise_in_single():
    scene = stack()
    radians = scene.ifg_std * np.float32(np.pi) / np.float32(180)
    np.testing.assert_array_equal(
        solve(scene).covariance, np.diag((radians * radians).astype(np.float64))
    )


@pytest.mark.parametrize(("kept", "unknowns"), [(3, 2), (4, 3)])
def test_few_images_are_fitted_with_a_warning(kept, unknowns):
    scene = stack(n_ifg=6, seed=16)
    log = context()
    found = solve(scene, stage7_params(scla_drop_index=tuple(range(kept + 1, 7))), log)
    assert np.isfinite(found.slope).all()
    assert any(
        f"{kept - 1} steps between images determine {unknowns}" in w for w in log.log.warnings
    )
    assert any("too few to estimate velocity" in w for w in log.log.warnings) == (kept < 4)


def test_two_images_are_too_few():
    params = stage7_params(drop_ifg_index=(1,), scla_drop_index=(3, 4, 5))
    with pytest.raises(StageError, match=r"1 differences.*drop_ifg_index \(1,\)"):
        solve(stack(n_ifg=6), params)


def test_equal_baselines_do_not_show_a_look_angle_error():
    scene = stack(n_ifg=6)
    with pytest.raises(StageError, match=r"the 6 images are all equal \(0\.0 m\)"):
        solve(
            scene,
            bperp_mat=np.zeros_like(scene.bperp_mat),
            ifgs=replace(scene.ifgs, bperp=np.zeros(5)),
        )


def test_baselines_that_drift_with_time_are_told():
    scene = stack(n_ifg=6)
    drift = (scene.day - scene.day[scene.master])[None].repeat(60, axis=0).astype(np.float32)
    drift = np.delete(drift, scene.master, axis=1)
    log = context()
    solve(scene, ctx=log, bperp_mat=drift)
    assert any("not observable" in warning for warning in log.log.warnings)
    with pytest.raises(StageError, match="scla_method"):
        solve(scene, stage7_params(scla_method="L1"), bperp_mat=drift)


def test_no_reference_at_all_is_told_once():
    log = context()
    found = solve(stack(seed=17), stage7_params(ref_radius=-np.inf), log)
    assert np.isfinite(found.slope).all()
    assert sum("not referenced" in warning for warning in log.log.warnings) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drop_ifg_index": (3, 13)}, r"drop_ifg_index: 13 is outside 1 to 12"),
        ({"scla_drop_index": (0,)}, r"scla_drop_index: 0 is outside 1 to 12"),
        ({"ref_lon": (0.0, 1.0)}, "0 PS in reference area"),
    ],
)
def test_unusable_parameters_are_named(changes, message):
    with pytest.raises(StageError, match=message):
        solve(stack(), stage7_params(**changes))


def test_a_tropospheric_method_that_is_none_is_refused():
    with pytest.raises(StageError, match="tropo_method a_x: 'a_x' is not known"):
        stage7_params(subtr_tropo=True, tropo_method="a_x")
    with pytest.raises(StageError, match="a_powerlaw-k is a map of coefficients"):
        stage7_params(subtr_tropo=True, tropo_method="a_powerlaw-k")


def test_an_interferogram_without_usable_noise_is_named():
    scene = stack()
    scene.ifg_std[3] = 0
    with pytest.raises(StageError, match=r"interferogram 4 \(20"):
        solve(scene)


def test_an_interferogram_without_phase_in_the_reference_area_is_named():
    scene = stack()
    scene.phase[:, 4] = np.nan
    with pytest.raises(StageError, match=r"interferogram 5 \(20.*no phase in the reference"):
        solve(scene)
