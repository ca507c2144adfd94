"""The native unwrapper and SNAPHU side by side on networks whose truth is known.

    python -m benchmarks.unwrapping [--cases A B C D] [--ifgs 3] [--large]

The scenes are those of ``tests.stages.unwrapping``, their costs are made by stage 6's own steps.
Seconds are processor time of one thread from the wrapped raster to the unwrapped one: for the
native solver with the reading of the network, for SNAPHU with its files. Memory is what comes on
top of the program for the native solver, and all of SNAPHU's process. The lower bound is the
cheapest flow where arcs without statistics cost nothing: no solution can be below. Writes
``docs/unwrapping.md``; the program ends with 1 if the native solutions of a case are dearer than
SNAPHU's in all.
"""

import argparse
import ctypes
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.stages.stage6.arcs import arc_phases, method_of
from pystamps_hpc.stages.stage6.costs import EdgeCosts, edge_costs
from pystamps_hpc.stages.stage6.graph import Graph, build_graph
from pystamps_hpc.stages.stage6.grid import Nodes, assign_cells, filtered_nodes
from pystamps_hpc.stages.stage6.prepare import wrapped_stack
from pystamps_hpc.stages.stage6.solvers import Solver, native, snaphu
from pystamps_hpc.stages.stage6.unwrap import phase_in_cycles
from pystamps_kernels.dispatch import table
from tests.stages.unwrapping import moving_ground, params

THREADS = (1, 2)
TRIAL_WRAPS = 2.0
TIME_WINDOW = 730.0
CELL = 100.0
MIB = 2**20


@dataclass(frozen=True)
class Case:
    """A square scene: cells of a side, share of them that holds points, noise of a point [rad]."""

    cells: int
    filled: float
    noise: float
    prefilter: bool


CASES = {
    "A": Case(500, 0.30, 0.9, True),
    "B": Case(500, 0.06, 0.9, False),
    "C": Case(500, 0.57, 1.4, False),
    "D": Case(1000, 0.30, 0.9, True),
    "E": Case(3000, 0.30, 0.9, True),
}
LARGE = "E"


@dataclass(frozen=True)
class Network:
    """What the solvers work on, and the truth at the points."""

    nodes: Nodes
    graph: Graph
    costs: EdgeCosts
    truth: np.ndarray  # (n_ps, n_ifg) [rad]

    def raster(self, ifg: int) -> np.ndarray:
        """Return the phasors of an interferogram, (n_row, n_col) complex64."""
        return np.ascontiguousarray(self.nodes.phase[:, ifg])[self.graph.nearest]


def make(case: Case, ctx: Context) -> Network:
    """Simulate a scene and take it through the steps of stage 6 before the unwrapping."""
    points = -np.log(1 - case.filled) / 1.2
    scene = moving_ground.__wrapped__(case.cells, points, case.noise, rate=35.0)
    inputs = replace(scene.inputs, patch_phase=None)
    given = params(unwrap_prefilter_flag=case.prefilter)
    used = inputs.ifgs.used(given.drop_ifg_index)
    stack = wrapped_stack(inputs, given, used, None)
    cells = assign_cells(inputs.xy, CELL, given.unwrap_gold_n_win)
    nodes = filtered_nodes(
        stack, cells, given.unwrap_gold_n_win, given.unwrap_gold_alpha, case.prefilter, ctx
    )
    graph = build_graph(nodes, ctx)
    network = inputs.ifgs.only(used)
    method = method_of(given.unwrap_method, network)
    arcs = arc_phases(nodes.phase, graph, network, method, TIME_WINDOW, TRIAL_WRAPS, ctx)
    costs = edge_costs(arcs, graph, nodes, CELL, ctx)
    return Network(nodes, graph, costs, scene.truth[:, stack.columns].astype(np.float32))


def measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return a result, processor seconds of this process and its children, MiB at the peak.

    The peak is that of a program that was started, else of this process above what it held before.
    """
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    began = _processor_seconds()
    with _watched_program() as program:
        result = work()
    seconds = _processor_seconds() - began
    return result, seconds, (program[-1] if program else _memory("VmHWM") - before) / MIB


def _processor_seconds() -> float:
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + child.ru_utime + child.ru_stime


def _memory(name: str, process: str = "self") -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


@contextmanager
def _watched_program() -> Iterator[list[int]]:
    """Yield a list that grows by the peak memory of a program which this thread has started."""
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            for process in children.read_text().split():
                with suppress(OSError, StopIteration):
                    seen.append(_memory("VmHWM", process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def solve(network: Network, solver: Solver, ifg: int, ctx: Context) -> dict[str, Any]:
    """Unwrap one interferogram and judge the result."""
    raster = network.raster(ifg)
    turns = phase_in_cycles(raster)
    phase, seconds, peak = measured(lambda: solver.unwrap(raster, turns, ifg, lambda: None))
    graph, nodes = network.graph, network.nodes
    statistical, free, most = ctx.kernels.stage6_solution_cost(
        turns, phase, graph.row_edges, graph.col_edges,
        np.ascontiguousarray(network.costs.offset[:, ifg]), network.costs.sigsq,
    )  # fmt: skip
    at_nodes = phase[nodes.row, nodes.col]
    at_points = at_nodes[nodes.point_node][nodes.point_node >= 0]
    off = np.rint((at_points - network.truth[nodes.point_node >= 0, ifg]) / (2 * np.pi))
    return {
        "seconds": seconds,
        "peak_mib": peak,
        "cost": statistical + free,
        "free": free,
        "most": most,
        "wrong": float(np.mean(off != np.median(off))),
        "at_nodes": at_nodes,
    }


def lower_bound(network: Network, ifg: int, ctx: Context) -> int:
    """Return what no solution can be below: the best one if arcs without statistics are free."""
    graph, costs, kernels = network.graph, network.costs, ctx.kernels
    residues = kernels.stage6_residues(phase_in_cycles(network.raster(ifg)))
    _, _, tail, head, n_arcs, edge, supply = kernels.stage6_chains(
        graph.row_edges, graph.col_edges, residues
    )
    number = np.abs(edge) - 1
    offset = (costs.offset[number, ifg] * np.sign(edge)).astype(np.int32)
    sigsq = costs.sigsq[number].astype(np.int32)
    n_arcs = np.where(sigsq == 0, 0, n_arcs).astype(np.int32)
    cycles, _, _ = kernels.stage6_cheapest_flow(
        tail, head, n_arcs, offset, sigsq, supply, np.zeros(1, bool)
    )
    known = n_arcs > 0
    z = 200 * cycles[known] + offset[known]
    return int((n_arcs[known] * (z * z // sigsq[known])).sum())


def seconds_by_threads(network: Network, ifgs: Sequence[int], ctx: Context) -> list[float]:
    """Return the seconds in which threads unwrap some interferograms, each one after the other."""
    solver = native.Solver(network.graph, network.costs, ctx)
    rasters = [network.raster(ifg) for ifg in ifgs]

    def one(ifg: int) -> None:
        raster = rasters[ifg]
        solver.unwrap(raster, phase_in_cycles(raster), ifg, lambda: None)

    found = []
    for threads in THREADS:
        with ThreadPoolExecutor(threads) as pool:
            began = time.perf_counter()
            list(pool.map(one, ifgs))
            found.append(time.perf_counter() - began)
    return found


def measure(name: str, n_ifg: int, ctx: Context) -> dict[str, Any]:
    """Measure a case: both solvers on the same interferograms, turn by turn."""
    network = make(CASES[name], ctx)
    solvers = {kind.__name__.rpartition(".")[2]: kind.Solver(network.graph, network.costs, ctx)
               for kind in (native, snaphu)}  # fmt: skip
    rows = []
    for ifg in range(n_ifg):
        row: dict[str, Any] = {name: solve(network, solver, ifg, ctx)
                               for name, solver in solvers.items()}  # fmt: skip
        own, other = (row[name].pop("at_nodes") for name in solvers)
        apart = np.rint((own - other) / (2 * np.pi))
        row["other_nodes"] = float(np.mean(apart != np.median(apart)))
        row["bound"] = lower_bound(network, ifg, ctx)
        rows.append(row)
    residues = [
        int(np.count_nonzero(ctx.kernels.stage6_residues(phase_in_cycles(network.raster(ifg)))))
        for ifg in range(n_ifg)
    ]
    return {
        "case": name,
        "cells": CASES[name].cells,
        "nodes": int(network.nodes.row.size),
        "edges": int(network.graph.low.size),
        "stat_less_share": float(np.mean(network.costs.sigsq == 0)),
        "residues": residues,
        "ifgs": rows,
        "seconds_by_threads": seconds_by_threads(network, range(n_ifg), ctx),
    }


HEAD = [
    "case", "cells", "edges", "no statistics", "residues", "seconds", "SNAPHU's", "ratio", "MiB",
    "SNAPHU's", "cost less SNAPHU's", "gap", "other nodes", "wrong", "SNAPHU's", "2 threads",
]  # fmt: skip


def row_of(found: dict[str, Any]) -> list[str]:
    """Return a case as cells of the table."""

    def of(solver: str, key: str) -> np.ndarray:
        return np.array([ifg[solver][key] for ifg in found["ifgs"]])

    cost, other = of("native", "cost"), of("snaphu", "cost")
    seconds, others = np.median(of("native", "seconds")), np.median(of("snaphu", "seconds"))
    gap = 1 - sum(ifg["bound"] for ifg in found["ifgs"]) / cost.sum()
    alone, two = found["seconds_by_threads"]
    return [
        found["case"],
        f"{found['cells']} x {found['cells']}",
        f"{found['edges']:,}",
        f"{found['stat_less_share']:.0%}",
        " ".join(f"{count:,}" for count in found["residues"]),
        f"{seconds:.2f}",
        f"{others:.2f}",
        f"{seconds / others:.2f}",
        f"{of('native', 'peak_mib').max():.0f}",
        f"{of('snaphu', 'peak_mib').max():.0f}",
        " ".join(f"{value:+,}" for value in cost - other) + f" of {np.mean(other):,.0f}",
        f"{gap:.1e}",
        f"{np.mean([ifg['other_nodes'] for ifg in found['ifgs']]):.1e}",
        f"{of('native', 'wrong').mean():.2%}",
        f"{of('snaphu', 'wrong').mean():.2%}",
        f"{alone / two:.1f} x",
    ]


def page(document: dict[str, Any]) -> str:
    """Return ``docs/unwrapping.md``."""
    rows = [row_of(found) for found in document["cases"]]
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    listing = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return TEXT.format(table=listing, cpu=document["machine"]["cpu"])


TEXT = """# The unwrapper

Stage 6 gives every grid arc a cost for every number of cycles on it
([stage 6](stages/stage6.md)), and a *solver* finds whole cycles that close around every face and
cost little in all. There are two, chosen by `runtime.stage6_solver`:

- `native` (also `auto`): part of this package;
- `snaphu`: the program that StaMPS uses, for comparisons with StaMPS; extra `unwrap`, free for
  non-commercial use only.

Both get the same costs and are judged by the same sum. A third would be a module in
`pystamps_hpc/stages/stage6/solvers/`.

## How the native solver works

1. **Network.** The faces of the grid are places, the arcs ways between them; cycles are a flow that
   leaves every face by its residue. Arcs between the same two nodes that follow each other carry
   the same cycles and become one *chain*.
2. **Cheapest flow.** Each chain starts with its own cheapest cycles; faces that then have too many
   send them on the cheapest way to faces that lack some (successive shortest paths with
   potentials). With statistics on every arc the result is the cheapest of all, and the potentials
   prove it.
3. **Arcs without statistics** cost one unit for any number of cycles, which no flow can express:
   the flow pays for every cycle. Afterwards cycles are led together where sharing such an arc pays.

All numbers are integers and ties go to the lower number, so the result does not depend on ranks or
threads. Each interferogram is a task of its own. `runtime.unwrap_minutes` ends one that takes too
long, with what is finished kept. The report of a run gives residues and cost of every
interferogram.

## Compared with SNAPHU

Simulated scenes with known truth; both solvers on the same interferograms, one after the other, one
thread each, on {cpu}.

{table}

*seconds*: processor time of an interferogram (median), the reading of the network and SNAPHU's
files included. *MiB*: native on top of the program, SNAPHU in all. *cost less SNAPHU's*: of each
interferogram. *gap*: how far the cost is above a bound that no solution can be below. *other
nodes*: share of grid nodes with another number of cycles than SNAPHU's. *wrong*: share of point
samples on another cycle than the truth. *2 threads*: how much faster two threads unwrap the
interferograms of the case than one.

`make bench-unwrap` measures and writes this page, `BENCH_UNWRAP=--large` with 3000 x 3000 cells.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the cases, write the document and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=[*CASES], default=["A", "B", "C", "D"])
    parser.add_argument("--large", action="store_true", help="also 3000 x 3000 cells")
    parser.add_argument("--ifgs", type=int, default=3, help="of each case; default 3")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "unwrapping.json")
    parser.add_argument("--page", type=Path, default=Path("docs/unwrapping.md"))
    options = parser.parse_args(argv)

    config = RunConfig().with_values({"runtime.stage6_solver": "native"}).resolved()
    ctx = Context(table("native", "single"), config)
    measure_warm(ctx)
    cases = []
    for name in [*options.cases, *([LARGE] if options.large else [])]:
        cases.append(measure(name, options.ifgs, ctx))
        document = {
            "schema": "pystamps-hpc/bench-unwrapping/1",
            "machine": machine.describe(),
            "cases": cases,
        }
        machine.write(options.output, document)
        print(machine.table(HEAD, [row_of(cases[-1])]), flush=True)
    options.page.write_text(page(document))
    dearer = [found["case"] for found in cases if total(found, "native") > total(found, "snaphu")]
    print(f"dearer than SNAPHU: {', '.join(dearer) or 'no case'}")
    return 1 if dearer else 0


def measure_warm(ctx: Context) -> None:
    """Compile the kernels on a small scene."""
    network = make(Case(40, 0.5, 0.9, True), ctx)
    solve(network, native.Solver(network.graph, network.costs, ctx), 0, ctx)


def total(found: dict[str, Any], solver: str) -> int:
    """Return the cost of all interferograms of a case."""
    return sum(ifg[solver]["cost"] for ifg in found["ifgs"])


if __name__ == "__main__":
    raise SystemExit(main())
