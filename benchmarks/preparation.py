"""Preparation of a large stack: beside plain NumPy in the order of StaMPS, and beside reading.

    python -m benchmarks.preparation [--lines 4000] [--samples 4000] [--images 30] [--keep DIR]
        [--page docs/preparation.md]

A stack of random echoes is written once. In turns, every byte is read once by two threads, and
``prep`` works on two threads; before each the page cache is emptied where that is allowed, since a
stack is seldom in memory. Then the plain procedure works, blocked to the cache, image after image
and patch after patch as StaMPS does, on one thread (it has no other); ``prep`` on two threads, and
on two ranks of one thread; and ``prep`` on a half and a quarter of the lines.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.backends import processor_seconds
from pystamps_hpc.stages.prepare.patches import Patch, cut_scene
from pystamps_hpc.tools import child_run
from tests.faults.campaign import renew

PATCHES, OVERLAP, THRESHOLD = (2, 2), (50, 50), np.float32(0.4)
BLOCK = 1 << 15  # pixels of the plain procedure that are worked on at a time
TURNS = 3  # of reading and of prep, each the median: disks and other programs vary
STEADY = 0.05  # share of the pixels that hardly vary
WANTED_RATIO, WANTED_OF_READING, WANTED_MIB = 5.0, 2.0, 1024
HEAD = ["", "wall [s]", "processor [s]", "GB/s", "peak of a rank [MiB]"]

Single = NDArray[np.float32]


def write_stack(root: Path, length: int, width: int, images: int) -> None:
    """Write echoes of which a share is steady, interferograms and geometry, as SNAP exports."""
    rng = np.random.default_rng(1)
    dates = [f"{date(2016, 1, 3) + timedelta(days=12 * k):%Y%m%d}" for k in range(images)]
    master = dates[images // 2]
    for name in ("rslc", "diff0", "geo"):
        (root / name).mkdir(parents=True)
    steady = np.where(rng.random((length, width)) < STEADY, np.float32(300), np.float32(0))
    for day in dates:
        with (root / f"rslc/{day}.rslc").open("wb") as slc:
            for echo in _echoes(rng, steady):
                slc.write(echo)
        (root / f"rslc/{day}.rslc.par").write_text(
            f"range_samples: {width}\nazimuth_lines: {length}\nimage_format: FCOMPLEX\n"
        )
        if day != master:
            (root / f"diff0/{master}_{day}.base").write_text("initial_baseline(TCN): 0 1 1\n")
            shutil.copyfile(root / f"rslc/{day}.rslc", root / f"diff0/{master}_{day}.diff")
    line = np.zeros(width, ">f4")
    for name, first in ((f"{master}.lon", 12.0), (f"{master}.lat", 44.0), ("dem.rdc", 9.0)):
        with (root / "geo" / name).open("wb") as file:
            for _ in range(length):
                file.write((line + np.float32(first)).astype(">f4").tobytes())


def _echoes(rng: np.random.Generator, steady: Single) -> Iterator[bytes]:
    for rows in np.array_split(steady, max(len(steady) // 256, 1)):
        echo = rng.standard_normal((*rows.shape, 2), np.float32) * np.float32(50)
        echo[..., 0] += rows
        yield echo.astype(">f4").tobytes()


def read_once(root: Path) -> None:
    """Read every raster once, two files at a time."""

    def read(path: Path) -> None:
        buffer = bytearray(1 << 21)
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(read, _rasters(root)))


def _rasters(root: Path) -> list[Path]:
    found = [*root.glob("rslc/*.rslc"), *root.glob("diff0/*.diff"), *root.glob("geo/*")]
    return sorted(path for path in found if path.is_file())


def _modulus(parts: NDArray[Any]) -> Single:
    squares = parts.astype(np.float64) ** 2
    return np.sqrt(squares[..., 0] + squares[..., 1]).astype(np.float32)


def plain(root: Path, out: Path, length: int, width: int) -> int:
    """Prepare in the order of StaMPS and return how many candidates there are."""
    slcs = sorted(root.glob("rslc/*.rslc"))
    images = [np.memmap(path, ">f4", "r", shape=(length, width, 2)) for path in slcs]
    constants = [_mean(image, width) for image in images]
    count = 0
    for patch in cut_scene(length, width, PATCHES, OVERLAP):
        folder = out / patch.name
        folder.mkdir(parents=True)
        place, dispersion = _choose(images, constants, patch, folder, width)
        line, sample = np.divmod(place, width)
        rows = enumerate(zip(line.tolist(), sample.tolist(), strict=True), 1)
        (folder / "pscands.1.ij").write_text("".join([f"{k} {i} {j}\n" for k, (i, j) in rows]))
        (folder / "pscands.1.da").write_text("".join([f"{v:g}\n" for v in dispersion.tolist()]))
        np.column_stack([sample, line]).astype(">i4").tofile(folder / "pscands.1.ij.int")
        lonlat = [np.memmap(root / f"geo/{_master(root)}.{x}", ">f4", "r") for x in ("lon", "lat")]
        np.column_stack([each[place] for each in lonlat]).tofile(folder / "pscands.1.ll")
        np.memmap(root / "geo/dem.rdc", ">f4", "r")[place].tofile(folder / "pscands.1.hgt")
        with (folder / "pscands.1.ph").open("wb") as phase:
            for path in sorted(root.glob("diff0/*.diff")):
                phase.write(np.memmap(path, ">c8", "r")[place].tobytes())
        count += len(place)
    return count


def _master(root: Path) -> str:
    return next(root.glob("geo/*.lon")).stem


def _mean(image: NDArray[Any], width: int) -> np.float32:
    total, count = 0.0, 0
    step = max(BLOCK // width, 1)
    for first in range(0, len(image), step):
        amplitude = _modulus(image[first : first + step]).astype(np.float64)
        known = amplitude[amplitude > 0.001]
        total, count = total + float(known.sum()), count + len(known)
    return np.float32(f"{np.float32(total / count):g}")


def _choose(
    images: Sequence[NDArray[Any]],
    constants: Sequence[np.float32],
    patch: Patch,
    folder: Path,
    width: int,
) -> tuple[NDArray[np.int64], Single]:
    (top, bottom), (left, right) = patch.full.azimuth, patch.full.range
    places, dispersions = [], []
    step = max(BLOCK // (right - left), 1)
    with (folder / "mean_amp.flt").open("wb") as amplitudes:
        for first in range(top, bottom, step):
            rows = slice(first, min(first + step, bottom))
            shape = (rows.stop - rows.start, right - left)
            total, square = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
            low = np.zeros(shape, bool)
            for image, constant in zip(images, constants, strict=True):
                amplitude = _modulus(image[rows, left:right]) / constant
                zero = amplitude <= 0.00005
                low |= zero
                square += np.where(zero, np.float32(0), amplitude * amplitude)
                total = np.where(zero, np.float32(0), total + amplitude)
            amplitudes.write(total.tobytes())
            variance = np.float32(len(images)) * square / (total * total) - np.float32(1)
            taken = (variance < THRESHOLD * THRESHOLD) & (total > 0) & ~low
            line, sample = np.nonzero(taken)
            places.append((line + first) * width + sample + left)
            dispersions.append(np.sqrt(np.maximum(variance[taken], 0)))
    return np.concatenate(places), np.concatenate(dispersions)


def forget() -> bool:
    """Empty the page cache; return whether that was allowed."""
    with suppress(OSError):
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
        return True
    return False


def prep(root: Path, what: str, ranks: int, threads: int, size: float) -> dict[str, Any]:
    """Run ``prep`` and return its figures."""
    for path in (*root.glob("PATCH_*"), root / ".pystamps-hpc"):
        shutil.rmtree(path, ignore_errors=True)
    before = processor_seconds()
    patches = [f"--azimuth-patches={PATCHES[0]}", f"--range-patches={PATCHES[1]}"]
    ended = child_run.run(
        ["prep", "snap", "--dataset", root, *patches, "--cpu-workers", threads, "-q"], ranks=ranks
    )
    if ended.code:
        raise SystemExit(f"{what}: ended with {ended.code}: {ended.err}")
    return {
        "what": what,
        "wall_sec": round(ended.seconds, 1),
        "cpu_sec": round(processor_seconds() - before, 1),
        "gb_per_sec": round(size / ended.seconds, 2),
        "peak_mib": max(ended.report["peak_rss_mib"]),
        "candidates": ended.report["candidate_count"],
    }


def timed(what: str, call: Any, size: float) -> dict[str, Any]:
    """Call and return the figures."""
    before, began = time.process_time(), time.perf_counter()
    call()
    wall = time.perf_counter() - began
    return {
        "what": what,
        "wall_sec": round(wall, 1),
        "cpu_sec": round(time.process_time() - before, 1),
        "gb_per_sec": round(size / wall, 2),
        "peak_mib": None,
    }


def _apart(root: Path, out: Path, length: int, width: int) -> tuple[dict[str, Any], int]:
    """Run the plain procedure in a process of its own, whose children do not inherit its peak."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_procedure, root, out, length, width).result()


def _procedure(root: Path, out: Path, length: int, width: int) -> tuple[dict[str, Any], int]:
    count: list[int] = []
    run = timed("plain NumPy, warm", lambda: count.append(plain(root, out, length, width)), 1)
    return run, count[0]


def measure(root: Path, length: int, width: int, images: int) -> list[dict[str, Any]]:
    """Run all that is compared."""
    size = sum(path.stat().st_size for path in _rasters(root)) / 1e9
    cold = "cold" if forget() else "warm"
    reading, working = [], []
    for _ in range(TURNS):
        forget()
        reading.append(timed(f"reading once, {cold}", lambda: read_once(root), size))
        forget()
        working.append(prep(root, f"prep, 2 threads, {cold}", 1, 2, size))
    runs = [middle(reading), middle(working)]
    runs.append(timed("reading once, warm", lambda: read_once(root), size))
    with tempfile.TemporaryDirectory(dir=root.parent) as out:
        run, count = _apart(root, Path(out), length, width)
        runs.append({**run, "gb_per_sec": round(size / run["wall_sec"], 2)})
    warm = [prep(root, "prep, 2 threads, warm", 1, 2, size) for _ in range(TURNS)]
    runs.append(middle(warm))
    runs.append(prep(root, "prep, 2 ranks, warm", 2, 1, size))
    if runs[-1]["candidates"] != count:
        raise SystemExit(f"{count} candidates by plain NumPy, {runs[-1]['candidates']} by prep")
    return runs


def middle(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the run of the median time."""
    return sorted(runs, key=lambda run: run["wall_sec"])[len(runs) // 2]


def judged(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Return what was wanted and what was found, a line each."""
    wall = {run["what"]: run["wall_sec"] for run in runs}
    cold = next(what for what in wall if what.startswith("reading once"))
    ratio = wall["plain NumPy, warm"] / wall["prep, 2 threads, warm"]
    reading = wall[cold.replace("reading once", "prep, 2 threads")] / wall[cold]
    peak = max(run["peak_mib"] or 0 for run in runs)
    return [
        f"plain NumPy takes {ratio:.1f} times as long (wanted: {WANTED_RATIO:g})",
        f"prep takes {reading:.1f} times {cold} (wanted: {WANTED_OF_READING:g})",
        f"peak of a rank {peak:,.0f} MiB (wanted: {WANTED_MIB:,})",
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=4000)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--keep", type=Path, help="where the stack is made, or was")
    parser.add_argument("--page", type=Path, help="page whose table is renewed")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "preparation.json")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="pystamps-prep-") as scratch:
        folder = options.keep or Path(scratch)
        runs = []
        for part in (4, 2, 1):
            root = folder / f"stack-{options.lines // part}"
            size = (options.lines // part, options.samples, options.images)
            if not root.exists():
                write_stack(root, *size)
            if part > 1:
                gigabytes = sum(path.stat().st_size for path in _rasters(root)) / 1e9
                what = f"prep, 2 threads, warm, 1/{part} of the lines"
                runs.append(prep(root, what, 1, 2, gigabytes))
            else:
                runs = [*measure(root, *size), *runs]
    found = judged(runs)
    machine.write(
        options.output,
        {"schema": "pystamps-hpc/bench-preparation/1", "machine": machine.describe(), "runs": runs},
    )
    rows = [
        [run["what"], f"{run['wall_sec']:.1f}", f"{run['cpu_sec']:.1f}",
         f"{run['gb_per_sec']:.2f}", "-" if run["peak_mib"] is None else f"{run['peak_mib']:,.0f}"]
        for run in runs
    ]  # fmt: skip
    print(machine.table(HEAD, rows), *found, sep="\n")
    if options.page:
        lines = [HEAD, ["---", *["---:"] * 4], *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        renew("preparation", text + "\n\n" + "\n".join(f"- {line}" for line in found) + "\n",
              options.page)  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
