"""Measure the rates of the cost model in ``pystamps_hpc/tools/slurm.py``.

    python -m benchmarks.slurm_rates [CANDIDATES [IMAGES]]

Simulates a dataset of two patches, runs it with one thread part by part, and prints processor
seconds for a million candidates x interferograms. Processor time rather than time on the clock, so
that other work on the machine matters little. The start of the program itself, measured with a tiny
dataset, is taken off. Memory is measured by ``python -m benchmarks.memory``.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.backends import processor_seconds
from pystamps_hpc.tools import child_run

PARTS = {
    "PATCH_STAGES": ["--end-step", "5", "--part", "patches"],
    "merge": ["--start-step", "5", "--end-step", "5", "--part", "merged"],
    "UNWRAPPING": ["--start-step", "6", "--end-step", "6"],
    "stages 7 and 8": ["--start-step", "7"],
}


def processor_sec(*arguments: object) -> float:
    """Run pystamps-hpc and return the processor time of it and of what it started."""
    before = processor_seconds()
    ended = child_run.run(arguments)
    if ended.code:
        raise RuntimeError(ended.err)
    return processor_seconds() - before


def main(candidates: int = 40_000, images: int = 20) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        processor_sec("simulate", small, "--candidates", 1000, "--images", 6)
        processor_sec("simulate", large, "--candidates", candidates, "--images", images)
        options = ["--quiet", "--cpu-workers", 1]
        processor_sec("run", "--dataset", small, *options)  # compiles the kernels
        start = processor_sec("run", "--dataset", small, *options)
        in_patches = sum(path.stat().st_size // 8 for path in large.glob("PATCH_*/pscands.1.ll"))
        values = in_patches * (images - 1)
        print(f"{in_patches} candidates in 2 patches x {images - 1} interferograms")
        for name, part in PARTS.items():
            seconds = processor_sec("run", "--dataset", large, *part, *options) - start
            print(f"{name:16} {seconds / values * 1e6:8.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
