"""Time and memory of pictures of large datasets.

    python -m benchmarks.pictures [--points 1000000] [--images 60] [--keep DIR]
        [--page docs/pictures.md]

Merged results of a scene are written once, as stages 5 to 8 leave them; then each picture is drawn
in a process of its own on two cores, as a user draws it. The page cache is as the writing left it.
The program ends with 1 if a panel takes longer or more memory than it may.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from pystamps_hpc.dataset.mat import Stream, write_mat
from pystamps_hpc.dataset.rows import AnyArray
from tests.faults.campaign import renew

CORES = 2
LONGEST_SEC, LARGEST_MIB = 60.0, 2048
ROWS = 1 << 15
PICTURES = (
    ("panel of u-dm", ("u-dm",)),
    ("panel of w", ("w",)),
    ("map of v-do with hillshade", ("v-do", "--hillshade")),
    ("panel of u-dm, PDF", ("u-dm", "--output", "panel.pdf")),
)
HEAD = ["picture", "wall [s]", "processor [s]", "peak [MiB]", "file [MB]"]


def write_scene(root: Path, n_ps: int, images: int) -> None:
    """Write what stages 5 to 8 leave of a scene that subsides in its middle."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-1, 1, (2, n_ps)).astype(np.float32)
    day = 736344.0 + 12 * np.arange(images)
    master = images // 2
    ids = np.arange(1.0, n_ps + 1)
    half = 0.5 * np.sqrt(n_ps / 1e4)  # [deg]: as dense as a town, whatever the size
    lonlat = np.stack((12 + 0.1 * half * x, 44 + 0.07 * half * y), axis=1).astype(np.float64)
    xy = np.stack((x * half * 8000, y * half * 8000), axis=1)
    bperp = rng.normal(0, 80, images)
    bperp[master] = 0
    write_mat(root / "ps2.mat", {
        "ij": np.stack((ids, ids, ids), axis=1), "lonlat": lonlat,
        "xy": np.column_stack((ids, xy)).astype(np.float32), "ll0": np.array([[12.0, 44.0]]),
        "day": day[:, None], "master_day": day[master], "master_ix": master + 1.0,
        "n_ps": float(n_ps), "n_ifg": float(images), "n_image": float(images),
        "bperp": bperp[:, None],
    })  # fmt: skip
    height = 200 + 150 * np.sin(4 * x) * np.cos(5 * y)
    write_mat(root / "hgt2.mat", {"hgt": height[:, None].astype(np.float64)})
    write_mat(root / "parms.mat", {"lambda": 0.0555, "heading": -168.0})
    noise = np.full((images, 1), 20, np.float32)
    write_mat(root / "ifgstd2.mat", {"ifg_std": noise})
    slope = 0.01 * np.sin(9 * x)
    years = (day - day[master]) / 365.25
    bowl = -8 * np.exp(-4 * (x**2 + y**2))
    shape = (n_ps, images)

    def blocks(kind: str) -> Iterator[tuple[slice, AnyArray]]:
        grain = np.random.default_rng(4)
        for first in range(0, n_ps, ROWS):
            rows = slice(first, min(first + ROWS, n_ps))
            scla = slope[rows, None] * bperp.astype(np.float32)
            if kind == "ph_scla":
                yield rows, scla
                continue
            noise = grain.standard_normal(scla.shape, np.float32) * np.float32(0.3)
            phase = (bowl[rows, None] * years.astype(np.float32) + scla + noise).astype(np.float32)
            phase[:, master] = 0
            yield rows, np.exp(1j * phase).astype(np.complex64) if kind == "ph_rc" else phase

    single = np.dtype(np.float32)
    write_mat(root / "phuw2.mat", {"ph_uw": Stream(shape, single, blocks("ph_uw"))})
    write_mat(root / "rc2.mat", {"ph_rc": Stream(shape, np.dtype(np.complex64), blocks("ph_rc"))})
    write_mat(root / "scla2.mat", {
        "ph_scla": Stream(shape, single, blocks("ph_scla")),
        "K_ps_uw": slope[:, None].astype(np.float64), "C_ps_uw": np.zeros((n_ps, 1), np.float32),
    })  # fmt: skip


def drawn(root: Path, what: str, words: Sequence[str]) -> dict[str, Any]:
    """Draw a picture in a process of its own and return its figures."""
    out = root / "products" / "drawn.png"
    more = list(words)
    if "--output" in more:
        place = more.index("--output") + 1
        out = root / "products" / more[place]
        more[place] = str(out)
    else:
        more += ["--output", str(out)]
    command = [sys.executable, "-m", "pystamps_hpc", "plot", *more, "--force", "--dataset", root]
    environment = {**os.environ, "OMP_NUM_THREADS": str(CORES), "OPENBLAS_NUM_THREADS": str(CORES)}
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    began = time.perf_counter()
    child = subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{what}: ended with {child.returncode}")
    return {
        "what": what,
        "wall_sec": round(time.perf_counter() - began, 1),
        "cpu_sec": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mib": usage.ru_maxrss // 1024,
        "file_mb": round(out.stat().st_size / 1e6, 1),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--keep", type=Path, help="where the scene is made, or was")
    parser.add_argument("--page", type=Path, help="page whose table is renewed")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "pictures.json")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="pystamps-pictures-") as scratch:
        root = options.keep or Path(scratch) / "scene"
        if not (root / "scla2.mat").exists():
            write_scene(root, options.points, options.images)
        runs = [drawn(root, what, more) for what, more in PICTURES]
    machine.write(
        options.output,
        {"schema": "pystamps-hpc/bench-pictures/1", "machine": machine.describe(),
         "points": options.points, "images": options.images, "runs": runs},
    )  # fmt: skip
    rows = [
        [run["what"], f"{run['wall_sec']:.1f}", f"{run['cpu_sec']:.1f}", f"{run['peak_mib']:,}",
         f"{run['file_mb']:.1f}"]
        for run in runs
    ]  # fmt: skip
    print(machine.table(HEAD, rows))
    if options.page:
        lines = [HEAD, ["---", *["---:"] * 4], *rows]
        renew("pictures", "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n",
              options.page)  # fmt: skip
    worst = max(run["wall_sec"] for run in runs), max(run["peak_mib"] for run in runs)
    return int(worst[0] > LONGEST_SEC or worst[1] > LARGEST_MIB)


if __name__ == "__main__":
    raise SystemExit(main())
