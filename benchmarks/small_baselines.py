"""What small baselines cost beside a single master: chain 1-8 of one scene, stage by stage.

    python -m benchmarks.small_baselines [--candidates 50000] [--images 12] [--max-days 300]
        [--repeat 3] [--page docs/small-baselines.md]

The pairs of the images are counted, and the single-master stack has as many interferograms. Both
run on one rank and one thread with the defaults but for ``merge_resample_size``, 0 in both,
so that points are pixels. Cost is the least of the seconds of a stage over the repeats, divided by
the points that come into it and the interferograms; of the whole program, of its processor seconds.
The program ends with 1 if that of small baselines costs more than 1.3 times as much.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.backends import processor_seconds
from pystamps_hpc.dataset import parameters
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.simulate import Options, simulate

MOST = 1.3
WHOLE = "whole program"
POINTS = {
    "1 patch": "candidates", "2 patch": "candidates", "3 patch": "candidates",
    "4 patch": "selected", "5 patch": "weeded", "5 merged": "weeded", "6 merged": "merged",
    "7 merged": "merged", "8 merged": "merged", WHOLE: "candidates",
}  # fmt: skip
"""Stage -> the points that come into it, as the report names them."""

HEAD = ["stage", "single master [ns]", "small baselines [ns]", "ratio"]


def scenes(options: Options, folder: Path) -> dict[str, tuple[Path, int]]:
    """Simulate a scene as pairs and with a single master; return where, and interferograms."""
    pairs = simulate(folder / "sb", options)
    single = replace(
        options, small_baseline=False, max_days=Options.max_days, images=pairs.interferograms + 1
    )
    stack = simulate(folder / "ps", single)
    for report in (pairs, stack):
        parameters.save(parameters.load(report.root).set_value("merge_resample_size", 0.0))
    return {"ps": (stack.root, stack.interferograms), "sb": (pairs.root, pairs.interferograms)}


def cost(scene: Path, n_ifg: int, scratch: Path) -> dict[str, float]:
    """Run the chain on a copy and return the cost of its stages [ns per point and ifg]."""
    tree = scratch / "tree"
    shutil.copytree(scene, tree)
    used = processor_seconds()
    ended = child_run.run(
        ["--quiet", "run", "--dataset", tree, "--cpu-workers", 1],
        environ=machine.child_environment(os.environ),
    )
    shutil.rmtree(tree)
    if ended.problem:
        raise RuntimeError(ended.problem)
    counts = ended.report["findings"]["points"]
    seconds = {f"{s['stage']} {s['scope']}": s["sum_sec"] for s in ended.report["stages"]}
    seconds[WHOLE] = processor_seconds() - used
    return {stage: 1e9 * spent / (counts[POINTS[stage]] * n_ifg)
            for stage, spent in seconds.items()}  # fmt: skip


def measure(options: Options, repeat: int) -> dict[str, Any]:
    """Return the cost of the stages in both modes, and the size of the scene."""
    with tempfile.TemporaryDirectory(prefix="pystamps-pairs-") as folder:
        made = scenes(options, Path(folder))
        costs: dict[str, dict[str, float]] = {}
        for mode, (scene, n_ifg) in made.items():
            runs = [cost(scene, n_ifg, Path(folder)) for _ in range(repeat + 1)][1:]  # compiles
            costs[mode] = {stage: min(run[stage] for run in runs) for stage in runs[0]}
    return {
        "schema": "pystamps-hpc/bench-small-baselines/1",
        "machine": machine.describe(),
        "candidates": options.candidates,
        "images": options.images,
        "interferograms": made["sb"][1],
        "costs": costs,
    }


def rows(document: dict[str, Any]) -> list[list[str]]:
    """Return the stages as cells of the table."""
    single, pairs = document["costs"]["ps"], document["costs"]["sb"]
    return [
        [
            stage,
            f"{single[stage]:.0f}",
            f"{pairs[stage]:.0f}",
            f"{pairs[stage] / single[stage]:.2f}",
        ]
        for stage in POINTS
    ]


def page(document: dict[str, Any]) -> str:
    """Return the page of the documentation that shows the figures."""
    lines = [HEAD, ["---"] * len(HEAD), *rows(document)]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"""# What small baselines cost

A stack of small baselines has several interferograms for each image. For a point and an
interferogram it costs about what a single master does; at most {MOST:g} times as much is promised
of the whole program.

{document["candidates"]:,} candidates, {document["interferograms"]} interferograms in both: pairs of
{document["images"]} images, or images with one master. One rank, one thread, no resampling
(`make bench-pairs`). Nanoseconds for each point that comes into a stage and each interferogram, by
the clock (other work on the machine makes them longer); of the whole program its processor time for
each candidate.

{shown}

Small baselines fit both the pairs and the images in stage 7, smooth between, and invert the network
in stage 6; stage 8 filters the images, which are fewer. Stage 4 does not look at the noise of arcs
by default.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--max-days", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "small_baselines.json")
    parser.add_argument("--page", type=Path, help="also write the page of the documentation")
    chosen = parser.parse_args(argv)
    options = Options(
        candidates=chosen.candidates, images=chosen.images, max_days=chosen.max_days,
        small_baseline=True, patches=(2, 1),
    )  # fmt: skip
    document = measure(options, chosen.repeat)
    machine.write(chosen.output, document)
    print(f"{chosen.candidates} candidates, {document['interferograms']} interferograms; ns per "
          "point and interferogram")  # fmt: skip
    print(machine.table(HEAD, rows(document)))
    if chosen.page:
        chosen.page.write_text(page(document))
    ratio = document["costs"]["sb"][WHOLE] / document["costs"]["ps"][WHOLE]
    print(f"the chain costs {ratio:.2f} times as much, {MOST:g} is promised")
    return int(ratio > MOST)


if __name__ == "__main__":
    raise SystemExit(main())
