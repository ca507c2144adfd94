"""Kernels that do little per value: nanoseconds beside NumPy, and their share of a chain.

    python -m benchmarks.shares [--points 20000] [--ifgs 60] [--before TREE]
        [--page docs/scaling.md]

Native kernels in their double form on one thread, in processor time, beside the NumPy reference in
pieces of 1024 rows, which stay in the cache. With ``--before`` the kernels of another checkout are
measured too, in processes that take turns with those of this one. The shares are those of the
processor time of a chain 1-8 on a simulated scene of as many candidates, one thread, its kernels
compiled before.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numba
import numpy as np

from benchmarks import kernels, machine
from benchmarks.cases import cases
from benchmarks.scene import Scene
from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.events import ignore
from pystamps_hpc.pipeline.scheduling import run_merged, run_patches
from pystamps_hpc.pipeline.session import prepare
from pystamps_hpc.pipeline.starting import before_work
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import KernelTable, function, table
from tests.faults.campaign import renew

KERNELS = (
    "stage1_column_means", "stage2_angle", "stage6_to_points", "stage6_arc_noise",
    "stage6_subtract_phase", "stage6_residues", "stage7_scla_smooth",
)  # fmt: skip
ROUNDS = 3
REPEAT = 5
ROWS = 1024
RASTER = 1000  # rows and columns whose residues are counted
HEAD = ["kernel", "before [ns]", "now [ns]", "NumPy [ns]", "times NumPy", "of the chain"]


@dataclass(frozen=True)
class TimedKernels(KernelTable):
    """Kernels that note the processor time of their calls."""

    seconds: dict[str, float] = field(default_factory=dict)

    __hash__ = KernelTable.__hash__

    def bound(self, name: str) -> Callable[..., Any]:
        """Return a kernel that adds the time of a call to that of the others."""
        run = super().bound(name)

        def call(*values: Any) -> Any:
            began = time.process_time()
            result = run(*values)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
            return result

        return call


def nanoseconds(points: int, ifgs: int) -> dict[str, tuple[float, float]]:
    """Return least nanoseconds per value of the largest array, native and NumPy, by kernel."""
    numba.set_num_threads(1)
    made = cases(Scene(points, ifgs))
    found = {}
    for name in KERNELS:
        kernel, case = all_kernels()[name], made[name]()
        if name == "stage6_residues":
            turns = np.random.default_rng(1).uniform(-0.5, 0.5, (RASTER, RASTER))
            case = type(case)((turns,))
        native, reference = (function(kernel, name, "double") for name in ("native", "python"))
        assert native is not None
        assert reference is not None
        in_cache = kernels.in_pieces(reference, kernel, case, ROWS)
        calls = (lambda run=native, case=case: run(*case.arguments), in_cache)
        times: list[list[float]] = [[], []]
        for _ in range(REPEAT + 1):  # the first compiles
            for call, spent in zip(calls, times, strict=True):
                began = time.process_time()
                call()
                spent.append(time.process_time() - began)
        size = max(value.size for value in case.arguments if isinstance(value, np.ndarray))
        fast, slow = (1e9 * min(spent[1:]) / size for spent in times)
        found[name] = (fast, slow)
    return found


def of_tree(tree: Path, points: int, ifgs: int) -> dict[str, tuple[float, float]]:
    """Measure the kernels of a checkout in a process of its own."""
    here = Path(__file__).resolve().parents[1]
    path = os.pathsep.join((str(here), str(tree.resolve() / "kernels")))
    command = [sys.executable, "-m", "benchmarks.shares", "--alone"]
    size = ["--points", str(points), "--ifgs", str(ifgs)]
    environ = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *size], env=environ, check=True, stdout=subprocess.PIPE, text=True
    )
    return {name: (fast, slow) for name, (fast, slow) in json.loads(done.stdout).items()}


def in_turns(trees: Sequence[Path], points: int, ifgs: int) -> list[dict[str, tuple[float, float]]]:
    """Measure checkouts one after the other, again and again; return the least of each."""
    rounds = [[of_tree(tree, points, ifgs) for tree in trees] for _ in range(ROUNDS)]
    return [
        {
            name: (min(one[name][0] for one in each), min(one[name][1] for one in each))
            for name in KERNELS
        }
        for each in zip(*rounds, strict=True)
    ]


def shares(points: int, ifgs: int) -> dict[str, float]:
    """Return the share of each kernel in the processor time of a chain 1-8."""
    numba.set_num_threads(1)
    values = {"output.fsync": False, "runtime.cpu_workers": 1, "runtime.stage6_solver": "native"}
    config = RunConfig().with_values({**values, "runtime.backend": "native"})
    seconds: dict[str, float] = {}
    whole = 0.0
    for candidates in (1000, points):  # the first loads what is compiled
        seconds.clear()
        timed = TimedKernels(table("native", "double").backends, "double", seconds)
        with tempfile.TemporaryDirectory(prefix="pystamps-shares-") as scratch:
            root = Path(scratch, "scene")
            simulate(root, Options(candidates=candidates, images=ifgs + 1, patches=(2, 1)))
            context, team = PipelineContext(root, config), SerialTeam()
            began = time.process_time()
            session = prepare(context, timed)
            before_work(session, context, team)
            rows = run_patches(session, team, ignore) + run_merged(session, team, ignore)
            whole = time.process_time() - began
            assert all(row.status != "failed" for row in rows), rows
    return {name: spent / whole for name, spent in seconds.items()}


def row(
    name: str,
    before: dict[str, tuple[float, float]],
    now: dict[str, tuple[float, float]],
    share: dict[str, float],
) -> list[str]:
    """Return a kernel as cells of the table."""
    fast, slow = now[name]
    return [
        name,
        f"{before[name][0]:.1f}" if before else "",
        f"{fast:.1f}",
        f"{slow:.1f}",
        f"{slow / fast:.1f}",
        f"{100 * share[name]:.2f} %" if name in share else "not called",
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document; 1 if a kernel is slower than NumPy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--ifgs", type=int, default=60)
    parser.add_argument("--before", type=Path, help="checkout whose kernels are measured too")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--page", type=Path, help="page whose table is renewed")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "shares.json")
    options = parser.parse_args(words)
    if options.alone:
        print(json.dumps(nanoseconds(options.points, options.ifgs)))
        return 0

    trees = [path for path in (options.before, Path(__file__).parents[1]) if path]
    measured = in_turns(trees, options.points, options.ifgs)
    now, before = measured[-1], measured[0] if options.before else {}
    share = shares(options.points, options.ifgs)
    rows = [row(name, before, now, share) for name in KERNELS]
    print(machine.table(HEAD, rows))
    machine.write(
        options.output,
        {
            "schema": "pystamps-hpc/bench-shares/1", "machine": machine.describe(),
            "points": options.points, "ifgs": options.ifgs, "now": now, "before": before,
            "shares": share,
        },
    )  # fmt: skip
    if options.page:
        lines = [HEAD, ["---", *["---:"] * (len(HEAD) - 1)], *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
        renew("kernels", text, options.page)
    return int(any(fast > slow for fast, slow in now.values()))


if __name__ == "__main__":
    raise SystemExit(main())
