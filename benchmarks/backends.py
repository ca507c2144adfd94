"""Whole chains on one dataset: backends, ranks and threads, each configuration on fresh copies.

    python -m benchmarks.backends [--candidates 20000] [--ifgs 60] [--patches 2x2]
        [--backends python native] [--ranks 1 2] [--threads 1 2] [--repeat 3] [--warmup 1]
        [--dataset DIR] [--start-step 1] [--end-step 8]

Every run is a program of its own on a fresh copy without artifacts of the window; its times are
those of its report. A configuration with a row that is not ``completed`` is not ok and gets no
speed-up. Configurations are run in turns, since the speed of a machine changes. Runs before the
measured ones compile; the time that they need more is reported apart. The python backend has
neither threads nor anything to compile: it is run once for each number of ranks.
The baseline is the first configuration that is ok: the first backend on the fewest ranks and
threads. Efficiency is the speed-up against the same backend on one rank and one thread, by core: of
the whole program, and of stages 2-4 and 6, where nearly all the work is (patches as long as the
busiest rank has them, stage 6 by the clock). Cores that share caches, memory and execution units do
less together than as many alone: how much is measured by programs of one rank and one thread side
by side, and the efficiency "of the machine" is against that. So is the serial share, that of the
whole program by Karp and Flatt (1990): what explains the speed-up if all else were spread evenly.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from pystamps_hpc.dataset import parameters
from pystamps_hpc.pipeline.table import mode_of, tasks
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_hpc.tools.verification.run_copies import seed_copy
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import Backend, function, unavailable_reason

HEAD = ["configuration", "speed-up", "efficiency", "of the machine", "of 2-4, 6", "serial",
        "wall [s]", "std",
        "processor [s]", "RSS per rank [MiB]", "written [MB]", "stage seconds"]  # fmt: skip


@dataclass(frozen=True)
class Configuration:
    """One way to run the chain."""

    backend: str
    ranks: int
    threads: int

    def __str__(self) -> str:
        return f"{self.backend} {self.ranks} x {self.threads}"


@dataclass(frozen=True)
class Window:
    """Which stages run, on copies of which dataset, in which arithmetic."""

    dataset: Path
    first: int
    last: int
    arithmetic: str


def fresh_copy(window: Window, place: Path) -> Path:
    """Copy the dataset without artifacts of the window or of later stages."""
    mode = mode_of(parameters.load(window.dataset))
    first = next(row for row in tasks(mode) if row.spec.number >= window.first)
    seed_copy(place, [window.dataset], first)
    return place


def size_of(tree: Path) -> int:
    """Return the bytes of all files of a tree."""
    return sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())


def settings(configuration: Configuration, arithmetic: str) -> dict[str, Any]:
    """Return the configuration file of a run; the python backend is named kernel by kernel."""
    chosen = {}
    if configuration.backend == "python":
        chosen = dict.fromkeys(all_kernels(), "python")
    return {
        "runtime": {"kernel_backend_overrides": chosen, "cpu_workers": configuration.threads},
        "compat": {"arithmetic": arithmetic},
    }


def arguments(configuration: Configuration, tree: Path, window: Window, config: Path) -> list[Any]:
    """Return the arguments of one run; its configuration file is written."""
    config.write_text(json.dumps(settings(configuration, window.arithmetic)))
    return [
        "--quiet", "run", "--dataset", tree, "--config", config,
        "--start-step", window.first, "--end-step", window.last,
    ]  # fmt: skip


def parallel_seconds(stages: Iterable[Mapping[str, Any]], ranks: int) -> float:
    """Return how long stages 2-4 take the busiest rank, and stage 6 all of them [s]."""
    total = 0.0
    for stage in stages:
        if stage["scope"] == "patch" and stage["stage"] in (2, 3, 4):
            total += stage["sum_sec"] / ranks * (stage["imbalance"] or 1)
        elif stage["scope"] == "merged" and stage["stage"] == 6:
            total += stage["wall_sec"]
    return total


def own_seconds(stages: Iterable[Mapping[str, Any]], ranks: int) -> dict[str, float]:
    """Return how long the ranks of each merged stage work, all together [s]: none of it waiting."""
    return {
        f"{stage['stage']} merged": (stage["efficiency"] or 0) * stage["wall_sec"] * ranks
        for stage in stages
        if stage["scope"] == "merged"
    }


def processor_seconds() -> float:
    """Return the processor time of all programs that have been run and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_once(
    configuration: Configuration, window: Window, tree: Path, files: Path
) -> dict[str, Any]:
    """Run the window on `tree` as it is; return times and memory, or why there are none."""
    before, used = size_of(tree), processor_seconds()
    ended = child_run.run(
        arguments(configuration, tree, window, files / "config.json"),
        configuration.ranks,
        machine.child_environment(os.environ),
    )
    if ended.problem:
        return {"ok": False, "reason": ended.problem}
    report = ended.report
    return {
        "ok": True,
        "wall_sec": report["wall_sec"],
        "cpu_sec": processor_seconds() - used,
        "stages": {f"{s['stage']} {s['scope']}": s["sum_sec"] for s in report["stages"]},
        "own_sec": own_seconds(report["stages"], configuration.ranks),
        "root_sec": {f"{s['stage']} {s['scope']}": s["root_sec"] for s in report["stages"]},
        "parallel_sec": parallel_seconds(report["stages"], configuration.ranks),
        "peak_rss_mib": [rank["peak_rss_mib"] for rank in report["mpi"]["ranks"]],
        "bytes_in": before,
        "bytes_out": size_of(tree) - before,
    }


def measure(
    configuration: Configuration, window: Window, scratch: Path, repeat: int, warmup: int
) -> dict[str, Any]:
    """Run a configuration `warmup` times, then `repeat` times, and gather the numbers."""
    runs: list[dict[str, Any]] = []
    while len(runs) < warmup + repeat and (not runs or runs[-1]["ok"]):
        runs.append(run_fresh(configuration, window, scratch))
    return gathered(configuration, runs, warmup)


def run_fresh(configuration: Configuration, window: Window, scratch: Path) -> dict[str, Any]:
    """Run the window on a fresh copy, as :func:`run_once`."""
    tree = fresh_copy(window, scratch / "tree")
    run = run_once(configuration, window, tree, scratch)
    shutil.rmtree(tree)
    return run


def gathered(
    configuration: Configuration, runs: Sequence[dict[str, Any]], warmup: int
) -> dict[str, Any]:
    """Gather the numbers of runs of a configuration, of which the first `warmup` compile."""
    if not runs[-1]["ok"]:
        return {**_named(configuration), **runs[-1], "run": len(runs) - 1}
    times = [run["wall_sec"] for run in runs[warmup:]]
    mean = float(np.mean(times))
    return {
        **_named(configuration),
        "ok": True,
        "wall_sec": {
            "mean": mean, "min": min(times), "max": max(times), "std": float(np.std(times))
        },
        "cpu_sec": float(np.mean([run["cpu_sec"] for run in runs[warmup:]])),
        "parallel_sec": float(np.mean([run["parallel_sec"] for run in runs[warmup:]])),
        "compile_sec": max(runs[0]["wall_sec"] - mean, 0.0) if warmup else None,
        "stage_sec": {
            stage: float(np.mean([run["stages"][stage] for run in runs[warmup:]]))
            for stage in runs[0]["stages"]
        },
        "peak_rss_mib": np.max([run["peak_rss_mib"] for run in runs[warmup:]], axis=0).tolist(),
        "bytes_in": runs[-1]["bytes_in"],
        "bytes_out": runs[-1]["bytes_out"],
    }  # fmt: skip


def side_by_side(window: Window, scratch: Path, programs: int) -> list[float]:
    """Return how long programs of one rank and one thread take side by side [s]; none if not."""
    alone = Configuration("native", 1, 1)
    trees = [fresh_copy(window, scratch / f"tree{k}") for k in range(programs)]
    with ThreadPoolExecutor(programs) as pool:
        places = [tree.with_name(f"{tree.name}.files") for tree in trees]
        for place in places:
            place.mkdir(exist_ok=True)
        runs = list(pool.map(lambda *of: run_once(alone, window, *of), trees, places))
    for tree in trees:
        shutil.rmtree(tree)
    if refused := [run["reason"] for run in runs if not run["ok"]]:
        print(f"programs side by side: {refused[0]}", file=sys.stderr)
        return []
    return [run["wall_sec"] for run in runs]


def _named(configuration: Configuration) -> dict[str, Any]:
    return {
        "backend": configuration.backend,
        "ranks": configuration.ranks,
        "threads": configuration.threads,
    }


def compare(entries: Sequence[dict[str, Any]], together: Mapping[int, float]) -> None:
    """Add speed-up and efficiency to the entries that are ok; the others get neither.

    `together`: cores -> seconds of as many programs of one rank and one thread side by side.
    """
    usable = [entry for entry in entries if entry["ok"]]
    for entry in usable:
        entry["speedup"] = usable[0]["wall_sec"]["mean"] / entry["wall_sec"]["mean"]
        alone = [
            other for other in usable
            if (other["backend"], other["ranks"], other["threads"]) == (entry["backend"], 1, 1)
        ]  # fmt: skip
        cores = entry["ranks"] * entry["threads"]
        if alone:
            gain = alone[0]["wall_sec"]["mean"] / entry["wall_sec"]["mean"]
            entry["efficiency"] = gain / cores
            if cores in together and entry["backend"] == "native":
                able = cores * alone[0]["wall_sec"]["mean"] / together[cores]
                entry["cores_able"] = able
                entry["efficiency_of_machine"] = gain / able
                if able > 1:
                    entry["serial_share"] = (1 / gain - 1 / able) / (1 - 1 / able)
            if entry["parallel_sec"]:
                gain = alone[0]["parallel_sec"] / entry["parallel_sec"]
                entry["efficiency_of_2_to_4_and_6"] = gain / cores


def unavailable(backend: Backend) -> str:
    """Say why a backend cannot be measured here; an empty string if it can."""
    reason = unavailable_reason(backend)
    if not reason and all(function(k, backend, "double") is None for k in all_kernels().values()):
        reason = f"no kernel is implemented in backend '{backend}'"
    return reason


def row(entry: dict[str, Any]) -> list[str]:
    """Return an entry as cells of the table."""
    name = f"{entry['backend']} {entry['ranks']} x {entry['threads']}"
    if not entry["ok"]:
        return [name, *["-"] * (len(HEAD) - 2), f"not ok: {entry['reason']}"]
    shares = [
        entry.get(name)
        for name in (
            "efficiency", "efficiency_of_machine", "efficiency_of_2_to_4_and_6", "serial_share",
        )
    ]  # fmt: skip
    stages = [f"{stage.split()[0]}: {sec:.2f}" for stage, sec in entry["stage_sec"].items()]
    return [
        name,
        f"{entry['speedup']:.2f}",
        *("-" if value is None else f"{value:.2f}" for value in shares),
        f"{entry['wall_sec']['mean']:.2f}",
        f"{entry['wall_sec']['std']:.2f}",
        f"{entry['cpu_sec']:.1f}",
        " ".join(map(str, entry["peak_rss_mib"])),
        f"{entry['bytes_out'] / 1e6:.0f}",
        ", ".join(stages),
    ]


def benchmark(
    window: Window, configurations: Iterable[Configuration], repeat: int, warmup: int
) -> dict[str, Any]:
    """Measure all configurations of a window; return the document."""
    skipped: dict[str, str] = {}
    runs: dict[Configuration, list[dict[str, Any]]] = {}
    for configuration in configurations:
        if reason := unavailable(configuration.backend):  # type: ignore[arg-type]
            skipped[configuration.backend] = reason
        else:
            runs[configuration] = []
    native = {each.ranks * each.threads for each in runs if each.backend == "native"}
    beside: dict[int, list[float]] = {cores: [] for cores in sorted(native - {1})}
    with tempfile.TemporaryDirectory(prefix="pystamps-bench-") as scratch:
        for turn in range(warmup + repeat):
            for configuration, made in runs.items():
                once = configuration.backend == "python"
                if not made or (made[-1]["ok"] and not once):
                    made.append(run_fresh(configuration, window, Path(scratch)))
                    print(".", end="", flush=True, file=sys.stderr)
            if turn >= warmup:
                for cores, walls in beside.items():
                    walls += side_by_side(window, Path(scratch), cores)
    entries = [
        gathered(each, made, 0 if each.backend == "python" else warmup)
        for each, made in runs.items()
    ]
    together = {cores: float(np.mean(walls)) for cores, walls in beside.items() if walls}
    print(file=sys.stderr)
    compare(entries, together)
    return {
        "schema": "pystamps-hpc/bench-backends/1",
        "machine": machine.describe(),
        "dataset": str(window.dataset),
        "window": [window.first, window.last],
        "arithmetic": window.arithmetic,
        "baseline": next((_name(entry) for entry in entries if entry["ok"]), None),
        "configurations": entries,
        "skipped": skipped,
    }


def _name(entry: dict[str, Any]) -> str:
    return str(Configuration(entry["backend"], entry["ranks"], entry["threads"]))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=Path, help="a dataset; simulated by default")
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--ifgs", type=int, default=60)
    parser.add_argument("--patches", default="2x2", help="of the simulated dataset")
    parser.add_argument("--backends", nargs="+", default=["python", "native", "cuda"])
    parser.add_argument("--ranks", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--all", action="store_true", help="more ranks x threads than cores, too")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--start-step", type=int, default=1)
    parser.add_argument("--end-step", type=int, default=8)
    parser.add_argument("--arithmetic", choices=["single", "double"], default="double")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "backends.json")
    options = parser.parse_args(argv)

    cores = machine.describe()["visible_cores"]
    configurations = [
        Configuration(backend, ranks, threads)
        for backend in options.backends
        for ranks in options.ranks
        for threads in options.threads
        if options.all or ranks * threads <= cores
        if backend != "python" or threads == min(options.threads)
    ]
    with tempfile.TemporaryDirectory(prefix="pystamps-bench-data-") as folder:
        dataset, scene = options.dataset, {}
        if dataset is None:
            dataset = Path(folder) / "scene"
            azimuth, across = map(int, options.patches.split("x"))
            report = simulate(
                dataset,
                Options(
                    candidates=options.candidates,
                    images=options.ifgs + 1,
                    patches=(azimuth, across),
                ),
            )
            scene = {"n_candidates": report.candidates, "n_ifg": report.interferograms,
                     "patches": report.patches}  # fmt: skip
        window = Window(dataset, options.start_step, options.end_step, options.arithmetic)
        document = benchmark(window, configurations, options.repeat, options.warmup)
    document["scene"] = scene
    print(f"ranks x threads, {options.arithmetic}, against {document['baseline']}; scene: {scene}")
    print(machine.table(HEAD, [row(entry) for entry in document["configurations"]]))
    for backend, reason in document["skipped"].items():
        print(f"skipped {backend}: {reason}")
    machine.write(options.output, document)
    return 0 if all(entry["ok"] for entry in document["configurations"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
