"""Processor time of each stage on one thread, and how much of it kernels with a CUDA form take.

    python -m benchmarks.kernel_shares [--candidates 20000] [--ifgs 100] [--repeat 3]
        [--page docs/gpu.md]

Runs the native chain 1-8 of a simulated scene in this process, once to compile and then `repeat`
times; of each stage, and of each kernel in it, the least counts. The first run also makes the
random phases of stage 2, which are the same however many candidates there are; they are left out.
Other work hardly changes processor time, unless it shares the core. What kernels with a CUDA form
do not take is what a GPU leaves as it is: reading, writing, triangulation, the unwrapper.
"""

import argparse
import os
import shutil
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks import machine
from pystamps_hpc.config import parse_config
from pystamps_hpc.pipeline.events import Event, TaskFinished, TaskStarted
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import KernelTable, function
from tests.faults.campaign import renew

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
HEAD = ["stage", "processor time [s]", "kernels with a CUDA form [s]", "the longest of them"]
Seconds = Counter[tuple[int, str]]
"""Stage and kernel, or "" for all of the stage -> processor time [s]."""


def measure(root: Path) -> tuple[Seconds, dict[str, int]]:
    """Run the chain on a scene; return the times, and how many points there are."""
    spent: Seconds = Counter()
    under_way = [0, 0.0]
    bound = KernelTable.bound

    def timed(table: KernelTable, name: str) -> Callable[..., Any]:
        run = bound(table, name)

        def call(*values: Any) -> Any:
            began = time.process_time()
            try:
                return run(*values)
            finally:
                spent[int(under_way[0]), name] += time.process_time() - began

        return call

    def watch(event: Event) -> None:
        if isinstance(event, TaskStarted):
            under_way[:] = event.stage, time.process_time()
        if isinstance(event, TaskFinished):
            spent[event.row.stage_id, ""] += time.process_time() - under_way[1]

    config = parse_config({"runtime": {"backend": "native", "stage6_solver": "native"}})
    with patch.object(KernelTable, "bound", timed):
        report = run_pipeline(PipelineContext(root, config), watch)
    if not report.ok:
        raise RuntimeError("; ".join(row.details for row in report.failures))
    facts: dict[str, Any] = {}
    for row in report.results:
        facts |= row.facts
    counts = {name: facts[name] for name in ("n_node", "n_edge")}
    return spent, counts | {"ps": sum(facts["merged_per_patch"].values())}


def least(runs: Sequence[Seconds]) -> Seconds:
    """Return the least time of each stage and kernel."""
    return Counter({key: min(run[key] for run in runs) for key in runs[0]})


def on_device(spent: Seconds, stage: int) -> dict[str, float]:
    """Return the kernels of a stage that have a CUDA form, the longest first."""
    known = all_kernels()
    own = {
        name: seconds
        for (number, name), seconds in spent.items()
        if number == stage and name and function(known[name], "cuda", "double") is not None
    }
    return dict(sorted(own.items(), key=lambda item: -item[1]))


def rows_of(spent: Seconds) -> list[list[str]]:
    """Return the rows of the table."""
    rows = []
    for stage in sorted({number for number, name in spent if not name}):
        kernels = on_device(spent, stage)
        longest = ", ".join(f"`{name}` {sec:.2f}" for name, sec in list(kernels.items())[:3])
        rows.append([str(stage), f"{spent[stage, '']:.2f}", f"{sum(kernels.values()):.2f}",
                     longest])  # fmt: skip
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Measure and table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--ifgs", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--page", type=Path, help="page whose table is renewed")
    options = parser.parse_args(words)
    if any(os.environ.get(name) != "1" for name in THREADS):  # they count when libraries load
        alone = {**os.environ, **dict.fromkeys(THREADS, "1")}
        given = words if words is not None else sys.argv[1:]
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.kernel_shares", *given], alone)
    where, runs = machine.describe(), []
    with tempfile.TemporaryDirectory(prefix="pystamps-shares-") as folder:
        scene = Path(folder, "scene")
        simulate(scene, Options(candidates=options.candidates, images=options.ifgs + 1))
        for number in range(options.repeat + 1):
            root = Path(folder, f"run{number}")
            shutil.copytree(scene, root)
            spent, counts = measure(root)
            runs += [spent] if number else []
            shutil.rmtree(root)
    rows = rows_of(least(runs))
    told = (
        f"{options.candidates} candidates, {options.ifgs} interferograms, {counts['ps']} PS, "
        f"{counts['n_node']} nodes and {counts['n_edge']} arcs to unwrap; {where['cpu']}, one "
        f"thread, least of {options.repeat}, load {where['load'][0]} when it began"
    )
    print(told, machine.table(HEAD, rows), sep="\n")
    if options.page:
        lines = [HEAD, ["---:"] * 3 + ["---"], *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        renew("measured", f"{textwrap.fill(told, 100)}:\n\n{text}\n", options.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
