"""Stage 6: cells, edges, the choice of cycles, and the way back to the points."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage6
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_hpc.stages.stage6.arcs import ArcPhase
from pystamps_hpc.stages.stage6.costs import edge_costs
from pystamps_hpc.stages.stage6.graph import Graph, connect
from pystamps_hpc.stages.stage6.grid import Nodes, assign_cells
from pystamps_hpc.stages.stage6.prepare import search_range
from pystamps_hpc.stages.stage6.smooth import star_plan
from pystamps_hpc.stages.stage6.solvers import chosen_solver
from pystamps_hpc.stages.stage6.stars import complete_stars, look_angle_series
from pystamps_hpc.stages.stage6.unwrap import mean_squared_difference

from .unwrapping import Store, context, moving_ground, params, wrap


def small_baselines(pairs, day, bperp):
    """A network of any pairs, without the images that occur in none."""
    return Ifgs(np.asarray(pairs), bperp, day, 0.0, None).only(np.arange(len(pairs)))


def solve(stack, ctx=None, **changes):
    return stage6.solve(stack.inputs, params(**changes), ctx or context())


# cells and edges ----------------------------------------------------------------------------------


def test_the_last_row_and_column_are_merged_into_the_one_before():
    x, y = np.array([0, 100, 250, 399.999]), np.array([0, 0, 100, 300])
    cells = assign_cells(np.stack([x, y], axis=1).astype(np.float32), 100.0, 2)
    assert cells.shape == (3, 3)
    np.testing.assert_array_equal(cells.point_col, [0, 1, 2, 2])  # 100 + 1 mm is in cell 1
    np.testing.assert_array_equal(cells.point_row, [0, 0, 1, 2])
    np.testing.assert_array_equal(cells.starts, [0, 1, 2, 3, 4])


def test_a_grid_smaller_than_the_window_is_refused():
    xy = np.array([[0, 0], [1000, 2000]], np.float32)
    with pytest.raises(StageError, match=r"20 x 10 cells of 100 m is smaller.*of 12 cells; reduce"):
        assign_cells(xy, 100.0, 12)


def test_a_grid_with_too_long_lines_is_refused_for_snaphu_alone():
    native, snaphu = (chosen_solver(context(stage6_solver=name)) for name in ("native", "snaphu"))
    snaphu.require_grid((32_000, 10), 100.0)
    native.require_grid((40_000, 10), 100.0)
    with pytest.raises(StageError, match=r"exceeds 32000 lines; .* to at least 125"):
        snaphu.require_grid((40_000, 10), 100.0)


def test_a_grid_out_of_proportion_is_refused_before_it_takes_memory():
    xy = np.array([[0, 0], [1_000_000, 2_000_000]], np.float32)
    with pytest.raises(StageError, match=r"2 points over 2,000 x 1,000 km.*unwrap_grid_size"):
        assign_cells(xy, 100.0, 12)


@settings(deadline=None, max_examples=50)
@given(
    st.tuples(st.integers(2, 9), st.integers(2, 9)).flatmap(
        lambda shape: arrays(np.int64, shape, elements=st.integers(0, 20))
    )
)
def test_edges_close_around_every_face_and_count_their_arcs(nearest):
    nearest = np.unique(nearest, return_inverse=True)[1].reshape(nearest.shape)
    graph = connect(nearest)
    if not (np.diff(nearest, axis=0) == 0).any() and not (np.diff(nearest, axis=1) == 0).any():
        return
    step = np.concatenate([[0], graph.high - graph.low])
    down = np.sign(graph.row_edges) * step[np.abs(graph.row_edges)]
    right = np.sign(graph.col_edges) * step[np.abs(graph.col_edges)]
    np.testing.assert_array_equal(down, np.diff(nearest, axis=0))
    np.testing.assert_array_equal(right, np.diff(nearest, axis=1))
    assert (graph.low < graph.high).all()
    order = np.lexsort([graph.high, graph.low])
    np.testing.assert_array_equal(order, np.arange(order.size))
    arcs = np.count_nonzero(graph.row_edges) + np.count_nonzero(graph.col_edges)
    assert graph.n_arcs.sum() == arcs


def test_a_filled_grid_loses_its_first_edge():
    graph = connect(np.array([[0, 2], [1, 3]]))
    np.testing.assert_array_equal(np.stack([graph.low, graph.high], 1), [[0, 2], [1, 3], [2, 3]])
    np.testing.assert_array_equal(graph.row_edges, [[0, 3]])
    np.testing.assert_array_equal(graph.col_edges, [[1], [2]])


# network in time ----------------------------------------------------------------------------------


def test_a_single_master_uses_the_steps_of_the_series_with_the_master_in_its_place():
    pairs = np.array([[1, 0], [1, 2], [1, 3], [1, 4]])
    bperp = np.array([50.0, -20, 80, 10], np.float32)
    series = look_angle_series(small_baselines(pairs, np.arange(5) * 12.0, bperp), 3.0)
    np.testing.assert_array_equal(series.ifgs, [0, 1, 2, 3])
    assert series.centre == 1
    np.testing.assert_array_equal(series.baseline, [-50, -20, 100, -70])
    assert series.trial_wraps == pytest.approx(3.0 * 170 / 100)


def test_interferograms_that_end_at_the_centre_of_a_star_are_turned_round():
    pairs = np.array([[0, 2], [2, 1], [3, 2], [4, 2]])
    network = small_baselines(pairs, np.array([0.0, 50, 20, 30, 10]), np.array([5.0, 10, -5, 7]))
    series = look_angle_series(network, 2.0)
    np.testing.assert_array_equal(series.ifgs, [0, 3, 2, 1])  # days 0, 10, (20), 30, 50
    np.testing.assert_array_equal(series.backward, [True, True, True, False])
    assert series.centre == 2
    np.testing.assert_array_equal(series.baseline, [-2, 7, 5, 5])


@pytest.mark.parametrize(("master", "dates"), [(0, (0, 0)), (2, (1, 2)), (4, (3, 3))])
def test_the_smooth_phase_is_anchored_at_the_dates_next_to_the_master(master, dates):
    pairs = np.array([(master, other) for other in range(5) if other != master])
    network = small_baselines(pairs, np.arange(5.0), np.ones(4))
    plan = star_plan(network, master, 100.0)
    assert (plan.first, plan.last) == dates


def test_without_noise_the_cost_follows_from_the_length_of_the_arc():
    nodes = Nodes(np.ones((5, 9), bool), np.array([0, 3]), np.array([0, 4]), None, None)
    graph = Graph(None, np.array([0]), np.array([1]), None, None, np.array([2]))
    arcs = ArcPhase(np.array([[4.0, -1.0]], np.float32), None)
    costs = edge_costs(arcs, graph, nodes, 200.0, context())
    variance = (2 * np.pi) ** 2 * (1 - np.exp(-3 * 5 * 200 / 20000)) / 10
    assert costs.sigsq[0] == round(variance * 200**2 / 100 * 2)
    np.testing.assert_array_equal(costs.offset[0], [-200, 0])


def test_a_chain_of_images_is_used_as_it_is():
    pairs = np.array([[0, 1], [1, 2], [2, 3], [0, 3]])
    bperp = np.array([5.0, 10, -5, 7])
    series = look_angle_series(small_baselines(pairs, np.arange(4.0), bperp), 2.0)
    np.testing.assert_array_equal(series.ifgs, [0, 1, 2])
    assert series.centre is None


def test_interferograms_outside_of_complete_stars_are_refused():
    network = small_baselines(
        np.array([[0, 1], [1, 2], [2, 3], [3, 4]]), np.arange(5.0), np.ones(4)
    )
    with pytest.raises(StageError, match="interferograms 1, 2, 3, 4 of the unwrapped"):
        complete_stars(network)


def test_the_mean_squared_difference_leaves_out_equal_neighbours():
    assert mean_squared_difference(np.array([[0, 0, 3], [0, 0, 1]], np.float32)) == pytest.approx(
        (9 + 1 + 4) / 3
    )
    assert mean_squared_difference(np.ones((2, 2), np.float32)) == 0


# the whole stage ----------------------------------------------------------------------------------


def cycle_errors(outputs, truth, points=slice(None)):
    """Share of samples whose cycles differ from the truth by more than one number per column."""
    off = np.rint((outputs.unwrapped[:] - truth) / (2 * np.pi))[points]
    return np.mean(off != np.median(off, axis=0))


@pytest.mark.parametrize("method", ["3D", "3d_quick", "3D_NO_DEF", "2D"])
def test_a_gentle_stack_is_unwrapped_to_the_truth(method):
    stack = moving_ground(noise=0.1, rate=2.0)
    outputs = solve(stack, unwrap_method=method)
    off = np.rint((outputs.unwrapped[:] - stack.truth) / (2 * np.pi))
    np.testing.assert_array_equal(off, np.broadcast_to(off[0], off.shape))
    rest = outputs.unwrapped[:] - stack.truth - 2 * np.pi * off
    rest[:, stack.inputs.ifgs.master] = 0
    assert np.abs(rest).max() < 1e-4
    assert (outputs.unwrapped[:, stack.inputs.ifgs.master] == 0).all()


def test_a_steady_motion_across_a_fault_is_followed_through_time_but_not_in_space_alone():
    stack = moving_ground(n_cells=30, noise=0.1, rate=0.5)
    inputs = stack.inputs
    beyond = inputs.xy[:, 0] > 1500
    fault = 0.9 * beyond[:, None] * (np.arange(inputs.ifgs.n_columns) - inputs.ifgs.master)
    assert np.abs(fault).max() > np.pi
    moved = replace(
        stack,
        inputs=replace(
            inputs, corrected=(inputs.corrected * np.exp(1j * fault)).astype(np.complex64)
        ),
        truth=stack.truth + fault,
    )
    changes = {"unwrap_prefilter_flag": False, "unwrap_la_error_flag": False}
    in_time = solve(moved, unwrap_time_win=15.0, **changes)
    in_space = solve(moved, unwrap_method="2D", **changes)
    assert cycle_errors(in_time, moved.truth) == 0
    assert cycle_errors(in_space, moved.truth) > 0.1


@pytest.mark.parametrize("method", ["3D_FULL", "3D_QUICK", "3D_NO_DEF", "2D"])
def test_arc_phases_are_the_wrapped_ones_plus_whole_cycles(method):
    stack = moving_ground()
    outputs = solve(stack, unwrap_method=method)
    low, high = outputs.edges.T
    node = outputs.grid_phase[:]
    wrapped = np.angle(node[high].astype(complex) * np.conj(node[low]))
    arcs = outputs.arc_phase[:].astype(float)
    known = ~np.isnan(arcs)
    assert known.mean() > 0.9
    assert np.abs(wrap(arcs - wrapped)[known]).max() < 1e-5


def test_unwrapped_minus_wrapped_phase_is_a_number_of_cycles_at_every_point():
    stack = moving_ground(noise=0.6)
    slope = np.random.default_rng(3).normal(0, 0.005, stack.inputs.n_ps)
    inputs = replace(stack.inputs, slope=slope)
    outputs = stage6.solve(inputs, params(drop_ifg_index=(2,)), context())
    used = inputs.ifgs.columns[inputs.ifgs.columns != 1]
    bperp = inputs.ifgs.with_master(inputs.bperp_mat, 0)
    wrapped = np.angle(inputs.corrected) + slope[:, None] * bperp
    assert np.abs(wrap(outputs.unwrapped[:] - wrapped)[:, used]).max() < 1e-5
    assert (outputs.unwrapped[:, 1] == 0).all()
    assert outputs.psi.shape == (inputs.n_ps, len(used))


@pytest.mark.parametrize("deramp", [False, True])
def test_a_second_pass_with_what_the_first_found_gives_the_same_phase(deramp):
    stack = moving_ground(noise=0.1, rate=2.0)
    n = stack.inputs.n_ps
    first = solve(stack)
    rng = np.random.default_rng(4)
    inputs = replace(
        stack.inputs,
        smooth_slope=rng.normal(0, 1e-3, n),
        smooth_offset=rng.normal(0, 0.2, n).astype(np.float32),
        smooth_ramp=np.linspace(-1, 1, n)[:, None] * np.ones(stack.inputs.ifgs.n_columns),
    )
    second = stage6.solve(inputs, params(scla_deramp=deramp), context())
    off = second.unwrapped[:] - first.unwrapped[:]
    np.testing.assert_allclose(off, np.broadcast_to(off[0], off.shape), atol=1e-5)
    ramp = inputs.smooth_ramp[:, :1] if deramp else 0
    taken = wrap(np.angle(first.psi[:, :1]) - np.angle(second.psi[:, :1])
                 - inputs.smooth_slope[:, None] * inputs.bperp_mat[:, :1]
                 - inputs.smooth_offset[:, None] - ramp)  # fmt: skip
    assert np.abs(taken).max() < 1e-5


def test_the_troposphere_is_taken_off_before_and_put_back_after():
    stack = moving_ground(noise=0.1, rate=2.0)
    rng = np.random.default_rng(1)
    x, y = stack.inputs.xy.T / stack.inputs.xy.max()
    planes = rng.normal(0, 20, (3, stack.truth.shape[1]))
    tropo = (x[:, None] * planes[0] + y[:, None] * planes[1] + planes[2]).astype(np.float32)
    tropo[:, stack.inputs.ifgs.master] = 0
    wet = replace(
        stack.inputs,
        corrected=(stack.inputs.corrected * np.exp(1j * tropo)).astype(np.complex64),
        tropo=(tropo,),
    )
    dry = solve(stack)
    found = stage6.solve(wet, params(subtr_tropo=True, tropo_method="a_gacos"), context())
    np.testing.assert_allclose(found.unwrapped[:] - tropo, dry.unwrapped[:], atol=1e-3)


def test_feedback_of_other_points_is_ignored_and_told():
    stack = moving_ground(noise=0.1, rate=2.0)
    inputs = replace(
        stack.inputs, smooth_slope=np.ones(7), smooth_offset=np.ones(7), smooth_ramp=None
    )
    ctx = context()
    outputs = stage6.solve(inputs, params(), ctx)
    assert any("7 points" in line and "feedback ignored" in line for line in ctx.log.warnings)
    np.testing.assert_array_equal(outputs.unwrapped[:], solve(stack).unwrapped[:])


def test_the_patch_phase_is_unwrapped_and_the_rest_added():
    stack = moving_ground(noise=0.1, rate=2.0)
    turn = np.random.default_rng(5).uniform(-0.5, 0.5, stack.inputs.patch_phase.shape)
    patch = (3 * stack.inputs.patch_phase * np.exp(1j * turn)).astype(np.complex64)
    inputs = replace(stack.inputs, patch_phase=patch, slope=None)
    outputs = stage6.solve(inputs, params(unwrap_patch_phase=True), context())
    off = wrap(outputs.unwrapped[:] - stack.truth)
    assert np.abs(off[:, inputs.ifgs.columns]).max() < 1e-4
    assert cycle_errors(outputs, stack.truth) == 0


def test_a_cell_that_cancels_in_the_first_interferogram_loses_its_points():
    stack = moving_ground(noise=0.1, rate=2.0)
    inputs = stack.inputs
    cells = assign_cells(inputs.xy, 100.0, 16)
    pair = cells.members[cells.starts[np.flatnonzero(np.diff(cells.starts) == 2)[0]] :][:2]
    phase = inputs.corrected.copy()
    phase[pair, 0] = 1, -1
    ctx = context()
    outputs = stage6.solve(replace(inputs, corrected=phase), params(), ctx)
    lost = np.isnan(outputs.unwrapped[:]).any(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(lost), np.sort(pair))
    assert any("2 PS get no phase" in line for line in ctx.log.warnings)


def test_a_cell_that_cancels_in_a_later_interferogram_keeps_its_points():
    stack = moving_ground(noise=0.1, rate=2.0)
    cells = assign_cells(stack.inputs.xy, 100.0, 16)
    pair = cells.members[cells.starts[np.flatnonzero(np.diff(cells.starts) == 2)[0]] :][:2]
    phase = stack.inputs.corrected.copy()
    phase[pair, 3] = 1, -1
    inputs = replace(stack.inputs, corrected=phase)
    outputs = stage6.solve(inputs, params(unwrap_prefilter_flag=False), context())
    assert not np.isnan(outputs.unwrapped[:]).any()
    assert np.isnan(outputs.arc_noise[:]).any()
    others = np.delete(np.arange(stack.inputs.n_ps), pair)
    assert cycle_errors(outputs, stack.truth, others) == 0


def test_two_interferograms_make_three_stars_and_the_best_is_taken():
    stack = moving_ground(noise=0.1, rate=2.0)
    outputs = solve(stack, drop_ifg_index=(1, 2, 3, 4, 8, 9, 10, 11))
    assert outputs.design.tolist() == [[1, -1, 0], [0, -1, 1]]
    unwrapped = outputs.unwrapped[:][:, [4, 6]]
    off = np.rint((unwrapped - stack.truth[:, [4, 6]]) / (2 * np.pi))
    np.testing.assert_array_equal(off, np.broadcast_to(off[0], off.shape))


def test_without_baselines_of_each_point_the_mean_ones_are_used():
    stack = moving_ground(noise=0.1, rate=2.0)
    slope = np.random.default_rng(3).normal(0, 0.005, stack.inputs.n_ps)
    inputs = replace(stack.inputs, slope=slope)
    one, other = (
        stage6.solve(replace(inputs, bperp_mat=bperp), params(), context())
        for bperp in (inputs.bperp_mat, None)
    )
    np.testing.assert_array_equal(one.psi, other.psi)


def test_equal_baselines_skip_the_look_angle_search_with_a_warning():
    stack = moving_ground(noise=0.1, rate=2.0)
    ctx = context()
    ifgs = replace(stack.inputs.ifgs, bperp=np.zeros(10, np.float32))
    inputs = replace(stack.inputs, ifgs=ifgs)
    stage6.solve(inputs, params(), ctx)
    assert any("search of arcs skipped" in line for line in ctx.log.warnings)


@pytest.mark.parametrize(
    ("incidence", "look", "expected"),
    [(0.4, None, 0.4), (None, np.array([0.3, 0.4]), 0.402), (None, None, np.deg2rad(21))],
)
def test_the_search_range_follows_the_incidence_angle(incidence, look, expected):
    inputs = replace(moving_ground().inputs, mean_incidence=incidence, look_angle=look)
    spread = np.ptp(inputs.ifgs.with_master(inputs.ifgs.bperp, 0))
    cycles = 2 * spread * 20 / (0.0555 * 830000 * np.sin(expected))
    assert search_range(inputs, params()) == pytest.approx(cycles, rel=1e-6)


def test_results_do_not_depend_on_where_edges_are_cut():
    stack = moving_ground(n_cells=70, fill=0.6)
    whole, cut = solve(stack), solve(stack, context(stage8_chunk_edges=4096))
    assert whole.n_edge > 4096
    for name in ("arc_phase", "arc_noise", "node_unwrapped", "unwrapped"):
        np.testing.assert_array_equal(getattr(whole, name)[:], getattr(cut, name)[:])


def test_finished_interferograms_are_not_unwrapped_again(monkeypatch):
    stack, store = moving_ground(), Store()
    first = solve(stack, context(checkpoints=store))
    assert sorted(store) == [f"ifg_{k:06d}" for k in range(1, 11)]
    monkeypatch.setattr("pystamps_hpc.stages.stage6.solvers.native.Solver.unwrap", None)
    second = solve(stack, context(checkpoints=store))
    np.testing.assert_array_equal(first.unwrapped[:], second.unwrapped[:])


# what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subtr_tropo": True, "tropo_method": "a_x"}, "tropo_method a_x: 'a_x' is not known"),
        (
            {"subtr_tropo": True, "tropo_method": "a_pk"},
            "tropo_method a_pk: a_powerlaw-k is a map of coefficients",
        ),
        ({"unwrap_spatial_cost_func_flag": True}, "unwrap_spatial_cost_func_flag=y"),
        ({"unwrap_method": "4D"}, "unwrap_method=4D is unknown; supported: 3D, 3D_NEW"),
        ({"unwrap_gold_n_win": 15}, "must be even"),
        ({"unwrap_grid_size": 0.0}, "unwrap_grid_size=0.0 must be above 0"),
    ],
)
def test_parameters_that_cannot_work_are_refused(change, message):
    with pytest.raises(StageError, match=message):
        params(**change)


def test_an_empty_phase_is_refused_with_point_and_interferogram():
    inputs = moving_ground().inputs
    phase = inputs.corrected.copy()
    phase[[5, 9], 3] = 0, np.nan
    with pytest.raises(StageError, match=r"interferogram 4: 2 points are zero or NaN.*is PS 6;"):
        stage6.solve(replace(inputs, corrected=phase), params(), context())


def test_a_master_out_of_its_place_is_refused():
    inputs = moving_ground().inputs
    inputs = replace(inputs, ifgs=replace(inputs.ifgs, master=3))
    with pytest.raises(StageError, match=r"master_ix is 4, but 5 days come before master_day"):
        stage6.solve(inputs, params(), context())


def test_one_ps_has_nothing_to_be_unwrapped_against():
    inputs = replace(moving_ground().inputs, n_ps=1)
    with pytest.raises(StageError, match=r"ps2.mat: 1 PS left, 2 are needed to unwrap one"):
        stage6.solve(inputs, params(), context())


@pytest.mark.parametrize(
    ("dropped", "message"),
    [
        ((1, 2, 3, 4, 5, 7, 8, 9, 10), "leaves 1 of 10 interferograms, at least 2"),
        ((99,), "parameter drop_ifg_index: 99 is outside 1 to 11"),
    ],
)
def test_a_list_of_dropped_interferograms_that_cannot_be_is_refused(dropped, message):
    with pytest.raises(StageError, match=message):
        solve(moving_ground(), drop_ifg_index=dropped)
