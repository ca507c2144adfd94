"""Whether ``runtime.memory_gb`` is kept: chain 1-8 on one rank at several budgets.

    python -m benchmarks.memory [--candidates 300000] [--images 30] [--budgets 0.5 1 2 4]
        [--patches 1x1 2x2] [--page docs/memory.md]

Each budget gets a fresh copy of a simulated scene in one patch and in four. Printed are the least
memory that the plan expects, the peak that the rank reports, and processor time; a budget that
cannot be kept has to be refused before work. A small run before tells the fixed part: interpreter,
libraries and compiled code. The program ends with 1 if a peak is above 1.25 times its budget.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.backends import processor_seconds
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.simulate import Options, simulate

TOLERANCE = 1.25
HEAD = ["patches", "budget [MiB]", "least expected [MiB]", "peak [MiB]", "of budget", "cpu [s]"]


def run(scene: Path, budget_gb: float) -> dict[str, Any]:
    """Run the chain on a copy of a scene and return the figures."""
    with tempfile.TemporaryDirectory(prefix="pystamps-memory-") as scratch:
        tree, config = Path(scratch, "tree"), Path(scratch, "config.json")
        shutil.copytree(scene, tree)
        config.write_text(json.dumps({"runtime": {"memory_gb": budget_gb}}))
        before = processor_seconds()
        ended = child_run.run(
            ["--config", config, "run", "-q", "--dataset", tree, "--cpu-workers", 1]
        )
        found = {
            "budget_mib": round(budget_gb * 1e9 / 2**20),
            "code": ended.code,
            "cpu_sec": round(processor_seconds() - before, 1),
        }
        document = ended.report
        if document is None:
            return {**found, "refused": ended.err.strip()}
        tasks = document["memory"]["tasks"]
        return {
            **found,
            "least_mib": max(task["least_mib"] for task in tasks),
            "peak_mib": max(rank["peak_rss_mib"] for rank in document["mpi"]["ranks"]),
        }


def broken(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Say which budgets were exceeded, and which runs neither ended well nor were refused."""
    found = []
    for one in runs:
        name = f"{one['patches']} patches, {one['budget_mib']} MiB"
        if one.get("peak_mib", 0) > TOLERANCE * one["budget_mib"]:
            found.append(f"{name}: the peak is {one['peak_mib']} MiB")
        if one["code"] not in (0, 3):
            found.append(f"{name}: ended with {one['code']}: {one.get('refused', '')}")
    return found


def row(one: dict[str, Any]) -> list[str]:
    """Return a run as cells of the table."""
    head = [one["patches"], str(one["budget_mib"])]
    if one["code"]:
        ended = "refused" if one["code"] == 3 else f"ended with {one['code']}"
        return [*head, "-", ended, "-", f"{one['cpu_sec']:.0f}"]
    share = f"{one['peak_mib'] / one['budget_mib']:.2f}"
    return [*head, str(one["least_mib"]), str(one["peak_mib"]), share, f"{one['cpu_sec']:.0f}"]


def markdown(runs: Sequence[dict[str, Any]]) -> str:
    """Return the runs as a table of a page."""
    lines = [HEAD, ["---"] * len(HEAD), *map(row, runs)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(document: dict[str, Any]) -> str:
    """Return the page of the documentation that shows the figures."""
    return f"""# Memory of a rank

`runtime.memory_gb` is the memory that one rank may fill, in GB (10^9 bytes). Left at 0 it is 0.8 of
what is left to a rank: by the control group or SLURM's grant, shared by the ranks of a node, by the
address-space limit of a process, or by the free memory of the machine.

A rank takes

- a fixed part: interpreter, libraries and compiled kernels, here {document["fixed_mib"]} MiB with a
  dataset of 2,000 candidates. About half of it are libraries that the ranks of a node share. A run
  that has to compile kernels takes some 200 MiB more, once; `pystamps-hpc warmup` does it before;
- what a stage keeps: vectors of all points, some arrays of points x interferograms, and in stages 2
  and 3 the filter grid. Smaller patches are the lever, in stages 6 to 8 more ranks;
- pieces: stretches of rows, and interferograms in turn, cut to what is left of the budget. They
  never change a bit of the results.

Before work the program says what each stage takes at least, from the candidates, interferograms and
extent of each patch (`memory` in the report, `memory.txt` in the folder of the run). A patch stage
that does not fit is refused with exit code 3, and so are merged stages once the number of points is
known; the message names the size of a patch that fits. Where only the free memory of the machine
bounds a run, nothing is refused. A job script says the same numbers when its run was killed for its
memory. SNAPHU, a program of its own beside the rank, is not counted.

{document["candidates"]:,} candidates x {document["images"]} images on one rank with one thread
(`make bench-memory`); a kept budget has a peak of at most {TOLERANCE:g} times itself:

{markdown(document["runs"])}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=300_000)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--budgets", nargs="+", type=float, default=[0.5, 1, 2, 4])
    parser.add_argument("--patches", nargs="+", default=["1x1", "2x2"])
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "memory.json")
    parser.add_argument("--page", type=Path, help="also write the page of the documentation")
    options = parser.parse_args(argv)

    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="pystamps-memory-") as folder:
        simulate(Path(folder, "small"), Options(candidates=2000, images=6, patches=(1, 1)))
        run(Path(folder, "small"), 0)  # compiles
        fixed = run(Path(folder, "small"), 0)["peak_mib"]
        for patches in options.patches:
            scene = Path(folder, patches)
            cut = tuple(map(int, patches.split("x")))
            size = {"candidates": options.candidates, "images": options.images}
            simulate(scene, Options(patches=cut, **size))
            for budget in options.budgets:
                runs.append({"patches": patches, **run(scene, budget)})
                document = {
                    "schema": "pystamps-hpc/bench-memory/1",
                    "machine": machine.describe(),
                    "candidates": options.candidates,
                    "images": options.images,
                    "fixed_mib": fixed,
                    "runs": runs,
                }
                machine.write(options.output, document)
    print(f"{options.candidates} candidates x {options.images} images on one rank; a small dataset "
          f"takes {fixed} MiB")  # fmt: skip
    print(machine.table(HEAD, [row(one) for one in runs]))
    if options.page:
        options.page.write_text(page(document))
    wrong = broken(runs)
    print("\n".join(wrong) or "every budget is kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
