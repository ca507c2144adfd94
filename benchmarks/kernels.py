"""Every kernel alone on synthetic arrays: native against the reference and against the machine.

    python -m benchmarks.kernels [--points 20000] [--ifgs 60] [--threads 1] [--kernels NAME ...]

The reference is given pieces of 4096 rows where rows may be cut, so that it works in the cache;
native kernels get the whole. Both run in one process, one after the other, after a call that
compiles (or fills the cache) and is reported apart. With one thread processor time is taken, which
other work on the machine hardly changes; with more, time on the clock.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numba
import numpy as np

from benchmarks import machine, roofline
from benchmarks.case import Case
from benchmarks.cases import cases
from benchmarks.scene import Scene
from benchmarks.unwrapping_cases import TRIAL_WRAPS
from pystamps_kernels.contracts import Array, Kernel, all_kernels
from pystamps_kernels.dispatch import Arithmetic, function

UNIT = 4096
HEAD = ["kernel", "form", "native/reference", "of roofline", "native [ms]", "reference [ms]",
        "GB/s", "GF/s", "bound by", "window [us]", "largest error"]  # fmt: skip

Call = Callable[[], Any]


def in_pieces(run: Callable[..., Any], kernel: Kernel, case: Case, unit: int = UNIT) -> Call:
    """Return a call of the reference in pieces of rows, joined again."""
    if not case.rows:
        return lambda: run(*case.arguments)
    axis = next(a.shape.split()[0] for a in kernel.arguments if isinstance(a, Array))
    cut = [isinstance(a, Array) and a.shape.split()[:1] == [axis] for a in kernel.arguments]
    n = len(case.arguments[cut.index(True)])

    def call() -> Any:
        parts = []
        for first in range(0, n, unit):
            piece = slice(first, first + unit)
            arguments = zip(case.arguments, cut, strict=True)
            parts.append(run(*(value[piece] if rows else value for value, rows in arguments)))
        if isinstance(parts[0], tuple):
            return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        return np.concatenate(parts)

    return call


def timed(call: Call, clock: Callable[[], float], repeat: int) -> tuple[Any, list[float]]:
    """Return the result and the times of `repeat` calls; fewer calls where one is long."""
    times: list[float] = []
    result = None
    while len(times) < repeat and (len(times) < 1 or sum(times) < 2.0):
        began = clock()
        result = call()
        times.append(clock() - began)
    return result, times


def largest_error(found: Any, wanted: Any) -> float:
    """Return the largest absolute difference of results; infinite where NaN do not agree."""
    parts = found if isinstance(found, tuple) else (found,)
    others = wanted if isinstance(wanted, tuple) else (wanted,)
    worst = 0.0
    for one, other in zip(parts, others, strict=True):
        a, b = np.asarray(one), np.asarray(other)
        if a.dtype == np.bool_:
            a, b = a.astype(np.int8), b.astype(np.int8)
        both = np.isnan(a) & np.isnan(b) if a.dtype.kind in "fc" else np.zeros(a.shape, np.bool_)
        with np.errstate(invalid="ignore"):
            difference = np.where(both | (a == b), 0, np.abs(a - b))
        worst = max(worst, float(np.nan_to_num(difference, nan=np.inf).max(initial=0)))
    return worst


def traffic(case: Case, result: Any) -> float:
    """Return the bytes of all arrays that go in and come out, each once."""
    results = result if isinstance(result, tuple) else (result,)
    arrays = [value for value in (*case.arguments, *results) if isinstance(value, np.ndarray)]
    return float(sum(array.nbytes for array in arrays))


def measure(
    kernel: Kernel,
    case: Case,
    arithmetic: Arithmetic,
    peaks: roofline.Peaks,
    threads: int,
    repeat: int,
) -> dict[str, Any]:
    """Measure one kernel in one form; the reference is left out with ``repeat`` 0 calls."""
    native, reference = (function(kernel, name, arithmetic) for name in ("native", "python"))
    assert native is not None
    assert reference is not None
    clock = time.process_time if threads == 1 else time.perf_counter
    kernel.check(case.arguments)
    began = time.perf_counter()
    native(*case.arguments)
    first = time.perf_counter() - began
    found, fast = timed(lambda: native(*case.arguments), clock, repeat)
    wanted, slow = timed(in_pieces(reference, kernel, case), clock, min(repeat, 2))
    seconds, moved = min(fast), traffic(case, found)
    least, bound = peaks.seconds(case, moved, threads)
    return {
        "kernel": kernel.name,
        "form": arithmetic if len(kernel.forms) > 1 else "",
        "ratio": min(slow) / seconds,
        "roofline_share": least / seconds,
        "bound": bound,
        "native_sec": statistics(fast),
        "reference_sec": statistics(slow),
        "first_call_sec": first,
        "gigabytes_per_sec": moved / seconds / 1e9,
        "gigaflops": case.all_flops / seconds / 1e9,
        "window_sec": seconds / case.windows if case.windows else None,
        "largest_error": largest_error(found, wanted),
        "tolerance": dict(kernel.tolerance),
    }


def statistics(times: Sequence[float]) -> dict[str, float]:
    """Return mean, extremes and standard deviation of some times."""
    return {
        "mean": float(np.mean(times)),
        "min": min(times),
        "max": max(times),
        "std": float(np.std(times)),
        "calls": len(times),
    }


def row(entry: dict[str, Any]) -> list[str]:
    """Return an entry as cells of the table."""
    return [
        entry["kernel"],
        entry["form"],
        f"{entry['ratio']:.1f}",
        f"{100 * entry['roofline_share']:.0f} %",
        f"{1e3 * entry['native_sec']['min']:.2f}",
        f"{1e3 * entry['reference_sec']['min']:.1f}",
        f"{entry['gigabytes_per_sec']:.2f}",
        f"{entry['gigaflops']:.2f}",
        entry["bound"],
        f"{1e6 * entry['window_sec']:.2f}" if entry["window_sec"] else "",
        f"{entry['largest_error']:.1e}",
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--ifgs", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--kernels", nargs="*", default=[], help="names; all by default")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "kernels.json")
    options = parser.parse_args(argv)

    numba.set_num_threads(options.threads)
    peaks = roofline.measure()
    print(
        f"one thread: {peaks.stream / 1e9:.1f} GB/s, {peaks.flops / 1e9:.1f} GF/s "
        f"({peaks.single_flops / 1e9:.1f} in single), {peaks.roots / 1e6:.0f} M roots/s "
        f"({peaks.single_roots / 1e6:.0f} M), "
        f"{peaks.sincos / 1e6:.0f} M cosine and sine pairs/s ({peaks.libm / 1e6:.0f} M by libm); "
        f"{options.points} points x {options.ifgs} interferograms, {options.threads} threads, "
        f"{2 * round(8 * TRIAL_WRAPS) + 1} trials"
    )
    entries, unmeasured = [], []
    forms: tuple[Arithmetic, ...] = ("double", "single")
    scenes = {form: cases(Scene(options.points, options.ifgs, form == "single")) for form in forms}
    for name, kernel in all_kernels().items():
        if options.kernels and name not in options.kernels:
            continue
        if name not in scenes["double"]:
            unmeasured.append(name)
            continue
        for form in kernel.forms:
            case = scenes[form][name]()
            entries.append(measure(kernel, case, form, peaks, options.threads, options.repeat))
    entries.sort(key=lambda entry: -entry["ratio"])
    print(machine.table(HEAD, [row(entry) for entry in entries]))
    if unmeasured:
        print(f"not measured: {', '.join(unmeasured)}")
    machine.write(
        options.output,
        {
            "schema": "pystamps-hpc/bench-kernels/1",
            "machine": machine.describe(),
            "n_ps": options.points,
            "n_ifg": options.ifgs,
            "threads": options.threads,
            "clock": "processor" if options.threads == 1 else "wall",
            "peaks": asdict(peaks),
            "kernels": entries,
            "not_measured": unmeasured,
        },
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
