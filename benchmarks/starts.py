"""Many processes of one node start at once with an empty cache: copies of the image's kernels.

    python -m benchmarks.starts [--ranks 64]

What is compiled for this environment stands for the kernels of an image. Prints how many processes
copied them, and the seconds until a process had called its first kernel.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pystamps_hpc.cli.environment import prepare
from pystamps_kernels.native.seed import LOCAL, SEED

RANK = """
import json, os, sys, time
from pystamps_hpc.cli.environment import prepare
prepare(os.environ)
from pystamps_kernels.native import seed
copies, whole = [], seed._copy
def counted(*folders):
    copies.append(1)
    whole(*folders)
seed._copy = counted
import numpy as np
from pystamps_kernels.native.phasors import angle
angle(np.ones((4, 4), np.complex64))
hits = sum(angle.stats.cache_hits.values())
print(json.dumps({"copies": len(copies), "at": time.time(), "from_cache": hits}))
"""


def image_kernels(place: Path) -> Path:
    """Return a folder of compiled kernels as an image has it."""
    from pystamps_kernels.native.cache import folder
    from pystamps_kernels.native.phasors import angle

    angle(np.ones((4, 4), np.complex64))
    return Path(shutil.copytree(folder(), place / "image" / folder().name)).parent


def start(ranks: int, place: Path) -> list[dict[str, float]]:
    """Start processes at once; return what each says."""
    environ = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", LOCAL)}
    environ |= {SEED: str(image_kernels(place)), "TMPDIR": str(place), "HOME": str(place)}
    began = time.time()
    jobs = [
        subprocess.Popen([sys.executable, "-c", RANK], env=environ, stdout=subprocess.PIPE)
        for _ in range(ranks)
    ]
    told = [json.loads(job.communicate()[0]) for job in jobs]
    return [{**row, "sec": row["at"] - began} for row in told]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=int, default=64)
    options = parser.parse_args()
    prepare(os.environ)
    with tempfile.TemporaryDirectory() as scratch:
        rows = start(options.ranks, Path(scratch))
    seconds = sorted(row["sec"] for row in rows)
    shown = {
        "ranks": len(rows),
        "copies": sum(row["copies"] for row in rows),
        "read_from_cache": sum(row["from_cache"] > 0 for row in rows),
        "first_kernel_sec": round(seconds[0], 1),
        "median_sec": round(statistics.median(seconds), 1),
        "last_sec": round(seconds[-1], 1),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(shown, indent=1))


if __name__ == "__main__":
    main()
