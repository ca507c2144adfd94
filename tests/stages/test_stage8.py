"""Stage 8: filters of known fields, invariants, mean velocity, arc statistics, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage8
from pystamps_hpc.stages.stage8.gaussian import low_pass_weights

from .stacks import context, stack, stage8_inputs, stage8_params


def solve(scene, params=None, ctx=None, **inputs):
    return stage8.solve(stage8_inputs(scene, **inputs), params or stage8_params(), ctx or context())


def noisy(seed=0, **shape):
    scene = stack(seed=seed, **shape)
    noise = np.random.default_rng(seed).normal(0, 1, scene.phase.shape)
    scene.phase = noise.astype(np.float32)
    scene.phase[:, scene.master] = 0
    return scene


def assert_same(one, other):
    for name in ("scn", "high_pass", "planes", "velocity_fit", "velocity"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_first_ps_master_and_dropped_interferograms_have_no_noise():
    scene = noisy(1, side=300.0)
    found = solve(scene, stage8_params(drop_ifg_index=(9, 11)))
    assert not found.scn[0].any()
    assert not found.scn[:, [scene.master, 8, 10]].any()
    assert found.scn[1:, 0].all()
    assert found.high_pass.shape == (60, 10)
    assert found.planes.shape == (60, 0)


def test_a_phase_constant_in_time_is_no_noise():
    scene = noisy(2)
    scene.phase[:] = np.random.default_rng(0).normal(0, 1, (60, 1)).astype(np.float32)
    found = solve(scene)
    np.testing.assert_allclose(found.high_pass, 0, atol=1e-6)
    np.testing.assert_allclose(found.scn, 0, atol=1e-6)


def test_an_isolated_ps_keeps_its_high_pass_relative_to_the_first():
    scene = noisy(3)
    scene.xy[:, 0] = np.arange(60) * 500
    found = solve(scene)
    others = np.delete(np.arange(12), scene.master)
    np.testing.assert_array_equal(found.scn[:, others], found.high_pass[:, others])


def test_a_field_constant_in_space_is_no_noise():
    scene = noisy(4)
    scene.phase[:] = scene.phase[:1]
    found = solve(scene)
    np.testing.assert_allclose(found.scn, 0, atol=1e-12)


def test_stage_7_is_taken_off_first():
    scene = noisy(5)
    rng = np.random.default_rng(1)
    look_angle = rng.normal(0, 1, scene.phase.shape).astype(np.float32)
    look_angle[:, scene.master] = 0
    master = rng.normal(0, 1, 60).astype(np.float32)
    ramp = rng.normal(0, 1, scene.phase.shape)
    corrected = ((scene.phase - look_angle) - master[:, None]) - ramp.astype(np.float32)
    with_errors = solve(scene, scla_phase=look_angle, offset=master, ramp=ramp)
    without = solve(scene, unwrapped=corrected)
    np.testing.assert_array_equal(with_errors.scn, without.scn)


def test_a_missing_phase_counts_as_zero():
    scene = noisy(6)
    holes, zeros = scene.phase.copy(), scene.phase.copy()
    holes[3, 2], zeros[3, 2] = np.nan, 0
    np.testing.assert_array_equal(
        solve(scene, unwrapped=holes).scn, solve(scene, unwrapped=zeros).scn
    )


def test_the_master_is_no_source_of_the_low_pass_but_is_filtered():
    scene = noisy(7)
    loud = scene.phase.copy()
    loud[:, scene.master] += np.arange(60, dtype=np.float32)
    one, other = solve(scene).high_pass, solve(scene, unwrapped=loud).high_pass
    others = np.delete(np.arange(12), scene.master)
    np.testing.assert_array_equal(one[:, others], other[:, others])
    assert np.abs(one[:, scene.master] - other[:, scene.master]).max() > 1


def test_a_drop_before_the_master_shifts_the_excluded_image_as_in_stamps():
    scene = noisy(8)
    log = context()
    dropped = solve(scene, stage8_params(drop_ifg_index=(2,)), log)
    assert any("instead of the master" in warning for warning in log.log.warnings)
    after = scene.master + 1
    loud = scene.phase.copy()
    loud[:, after] += np.arange(60, dtype=np.float32)
    other = solve(scene, stage8_params(drop_ifg_index=(2,)), unwrapped=loud)
    columns = np.delete(np.arange(11), after - 1)
    np.testing.assert_array_equal(dropped.high_pass[:, columns], other.high_pass[:, columns])
    assert not dropped.scn[:, scene.master].any()


def test_a_master_beyond_the_used_images_is_refused():
    scene = noisy(9, n_ifg=4)
    with pytest.raises(StageError, match="temporal filter: 2 images"):
        solve(scene, stage8_params(drop_ifg_index=(1, 2)))


@pytest.mark.parametrize("listed", [(2, 5), "all"])
def test_planes_of_deramped_interferograms_become_noise(listed):
    scene = noisy(10)
    params = stage8_params(scn_deramp_ifg=listed, drop_ifg_index=(12,))
    found = solve(scene, params)
    columns = [1, 4] if listed != "all" else list(range(11))
    assert found.planes.shape == (60, len(columns))
    design = np.column_stack((np.ones(60), scene.xy.astype(np.float64)))
    fitted = design @ np.linalg.lstsq(design, scene.phase[:, columns], rcond=None)[0]
    np.testing.assert_allclose(found.planes, fitted, atol=1e-6)

    flat = scene.phase.copy()
    flat[:, columns] -= found.planes.astype(np.float32)
    without = solve(scene, stage8_params(drop_ifg_index=(12,)), unwrapped=flat)
    expected = without.high_pass.astype(float)
    expected[:, columns] += found.planes
    np.testing.assert_allclose(found.high_pass, expected, atol=1e-6)


def test_shifting_all_days_changes_nothing():
    scene = noisy(11)
    later = replace(scene)
    later.phase = scene.phase
    later.day = scene.day + 1000
    assert_same(solve(scene), solve(later))


def test_permuting_all_but_the_first_ps_permutes_the_noise():
    scene = noisy(12, side=600.0)
    order = np.r_[0, 1 + np.random.default_rng(0).permutation(59)]
    found = solve(
        scene, unwrapped=scene.phase[order], xy=scene.xy[order], lonlat=scene.lonlat[order]
    )
    np.testing.assert_allclose(found.scn, solve(scene).scn[order], atol=1e-12)


@pytest.mark.parametrize("arithmetic", ["double", "single"])
def test_results_do_not_depend_on_the_pieces(arithmetic):
    scene = noisy(13, n_ps=9000, n_ifg=6, side=8000.0)
    params = stage8_params(scn_deramp_ifg=(1,))
    found = [
        solve(scene, params, context(arithmetic, **{"runtime.stage7_chunk_ps": piece}))
        for piece in (1, 100_000)
    ]
    assert_same(*found)


@pytest.mark.parametrize("n_ps", [1, 2])
def test_one_or_two_ps_are_filtered_too(n_ps):
    found = solve(noisy(14, n_ps=n_ps))
    assert found.scn.shape == (n_ps, 12)
    assert np.isfinite(found.scn).all()
    assert not found.scn[0].any()


def test_weights_of_a_lonely_image_do_not_vanish():
    weights = low_pass_weights(np.array([0.0, 10.0, 1e6]), 30.0, 2)
    assert np.isfinite(weights).all()
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    assert not weights[2].any()


def test_ps_without_phase_get_no_velocity_and_are_counted():
    scene = noisy(4)
    scene.phase[[3, 8], 2] = np.nan
    ctx = context()
    velocity = solve(scene, ctx=ctx).velocity
    assert np.flatnonzero(np.isnan(velocity)).tolist() == [3, 8]
    assert any("2 PS get no velocity" in warning for warning in ctx.log.warnings)


def test_the_log_says_what_velocities_came_out():
    ctx = context()
    velocity = solve(noisy(14), ctx=ctx).velocity
    (told,) = [note for note in ctx.log.notes if note.startswith("velocities")]
    assert told.startswith(f"velocities (v-do) of {len(velocity)} PS: 98 % from ")


def test_a_correction_that_is_not_finite_is_refused():
    scene = noisy(4)
    correction = np.zeros_like(scene.phase)
    correction[3] = np.nan
    with pytest.raises(
        StageError, match=r"scla2.mat: .* PS 4 and 0 others is not finite; make it again"
    ):
        solve(scene, ctx=context(**{"output.mean_v_type": "v-do"}), scla_phase=correction)


def test_mean_velocity_comes_with_what_was_used():
    scene = stack(seed=15)
    found = solve(scene, stage8_params(drop_ifg_index=(1,)))
    np.testing.assert_allclose(
        found.velocity, -found.velocity_fit[1] * 365.25 * 55.5 / (4 * np.pi), rtol=1e-12
    )
    assert found.value_type == "v-do"
    assert found.velocity_ifgs.tolist() == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
    assert found.ref_ps.tolist() == list(range(60))
    assert found.wavelength == 0.0555
    assert found.master_day == scene.day[scene.master]


def test_arcs_get_their_noise_and_keep_their_keys():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.3, (5000, 7)).astype(np.float32)
    noise[[3, 4999]] = np.nan
    stage6 = {"G": np.eye(7), "spread": object(), "stage": np.array([[8.0]])}
    found = solve(noisy(16), arc_phase=noise, arc_noise=noise, arcs=stage6)
    assert found.arc_phase is noise
    assert found.arc_noise is noise
    assert found.arcs == {"G": stage6["G"], "spread": stage6["spread"]}
    expected = noise.astype(np.float64).std(axis=1, ddof=1)
    np.testing.assert_allclose(found.edge_noise_std, expected, rtol=1e-6)
    assert found.edge_noise_std.dtype == np.float32
    valid = np.delete(noise, [3, 4999], axis=0).astype(np.float64)
    np.testing.assert_allclose(found.ifg_noise_std, valid.std(axis=0, ddof=1), rtol=1e-9)
    assert found.n_edge_rejected == 2
    assert found.stage == 8


def test_without_arcs_stage_8_warns_and_leaves_their_noise_out():
    log = context()
    found = solve(noisy(17), ctx=log)
    assert found.edge_noise_std is found.stage is None
    assert any("uw_space_time" in warning for warning in log.log.warnings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scn_time_win": 0.0}, "scn_time_win"),
        ({"scn_wavelength": np.nan}, "scn_wavelength"),
        ({"lambda_": np.nan}, "wavelength not set"),
    ],
)
def test_unusable_parameters_are_refused_at_once(changes, message):
    with pytest.raises(StageError, match=message):
        stage8_params(**changes)


@pytest.mark.parametrize("name", ["drop_ifg_index", "scn_deramp_ifg"])
def test_numbers_outside_the_stack_are_named(name):
    with pytest.raises(StageError, match=f"{name}: 13 is outside 1 to 12"):
        solve(noisy(18), stage8_params(**{name: (13,)}))
