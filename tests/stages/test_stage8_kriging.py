"""Stage 8 by kriging: what is noise, what the arcs tell, samples, networks with holes, refusals."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage8, stage8_sb
from pystamps_hpc.stages.stage8 import space, variograms
from pystamps_hpc.stages.stage8.arcs import Arcs, Timeline, adjusted
from pystamps_hpc.stages.stage8.gaussian import low_pass_weights
from pystamps_hpc.stages.stage8.space import nearest

from .stacks import (
    context,
    pairs_of,
    stack,
    stage8_inputs,
    stage8_params,
    stage8_sb_inputs,
)

ARC_FILES = ("arc_errors", "arc_low_pass", "arc_residual", "arc_corrected", "accepted_arcs")


def params(**changes):
    return stage8_params(scn_kriging_flag=True, **changes)


def solve(scene, ctx=None, of=None, **inputs):
    return stage8.solve(stage8_inputs(scene, **inputs), of or params(), ctx or context())


def noisy(seed=0, n_ps=60, **shape):
    """White noise: no arc has a variogram that rises."""
    scene = stack(n_ps, seed=seed, **shape)
    scene.phase = np.random.default_rng(seed).normal(0, 1, scene.phase.shape).astype(np.float32)
    scene.phase[:, scene.master] = 0
    return scene


def wandering(seed=0, n_ps=120, n_ifg=40):
    """Every PS wanders by itself, correlated over some months, beside white noise."""
    scene = stack(n_ps, n_ifg, seed, side=9000.0)
    rng = np.random.default_rng(seed)
    scene.day = 736_000.0 + 24 * np.arange(n_ifg)
    phase = np.empty(scene.phase.shape)
    phase[:, 0] = rng.normal(0, 1, n_ps)
    for k in range(1, n_ifg):
        phase[:, k] = 0.93 * phase[:, k - 1] + rng.normal(0, 0.37, n_ps)
    scene.phase = (phase + rng.normal(0, 0.3, phase.shape)).astype(np.float32)
    return scene


@pytest.fixture(scope="module")
def kriged():
    ctx = context()
    return solve(wandering(), ctx), ctx


def arcs_of(scene, phase=None, ctx=None):
    timeline = Timeline.of_days(scene.day)
    phase = scene.phase if phase is None else phase
    return Arcs.between(scene.xy, phase, timeline, ctx or context())


def test_first_ps_master_and_dropped_interferograms_have_no_noise():
    scene = noisy(1)
    found = solve(scene, of=params(drop_ifg_index=(9, 11)))
    assert not found.scn[0].any()
    assert not found.scn[:, [scene.master, 8, 10]].any()
    assert found.scn[1:, 0].all()
    assert found.high_pass.shape == found.planes.shape == (60, 10)
    assert not found.noise_res[:, [8, 10]].any()
    assert found.noise_res[1:, scene.master].any()
    used = np.delete(np.arange(12), [8, 10])
    np.testing.assert_allclose(found.noise_std, found.noise_res[:, used].std(axis=1, ddof=1))


def test_planes_are_noise_whatever_the_list_of_deramped_interferograms():
    scene = noisy(2)
    slope = np.random.default_rng(2).normal(0, 1e-3, (2, 12))
    tilted = scene.phase + (scene.xy @ slope).astype(np.float32)
    one, other = solve(scene), solve(scene, unwrapped=tilted, of=params(scn_deramp_ifg=(1,)))
    added = (scene.xy - scene.xy[0]) @ slope
    added[:, scene.master] = 0
    np.testing.assert_allclose(other.scn - one.scn, added, atol=2e-5)
    np.testing.assert_allclose(other.high_pass, one.high_pass, atol=2e-5)


def test_a_field_constant_in_space_is_no_noise():
    scene = noisy(3)
    scene.phase[:] = scene.phase[:1]
    np.testing.assert_allclose(solve(scene).scn, 0, atol=1e-6)


def test_a_motion_of_the_model_is_no_noise():
    scene = noisy(4)
    terms = Timeline.of_days(scene.day).terms
    terms[:, :2] -= terms[:, :2].mean(axis=0)
    coefficients = np.random.default_rng(4).normal(0, 1, (60, 5)) * [0.1, 1, 1, 1, 1]
    scene.phase = (coefficients @ terms.T).astype(np.float32)
    np.testing.assert_allclose(solve(scene).high_pass, 0, atol=1e-5)


def test_a_missing_phase_counts_as_zero():
    scene = noisy(5)
    holes, zeros = scene.phase.copy(), scene.phase.copy()
    holes[3, 2], zeros[3, 2] = np.nan, 0
    one, other = (solve(scene, unwrapped=each) for each in (holes, zeros))
    np.testing.assert_array_equal(one.scn, other.scn)


def test_white_noise_is_filtered_by_gaussian_means_which_need_no_adjustment():
    scene, ctx = noisy(6), context()
    found = solve(scene, ctx)
    assert any("too few for kriging" in note for note in ctx.log.notes)
    assert found.mean_std > 0
    assert all(getattr(found, name) is None for name in ARC_FILES)
    flat = (scene.phase - found.planes[:]).astype(np.float32)
    arcs = arcs_of(scene, flat)
    residual = arcs.residual(slice(None))
    weights = low_pass_weights(scene.day, 365.0, scene.master)
    by_arcs = adjusted((residual - residual @ weights).astype(np.float32), arcs)
    np.testing.assert_allclose(found.high_pass, by_arcs, atol=5e-6)


def test_correlated_arcs_are_kriged_in_time(kriged):
    found, ctx = kriged
    assert any("plausible variogram in time: kriging" in note for note in ctx.log.notes)
    arcs = arcs_of(wandering(), (wandering().phase - found.planes[:]).astype(np.float32))
    residual = arcs.residual(slice(None))
    np.testing.assert_array_equal(found.arc_residual[:], residual)
    low_pass = found.arc_low_pass[:]
    assert (np.diff(low_pass, axis=1).std() < 0.8 * np.diff(residual, axis=1).std()).all()
    by_arcs = adjusted(np.asarray(residual - low_pass), arcs)
    np.testing.assert_allclose(found.high_pass, by_arcs, atol=2e-6)
    assert len(found.accepted_arcs) == ctx.log.facts["arcs_with_variogram"] > 50
    np.testing.assert_allclose(found.model_range[found.accepted_arcs].mean(), 0.9, atol=0.5)


def test_a_cycle_too_much_is_told_and_not_corrected():
    scene = wandering(1)
    late = scene.phase.copy()
    late[7, 20] += np.float32(6 * np.pi)
    one, other = solve(scene), solve(scene, unwrapped=late)
    assert not one.arc_errors.any()
    arcs = arcs_of(scene).ends
    of_point = (arcs == 7).any(axis=1)
    assert (np.abs(other.arc_errors[of_point, 20]) >= 2).all()
    assert not other.arc_errors[~of_point].any()
    assert other.arc_errors.dtype == np.int8
    moved = other.arc_corrected[of_point, 20] - other.arc_residual[:][of_point, 20]
    expected = 2 * np.pi * other.arc_errors[of_point, 20]
    np.testing.assert_allclose(moved, expected, atol=1e-5)


@pytest.mark.parametrize("make", [noisy, wandering])
def test_results_do_not_depend_on_the_pieces(make):
    scene = make(7, n_ps=4300, n_ifg=8) if make is noisy else make(7, n_ps=1500, n_ifg=40)
    pieces = [{"runtime.stage7_chunk_ps": n, "runtime.stage8_chunk_edges": n} for n in (1, 100_000)]
    one, other = (solve(scene, context(**each)) for each in pieces)
    for name in ("scn", "high_pass", "noise_res", "noise_std", "arc_low_pass"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None) == (name == "arc_low_pass" and make is noisy)
        if first is not None:
            np.testing.assert_array_equal(first[:], second[:], err_msg=name)


@pytest.mark.parametrize("n_ps", [1, 2, 3, 20])
def test_few_ps_are_kriged_from_all_of_them(n_ps):
    found = solve(noisy(8, n_ps=n_ps))
    assert found.scn.shape == (n_ps, 12)
    assert np.isfinite(found.scn).all()
    assert not found.scn[0].any()


def test_ps_on_a_line_have_no_network_and_are_filtered_by_gaussian_means():
    scene, ctx = noisy(9), context()
    scene.xy[:, 1] = 5
    found = solve(scene, ctx)
    assert any("no network" in warning for warning in ctx.log.warnings)
    assert found.mean_std is None
    assert np.isfinite(found.scn).all()


def test_closed_arcs_give_the_points_and_a_ps_without_arcs_is_told():
    scene, ctx = noisy(10), context()
    arcs = arcs_of(scene, ctx=ctx)
    found = adjusted(arcs.steps(slice(None)), arcs)
    np.testing.assert_allclose(found, scene.phase - scene.phase[0], atol=1e-5)
    left = Arcs(arcs.ends[~(arcs.ends == 5).any(axis=1)], *list(vars(arcs).values())[1:])
    found = adjusted(left.steps(slice(None)), left)
    expected = scene.phase - scene.phase[0]
    expected[5] = 0
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert any(warning.startswith("1 PS are joined") for warning in ctx.log.warnings)


def test_samples_are_drawn_once_from_a_seed_where_there_is_too_much(monkeypatch):
    assert variograms.sample(15_000, 0).tolist() == list(range(15_000))
    one = variograms.sample(40_000, 7)
    assert len(np.unique(one)) == 15_000
    assert (np.diff(one) > 0).all()
    monkeypatch.setattr(variograms, "MOST", 100)
    scene = wandering(11)
    first, same, other = (solve(scene, context(**{"output.krig_seed": seed})) for seed in (1, 1, 2))
    assert np.isfinite(first.model_range).sum() == 100
    np.testing.assert_array_equal(first.scn, same.scn)
    assert (np.isfinite(first.model_range) != np.isfinite(other.model_range)).any()


@pytest.mark.parametrize("layout", ["grid", "random", "twins"])
def test_neighbours_are_the_nearest_by_single_distance_then_by_number(layout):
    rng = np.random.default_rng(12)
    if layout == "grid":
        xy = np.argwhere(np.ones((25, 25))).astype(np.float32) * np.float32(40.1)
    else:
        xy = rng.uniform(0, 3000, (700, 2)).astype(np.float32)
    if layout == "twins":
        xy[100:180] = xy[100]
    targets = np.arange(0, len(xy), 7)
    found = nearest(cKDTree(xy.astype(float)), xy, targets, 300.0, 1)
    for target, near in zip(targets, found, strict=True):
        away = xy[target] - xy
        distance = np.sqrt(away[:, 0] * away[:, 0] + away[:, 1] * away[:, 1])
        expected = np.argsort(distance, kind="stable")[: space.N_NEAR]
        expected = expected[distance[expected] < np.float32(300)]
        np.testing.assert_array_equal(near[near >= 0], expected)


def test_images_of_small_baselines_are_kriged_as_those_of_a_single_master():
    scene = noisy(13)
    single = stage8.solve(stage8_inputs(scene, ifg_std=None), params(), context())
    found = stage8_sb.solve(stage8_sb_inputs(scene, pairs_of(scene, 1)), params(), context())
    assert len(pairs_of(scene, 1)) < len(scene.day)
    for name in ("scn", "high_pass", "noise_res", "noise_std"):
        np.testing.assert_array_equal(getattr(found, name), getattr(single, name), err_msg=name)
    assert found.planes.shape == (60, 12)


@pytest.mark.parametrize("dropped", [(1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6, 8)])
def test_too_few_images_are_refused_before_work(dropped):
    few = params(drop_ifg_index=dropped)
    scene = noisy(14, n_ifg=10)
    message = f"{10 - len(dropped)} images are used, kriging needs 6"
    with pytest.raises(StageError, match=message):
        stage8.SPEC.accepts(few, scene.ifgs)
    with pytest.raises(StageError, match=message):
        solve(scene, of=few)
    stage8.SPEC.accepts(stage8_params(drop_ifg_index=dropped), scene.ifgs)
