"""Growth of cost and memory with the number of candidates, chain 1-8 on two ranks.

    python -m benchmarks.growth [--candidates 50000 200000 1000000] [--ifgs 60] [--ranks 2]

Each size is a simulated scene of its own (density the same, so the area grows), cut into patches of
about 50 000 candidates. Seconds of a stage are those of its tasks added up, one thread each. The
exponent is the slope of seconds over candidates in logarithms. Promised are at most 8 GiB for each
rank, and 1.1 for every stage but 4, whose triangulation grows a little faster. The program ends
with 1 if a promise is broken.
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import backends, machine
from benchmarks.stage_bytes import stage_bytes
from pystamps_hpc.tools.simulate import Options, simulate

PATCH = 50_000
LARGEST_MIB = 8192
STEEPEST = 1.1
TRIANGULATION = "4 patch"
HEAD = [
    "candidates",
    "wall [s]",
    "processor [s]",
    "RSS per rank [MiB]",
    "written [MB]",
    "stage seconds",
]


def patches(candidates: int) -> tuple[int, int]:
    """Return patches in azimuth and range, four or more, of about 50 000 candidates."""
    side = max(2, round(math.sqrt(candidates / PATCH)))
    return side, side


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the slope of `seconds` over `sizes`, both in logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def exponents(runs: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the exponent of each stage over some runs that are ok."""
    sizes = [run["n_candidates"] for run in runs]
    return {
        stage: exponent(sizes, [max(run["stage_sec"][stage], 1e-3) for run in runs])
        for stage in runs[0]["stage_sec"]
    }


def broken(runs: Sequence[dict[str, Any]], powers: dict[str, float]) -> list[str]:
    """Say which promises the figures break."""
    found = [
        f"{run['n_candidates']} candidates: a rank held {max(run['peak_rss_mib'])} MiB"
        for run in runs
        if run["ok"] and max(run["peak_rss_mib"]) > LARGEST_MIB
    ]
    return found + [
        f"stage {stage}: seconds grow to the power {power:.2f}, at most {STEEPEST}"
        for stage, power in powers.items()
        if power > STEEPEST and stage != TRIANGULATION
    ]


def measure(candidates: int, ifgs: int, ranks: int, scratch: Path) -> dict[str, Any]:
    """Simulate a scene, run the chain on it, return the figures."""
    scene = scratch / "scene"
    report = simulate(
        scene, Options(candidates=candidates, images=ifgs + 1, patches=patches(candidates))
    )
    window = backends.Window(scene, 1, 8, "double")
    tree = backends.fresh_copy(window, scratch / "tree")
    run = backends.run_once(backends.Configuration("native", ranks, 1), window, tree, scratch)
    run["n_candidates"], run["n_ifg"] = report.candidates, report.interferograms
    if run["ok"]:
        run["stage_sec"] = run.pop("stages")
        run["stage_bytes"] = stage_bytes(tree)
        run["patches"] = len(report.patches)
    return run


def main(argv: Sequence[str] | None = None) -> int:
    """Measure all sizes, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", nargs="+", type=int, default=[50_000, 200_000, 1_000_000])
    parser.add_argument("--ifgs", type=int, default=60)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "growth.json")
    options = parser.parse_args(argv)

    runs: list[dict[str, Any]] = []
    for candidates in options.candidates:
        with tempfile.TemporaryDirectory(prefix="pystamps-growth-") as scratch:
            runs.append(measure(candidates, options.ifgs, options.ranks, Path(scratch)))
        usable = [run for run in runs if run["ok"]]
        document = {
            "schema": "pystamps-hpc/bench-growth/1",
            "machine": machine.describe(),
            "ranks": options.ranks,
            "runs": runs,
            "exponents": exponents(usable) if len(usable) > 1 else {},
        }
        machine.write(options.output, document)
    print(machine.table(HEAD, [row(run) for run in runs]))
    for stage, value in document["exponents"].items():
        print(f"stage {stage}: seconds grow with candidates to the power {value:.2f}")
    wrong = broken(runs, document["exponents"])
    print("\n".join(wrong) or "memory and growth as promised")
    return 1 if wrong or not all(run["ok"] for run in runs) else 0


def row(run: dict[str, Any]) -> list[str]:
    """Return a run as cells of the table."""
    if not run["ok"]:
        return [str(run["n_candidates"]), *["-"] * (len(HEAD) - 2), f"not ok: {run['reason']}"]
    stages = [f"{stage.split()[0]}: {sec:.1f}" for stage, sec in run["stage_sec"].items()]
    return [
        str(run["n_candidates"]),
        f"{run['wall_sec']:.1f}",
        f"{run.get('cpu_sec', 0):.1f}",
        " ".join(map(str, run["peak_rss_mib"])),
        f"{run['bytes_out'] / 1e6:.0f}",
        ", ".join(stages),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
