"""The CUDA kernels on a machine with a GPU: whether they are right, and how fast.

    python -m benchmarks.gpu check [--seconds 360] [--output FILE]     make test-gpu
    python -m benchmarks.gpu bench [--points 1000000] [--ifgs 100]     make bench-gpu

``check`` does in turn: every kernel against the reference; a simulated chain with ``--backend gpu``
on one rank and on two that share the device beside a native one; a golden chain on the device and
natively, key by key, where the data are there; the kernels again with little memory, and with too
little, which is to be said in one line; every kernel once under memcheck and racecheck, where
``compute-sanitizer`` is found. A part without data or tool is not done, which is neither right nor
wrong (``ok`` is null); one that finds no time is wrong. ``bench`` times kernels with
their transfers beside native on all cores, and the iterations of a patch that stays on the device.
Both write a JSON document, ``check`` after each of its parts, and end with 1 if something is wrong,
with 4 where there is no device.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.cases import FILTER, GRID_WINDOW, cases
from benchmarks.scene import LOW_PASS, Scene
from benchmarks.unwrapping_cases import TRIAL_WRAPS
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_kernels.clap_windows import Clap
from pystamps_kernels.contracts import Kernel, all_kernels
from pystamps_kernels.cuda import device, patch
from pystamps_kernels.dispatch import Arithmetic, function, unavailable_reason
from tests.golden import parity
from tests.kernels.arguments import all_arguments
from tests.kernels.cuda.test_kernels import arguments_of

TIMED = (
    "stage2_topofit", "stage2_topofit_row_invariant", "stage2_ph_weight", "stage2_grid_accumulate",
    "stage2_clap_grid", "stage3_clap_cells", "stage4_edge_stats", "stage7_scla",
    "stage8_edge_noise", "stage8_spatial_lowpass",
)  # fmt: skip
SANITIZERS = ("memcheck", "racecheck")
REPEAT = 3
ITERATIONS = 3
SCRATCH_MIB = 64
"""Memory that the kernels have that have to do with little."""
TOO_LITTLE = 1 << 14
"""Memory in which no piece has room [bytes]."""
GOLDEN = "ps-small"
SECONDS = 360.0
"""Time that all parts of a check have."""

LEAST_SECONDS = 5.0
"""Time without which no part is begun."""

Found = dict[str, Any]


class Clock:
    """The time that is left for a check.

    Parameters
    ----------
    seconds : float
        In all.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, not negative."""
        return max(self._end - time.monotonic(), 0.0)


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


def kernels(_: Clock) -> Iterator[Found]:
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


@contextmanager
def memory(size: int) -> Iterator[None]:
    """Let the arrays of the device take `size` bytes more while the block runs."""
    pool = importlib.import_module("cupy").get_default_memory_pool()
    with device.current().active():
        pool.free_all_blocks()
        limit = pool.get_limit()
        pool.set_limit(size=pool.used_bytes() + size)
    try:
        yield
    finally:
        pool.set_limit(size=limit)


def crowded(_: Clock) -> Iterator[Found]:
    """Run every CUDA form again with little memory; no bit may change."""

    def all_results() -> list[tuple[str, list[bytes]]]:
        return [
            (kernel.name, [each.tobytes() for each in results(kernel, form, "cuda", arguments)])
            for kernel, form in forms()
            for arguments in all_arguments()[kernel.name]
        ]

    whole = all_results()
    with memory(SCRATCH_MIB * device.MIB):
        again = all_results()
    for (name, before), (_, after) in zip(whole, again, strict=True):
        yield {"what": f"{name} with {SCRATCH_MIB} MiB", "ok": before == after}


def full(clock: Clock) -> Iterator[Found]:
    """Leave no memory: a kernel and a run are to say so in one line."""
    kernel = all_kernels()["stage2_ph_weight"]
    said = ""
    with memory(TOO_LITTLE):
        try:
            results(kernel, "double", "cuda", all_arguments()[kernel.name][0])
        except device.DeviceMemoryError as error:
            said = str(error)
    yield {"what": "a kernel without memory", "ok": "MiB free" in said, "problem": said}
    with tempfile.TemporaryDirectory(prefix="pystamps-gpu-") as scratch:
        root = Path(scratch) / "scene"
        simulate(root, Options(candidates=2000, images=8))
        environ = {**child_run.environment(os.environ), "CUPY_GPU_MEMORY_LIMIT": str(TOO_LITTLE)}
        words = ["run", "-q", "--dataset", root, "--backend", "gpu"]
        ended = child_run.run(words, environ=environ, timeout=clock.left())
        told = "device" in ended.problem and "MiB free" in ended.problem
        yield {"what": "a run without memory", "ok": ended.code != 0 and told,
               "problem": ended.problem}  # fmt: skip


def chains(clock: Clock) -> Iterator[Found]:
    """Run a simulated scene natively, on the device, and on two ranks that share it."""
    with tempfile.TemporaryDirectory(prefix="pystamps-gpu-") as folder:
        scratch = Path(folder)
        scene = scratch / "native"
        simulate(scene, Options(candidates=20000, images=20, patches=(2, 1)))
        runs = {"native": ("native", 1), "gpu": ("gpu", 1), "gpu, two ranks": ("gpu", 2)}
        for name in runs:
            if name != "native":
                shutil.copytree(scene, scratch / name)
        for name, (backend, ranks) in runs.items():
            root = scratch / name
            words: list[object] = ["run", "-q", "--dataset", root, "--backend", backend]
            ended = child_run.run(words, ranks, timeout=clock.left())
            yield {"what": f"chain {name}", "ok": not ended.problem, "problem": ended.problem,
                   "sec": ended.seconds}  # fmt: skip
            if name == "native" or ended.problem:
                continue
            judged = child_run.run(["verify", "--run", root, "--golden", scratch / "native",
                                    "--profile", "scientific"], timeout=clock.left())  # fmt: skip
            yield {"what": f"chain {name} against native", "ok": judged.code == 0,
                   "problem": judged.problem}  # fmt: skip


def golden_chain(_: Clock) -> Iterator[Found]:
    """Run a golden chain natively and on the device; every key is to be judged alike."""
    if not parity.golden_root().exists():
        yield {"what": "golden chain", "ok": None, "problem": f"no data in {parity.golden_root()}"}
        return
    verdicts = {}
    for backend in ("native", "gpu"):
        with tempfile.TemporaryDirectory(prefix="pystamps-gpu-") as scratch:
            golden = parity.GoldenSet(GOLDEN, Path(scratch))
            verdicts[backend] = {
                f"{line.where} {line.key}": line.difference
                for line in parity.chained(golden, "single", backend=backend, solver="native")
            }
    for key, native in verdicts["native"].items():
        own = verdicts["gpu"].get(key)
        same = own is not None and own.ok == native.ok
        yield {"what": f"golden {key}", "ok": same, "native": native.ok,
               "problem": "" if same else str(own or "missing")}  # fmt: skip


def sanitized(clock: Clock) -> Iterator[Found]:
    """Run the kernels under the sanitizers of CUDA, where they are found."""
    tool = shutil.which("compute-sanitizer")
    if not tool:
        yield {"what": "compute-sanitizer", "ok": None, "problem": "not found, nothing tried"}
    for name in SANITIZERS if tool else ():
        command = [str(tool), "--tool", name, "--error-exitcode", "9",
                   sys.executable, "-m", "benchmarks.gpu", "pass"]  # fmt: skip
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=clock.left()
            )
        except subprocess.TimeoutExpired as error:
            yield {"what": name, "ok": False, "problem": f"no end after {error.timeout:.0f} s"}
            continue
        yield {"what": name, "ok": ended.returncode == 0, "problem": ended.stdout[-2000:]}


def once(_: Clock) -> Iterator[Found]:
    """Run every CUDA form once, on few rows."""
    for kernel, arithmetic in forms():
        results(kernel, arithmetic, "cuda", arguments_of(kernel.name)[0])
        yield {"what": f"{kernel.name} {arithmetic}", "ok": True}


CHECKS: dict[str, Callable[[Clock], Iterator[Found]]] = {
    "kernels": kernels,
    "chains": chains,
    "golden": golden_chain,
    "crowded": crowded,
    "full": full,
    "sanitized": sanitized,
}
"""Parts of a check in the order in which they are done."""


def check(clock: Clock, keep: Callable[[list[Found]], None]) -> list[Found]:
    """Return all that was tried, with ``ok``, None if not done; `keep` gets it after each part."""
    found: list[Found] = []
    for name, part in CHECKS.items():
        began = time.monotonic()
        try:
            if clock.left() < LEAST_SECONDS:
                raise TimeoutError(f"not done, {clock.left():.0f} s were left")
            found += list(part(clock))
        except Exception as error:  # the other parts are to be tried all the same
            problem = f"{type(error).__name__}: {error}"
            found.append({"what": name, "ok": False, "problem": problem})
        found.append({"what": f"{name}, time", "ok": True, "sec": time.monotonic() - began})
        keep(found)
    return found


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
                     "gflops": case.all_flops / seconds["cuda"] / 1e9, "ok": True})  # fmt: skip
    return [*rows, iterations(made)]


def iterations(made: Any) -> Found:
    """Time the iterations of a patch that stays on the device."""
    ph, bperp, slope, weight = made["stage2_ph_weight"]().arguments
    _, lin, n_i, n_j = made["stage2_grid_accumulate"]().arguments
    clap = Clap(*FILTER, *GRID_WINDOW, LOW_PASS)
    before = time.perf_counter()
    held = patch.ResidentPatch(
        lambda rows: ph[rows], lambda rows: bperp[rows], ph.shape, lin, (n_i, n_j), False
    )
    loaded = time.perf_counter() - before

    def iteration() -> None:
        held.filter(slope, weight, clap)
        held.fit(TRIAL_WRAPS)

    return {"what": "an iteration of stage 2, resident", "upload": loaded,
            "cuda": least_seconds(iteration), "ok": True}  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Check or time the kernels; refuse where there is no device."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("check", "pass", "bench"))
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--ifgs", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a check")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(words)
    if reason := unavailable_reason("cuda"):
        print(f"no GPU: {reason}", file=sys.stderr)
        return 4

    def keep(found: list[Found]) -> None:
        machine.write(
            options.output or machine.RESULTS / f"gpu-{options.part}.json",
            {"schema": f"pystamps-hpc/gpu-{options.part}/1", "machine": machine.describe(),
             "found": found},
        )  # fmt: skip

    clock = Clock(options.seconds)
    if options.part == "check":
        found = check(clock, keep)
    else:
        found = list(once(clock)) if options.part == "pass" else bench(options.points, options.ifgs)
        keep(found)
    for row in found:
        if options.part == "bench" or not row["ok"]:
            print(" ".join(f"{name}={value}" for name, value in row.items()))
    not_done = sum(row["ok"] is None for row in found)
    wrong = sum(not row["ok"] for row in found) - not_done
    print(f"{len(found) - not_done} tried, {wrong} wrong, {not_done} not done")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
