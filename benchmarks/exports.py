"""How long a million points take into the format of another program, and how much memory.

    python -m benchmarks.exports [--points 1000000] [--dates 60] [--formats gpkg csv] [--write]

A dataset after stage 8 is made up, with noise for phase, and written in each format by a process of
its own, on at most two cores. Promised are 90 s and 2 GiB for a GeoPackage of a million points and
60 dates; the program ends with 1 if that is broken.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from pystamps_hpc.tools import export
from tests.faults.campaign import renew

FORMATS = tuple(name for name in export.FORMATS if name != "kml")  # which takes 100,000
SLOWEST_SEC, LARGEST_MIB = 90.0, 2048
HEAD = ["", "points", "dates", "wall [s]", "processor [s]", "memory [MiB]", "size [MB]"]

SCENE = """
import sys
from pathlib import Path

from benchmarks.exports import made_up

made_up(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
"""
"""The scene is made by another process, whose memory does not count."""


def made_up(root: Path, n_ps: int, n_dates: int) -> None:
    """Write the artifacts that an export reads, of a scene that never was."""
    import numpy as np

    from pystamps_hpc.dataset.mat import write_mat

    root.mkdir()
    rng = np.random.default_rng(0)
    day = 736_000 + 12.0 * np.arange(n_dates)
    master = n_dates // 2
    years = (day - day[master]) / 365.25
    xy = rng.uniform(-20_000, 20_000, (n_ps, 2))
    ids = np.arange(1.0, n_ps + 1)
    rate = rng.normal(0, 1, n_ps)
    phase = rng.normal(0, 0.3, (n_ps, n_dates)).astype(np.float32)
    phase += (rate[:, None] * years).astype(np.float32)
    phase[:, master] = 0
    write_mat(root / "ps2.mat", {
        "ij": np.column_stack([ids, ids // 4000, ids % 4000]),
        "lonlat": np.array([12.3, 44.1]) + xy / [80_000, 111_000],
        "xy": np.column_stack([ids, xy]).astype(np.float32), "ll0": np.array([[12.3, 44.1]]),
        "day": day[:, None], "master_day": day[master], "master_ix": master + 1.0,
        "n_ps": float(n_ps), "n_ifg": float(n_dates), "n_image": float(n_dates),
        "bperp": rng.normal(0, 80, (n_dates, 1)), "mean_range": 847_000.0,
    })  # fmt: skip
    write_mat(root / "phuw2.mat", {"ph_uw": phase})
    write_mat(root / "rc2.mat", {"ph_rc": np.exp(1j * phase).astype(np.complex64)})
    slope = rng.normal(0, 0.01, (n_ps, 1))
    write_mat(root / "scla2.mat", {
        "ph_scla": (slope * rng.normal(0, 80, n_dates)).astype(np.float32),
        "C_ps_uw": np.zeros((n_ps, 1), np.float32), "K_ps_uw": slope,
    })  # fmt: skip
    write_mat(root / "hgt2.mat", {"hgt": rng.uniform(0, 500, (n_ps, 1))})
    write_mat(root / "pm2.mat", {"coh_ps": rng.uniform(0.3, 1, (n_ps, 1))})
    write_mat(root / "inc2.mat", {"inc": rng.uniform(0.55, 0.75, (n_ps, 1))})
    write_mat(root / "mean_v.mat", {
        "m": np.vstack([np.zeros(n_ps), rate / 365.25]), "value_type": "v-do",
        "lambda": 0.0555, "master_day": day[master],
    })  # fmt: skip
    write_mat(root / "parms.mat", {"lambda": 0.0555, "heading": -168.0})


def measure(root: Path, form: str, path: Path) -> dict[str, Any]:
    """Write a format; return seconds, and the most memory that the process held."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    words = [sys.executable, "-m", "pystamps_hpc", "export", form,
             "--dataset", str(root), "--output", str(path)]  # fmt: skip
    start = time.perf_counter()
    job = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    _, status, used = os.wait4(job.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"export {form}: ended with {os.waitstatus_to_exitcode(status)}")
    size = sum(file.stat().st_size for file in path.parent.rglob("*"))
    return {
        "format": form,
        "wall_sec": round(seconds, 1),
        "cpu_sec": round(used.ru_utime + used.ru_stime, 1),
        "peak_rss_mib": round(used.ru_maxrss / 1024),
        "size_mb": round(size / 1e6),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--dates", type=int, default=60)
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    parser.add_argument("--write", action="store_true", help="renew docs/exports.md")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "exports.json")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="pystamps-exports-") as scratch:
        root = Path(scratch, "scene")
        count, dates = str(options.points), str(options.dates)
        subprocess.run([sys.executable, "-c", SCENE, root, count, dates], check=True)
        runs = [
            measure(root, form, Path(scratch, form, export.FORMATS[form].file))
            for form in options.formats
        ]
    document = {
        "schema": "pystamps-hpc/bench-exports/1", "machine": machine.describe(),
        "points": options.points, "dates": options.dates, "runs": runs,
    }  # fmt: skip
    machine.write(options.output, document)
    rows = [
        [run["format"], f"{options.points:,}", f"{options.dates}", f"{run['wall_sec']:.0f}",
         f"{run['cpu_sec']:.0f}",
         f"{run['peak_rss_mib']:,}", f"{run['size_mb']:,}"]
        for run in runs
    ]  # fmt: skip
    print(machine.table(HEAD, rows))
    if options.write:
        wall = HEAD.index("wall [s]")  # other work on the machine changes it
        lines = [HEAD, ["---", *["---:"] * (len(HEAD) - 1)], *rows]
        lines = [line[:wall] + line[wall + 1 :] for line in lines]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
        renew("exports", text, Path("docs/exports.md"))
    return int(
        any(
            run["wall_sec"] > SLOWEST_SEC or run["peak_rss_mib"] > LARGEST_MIB
            for run in runs
            if run["format"] == "gpkg"
        )
    )


if __name__ == "__main__":
    sys.exit(main())
