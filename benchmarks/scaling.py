"""Write docs/scaling.md: what was measured, and what the cost model makes of it on large machines.

    python -m benchmarks.scaling [--output docs/scaling.md]

Rates come from build/bench (``make bench``, ``make bench-large``): seconds of each stage on one
thread, divided by the units of work that the stage's cost grows with. The model multiplies them
with the units of a larger stack and divides by the cores that the stage can use; reading and
writing, and what rank 0 does alone, are added as bytes over a rate.
"""

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine

DISK = 2e9  # bytes/s that rank 0 reads or writes, a parallel file system
KEPT = 0.4  # PS of a candidate after weeding and merge
HEAD = ["stage", "work", "seconds per 10^9 units", "bytes", "messages"]


@dataclass(frozen=True)
class Stack:
    """Size of a stack: candidates, interferograms, patches."""

    candidates: float
    ifgs: float
    patches: float

    @property
    def ps(self) -> float:
        """PS after the merge."""
        return KEPT * self.candidates


@dataclass(frozen=True)
class Cost:
    """How a stage grows.

    Parameters
    ----------
    work : str
        What its seconds are proportional to, in words.
    units : callable
        The same of a stack.
    root_bytes : callable
        Bytes that pass rank 0 of the merged stages, or that all ranks write.
    messages : str
        Messages between ranks.
    """

    work: str
    units: Callable[[Stack], float]
    root_bytes: Callable[[Stack], float]
    messages: str


COSTS = {
    "1 patch": Cost("candidates x ifgs", lambda s: s.candidates * s.ifgs,
                    lambda s: 12 * s.candidates * s.ifgs, "one per patch"),
    "2 patch": Cost("candidates x ifgs", lambda s: s.candidates * s.ifgs,
                    lambda s: 28 * s.candidates * s.ifgs, "one per patch"),
    "3 patch": Cost("occupied cells x ifgs", lambda s: s.candidates * s.ifgs,
                    lambda s: 12 * s.ps * s.ifgs, "one per patch"),
    "4 patch": Cost("arcs x ifgs^2", lambda s: s.ps * s.ifgs**2, lambda s: 0.0, "one per patch"),
    "5 patch": Cost("PS x ifgs", lambda s: s.ps * s.ifgs, lambda s: 40 * s.ps * s.ifgs,
                    "one per patch"),
    "5 merged": Cost("PS x ifgs", lambda s: s.ps * s.ifgs, lambda s: 80 * s.ps * s.ifgs,
                     "order of the rows, to all"),
    "6 merged": Cost("PS x ifgs, arcs x ifgs", lambda s: s.ps * s.ifgs,
                     lambda s: 12 * s.ps * s.ifgs, "grid phase once per node, one per ifg"),
    "7 merged": Cost("PS x ifgs", lambda s: s.ps * s.ifgs, lambda s: 12 * s.ps * s.ifgs,
                     "slopes of all PS once per node"),
    "8 merged": Cost("PS x neighbours x ifgs", lambda s: s.ps * s.ifgs,
                     lambda s: 12 * s.ps * s.ifgs, "high-passed phase once per node"),
}  # fmt: skip
STACKS = (Stack(1e6, 60, 20), Stack(1e7, 100, 200), Stack(1.25e8, 200, 2500))
MACHINES = ((1, 64), (8, 64), (64, 64))


def cores_used(stage: str, stack: Stack, nodes: int, cores: int) -> float:
    """Return the cores that a stage can keep busy."""
    everywhere = nodes * cores
    if stage.endswith("patch"):
        # the largest patch is the last to end: whole rounds of patches over the ranks
        ranks = min(everywhere, stack.patches)
        rounds = -(-stack.patches // ranks)
        return stack.patches / rounds * max(everywhere // stack.patches, 1)
    if stage == "6 merged":
        return min(everywhere, stack.ifgs)  # an interferogram is unwrapped by one core
    return everywhere


def modelled(stage: str, rate: float, stack: Stack, nodes: int, cores: int) -> tuple[float, float]:
    """Return seconds of arithmetic and of bytes through rank 0 of a stage."""
    cost = COSTS[stage]
    arithmetic = rate * cost.units(stack) / cores_used(stage, stack, nodes, cores)
    through = cost.root_bytes(stack) / (DISK * (nodes if stage.endswith("patch") else 1))
    return arithmetic, through


def measured_rates(runs: Sequence[dict[str, Any]], ranks: int) -> dict[str, float]:
    """Return seconds of one core per unit of each stage, of the largest run.

    All ranks work on a merged stage for as long as its row says.
    """
    run = max(runs, key=lambda each: each["n_candidates"])
    stack = Stack(run["n_candidates"], run["n_ifg"], 4)
    return {
        stage: sec * (ranks if stage.endswith("merged") else 1) / COSTS[stage].units(stack)
        for stage, sec in run["stage_sec"].items()
    }


def markdown(head: list[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def against_numpy(targets: dict[str, Any]) -> str:
    """Return the table of the promised speeds, and why a promise is missed."""
    rows, missed = [], []
    peaks = targets["peaks"]
    for each in targets["comparisons"]:
        ratio, share = each["ratio"], each["roofline_share"]
        rows.append(
            [each["name"], f"{ratio:.0f}", f"{each['target']:.0f}",
             f"{100 * share:.0f} % ({each['bound']})", f"{ratio / share:.0f}"]
        )  # fmt: skip
        if not each["met"]:
            missed.append(
                f"- {each['name']}: {ratio:.1f} of {each['target']:.0f}, at {100 * share:.0f} % of "
                f"what {targets['threads']} threads of {peaks['flops'] / 1e9:.0f} GF/s (fused "
                f"multiply-adds) and {peaks['sincos'] / 1e6:.0f} M roots or angles per second can "
                "do. The kernel may not fuse products, so a part of that is out of reach."
            )
    head = ["what", "times NumPy", "promised", "of the roofline", "at the roofline"]
    why = ["", "Missed:", "", *missed] if missed else []
    return "\n".join([markdown(head, rows), *why])


def ranks_and_threads(chains: dict[str, Any]) -> str:
    """Return the table of the chain on several ranks and threads."""
    names = (
        "efficiency", "efficiency_of_machine", "efficiency_of_2_to_4_and_6", "serial_share",
    )  # fmt: skip
    rows = [
        [f"{c['ranks']} x {c['threads']}", f"{c['wall_sec']['mean']:.1f}",
         f"{c['speedup']:.2f}",
         *("-" if (value := c.get(name)) is None else f"{value:.2f}" for name in names),
         " ".join(map(str, c["peak_rss_mib"]))]
        for c in chains["configurations"] if c["ok"] and c["backend"] == "native"
    ]  # fmt: skip
    head = ["ranks x threads", "wall [s]", "times NumPy", "efficiency", "of the machine",
            "of 2-4 and 6", "serial share", "RSS per rank [MiB]"]  # fmt: skip
    return markdown(head, rows)


def able(chains: dict[str, Any]) -> str:
    """Say how many cores' work the cores do that share caches, memory and units."""
    known = {c["ranks"] * c["threads"]: c["cores_able"]
             for c in chains["configurations"] if "cores_able" in c}  # fmt: skip
    told = ", ".join(f"{n} cores do the work of {one:.2f}" for n, one in known.items())
    return f" ({told})" if told else ""


def sizes(runs: Sequence[dict[str, Any]]) -> str:
    """Return the table of the chain on scenes of several sizes."""
    rows = [
        [f"{run['n_candidates']:,}", f"{run['wall_sec']:.0f}",
         " ".join(map(str, run["peak_rss_mib"])), f"{run['bytes_out'] / 1e9:.2f}"]
        for run in runs
    ]  # fmt: skip
    return markdown(["candidates", "wall [s]", "RSS per rank [MiB]", "written [GB]"], rows)


def cost_model(rates: dict[str, float]) -> str:
    """Return the table of what a stage costs."""
    rows = [
        [stage, cost.work, f"{1e9 * rates.get(stage, 0.0):.0f}",
         f"{cost.root_bytes(STACKS[-1]) / 1e9:.0f} GB", cost.messages]
        for stage, cost in COSTS.items()
    ]  # fmt: skip
    return markdown(HEAD, rows)


def large_machines(rates: dict[str, float]) -> str:
    """Return the table of modelled times on large machines."""
    rows = []
    for stack in STACKS:
        for nodes, cores in MACHINES:
            times = {s: modelled(s, rate, stack, nodes, cores) for s, rate in rates.items()}
            total = sum(a + b for a, b in times.values())
            slowest = max(times, key=lambda s: sum(times[s]))
            rows.append(
                [f"{stack.ps / 1e6:g} M x {stack.ifgs:g}", f"{nodes} x {cores}",
                 f"{sum(a for a, _ in times.values()):.0f}",
                 f"{sum(b for _, b in times.values()):.0f}", f"{total:.0f}", slowest]
            )  # fmt: skip
    head = ["PS x ifgs", "nodes x cores", "arithmetic [s]", "bytes [s]", "sum [s]", "slowest"]
    return markdown(head, rows)


def kept(table: str, text: str) -> str:
    """Return a table of a page that other commands renew, with the marks around it."""
    found = re.search(rf"<!-- {table} -->\n.*?<!-- end -->", text, re.DOTALL)
    return found[0] if found else f"<!-- {table} -->\n<!-- end -->"


def page(
    growth: dict[str, Any], chains: dict[str, Any], targets: dict[str, Any], before: str = ""
) -> str:
    """Return the page; tables of other commands are those of the page before."""
    runs = [run for run in growth["runs"] if run["ok"]]
    rates = measured_rates(runs, growth["ranks"])
    where = growth["machine"]
    scene = chains["scene"]
    dataset = f"{scene['n_candidates']:,} x {scene['n_ifg']}" if scene else chains["dataset"]
    powers = [[stage, f"{power:.2f}"] for stage, power in growth["exponents"].items()]
    measured = f"""# Scaling

Written by `make scaling` from the results of `make bench` and `make bench-large`, three parts by
commands of their own; nothing here is typed by hand.

Measured on {where["cpu"]}, {where["visible_cores"]} cores, load {where["load"][0]} when it began
(other work on the machine makes times longer and efficiencies smaller, never better).

## Against NumPy

Native kernels on {targets["threads"]} threads against NumPy, vectorised and blocked to the cache,
on {targets["n_ps"]:,} points x {
        targets["n_ifg"]
    } interferograms; the last column is the ratio that a
kernel at the roofline would have.

{against_numpy(targets)}

{LITTLE}
{kept("kernels", before)}

## Ranks and threads

The chain 1-8 of one scene ({dataset}), ranks x threads, against the NumPy kernels on one of each;
efficiency against native on one rank and one thread, of the whole program (start and the stages
that mostly read and write included) and of stages 2-4 and 6, with the reading and writing that
they do. *Of the machine* is against what its cores can do at all together, which
programs of one rank and one thread side by side show{able(chains)}. The serial share of the
program is against that, too: what explains its speed-up if all else were spread evenly.

{ranks_and_threads(chains)}

## Growth

Candidates x {runs[0]["n_ifg"]} interferograms on {growth["ranks"]} ranks, one thread each.

{sizes(runs)}

Seconds of a stage grow with the candidates to this power:

{markdown(["stage", "power"], powers)}
"""
    written = f"{BYTES}\n{kept('bytes', before)}\n"
    return f"{measured}\n{written}\n{HELD}\n{model(rates)}\n{kept('schedule', before)}\n"


LITTLE = """## Kernels that do little per value

Nanoseconds per value of the largest array, on one thread and in processor time, of kernels whose
work NumPy does well, and their share of the processor time of a chain 1-8 (20,000 candidates x 60).
*Before* they called the C library for each angle, cosine and sine, took each edge twice, or stored
each sum for each row. By `python -m benchmarks.shares`, not by `make scaling`.
"""
"""What the table of kernels says."""

BYTES = """## Bytes of each artifact

Of a finished dataset (20,000 candidates x 60), in the patches and in the root. *Read by stages* are
the bytes of keys that a later stage reads, here as in StaMPS; the rest of a file StaMPS writes too,
for its plots, for the next step of its stage 6, or for a look at it. By
`python -m benchmarks.written`, not by `make scaling`.
"""
"""What the table of artifacts says."""


HELD = """## What a rank holds

- Stages 1-5 of a patch: the patch. Smaller patches are the lever.
- Merge: keys of all PS (45 bytes each) and one piece of rows.
- Stage 6: its rows of the wrapped phase, grid phase and arcs once per node.
- Stage 7: its rows; slope and offset of all PS once per node.
- Stage 8: its rows; the high-passed phase of all PS once per node (8 bytes per PS and image).
- `runtime.memory_gb` bounds all of it, see [Memory of a rank](memory.md).
"""
"""What a rank holds, in words."""


def model(rates: dict[str, float]) -> str:
    """Return the section on the cost model."""
    return f"""## Cost model

{cost_model(rates)}

Bytes are those read and written of {STACKS[-1].ps / 1e6:g} M PS x {
        STACKS[-1].ifgs:g} interferograms. A stage takes
its seconds divided by the cores that it can use, plus its bytes at {DISK / 1e9:g} GB/s (patches
write from all nodes at once). Assumed: {KEPT:g} PS to a candidate, cores
as fast as the one measured. Unwrapping grows faster than its raster and runs one
interferogram to a core; its share is taken as linear here, so that stage 6 is a lower bound.
What rank 0 does alone counts as bytes only; the schedule below has it and is longer:
plan with that.

{large_machines(rates)}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--growth", type=Path, default=machine.RESULTS / "growth.json")
    parser.add_argument("--chains", type=Path, default=machine.RESULTS / "backends.json")
    parser.add_argument("--targets", type=Path, default=machine.RESULTS / "targets.json")
    parser.add_argument("--output", type=Path, default=Path("docs/scaling.md"))
    options = parser.parse_args(argv)
    results = (options.growth, options.chains, options.targets)
    for path in results:
        if not path.exists():
            parser.error(f"{path} is missing: run make bench and make bench-large first")
    before = options.output.read_text() if options.output.exists() else ""
    options.output.write_text(page(*(json.loads(path.read_text()) for path in results), before))
    print(f"{options.output} written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
