"""Measure the rates of the cost model in ``pystamps_hpc/tools/slurm.py``.

    python benchmarks/slurm_rates.py [CANDIDATES [IMAGES]]

Simulates a dataset of two patches, runs it with one thread part by part, and prints processor
seconds for a million candidates x interferograms. Processor time rather than time on the clock, so
that other work on the machine matters little. The start of the program itself, measured with a tiny
dataset, is taken off. Memory is measured by ``python -m benchmarks.memory``.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = {
    "PATCH_STAGES": ["--end-step", "5", "--part", "patches"],
    "merge": ["--start-step", "5", "--end-step", "5", "--part", "merged"],
    "UNWRAPPING": ["--start-step", "6", "--end-step", "6"],
    "stages 7 and 8": ["--start-step", "7"],
}


def processor_seconds(*arguments: object) -> float:
    """Run pystamps-hpc and return the processor time of it and of what it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [Path(sys.executable).with_name("pystamps-hpc"), *arguments]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(candidates: int = 40_000, images: int = 20) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        processor_seconds("simulate", small, "--candidates", 1000, "--images", 6)
        processor_seconds("simulate", large, "--candidates", candidates, "--images", images)
        options = ["--quiet", "--cpu-workers", 1]
        processor_seconds("run", "--dataset", small, *options)  # compiles the kernels
        start = processor_seconds("run", "--dataset", small, *options)
        in_patches = sum(path.stat().st_size // 8 for path in large.glob("PATCH_*/pscands.1.ll"))
        values = in_patches * (images - 1)
        print(f"{in_patches} candidates in 2 patches x {images - 1} interferograms")
        for name, part in PARTS.items():
            seconds = processor_seconds("run", "--dataset", large, *part, *options) - start
            print(f"{name:16} {seconds / values * 1e6:8.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
