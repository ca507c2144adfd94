"""Stage 4: the four filters and their order, degenerate networks, messages."""

from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import StageError
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.stages.shared.delaunay import edges
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_hpc.stages.stage4 import Inputs, Params, node_phase, solve
from pystamps_kernels.dispatch import table

PARAMS = Params(
    weed_neighbours=False,
    weed_zero_elevation=False,
    weed_time_win=730.0,
    weed_standard_dev=1.0,
    weed_max_noise=float("inf"),
    drop_ifg_index=(),
)
NO_NOISE = replace(PARAMS, weed_standard_dev=10.0)


@pytest.fixture
def ctx():
    config = RunConfig().with_values({"runtime.triangulator": "native"}).resolved()
    return Context(table("python", "double"), config)


def patch(n_ps=120, n_image=12, noisy=(), seed=5, noise=0.2):
    """A patch of stable points with the look-angle error that stage 3 found; some are noisy."""
    rng = np.random.default_rng(seed)
    master, day = 5, 736000.0 + 24 * np.arange(n_image)
    bperp = np.insert(rng.normal(0, 150, n_image - 1), master, 0)
    slope, offset = rng.normal(0, 0.02, n_ps), rng.normal(0, 0.3, n_ps)
    sigma = np.full((n_ps, 1), noise)
    sigma[list(noisy)] = 3.0
    phase = slope[:, None] * bperp + rng.normal(0, sigma, (n_ps, n_image))
    phase, bperp = np.delete(phase, master, axis=1), np.delete(bperp, master)
    ids = np.arange(1.0, n_ps + 1)
    xy = rng.uniform(0, 4000, (n_ps, 2)).round(3)
    return Inputs(
        selected=np.arange(n_ps),
        kept=np.ones(n_ps, np.bool_),
        slope=slope,
        offset=offset,
        coherence=rng.uniform(0.5, 1, n_ps),
        ij=np.column_stack((ids, 10 * ids, 3 * ids)),
        xy=xy.astype(np.float32),
        ifgs=Ifgs.of_master(master, bperp, day, day[master]),
        phase=(3 * np.exp(1j * phase)).astype(np.complex64),
        height=rng.uniform(1, 100, n_ps),
    )


def test_noisy_points_are_dropped_and_their_neighbours_stay(ctx):
    out = solve(patch(noisy=(7, 40)), PARAMS, ctx)
    assert np.flatnonzero(~out.unweeded).tolist() == [7, 40]
    np.testing.assert_array_equal(out.unweeded, out.unweeded_node)
    assert out.ps_std.dtype == out.ps_max.dtype == np.float32
    assert (ctx.log.facts["weeded"], ctx.log.facts["noisy"]) == (118, 2)


def test_only_points_that_stage_3_kept_take_part(ctx):
    full = patch(noisy=(7, 40))
    chosen = np.arange(0, 120, 2)
    inputs = replace(
        full,
        selected=chosen,
        kept=chosen != 60,
        slope=full.slope[chosen],
        offset=full.offset[chosen],
        coherence=full.coherence[chosen],
    )
    out = solve(inputs, PARAMS, ctx)
    assert len(out.unweeded) == 59
    assert np.flatnonzero(~out.unweeded).tolist() == [20]


def test_the_largest_noise_is_a_second_threshold(ctx):
    out = solve(patch(), PARAMS, ctx)
    limit = float(np.sort(out.ps_max)[60])
    strict = solve(patch(), replace(PARAMS, weed_standard_dev=9.0, weed_max_noise=limit), ctx)
    np.testing.assert_array_equal(strict.unweeded, out.ps_max < np.float32(limit))
    assert strict.unweeded.sum() == 60


def test_noise_at_the_threshold_is_too_much(ctx):
    limit = float(np.sort(solve(patch(), PARAMS, ctx).ps_std)[60])
    out = solve(patch(), replace(PARAMS, weed_standard_dev=limit), ctx)
    assert (out.ps_std == limit).any()
    np.testing.assert_array_equal(out.unweeded, out.ps_std < limit)


def test_thresholds_that_no_phase_can_reach_skip_the_noise_and_leave_double_zeros(ctx):
    out = solve(patch(noisy=(7,)), NO_NOISE, ctx)
    assert out.unweeded.all()
    assert out.ps_std.dtype == out.ps_max.dtype == np.float64
    assert not out.ps_std.any()
    assert ctx.log.notes == ["120 of 120 PS kept"]


def test_dropped_interferograms_take_no_part_in_the_noise(ctx):
    params = replace(PARAMS, drop_ifg_index=(3,))
    plain, other = patch(), patch()
    other.phase[:, 2] = np.nan
    one, two = solve(plain, params, ctx), solve(other, params, ctx)
    assert one.ifg_index.tolist() == [0, 1, *range(3, 12)]
    np.testing.assert_array_equal(one.ps_std, two.ps_std)
    assert np.isinf(solve(other, PARAMS, ctx).ps_std).all()


def test_the_masters_column_holds_the_master_noise_and_the_others_no_look_angle_error():
    inputs = patch(noise=0.0)
    node = np.arange(120)
    phase = node_phase(inputs, node, node, np.arange(12))
    np.testing.assert_allclose(phase[:, 5], np.exp(1j * inputs.offset), atol=1e-6)
    np.testing.assert_allclose(np.delete(phase, 5, axis=1), 1, atol=1e-5)
    assert phase.dtype == np.complex64


def test_single_baselines_make_the_product_single():
    ifgs = patch().ifgs
    inputs = replace(patch(), ifgs=replace(ifgs, bperp=ifgs.bperp.astype(np.float32)))
    node = np.arange(120)
    angle = inputs.slope.astype(np.float32)[:, None] * inputs.ifgs.bperp
    assert angle.dtype == np.float32
    wanted = np.exp(-1j * angle) * inputs.phase
    wanted /= np.abs(wanted)
    found = node_phase(inputs, node, node, np.arange(12))
    np.testing.assert_allclose(np.delete(found, 5, 1), wanted, atol=3e-7)


def test_heights_below_a_micrometre_are_dropped_in_the_class_of_the_file(ctx):
    height = np.full(120, 5.0)
    height[:4] = [0, -3, np.nan, np.float32(1e-6)]
    params = replace(NO_NOISE, weed_zero_elevation=True)
    double = solve(replace(patch(), height=height), params, ctx)
    single = solve(replace(patch(), height=height.astype(np.float32)), params, ctx)
    assert np.flatnonzero(~double.unweeded).tolist() == [0, 1, 3]
    assert np.flatnonzero(~single.unweeded).tolist() == [0, 1]


def test_missing_heights_are_told(ctx):
    params = replace(NO_NOISE, weed_zero_elevation=True)
    assert solve(replace(patch(), height=None), params, ctx).unweeded.all()
    assert "weed_zero_elevation has no effect" in ctx.log.warnings[0]


def test_a_sea_pixel_can_first_eliminate_its_land_neighbour(ctx):
    inputs = patch()
    inputs.ij[1, 1:] = inputs.ij[0, 1:] + [0, 1]
    inputs.coherence[:2] = [0.99, 0.5]
    inputs.height[0] = 0
    both = replace(NO_NOISE, weed_neighbours=True, weed_zero_elevation=True)
    assert np.flatnonzero(~solve(inputs, both, ctx).unweeded).tolist() == [0, 1]


def test_every_dropped_point_is_counted_by_the_test_that_took_it(ctx):
    inputs = patch(noisy=(7, 40))
    inputs.ij[1, 1:] = inputs.ij[0, 1:] + [0, 1]
    inputs.height[[20, 21, 22]] = 0
    inputs.xy[9] = inputs.xy[3]
    both = replace(PARAMS, weed_neighbours=True, weed_zero_elevation=True)
    kept = int(solve(inputs, both, ctx).unweeded.sum())
    taken = [ctx.log.facts[name] for name in ("adjacent", "zero_height", "same_position", "noisy")]
    assert taken == [1, 3, 1, 2]
    assert kept == ctx.log.facts["weeded"] == 120 - sum(taken)


def test_points_at_one_position_leave_the_network_before_the_noise(ctx):
    inputs = patch()
    inputs.xy[9] = inputs.xy[3]
    inputs.coherence[[3, 9]] = [0.6, 0.7]
    out = solve(inputs, PARAMS, ctx)
    assert np.flatnonzero(~out.unweeded).tolist() == [3]
    assert len(out.unweeded_node) == len(out.ps_std) == 119


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_a_point_without_phase_is_dropped_alone(ctx, value):
    inputs = patch()
    inputs.phase[11, 3] = value
    out = solve(inputs, PARAMS, ctx)
    assert np.flatnonzero(~out.unweeded).tolist() == [11]
    assert np.isinf(out.ps_std[11])
    assert "1 PS with a zero or infinite phase dropped (ids from 12)" in ctx.log.warnings[0]


@pytest.mark.parametrize("n_ps", [1, 2])
def test_too_few_points_have_no_network_and_are_dropped(ctx, n_ps):
    out = solve(patch(n_ps), PARAMS, ctx)
    assert not out.unweeded.any()
    assert np.isinf(out.ps_std).all()
    assert "no network, all dropped" in ctx.log.warnings[0]
    assert ctx.log.facts["weeded"] == 0


def test_points_on_one_line_are_dropped(ctx):
    inputs = patch()
    inputs.xy[:, 0] = np.arange(120)
    inputs.xy[:, 1] = 2 * inputs.xy[:, 0]
    assert not solve(inputs, PARAMS, ctx).unweeded.any()


def test_no_points_are_no_error(ctx):
    inputs = replace(patch(), kept=np.zeros(120, np.bool_))
    out = solve(inputs, replace(PARAMS, weed_neighbours=True, weed_zero_elevation=True), ctx)
    assert len(out.unweeded) == len(out.ps_std) == 0
    assert ctx.log.facts["weeded"] == 0


def test_few_interferograms_are_told(ctx):
    solve(patch(), replace(PARAMS, drop_ifg_index=(1, 2, 3, 4, 5, 7, 8, 9)), ctx)
    assert ctx.log.warnings == ["noise weeding with 4 interferograms is unreliable"]


@pytest.mark.parametrize(
    ("drop", "message"),
    [((13,), "13 is outside 1 to 12"), ((0,), "0 is outside 1 to 12"),
     (tuple(range(1, 13)), "leaves 0 of 12 interferograms, at least 1")],
)  # fmt: skip
def test_an_index_list_out_of_place_is_refused(ctx, drop, message):
    with pytest.raises(StageError, match=message):
        solve(patch(), replace(PARAMS, drop_ifg_index=drop), ctx)


def test_a_window_that_holds_one_epoch_is_refused_with_its_date(ctx):
    with pytest.raises(StageError, match=r"interferogram 1 \(2015-02-05\).*epoch spacing is 24"):
        solve(patch(), replace(PARAMS, weed_time_win=0.1), ctx)
    with pytest.raises(StageError, match="weed_time_win=0: must be a positive number"):
        replace(PARAMS, weed_time_win=0.0)


# --- small baselines


def pairs(n_ps=120, n_image=7, noisy=(), seed=5):
    """The patch with pairs of neighbouring images, baselines about zero."""
    one = patch(n_ps, n_image, noisy, seed)
    pair = np.array([[i, i + k] for k in (1, 2) for i in range(n_image - k)])
    rng = np.random.default_rng(seed)
    bperp = rng.normal(0, 100, len(pair))
    phase = one.slope[:, None] * bperp + rng.normal(0, 0.2, (n_ps, len(pair)))
    phase[list(noisy)] = rng.uniform(-3, 3, (len(noisy), len(pair)))
    ifgs = Ifgs(pair, bperp, one.ifgs.day, one.ifgs.master_day, None)
    return replace(one, ifgs=ifgs, phase=(3 * np.exp(1j * phase)).astype(np.complex64))


@pytest.mark.parametrize("backend", ["python", "native"])
def test_noisy_points_of_small_baselines_are_dropped(backend, ctx):
    chosen = replace(ctx, kernels=table(backend, "double"))
    out = solve(pairs(noisy=(7, 40)), PARAMS, chosen)
    assert np.flatnonzero(~out.unweeded).tolist() == [7, 40]
    assert out.ifg_index.tolist() == list(range(11))


def test_the_noise_of_pairs_is_that_of_the_network_with_their_baselines(ctx):
    inputs, used = pairs(), np.array([0, 1, *range(3, 11)])
    out = solve(inputs, replace(PARAMS, drop_ifg_index=(3,)), ctx)
    node = np.arange(120)
    arcs, _ = edges(inputs.xy, "native")
    wanted = ctx.kernels.stage4_pair_edge_stats_undirected(
        node_phase(inputs, node, node, used), *np.ascontiguousarray(arcs.T), inputs.ifgs.bperp[used]
    )
    np.testing.assert_array_equal(out.ps_std, wanted[0].astype(np.float32))
    np.testing.assert_array_equal(out.ps_max, wanted[1].astype(np.float32))


def test_the_phasors_of_pairs_have_no_column_of_a_master():
    inputs = pairs()
    node = np.arange(120)
    found = node_phase(inputs, node, node, np.arange(11))
    wanted = inputs.phase / 3 * np.exp(-1j * inputs.slope[:, None] * inputs.ifgs.bperp)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_dropped_numbers_of_small_baselines_count_pairs(ctx):
    params = replace(PARAMS, drop_ifg_index=(3, 11))
    plain, other = pairs(), pairs()
    other.phase[:, [2, 10]] = np.nan
    one, two = solve(plain, params, ctx), solve(other, params, ctx)
    assert one.ifg_index.tolist() == [0, 1, *range(3, 10)]
    np.testing.assert_array_equal(one.ps_std, two.ps_std)
    with pytest.raises(StageError, match="12 is outside 1 to 11"):
        solve(plain, replace(PARAMS, drop_ifg_index=(12,)), ctx)


def test_small_baselines_never_weed_adjacent_pixels(ctx):
    inputs = pairs()
    inputs.ij[1, 1:] = inputs.ij[0, 1:] + [0, 1]
    assert solve(inputs, replace(NO_NOISE, weed_neighbours=True), ctx).unweeded.all()


def test_a_pair_without_noise_is_named_by_both_dates(ctx):
    inputs = pairs()
    inputs.slope[:] = 0
    inputs.phase[:, 1] = 1
    with pytest.raises(
        StageError, match=r"2 \(2015-03-01 to 2015-03-25\): .* is 0; put the interf"
    ):
        solve(inputs, PARAMS, ctx)


def test_a_selection_of_other_candidates_is_refused(ctx):
    with pytest.raises(StageError, match=r"ix reaches from 1 to 121, expected 1 to 120"):
        solve(replace(patch(), selected=np.r_[0:119, 120]), PARAMS, ctx)
