"""Stage 6 on the golden sets: same cells, edges, costs and cycles as StaMPS with SNAPHU."""

import numpy as np
import pytest

from pystamps_hpc.parallel.context import QuietLog
from pystamps_hpc.programs.snaphu import find_snaphu
from pystamps_hpc.tools.verification.compare import Rule, compare
from pystamps_kernels.dispatch import table

from .parity import assert_agrees

pytestmark = pytest.mark.golden
needs_snaphu = pytest.mark.skipif(find_snaphu("snaphu") is None, reason="SNAPHU is not installed")

SETS = ["ps-small", "iterate", "selection", "residues", "sb-small"]
EXACT = [
    *((name, "native") for name in SETS if name != "residues"),
    *(pytest.param(name, "snaphu", marks=needs_snaphu) for name in SETS),
]
"""Set and solver: where residues abound, solutions of like cost are not alike."""

GRID = ("uw_grid", "uw_interp", "uw_space_time", "uw_phaseuw")
PAIRS = ("phuw_sb2", "phuw_sb_res2")


@pytest.fixture(scope="module")
def runs(golden):
    """Stage 6 of every set in the native backend, by either solver, computed once."""
    done = {}

    def run(name, solver="native"):
        if (name, solver) not in done:
            log = QuietLog()
            done[name, solver] = (golden(name).run(6, log=log, solver=solver), log.facts)
        return done[name, solver][0]

    run.facts = lambda name, solver: run(name, solver) and done[name, solver][1]
    return run


@pytest.mark.parametrize(("name", "solver"), EXACT)
def test_every_key_is_that_of_stamps(golden, runs, name, solver):
    lines = assert_agrees(golden(name), "root", runs(name, solver), "single")
    files = (*GRID, "phuw2", *(PAIRS if name == "sb-small" else ()))
    assert {line.where for line in lines} == {f"root/{file}" for file in files}


@pytest.mark.parametrize("name", ["ps-small", "sb-small"])
def test_the_reference_backend_unwraps_the_same_cycles(golden, name):
    found = golden(name).run(6, backend="python", solver="native")
    assert_agrees(golden(name), "root", found, "single")


@pytest.mark.parametrize(("name", "solver"), EXACT)
def test_no_sample_is_on_another_cycle(golden, runs, name, solver):
    file = "phuw_sb2" if name == "sb-small" else "phuw2"
    expected = golden(name).artifact("root", file)["ph_uw"]
    difference = compare(runs(name, solver)[file]["ph_uw"], expected, Rule("cycle", 2e-6))
    assert difference.ok, difference


@needs_snaphu
def test_pairs_and_inversion_of_small_baselines_are_those_of_stamps_to_the_bit(golden, runs):
    found = runs("sb-small", "snaphu")
    for file, key in (("phuw_sb2", "ph_uw"), ("phuw_sb_res2", "ph_res"), ("phuw2", "ph_uw")):
        np.testing.assert_array_equal(
            found[file][key], golden("sb-small").artifact("root", file)[key]
        )
    for key in ("sb_cov", "sm_cov"):
        expected = golden("sb-small").artifact("root", "phuw_sb_res2")[key]
        np.testing.assert_allclose(
            found["phuw_sb_res2"][key], expected, rtol=0, atol=3e-7 * np.abs(expected).max()
        )


def test_where_residues_abound_the_native_solver_puts_few_samples_on_another_cycle(golden, runs):
    expected = golden("residues").artifact("root", "phuw2")["ph_uw"]
    difference = compare(runs("residues")["phuw2"]["ph_uw"], expected, Rule("cycle", 2e-6))
    assert difference.outliers < 3e-3 * expected.size


@needs_snaphu
@pytest.mark.parametrize("name", SETS)
def test_no_solution_of_the_native_solver_is_dearer_than_that_of_snaphu(runs, name):
    native, snaphu = (
        [ifg["cost"] for ifg in runs.facts(name, solver)["unwrapped_ifgs"]]
        for solver in ("native", "snaphu")
    )
    assert sum(native) <= sum(snaphu)
    assert (np.array(native) <= np.array(snaphu) * (1 + 1e-5)).all()


@pytest.mark.parametrize("name", SETS)
def test_no_cost_of_any_edge_differs(golden, runs, name):
    """The costs of StaMPS are not stored; they follow from its stored arc phases."""
    files = ("uw_interp", "uw_space_time")
    run = edge_costs(*(runs(name)[file] for file in files))
    stamps = edge_costs(*(golden(name).artifact("root", file) for file in files))
    for found, wanted in zip(run, stamps, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert np.count_nonzero(run[1] == 0) == {"residues": 6338}.get(name, 0)


def edge_costs(graph, space_time):
    kernels = table("native", "single")
    edges = [np.abs(graph[key]).ravel().astype(np.int64) for key in ("rowix", "colix")]
    n_edge = int(graph["n_edge"].item())
    n_arcs = np.bincount(np.concatenate(edges), minlength=n_edge + 1)[1:]
    unwrapped, noise = (
        np.ascontiguousarray(space_time[key]) for key in ("dph_space_uw", "dph_noise")
    )
    variance = kernels.stage6_arc_variance(noise)
    return kernels.stage6_edge_costs(unwrapped, noise, variance, n_arcs)
