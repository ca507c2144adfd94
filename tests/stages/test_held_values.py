"""Stage 6 of small baselines: values that close around loops are held."""

from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.stages import stage6_sb
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_hpc.stages.stage6.costs import EdgeCosts
from pystamps_hpc.stages.stage6.graph import Graph
from pystamps_hpc.stages.stage6.grid import Nodes, assign_cells
from pystamps_hpc.stages.stage6.held import HeldNodes, held_nodes, held_smoother
from pystamps_hpc.stages.stage6.smooth import Arcs
from pystamps_hpc.stages.stage6_sb.good import closing as closed_in
from pystamps_hpc.stages.stage6_sb.good import good_values
from pystamps_hpc.stages.stage6_sb.loops import longer_loops, triangles
from pystamps_kernels.dispatch import table

from .unwrapping import context, moving_ground, neighbours, sb_params, small_baselines

CYCLE = np.float32(2 * np.pi)


def network(pairs):
    day = 730000.0 + 12 * np.arange(1 + np.max(pairs))
    return Ifgs(np.asarray(pairs), np.zeros(len(pairs)), day, day[0], None)


def every(ifgs):
    return np.arange(len(ifgs))


def closing(ifgs, n_ps=100, seed=1):
    """Phase that closes around every loop but for noise."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 4, (n_ps, len(ifgs.day)))
    phase = images[:, ifgs.pairs[:, 1]] - images[:, ifgs.pairs[:, 0]]
    return (phase + rng.normal(0, 0.05, phase.shape)).astype(np.float32)


# loops --------------------------------------------------------------------------------------------


def test_triangles_run_forward_over_two_pairs_and_back_over_the_third():
    ifgs = network([(0, 1), (0, 2), (1, 2), (2, 3)])
    np.testing.assert_array_equal(triangles(ifgs, every(ifgs)), [[1, -1, 1, 0]])
    assert not len(triangles(ifgs, np.array([0, 1, 3])))


def test_every_loop_closes():
    ifgs = network(neighbours(9, 3))
    loops = triangles(ifgs, every(ifgs))
    assert (loops @ ifgs.design == 0).all()
    assert len(loops) == 6 * 3 + 1  # (a, a+1, a+2), (a, a+1, a+3), (a, a+2, a+3), and the last
    ring = network([(0, 1), (1, 2), (2, 3), (0, 3)])
    none = triangles(ring, every(ring))
    loops = longer_loops(ring, every(ring), none, np.zeros(4))
    assert len(loops) == 1  # the same for each of the four
    assert (loops @ ring.design == 0).all()
    assert (np.abs(loops) == 1).all()


def test_the_way_around_is_the_shortest_in_days_and_metres():
    ifgs = network([(0, 1), (1, 4), (0, 2), (2, 3), (3, 4), (0, 4)])
    bperp = np.array([0.0, 500, 0, 0, 0])
    loops = longer_loops(ifgs, np.array([0, 1, 2, 3, 4, 5]), np.zeros((0, 6)), bperp)
    around = next(loop for loop in loops if loop[2])  # seen from (0, 2) first
    np.testing.assert_array_equal(around, [0, 0, -1, -1, -1, 1])


def test_a_pair_that_alone_joins_an_image_is_in_no_loop():
    ifgs = network([(0, 1), (0, 2), (1, 2), (2, 3)])
    loops = triangles(ifgs, every(ifgs))
    assert not len(longer_loops(ifgs, every(ifgs), loops, np.zeros(4)))


# good values --------------------------------------------------------------------------------------


def test_values_that_close_are_good_and_a_lost_cycle_is_found_where_it_is():
    ifgs = network(neighbours(3))
    phase = closing(ifgs) + CYCLE * np.array([2, -1, 0], np.float32)  # a cycle of all counts not
    found = good_values(phase, ifgs, every(ifgs), None, context())
    assert found.good.all()
    phase[::3, 1] += CYCLE
    found = good_values(phase, ifgs, every(ifgs), None, context())
    np.testing.assert_array_equal(found.good[:, 1], np.arange(len(phase)) % 3 != 0)


def test_one_loop_that_closes_is_enough():
    ifgs = network(neighbours(4))
    phase = closing(ifgs)
    phase[:10, 0] += CYCLE  # the pair of images 0 and 1
    phase[20, 3] = np.nan
    good = good_values(phase, ifgs, every(ifgs), np.zeros(4), context()).good
    assert not good[:10, 0].any()
    assert good[10:20].all()
    assert good[:10, 1:].all()
    assert not good[20, 3]


def test_whole_columns_of_good_values_are_those_of_the_stretches():
    ifgs = network(neighbours(6))
    phase = closing(ifgs, n_ps=5000)
    phase[::3, 1] += CYCLE
    found = good_values(phase, ifgs, every(ifgs), None, context())
    for columns in (np.array([1]), np.array([5, 0])):
        whole = closed_in(phase, slice(None), columns, found.loops, found.cycles)
        np.testing.assert_array_equal(whole, found.good[:, columns])


def test_without_baselines_of_the_images_pairs_outside_of_triangles_hold_nothing():
    ifgs, ctx = network([(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (2, 5), (4, 5)]), context()
    phase = closing(ifgs)
    good = good_values(phase, ifgs, every(ifgs), None, ctx).good
    np.testing.assert_array_equal(good.all(axis=0), [True] * 3 + [False] * 4)
    assert any("only triangles used" in line for line in ctx.log.warnings)
    assert good_values(phase, ifgs, every(ifgs), np.zeros(6), ctx).good.all()


# along the arcs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["python", "native"])
def test_known_cycles_lead_the_smoothing(backend):
    smooth = table(backend, "double").stage6_held_smooth
    ifgs = network(neighbours(5))
    images = np.array([0.0, 4.0, 8.0, 12.0, 16.0])
    phase = (ifgs.design @ images)[None].astype(np.float32)
    in_time = np.eye(5)
    known = np.ones(phase.shape, bool)
    np.testing.assert_allclose(smooth(phase, known, ifgs.design, in_time), phase, atol=1e-5)
    wrong = phase.copy()
    wrong[0, 2] -= CYCLE
    known[0, 2] = False
    np.testing.assert_allclose(smooth(wrong, known, ifgs.design, in_time), phase, atol=0.1)


def test_nodes_hold_the_mean_of_their_points_on_the_wrapped_phase_unless_that_is_far_off():
    x, y = np.array([10, 20, 110, 10, 300]), np.array([10, 20, 10, 110, 300])
    cells = assign_cells(np.stack([x, y], axis=1).astype(np.float32), 100.0, 2)
    occupied = np.zeros(cells.shape, bool)
    occupied[cells.row, cells.col] = True
    points = np.array([10.0, 10.4, 5.0, np.nan, np.nan], np.float32)
    wrapped = np.exp(1j * np.array([10.3, 0.0, 5.0 + 1.1, 0.0])).astype(np.complex64)
    nodes = Nodes(occupied, cells.row, cells.col, cells.point_cell, wrapped[:, None])
    order = cells.point_cell[[0, 3, 2, 4]]  # node of 10.2, of none, of 5, of none
    nodes.phase[order] = wrapped[:, None]
    held = held_nodes(points[:, None], cells, nodes, None, context()).phase[:, 0]
    np.testing.assert_allclose(held[order], [10.3, np.nan, np.nan, np.nan], atol=1e-5)


def test_the_look_angle_error_is_taken_off_what_an_edge_holds():
    ifgs = network(neighbours(5))
    phase = (ifgs.design @ np.array([0.0, 4, 8, 12, 16])).astype(np.float32)
    look_angle = np.linspace(-2, 2, len(ifgs)).astype(np.float32)
    graph = Graph(None, np.array([0]), np.array([1]), None, None, None)
    held = HeldNodes(np.stack([0 * phase, phase + look_angle]), graph)
    arcs = Arcs(slice(0, 1), np.exp(1j * phase[None]).astype(np.complex64), look_angle[None])
    smooth = held_smoother(ifgs, 1e-3, held, context())(arcs)
    np.testing.assert_allclose(smooth[0], phase, atol=1e-4)


def test_held_edges_with_statistics_cost_most():
    held = np.array([[True, False], [True, True], [False, False]])
    costs = EdgeCosts(np.zeros((3, 2), np.int16), np.array([40, 0, 7], np.int16), held)
    np.testing.assert_array_equal(costs.sigsq_of(0), [1, 0, 7])
    np.testing.assert_array_equal(costs.sigsq_of(1), [40, 0, 7])
    assert costs.sigsq_of(0).dtype == np.int16


def test_costs_of_other_held_edges_have_another_checksum():
    offset, sigsq = np.zeros((3, 2), np.int16), np.array([40, 0, 7], np.int16)
    held = np.array([[True, False], [True, True], [False, False]])
    costs, less = EdgeCosts(offset, sigsq, held), EdgeCosts(offset, sigsq, np.zeros_like(held))
    assert costs.checksum(0) != less.checksum(0)
    assert costs.checksum(1) == less.checksum(1)  # what it holds has no statistics


# the whole stage ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first():
    stack = small_baselines(moving_ground(noise=0.1, rate=2.0, n_image=8), neighbours(8))
    return stack, stage6_sb.solve(stack.inputs, sb_params(), context())


def again(stack, previous, ctx=None, method="3D_QUICK", **changes):
    inputs = replace(stack.inputs, previous=previous, **changes)
    params = sb_params(unwrap_hold_good_values=True, unwrap_method=method)
    return stage6_sb.solve(inputs, params, ctx or context())


@pytest.mark.parametrize("method", ["3D_QUICK", "3D", "2D"])
def test_good_values_are_held_to_the_bit(first, method):
    stack, outputs = first
    moved = outputs.unwrapped[:] + 3 * CYCLE
    second = again(stack, moved, method=method)
    assert second.good.all()
    off = (second.unwrapped[:] - moved)[0] / (2 * np.pi)
    np.testing.assert_allclose(off, np.rint(off), atol=1e-5)
    shift = (CYCLE * np.rint(off)).astype(np.float32)
    np.testing.assert_array_equal(second.unwrapped[:], moved + shift)
    assert (second.held_arcs is not None) == (method != "2D")
    np.testing.assert_array_equal(second.loops @ stack.inputs.ifgs.design, 0)


def test_what_is_off_by_a_cycle_is_unwrapped_anew(first):
    stack, outputs = first
    wrong = outputs.unwrapped[:] + 3 * CYCLE  # from another level than the solver's
    wrong[::7, 4] += CYCLE
    second = again(stack, wrong)
    np.testing.assert_array_equal(np.flatnonzero(~second.good[:, 4]), np.arange(len(wrong))[::7])
    off = (second.unwrapped[:] - outputs.unwrapped[:]) / (2 * np.pi)
    np.testing.assert_allclose(off, np.broadcast_to(np.rint(off[1]), off.shape), atol=1e-5)
    assert np.isnan(second.held_points[::7, 4]).all()


def test_what_the_feedback_takes_off_is_taken_off_what_is_held(first):
    stack, outputs = first
    slope = np.random.default_rng(3).normal(0, 0.003, stack.inputs.n_ps)
    second = again(stack, outputs.unwrapped[:], smooth_slope=slope)
    off = (second.unwrapped[:] - outputs.unwrapped[:]) / (2 * np.pi)
    np.testing.assert_allclose(off, np.broadcast_to(np.rint(off[0]), off.shape), atol=1e-5)
    bperp = stack.inputs.bperp_mat
    np.testing.assert_allclose(
        second.held_points[:], outputs.unwrapped[:] - slope[:, None] * bperp, atol=1e-4
    )


def test_values_of_other_points_are_ignored_and_told(first):
    stack, outputs = first
    ctx = context()
    second = again(stack, outputs.unwrapped[5:], ctx)
    assert any("held values ignored" in line for line in ctx.log.warnings)
    assert second.good is None
    assert second.loops is None
    np.testing.assert_array_equal(second.unwrapped[:], outputs.unwrapped[:])


def test_nothing_is_held_unless_asked(first):
    stack, outputs = first
    inputs = replace(stack.inputs, previous=outputs.unwrapped[:] + 1)
    second = stage6_sb.solve(inputs, sb_params(), context())
    assert second.held_points is None
    np.testing.assert_array_equal(second.unwrapped[:], outputs.unwrapped[:])


def test_with_the_patch_phase_the_rest_of_the_points_comes_twice_which_is_told(first):
    stack, _ = first
    patch = {"unwrap_hold_good_values": True, "unwrap_patch_phase": True}
    before = stage6_sb.solve(stack.inputs, sb_params(unwrap_patch_phase=True), context())
    ctx, inputs = context(), replace(stack.inputs, previous=before.unwrapped[:])
    second = stage6_sb.solve(inputs, sb_params(**patch), ctx)
    rest = np.angle(inputs.corrected * np.conj(inputs.patch_phase))
    turns = (second.unwrapped[:] - before.unwrapped[:] - rest) / (2 * np.pi)
    assert np.abs(turns - np.rint(turns))[second.good[:]].max() < 1e-4
    assert any("added to held values once more" in line for line in ctx.log.warnings)
