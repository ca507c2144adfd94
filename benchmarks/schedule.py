"""The driver's schedule on many ranks, simulated from measured rates: a part of docs/scaling.md.

    python -m benchmarks.schedule [--seed 1] [--no-real] [--page docs/scaling.md]

Rates come from build/bench/growth.json (``make bench-large``). A thousand patches go over 64 to
1,024 ranks by the code that the task queue decides with (:mod:`benchmarks.replay`): even and very
different patches, slow ranks, a slow file system, a rank that dies. Then 24 patches go over 1 to 4
real ranks, which sleep for the modelled times, and over as many simulated ones. The program ends
with 1 if these differ by more than a tenth.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import machine, real_schedule
from benchmarks.rates import (
    Rates,
    memory,
    merged_work,
    patch_steps,
    rates_of,
    sizes,
    uneven_work,
)
from benchmarks.replay import (
    Cluster,
    MergedTime,
    Replay,
    Step,
    bound,
    replay_death,
    replay_merged,
    replay_patches,
)
from benchmarks.scaling import Stack
from benchmarks.schedule_page import WAITING, section
from tests.faults.campaign import renew

STACK = Stack(1e8, 300, 1000)
RANKS = (64, 256, 1024)
PATCHES = (250, 1000, 4000)
SPREAD = 0.2
"""Deviation, in logarithms, of the work in a patch from what its size says."""
SLOW_DISK = {"disk": 4e9, "stream": 0.5e9, "operations": 1e3, "latency": 5e-3}
RESTART_SEC = 120.0
REAL = 24, 6.0
"""Patches that real ranks sleep through, and seconds of all of them."""
LARGEST_DIFFERENCE = 0.10
USUAL = "different"
"""Patches of a scene that is cut evenly, of which some lie in towns."""
SCENARIOS = {
    "even": ("even", {}),
    "different": ("different", {}),
    "very different": ("very different", {}),
    "one of 20 x": ("one of 20 x", {}),
    "different, 1 % of the ranks 5 x slower": (USUAL, {"slow_share": 0.01}),
    "different, slow file system": (USUAL, SLOW_DISK),
}
"""Kind of patches, and what is special about the cluster."""
DEATH = "different, a rank dies at half time"


@dataclass(frozen=True)
class Plan:
    """Chains of steps, and what the driver takes for the work in each."""

    tasks: list[list[Step]]
    cost: list[float]


def planned(rates: Rates, stack: Stack, kind: str, seed: int) -> Plan:
    """Return the patches of a stack; the driver knows their sizes, not their work."""
    candidates = sizes(int(stack.patches), stack.candidates, kind, seed)
    steps = patch_steps(rates, candidates, int(stack.ifgs))
    cost = [size * stack.ifgs * 8 for size in candidates]
    return Plan(uneven_work(steps, SPREAD, seed), cost)


def judged(plan: Plan, cluster: Cluster, seconds: float) -> dict[str, float]:
    """Return how long a schedule took beside what no order could be faster than."""
    work = sum(step.seconds for task in plan.tasks for step in task)
    least = bound(plan.tasks, cluster)
    return {
        "seconds": seconds,
        "bound": least,
        "efficiency": work / (seconds * cluster.ranks),
    }


def scenarios(rates: Rates, seed: int) -> list[dict[str, Any]]:
    """Run all scenarios on all numbers of ranks."""
    rows = []
    for name, (kind, special) in SCENARIOS.items():
        plan = planned(rates, STACK, kind, seed)
        for ranks in RANKS:
            cluster = Cluster(ranks, seed=seed, **special)
            replay = replay_patches(plan.tasks, plan.cost, cluster)
            rows.append({"what": name, "ranks": ranks, **judged(plan, cluster, replay.seconds)})
    plan = planned(rates, STACK, USUAL, seed)
    for ranks in RANKS:
        cluster = Cluster(ranks, seed=seed)
        half = replay_patches(plan.tasks, plan.cost, cluster).seconds / 2
        seconds, _ = replay_death(plan.tasks, plan.cost, cluster, half, RESTART_SEC)
        rows.append({"what": DEATH, "ranks": ranks, **judged(plan, cluster, seconds)})
    return rows


def stage_efficiency(replay: Replay) -> dict[str, float]:
    """Return the share of the time in each stage that is work, not waiting for the file system."""
    return {stage: parts["work"] / sum(parts.values()) for stage, parts in replay.spent.items()}


@dataclass(frozen=True)
class Run:
    """A whole run: patches, then the merged stages one after the other."""

    patches: Replay
    idle: float
    merged: dict[str, MergedTime]

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.patches.seconds + sum(time.seconds for time in self.merged.values())


def whole_run(rates: Rates, stack: Stack, cluster: Cluster, merged: Cluster, seed: int) -> Run:
    """Run stages 1 to 8; the merged stages may have ranks of their own."""
    plan = planned(rates, stack, USUAL, seed)
    patches = replay_patches(plan.tasks, plan.cost, cluster)
    times = {
        work.stage: replay_merged(work, int(stack.ps), int(stack.ifgs), merged)
        for work in merged_work(rates, stack)
    }
    return Run(patches, float((patches.seconds - patches.ended).mean()), times)


def stages(rates: Rates, seed: int) -> list[dict[str, Any]]:
    """Return how long each stage of the stack takes on all numbers of ranks, and why."""
    rows: list[dict[str, Any]] = []
    for ranks in RANKS:
        cluster = Cluster(ranks, seed=seed)
        run = whole_run(rates, STACK, cluster, cluster, seed)
        shares = stage_efficiency(run.patches)
        for stage, parts in run.patches.spent.items():
            rows.append(
                {
                    "ranks": ranks,
                    "stage": stage,
                    "seconds": sum(parts.values()) / ranks,
                    "efficiency": shares[stage],
                    "files": parts["files"] / ranks,
                    "bytes": parts["bytes"] / ranks,
                    "alone": 0.0,
                }
            )
        rows.append(
            {"ranks": ranks, "stage": WAITING, "seconds": run.idle,
             "efficiency": 0.0, "files": 0.0, "bytes": 0.0, "alone": 0.0,
             "questions": run.patches.questions}
        )  # fmt: skip
        for work in merged_work(rates, STACK):
            time = run.merged[work.stage]
            rows.append(
                {
                    "ranks": ranks,
                    "stage": work.stage,
                    "seconds": time.seconds,
                    "efficiency": (work.rows + work.columns) / (ranks * time.seconds),
                    "files": time.opening,
                    "bytes": time.moving,
                    "alone": time.alone,
                }
            )
    return rows


def choices(rates: Rates, seed: int) -> list[dict[str, Any]]:
    """Return the times of numbers of patches and ranks; merged stages by core and by node."""
    rows = []
    for patches in PATCHES:
        stack = replace(STACK, patches=patches)
        largest = max(sizes(patches, stack.candidates, USUAL, seed))
        for ranks in RANKS:
            cluster = Cluster(ranks, seed=seed)
            by_node = replace(cluster, ranks=cluster.nodes, per_node=1, threads=cluster.per_node)
            whole = whole_run(rates, stack, cluster, cluster, seed)
            other = whole_run(rates, stack, cluster, by_node, seed)
            of_cores = memory(stack, largest, ranks, cluster.per_node)
            of_nodes = memory(stack, largest, cluster.nodes, 1)
            merged = [stage for stage in of_cores if stage.endswith("merged")]
            rows.append(
                {
                    "patches": patches,
                    "ranks": ranks,
                    "patch_sec": whole.patches.seconds,
                    "merged_sec": whole.seconds - whole.patches.seconds,
                    "by_node_sec": other.seconds - other.patches.seconds,
                    "patch_gb": max(of_cores[s] for s in of_cores if s not in merged) / 1e9,
                    "merged_gb": max(of_cores[s] for s in merged) / 1e9,
                    "by_node_gb": max(of_nodes[s] for s in merged) / 1e9,
                }
            )
    return rows


def against_real(seed: int, counts: Sequence[int] = (1, 2, 3, 4)) -> list[dict[str, Any]]:
    """Run patches that sleep on real ranks, and the same on simulated ones."""
    n, seconds = REAL
    rows = []
    for kind in ("very different", "one of 20 x"):
        tasks = sleeping(kind, n, seconds, seed)
        for ranks in counts:
            real = real_schedule.run(tasks, ranks)["seconds"]
            model = simulated(tasks, ranks).seconds
            rows.append({"what": kind, "ranks": ranks, "simulated": model, "real": real})
    return rows


def sleeping(kind: str, n: int, seconds: float, seed: int) -> list[tuple[float, float]]:
    """Return the seconds of patches of a kind, and what the driver takes for their work."""
    cost = sizes(n, seconds, kind, seed)
    work = uneven_work([[Step("all", each)] for each in cost], SPREAD, seed)
    return [(task[0].seconds, price) for task, price in zip(work, cost, strict=True)]


def simulated(tasks: Sequence[tuple[float, float]], ranks: int) -> Replay:
    """Run patches that only take time on simulated ranks."""
    steps = [[Step("all", seconds)] for seconds, _ in tasks]
    return replay_patches(steps, [cost for _, cost in tasks], Cluster(ranks, ranks))


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, compare with real ranks, write the document and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--growth", type=Path, default=machine.RESULTS / "growth.json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-real", action="store_true", help="start no ranks")
    parser.add_argument("--page", type=Path, help="the page whose section is renewed")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "schedule.json")
    options = parser.parse_args(argv)
    if not options.growth.exists():
        parser.error(f"{options.growth} is missing: run make bench-large first")
    growth = json.loads(options.growth.read_text())
    run = max((run for run in growth["runs"] if run["ok"]), key=lambda run: run["n_candidates"])
    if "stage_bytes" not in run:
        parser.error(f"{options.growth} has no bytes of the stages: run make bench-large again")
    rates = rates_of(run, growth["ranks"])
    document = {
        "schema": "pystamps-hpc/bench-schedule/1",
        "machine": machine.describe(),
        "seed": options.seed,
        "measured": {"n_candidates": run["n_candidates"], "n_ifg": run["n_ifg"]},
        "stack": asdict(STACK),
        "cluster": asdict(Cluster(RANKS[-1])),
        "slow": SLOW_DISK,
        "scenarios": scenarios(rates, options.seed),
        "stages": stages(rates, options.seed),
        "choices": choices(rates, options.seed),
        "real": [] if options.no_real else against_real(options.seed),
    }
    machine.write(options.output, document)
    text = section(document)
    print(text)
    if options.page is not None:
        renew("schedule", text, options.page)
    worst = max((abs(row["real"] / row["simulated"] - 1) for row in document["real"]), default=0)
    return int(worst > LARGEST_DIFFERENCE)


if __name__ == "__main__":
    raise SystemExit(main())
