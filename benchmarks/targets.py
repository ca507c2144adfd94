"""The speeds the project promises, against NumPy in the same run.

    python -m benchmarks.targets [--points 20000] [--ifgs 60] [--threads 2]

The reference is NumPy, vectorised and blocked to the cache, on one thread; native runs on two.
Where an algorithm saves work, the reference is the plain procedure (:mod:`benchmarks.plain`).
On a machine with other work ``--clock processor`` takes the processor time of native, shared evenly
among its threads, instead of the time on the clock. The last row is the whole
chain on the golden set ps-small, in seconds, where that set is.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numba
import numpy as np

from benchmarks import backends, kernels, machine, plain, roofline
from benchmarks.case import Case
from benchmarks.cases import cases
from benchmarks.scene import CLAP_WINDOW, LOW_PASS, Scene
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import function

HEAD = ["what", "ratio", "target", "met", "of roofline", "native [ms]", "reference [ms]",
        "largest difference"]  # fmt: skip
CHAIN_SECONDS = 5.0

Call = Callable[[], Any]


def native(name: str, case: Case) -> Call:
    """Return a call of a native kernel in its double form."""
    run = function(all_kernels()[name], "native", "double")
    assert run is not None
    return lambda: run(*case.arguments)


def against_reference(name: str, case: Case) -> tuple[Call, Call]:
    """Return calls of the native kernel and of the reference in pieces."""
    run = function(all_kernels()[name], "python", "double")
    assert run is not None
    return native(name, case), kernels.in_pieces(run, all_kernels()[name], case)


def comparisons(scene: Scene) -> dict[str, tuple[float, Call, Call, list[Case], Any]]:
    """Return name -> target, native call, reference call, work, and what of the results to compare.

    The last is how the results of both are brought to the same array, None where they are no twins.
    """
    made = {name: make() for name, make in cases(scene).items() if name in PARTS}
    grid, occupied = scene.grid, scene.occupied
    number = np.unique(scene.cell_number, return_inverse=True)[1]
    clap = made["stage3_clap_cells"]
    highpass, lowpass = made["stage8_temporal_highpass"], made["stage8_spatial_lowpass"]
    scla, weights = made["stage7_scla"], highpass.arguments[1]

    def once_per_cell() -> Any:
        return native("stage3_clap_cells", clap)()[number]

    def once_per_ps() -> Any:
        return plain.window_per_ps(grid, scene.cells, CLAP_WINDOW, 1.0, 0.3, LOW_PASS)

    def stage8(which: int) -> Call:
        high = against_reference("stage8_temporal_highpass", highpass)[which]
        low = against_reference("stage8_spatial_lowpass", lowpass)[which]
        return lambda: (high(), low())

    def through_network() -> Any:
        high = plain.highpass_through_network(scene.unwrapped, weights, scene.edges)
        return high, against_reference("stage8_spatial_lowpass", lowpass)[1]()

    def per_ps() -> Any:
        return plain.solve_per_ps(scene.unwrapped, scene.bperp, scene.unwrapped[0])

    assert len(occupied) == number.max() + 1
    found: dict[str, tuple[float, Call, Call, list[Case], Any]] = {}
    for title, name, target in (
        ("topofit", "stage2_topofit", 8.0),
        ("topofit, shared baselines", "stage2_topofit_row_invariant", 8.0),
        ("CLAP of the grid", "stage2_clap_grid", 5.0),
        ("statistics of the edges", "stage4_edge_stats", 10.0),
    ):
        found[title] = (target, *against_reference(name, made[name]), [made[name]], np.asarray)
    found["re-estimation, window per PS"] = (25.0, once_per_cell, once_per_ps, [clap], np.asarray)
    found["SCLA, solve per PS"] = (10.0, native("stage7_scla", scla), per_ps, [scla], None)
    found["stage 8, network solves"] = (20.0, stage8(0), through_network, [highpass, lowpass], None)
    found["stage 8, kernels"] = (20.0, stage8(0), stage8(1), [highpass, lowpass], None)
    return found


PARTS = {
    "stage2_topofit",
    "stage2_topofit_row_invariant",
    "stage2_clap_grid",
    "stage3_clap_cells",
    "stage4_edge_stats",
    "stage7_scla",
    "stage8_temporal_highpass",
    "stage8_spatial_lowpass",
}


def together(work: Sequence[Case]) -> Case:
    """Return the work of kernels that are called one after the other, as of one."""
    kinds = ("flops", "pairs", "roots", "single_flops", "single_roots")
    sums = {kind: sum(getattr(case, kind) for case in work) for kind in kinds}
    return replace(work[0], **sums)


def measure(scene: Scene, peaks: roofline.Peaks, threads: int, clock: str) -> list[dict[str, Any]]:
    """Measure all comparisons; processor time is shared evenly among the threads."""
    entries = []

    def spent() -> float:
        return time.perf_counter() if clock == "wall" else time.process_time() / threads

    for name, (target, fast, slow, work, alike) in comparisons(scene).items():
        fast()
        found, times = kernels.timed(fast, spent, 5)
        wanted, reference = kernels.timed(slow, time.process_time, 2)
        least, bound = peaks.seconds(together(work), kernels.traffic(work[0], found), threads)
        entries.append(
            {
                "name": name,
                "target": target,
                "ratio": min(reference) / min(times),
                "met": min(reference) / min(times) >= target,
                "roofline_share": least / min(times),
                "bound": bound,
                "native_sec": kernels.statistics(times),
                "reference_sec": kernels.statistics(reference),
                "largest_difference": (
                    None if alike is None else kernels.largest_error(found, wanted)
                ),
            }
        )
    return entries


def chain() -> dict[str, Any] | None:
    """Run stages 1 to 8 of ps-small on one rank and all cores; None without the golden set."""
    root = os.environ.get("PYSTAMPS_HPC_DATA_ROOT")
    source = Path(root or "../shared/golden") / "ps-small" / "input"
    if not source.exists():
        return None
    window = backends.Window(source, 1, 8, "double")
    own = backends.Configuration("native", 1, machine.describe()["visible_cores"])
    with tempfile.TemporaryDirectory(prefix="pystamps-bench-") as scratch:
        return backends.measure(own, window, Path(scratch), 3, 1)


def row(entry: dict[str, Any]) -> list[str]:
    """Return an entry as cells of the table."""
    difference = entry["largest_difference"]
    return [
        entry["name"],
        f"{entry['ratio']:.1f}",
        f"{entry['target']:.0f}",
        "yes" if entry["met"] else "no",
        f"{100 * entry['roofline_share']:.0f} % ({entry['bound']})",
        f"{1e3 * entry['native_sec']['min']:.1f}",
        f"{1e3 * entry['reference_sec']['min']:.0f}",
        "-" if difference is None else f"{difference:.1e}",
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--ifgs", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "targets.json")
    options = parser.parse_args(argv)

    numba.set_num_threads(options.threads)
    peaks = roofline.measure()
    scene = Scene(options.points, options.ifgs)
    entries = measure(scene, peaks, options.threads, options.clock)
    print(machine.table(HEAD, [row(entry) for entry in entries]))
    whole = chain()
    if whole is not None and whole["ok"]:
        seconds = whole["wall_sec"]["min"]
        met = "yes" if seconds <= CHAIN_SECONDS else "no"
        print(f"chain 1-8 on ps-small: {seconds:.2f} s, at most {CHAIN_SECONDS:.0f} s: {met}")
    elif whole is not None:
        print(f"chain 1-8 on ps-small: not ok, {whole['reason']}")
    machine.write(
        options.output,
        {
            "schema": "pystamps-hpc/bench-targets/1",
            "machine": machine.describe(),
            "n_ps": options.points,
            "n_ifg": options.ifgs,
            "threads": options.threads,
            "clock": options.clock,
            "peaks": asdict(peaks),
            "comparisons": entries,
            "chain": whole,
        },
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
