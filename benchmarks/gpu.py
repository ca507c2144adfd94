"""The CUDA kernels on a machine with a GPU: whether they are right, and how fast.

    python -m benchmarks.gpu check [--output FILE]     make test-gpu
    python -m benchmarks.gpu bench [--points 1000000] [--ifgs 100]     make bench-gpu

``check`` runs every kernel against the reference, chains with ``--backend gpu`` on one rank and on
two that share the device beside a native one, the kernels again with little free memory, and, where
``compute-sanitizer`` is found, under its memcheck and racecheck. ``bench`` times kernels with their
transfers beside native on all cores, and the iterations of a patch that stays on the device. Both
write a JSON document and end with 1 if something is wrong, with 4 where there is no device.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.cases import FILTER, GRID_WINDOW, cases
from benchmarks.scene import LOW_PASS, Scene
from benchmarks.unwrapping_cases import TRIAL_WRAPS
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_kernels.contracts import Kernel, all_kernels
from pystamps_kernels.cuda import device, patch, resident
from pystamps_kernels.dispatch import Arithmetic, function, unavailable_reason
from tests.kernels.arguments import all_arguments

TIMED = (
    "stage2_topofit", "stage2_topofit_row_invariant", "stage2_ph_weight", "stage2_grid_accumulate",
    "stage2_clap_grid", "stage3_clap_cells", "stage4_edge_stats", "stage7_scla",
    "stage8_edge_noise", "stage8_spatial_lowpass",
)  # fmt: skip
SANITIZERS = ("memcheck", "racecheck")
REPEAT = 3
ITERATIONS = 3
SCRATCH_MIB = 64
"""Free memory that is left for the kernels that have to do with little."""

Found = dict[str, Any]


def forms() -> Iterator[tuple[Kernel, Arithmetic]]:
    """Yield the kernels that have a CUDA form, and its arithmetic."""
    for kernel in all_kernels().values():
        both: tuple[Arithmetic, ...] = ("double", "single") if kernel.single else ("double",)
        for arithmetic in both:
            if function(kernel, "cuda", arithmetic) is not None:
                yield kernel, arithmetic


def results(kernel: Kernel, arithmetic: Arithmetic, backend: Any, arguments: Any) -> list[Any]:
    """Call a kernel; return its results as arrays."""
    run = function(kernel, backend, arithmetic)
    assert run is not None
    with np.errstate(invalid="ignore"):
        found = run(*arguments)
    return [np.asarray(each) for each in (found if isinstance(found, tuple) else (found,))]


def distance(one: Any, other: Any) -> float:
    """Return the largest difference; infinite where only one is NaN."""
    alike = (one == other) | (np.isnan(one) & np.isnan(other))
    apart = np.where(alike, 0, np.abs(one - other))
    return float(np.where(np.isnan(apart), np.inf, apart).max(initial=0))


def kernels() -> Iterator[Found]:
    """Run every CUDA form against the reference."""
    for kernel, arithmetic in forms():
        for arguments in all_arguments()[kernel.name]:
            pairs = zip(
                kernel.returns,
                results(kernel, arithmetic, "python", arguments),
                results(kernel, arithmetic, "cuda", arguments),
                strict=True,
            )
            for item, wanted, found in pairs:
                error, tolerance = distance(found, wanted), kernel.tolerance.get(item.name, 0)
                yield {
                    "what": f"{kernel.name} {arithmetic}: {item.name}", "error": error,
                    "tolerance": tolerance, "ok": error <= tolerance,
                }  # fmt: skip


def crowded() -> Iterator[Found]:
    """Run every CUDA form again where little memory is free; no bit may change."""
    used = device.current()
    whole = [
        [result.tobytes() for result in results(kernel, arithmetic, "cuda", arguments)]
        for kernel, arithmetic in forms()
        for arguments in all_arguments()[kernel.name]
    ]
    with used.active():
        taken = used.empty((max(used.free_bytes() - SCRATCH_MIB * device.MIB, 0),), np.uint8)
    again = (
        (kernel.name, [each.tobytes() for each in results(kernel, arithmetic, "cuda", arguments)])
        for kernel, arithmetic in forms()
        for arguments in all_arguments()[kernel.name]
    )
    for before, (name, after) in zip(whole, again, strict=True):
        yield {"what": f"{name} with {SCRATCH_MIB} MiB", "ok": before == after}
    del taken


def chains(scratch: Path) -> Iterator[Found]:
    """Run a simulated scene natively, on the device, and on two ranks that share it."""
    scene = scratch / "native"
    simulate(scene, Options(candidates=20000, images=20, patches=(2, 1)))
    runs = {"native": ("native", 1), "gpu": ("gpu", 1), "gpu, two ranks": ("gpu", 2)}
    for name in runs:
        if name != "native":
            shutil.copytree(scene, scratch / name)
    for name, (backend, ranks) in runs.items():
        root = scratch / name
        words: list[object] = ["run", "-q", "--dataset", root, "--backend", backend]
        ended = child_run.run(words, ranks)
        yield {"what": f"chain {name}", "ok": not ended.problem, "problem": ended.problem,
               "sec": ended.seconds}  # fmt: skip
        if name == "native" or ended.problem:
            continue
        judged = child_run.run(["verify", "--run", root, "--golden", scratch / "native",
                                "--profile", "scientific"])  # fmt: skip
        yield {"what": f"chain {name} against native", "ok": judged.code == 0,
               "problem": judged.problem}  # fmt: skip


def sanitized() -> Iterator[Found]:
    """Run the kernels under the sanitizers of CUDA, where they are found."""
    tool = shutil.which("compute-sanitizer")
    for name in SANITIZERS if tool else ():
        command = [str(tool), "--tool", name, "--error-exitcode", "9",
                   sys.executable, "-m", "benchmarks.gpu", "kernels"]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        yield {"what": name, "ok": ended.returncode == 0, "problem": ended.stdout[-2000:]}


def check() -> list[Found]:
    """Return everything that was tried, with ``ok``."""
    with tempfile.TemporaryDirectory(prefix="pystamps-gpu-") as scratch:
        return [*kernels(), *crowded(), *chains(Path(scratch)), *sanitized()]


def least_seconds(call: Callable[[], Any]) -> float:
    """Return the least time of a call after one that compiles."""
    call()
    times = []
    for _ in range(REPEAT):
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    return min(times)


def bench(points: int, ifgs: int) -> list[Found]:
    """Time kernels and the iterations of a patch on the device beside native."""
    made, rows = cases(Scene(points, ifgs)), []
    for name in TIMED:
        case = made[name]()
        seconds = {
            backend: least_seconds(
                lambda b=backend, n=name, c=case: function(all_kernels()[n], b, "double")(
                    *c.arguments
                )
            )
            for backend in ("native", "cuda")
        }
        rows.append({"what": name, **seconds, "ratio": seconds["native"] / seconds["cuda"],
                     "gflops": case.flops / seconds["cuda"] / 1e9, "ok": True})  # fmt: skip
    return [*rows, iterations(made)]


def iterations(made: Any) -> Found:
    """Time the iterations of a patch that stays on the device."""
    ph, bperp, slope, weight = made["stage2_ph_weight"]().arguments
    _, lin, n_i, n_j = made["stage2_grid_accumulate"]().arguments
    clap = resident.Clap(*FILTER, *GRID_WINDOW, LOW_PASS)
    before = time.perf_counter()
    held = patch.ResidentPatch(
        lambda rows: ph[rows], lambda rows: bperp[rows], ph.shape, lin, (n_i, n_j), False
    )
    loaded = time.perf_counter() - before

    def once() -> None:
        held.filter(slope, weight, clap)
        held.fit(TRIAL_WRAPS)

    return {"what": "an iteration of stage 2, resident", "upload": loaded,
            "cuda": least_seconds(once), "ok": True}  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Check or time the kernels; refuse where there is no device."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("check", "kernels", "bench"))
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--ifgs", type=int, default=100)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(words)
    if reason := unavailable_reason("cuda"):
        print(f"no GPU: {reason}", file=sys.stderr)
        return 4
    found = {"check": check, "kernels": lambda: list(kernels()),
             "bench": lambda: bench(options.points, options.ifgs)}[options.part]()  # fmt: skip
    machine.write(
        options.output or machine.RESULTS / f"gpu-{options.part}.json",
        {"schema": f"pystamps-hpc/gpu-{options.part}/1", "machine": machine.describe(),
         "found": found},
    )  # fmt: skip
    for row in found:
        if options.part == "bench" or not row["ok"]:
            print(" ".join(f"{name}={value}" for name, value in row.items()))
    wrong = sum(not row["ok"] for row in found)
    print(f"{len(found)} tried, {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
