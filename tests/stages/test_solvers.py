"""The solvers of stage 6: right on any network, the cheapest where that can be proven."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.errors import StageError
from pystamps_hpc.programs.snaphu import find_snaphu
from pystamps_hpc.stages import stage6
from pystamps_hpc.stages.stage6 import unwrap
from pystamps_hpc.stages.stage6.solvers import native, snaphu
from pystamps_kernels.dispatch import table

from . import networks
from .unwrapping import Store, context, moving_ground, params

REFERENCE, NATIVE = table("python", "double"), table("native", "double")
GO_ON = np.zeros(1, bool)


def never():
    """Do not stop."""


def unwrapped(given, kind=native, ctx=None):
    """Unwrap a problem; the result must be the wrapped phase plus whole cycles."""
    solver = kind.Solver(given.graph, given.costs, ctx or context())
    phase = solver.unwrap(given.raster, given.turns, 0, never)
    whole = phase / (2 * np.pi) - given.turns
    assert np.abs(whole - np.rint(whole)).max() < 1e-4
    return phase


def own_cost(given, phase):
    """Cost with statistics, cost without, by the kernel that reports them."""
    graph, costs = given.graph, given.costs
    offset = np.ascontiguousarray(costs.offset[:, 0])
    return NATIVE.stage6_solution_cost(
        given.turns, phase, graph.row_edges, graph.col_edges, offset, costs.sigsq
    )[:2]


def convex_cost(chains, cycles):
    """Cost of cycles on chains, those without statistics paying for each."""
    _, _, n_arcs, offset, sigsq = (values.astype(np.int64) for values in chains)
    parabola = (200 * cycles + offset) ** 2 // np.where(sigsq == 0, 1, sigsq)
    each = np.where(sigsq == 0, np.abs(cycles), np.where(sigsq == 32000, 0, parabola))
    return int((n_arcs * each).sum())


def assert_optimal(given, reach=6):
    """The flow is feasible, cheapest, proven so by its potentials, and that of a linear program."""
    chains, supply = networks.network(given, NATIVE)
    cycles, potential, left = NATIVE.stage6_cheapest_flow(*chains, supply, GO_ON)
    tail, head, n_arcs, offset, sigsq = (values.astype(np.int64) for values in chains)
    balance = np.zeros(supply.size, np.int64)
    np.add.at(balance, tail, cycles)
    np.add.at(balance, head, -cycles)
    assert left == 0
    np.testing.assert_array_equal(balance, supply)
    for step in (1, -1):
        one = [values[:, None] for values in (tail, head, n_arcs, offset, sigsq)]
        change = np.array([
            convex_cost([v[i] for v in one], cycles[i : i + 1] + step)
            - convex_cost([v[i] for v in one], cycles[i : i + 1])
            for i in range(tail.size)
        ])  # fmt: skip
        ring = tail == head
        rise = step * (potential[head] - potential[tail])
        assert (change >= np.where(ring, 0, rise)).all()
    least = networks.least_convex_cost(given, reach)
    assert convex_cost(chains, cycles) == least
    return least


def assert_twins(given):
    """Both backends give the same chains, cycles and proof."""
    graph, kernels = given.graph, (REFERENCE, NATIVE)
    residues = [kernel.stage6_residues(given.turns) for kernel in kernels]
    traced = [kernel.stage6_chains(graph.row_edges, graph.col_edges, residues[0])
              for kernel in kernels]  # fmt: skip
    chains, supply = networks.network(given, REFERENCE)
    flows = [kernel.stage6_cheapest_flow(*chains, supply, GO_ON) for kernel in kernels]
    shared = [kernel.stage6_share_free_chains(*chains, *flows[0][:2], GO_ON) for kernel in kernels]
    for one, other in ((residues[:1], residues[1:]), traced, flows, (shared[:1], shared[1:])):
        for value, wanted in zip(one, other, strict=True):
            np.testing.assert_array_equal(value, wanted)


RANDOM = st.tuples(
    st.integers(0, 2**32), st.integers(2, 7), st.integers(2, 7),
    st.sampled_from([0.15, 0.4, 0.8, 1.0]), st.sampled_from([0.0, 0.3, 0.8]),
)  # fmt: skip


def drawn(seed, n_row, n_col, fill, stat_less):
    rng = np.random.default_rng(seed)
    return networks.problem(networks.occupied_at(n_row, n_col, fill, rng), rng, stat_less)


@settings(deadline=None, max_examples=60)
@given(RANDOM)
def test_any_network_is_solved_at_the_least_convex_cost_and_improved_from_there(values):
    problem = drawn(*values)
    assert_twins(problem)
    least = assert_optimal(problem)
    phase = unwrapped(problem)
    assert sum(own_cost(problem, phase)) == problem.true_cost(phase) <= least
    if not (problem.costs.sigsq == 0).any():
        assert problem.true_cost(phase) == least


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 1.0]))
def test_of_all_solutions_on_few_nodes_none_is_cheaper_unless_free_arcs_are_shared(seed, stat_less):
    rng = np.random.default_rng(seed)
    nearest = networks.occupied_at(2, 3, 0.8, rng)
    problem = networks.problem(nearest, rng, stat_less, offsets=(-150, 150))
    found, least = problem.true_cost(unwrapped(problem)), networks.least_cost(problem)
    assert found >= least
    if stat_less == 0:
        assert found == least


ISLAND = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 2], [0, 0, 0, 0]])
FULL = np.arange(20).reshape(5, 4).T.copy()
ODD = {
    "one row": (np.arange(9)[None], {}),
    "one column": (np.arange(9)[:, None], {"stat_less": 0.4}),
    "one node": (np.zeros((4, 5), np.int64), {}),
    "one cell": (np.zeros((1, 1), np.int64), {}),
    "an island": (ISLAND, {}),
    "an island without statistics": (ISLAND, {"stat_less": 1.0}),
    "nothing has statistics": (FULL, {"stat_less": 1.0}),
    "a full grid, which loses its first edge": (FULL, {}),
    "the largest offsets": (FULL[:3, :3], {"offsets": (32767, 32767)}),
    "the least offsets and variances": (
        FULL[:3, :3], {"offsets": (-32767, -32767), "variances": (1, 1)}
    ),
    "the largest variances": (FULL, {"variances": (32767, 32767)}),
    "variances that mean no cost": (FULL, {"variances": (31999, 32000)}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("seed", range(3))
def test_odd_networks_are_solved_too(name, seed):
    nearest, options = ODD[name]
    nearest = np.unique(nearest, return_inverse=True)[1].reshape(nearest.shape)
    problem = networks.problem(nearest, np.random.default_rng(seed), **options)
    assert_twins(problem)
    assert_optimal(problem, reach=400 if "offsets" in options else 6)
    phase = unwrapped(problem)
    assert sum(own_cost(problem, phase)) == problem.true_cost(phase)


@pytest.mark.skipif(find_snaphu("snaphu") is None, reason="SNAPHU is not installed")
@pytest.mark.parametrize(("fill", "stat_less"), [(0.9, 0.1), (0.5, 0.3), (0.5, 0.8)])
def test_all_in_all_the_native_solution_is_not_dearer_than_that_of_snaphu(fill, stat_less):
    native_cost = snaphu_cost = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        nearest = networks.occupied_at(40, 50, fill, rng)
        problem = networks.problem(nearest, rng, stat_less, offsets=(-90, 90))
        native_cost += problem.true_cost(unwrapped(problem))
        snaphu_cost += problem.true_cost(unwrapped(problem, snaphu))
    assert native_cost <= snaphu_cost


# what ends the work early -------------------------------------------------------------------------


def test_a_solver_that_is_asked_to_stop_returns_at_once_and_what_asked_is_raised():
    asked = []

    def check():
        asked.append(time.monotonic())
        raise KeyboardInterrupt

    began = time.monotonic()

    def work():
        with native.stop_when_asked(check) as stop:
            while not stop[0] and time.monotonic() < began + 20:
                time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert len(asked) == 1
    problem = drawn(1, 30, 30, 0.5, 0.3)
    chains, supply = networks.network(problem, NATIVE)
    for kernels in (REFERENCE, NATIVE):
        cycles, potential, left = kernels.stage6_cheapest_flow(*chains, supply, ~GO_ON)
        assert left > 0
        shared = kernels.stage6_share_free_chains(*chains, cycles, potential, ~GO_ON)
        np.testing.assert_array_equal(shared, cycles)


def test_time_that_is_up_is_told_and_no_limit_never_ends(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(unwrap.time, "monotonic", lambda: now[0])
    limited, endless = unwrap.within(2.5, never), unwrap.within(0, never)
    now[0] += 149
    limited()
    now[0] += 2
    with pytest.raises(StageError, match=r"longer than runtime.unwrap_minutes: 2.5; allow more"):
        limited()
    endless()


def test_an_interferogram_that_takes_too_long_is_named_and_the_finished_ones_are_kept(monkeypatch):
    whole = native.Solver.unwrap

    def slow(self, raster, turns, ifg, check):
        while ifg == 2:
            check()
            time.sleep(0.01)
        return whole(self, raster, turns, ifg, check)

    monkeypatch.setattr(native.Solver, "unwrap", slow)
    store, stack = Store(), moving_ground()
    ctx = context(checkpoints=store, unwrap_minutes=0.002)
    with pytest.raises(StageError, match=r"unwrapping of interferogram 3: .*unwrap_minutes: 0.002"):
        stage6.solve(stack.inputs, params(), ctx)
    assert "ifg_000003" not in store


def test_a_program_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program = tmp_path / "sleeper"
    program.write_text("#!/bin/sh\n[ $# -eq 0 ] && echo 'snaphu v2.0.7' && exit\nexec sleep 60\n")
    program.chmod(0o755)
    ctx = context(stage6_solver="snaphu", unwrap_minutes=0.005)
    ctx = type(ctx)(ctx.kernels, ctx.config.with_values({"tools.snaphu": str(program)}))
    began = time.monotonic()
    with pytest.raises(StageError, match=r"unwrapping of interferogram .*unwrap_minutes: 0.005"):
        stage6.solve(moving_ground().inputs, params(), ctx)
    assert time.monotonic() - began < 30
