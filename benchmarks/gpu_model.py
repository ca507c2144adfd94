"""What a GPU should take for stages 2, 3, 4 and 7, from counts alone: predicted, not measured.

    python -m benchmarks.gpu_model [--candidates 1000000] [--ifgs 100] [--page docs/gpu.md]

Counts the double operations, the bytes on the device and the bytes over the bus of every step, and
divides by the vendor's peaks times the share of them that is assumed. The native time is that of
the cost model in docs/scaling.md, measured on one core, divided by the cores.
"""

import argparse
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import table
from tests.faults.campaign import renew

SCALING = Path(__file__).parents[1] / "docs" / "scaling.md"

TRIALS, ITERATIONS, WINDOW, STEP = 8, 10, 32, 6
"""Trials on each side, iterations, cells of a window with its padding, cells between windows."""
CELLS, SELECTED = 0.5, 0.4
"""Occupied cells, and candidates that are fitted again, for each candidate."""
PS, ARCS = 0.3, 3
"""PS for each candidate, arcs of a network for each PS."""
SINCOS, ATAN2, ROOT = 40, 60, 20
"""Double operations that a function on a GPU is assumed to take."""
BYTES_PHASOR, BYTES_BASELINE, BYTES_PHASE = 8, 4, 4


@dataclass(frozen=True)
class Gpu:
    """A device by its data sheet.

    Parameters
    ----------
    name : str
        Of the vendor.
    flops : float
        Double operations a second, a fused multiply-add counted as one.
    memory, bus : float
        Bytes a second of its memory, and between it and the host in one direction.
    """

    name: str
    flops: float
    memory: float
    bus: float


GPUS = (Gpu("A100 80 GB", 4.85e12, 2.0e12, 25e9), Gpu("H200", 16.7e12, 4.8e12, 50e9))
REACHED = {"flops": 0.25, "memory": 0.6, "bus": 0.4}
"""Shares of the peaks that are assumed to be reached, copies into pinned memory included."""


@dataclass(frozen=True)
class Step:
    """A part of a stage.

    Parameters
    ----------
    name : str
        What is done.
    operations, moved, bus : float
        Double operations, bytes of the device's memory, bytes over the bus.
    """

    name: str
    operations: float
    moved: float
    bus: float

    def seconds(self, gpu: Gpu) -> float:
        """Return the predicted time; transfers do not overlap with anything."""
        work = max(
            self.operations / gpu.flops / REACHED["flops"],
            self.moved / gpu.memory / REACHED["memory"],
        )
        return work + self.bus / gpu.bus / REACHED["bus"]


def transform_operations(n: int) -> float:
    """Double operations of a transform of n x n samples."""
    return 5 * n * n * math.log2(n * n) / 2


def steps(n: float, m: int) -> list[Step]:
    """Return the steps of `n` candidates and `m` interferograms."""
    samples, cells = n * m, CELLS * n
    windows = cells / STEP**2 * m
    spectrum = 14 * WINDOW**2 + ROOT * WINDOW**2
    fit = TRIALS * (SINCOS + 8) + 2 * (SINCOS + 8) + ATAN2 + ROOT
    phasor = BYTES_PHASOR * samples
    return [
        Step("2: upload, once", 0, 2 * phasor, samples * (BYTES_PHASOR + BYTES_BASELINE)),
        Step("2: weights and grid", ITERATIONS * samples * (SINCOS + 12),
             ITERATIONS * (4 * phasor + 8 * cells * m), ITERATIONS * 16 * n),
        Step("2: CLAP", ITERATIONS * windows * (2 * transform_operations(WINDOW) + spectrum),
             ITERATIONS * (windows * 2 * 16 * 24**2 + 40 * cells * m), 0),
        Step("2: fit", ITERATIONS * samples * fit, ITERATIONS * 6 * phasor, ITERATIONS * 32 * n),
        Step("2: residuals, once", 0, 0, samples * BYTES_PHASE + cells * m * BYTES_PHASOR),
        Step("3: window of each cell", cells * m * (transform_operations(WINDOW) + spectrum),
             cells * m * (8 * WINDOW**2 / 8 + 16), 2 * cells * m * BYTES_PHASOR),
        Step("3: fit again", SELECTED * samples * fit, SELECTED * 6 * phasor,
             SELECTED * samples * (BYTES_PHASOR + BYTES_BASELINE + BYTES_PHASE)),
        *later_steps(PS * n, m),
    ]  # fmt: skip


def later_steps(n: float, m: int) -> list[Step]:
    """Return the steps of the stages after, of `n` PS."""
    samples, arcs = n * m, ARCS * n
    return [
        Step("4: noise of the arcs", arcs * m * (22 * m + 4 * ATAN2), arcs * m * 4 * BYTES_PHASE,
             samples * BYTES_PHASOR + arcs * 40),
        Step("7: SCLA", 10 * samples, samples * 3 * BYTES_PHASE, samples * 3 * BYTES_PHASE),
    ]  # fmt: skip


def native_seconds(n: float, m: int, cores: int, page: str) -> dict[str, float]:
    """Return the native time of the stages by the cost model of docs/scaling.md."""
    rates = {
        stage: float(found[1])
        for stage in "2347"
        if (found := re.search(rf"^\| {stage} \w+ \| [^|]+ x ifgs[^|]* \| (\d+) \|", page, re.M))
    }
    ps = PS * n
    units = {"2": n * m, "3": CELLS * n * m, "4": ARCS * ps * m**2, "7": ps * m}
    return {stage: rates[stage] * units[stage] / 1e9 / cores for stage in rates}


def main(words: Sequence[str] | None = None) -> int:
    """Print the prediction."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=float, default=1e6)
    parser.add_argument("--ifgs", type=int, default=100)
    parser.add_argument("--cores", type=int, default=16)
    parser.add_argument("--page", type=Path, help="page whose table is renewed")
    options = parser.parse_args(words)
    found = steps(options.candidates, options.ifgs)
    native = native_seconds(options.candidates, options.ifgs, options.cores, SCALING.read_text())
    head = ["step", "10^12 operations", "GB moved", "GB over the bus", *(g.name for g in GPUS)]
    rows = [
        [step.name, f"{step.operations / 1e12:.2f}", f"{step.moved / 1e9:.0f}",
         f"{step.bus / 1e9:.1f}", *(f"{step.seconds(gpu):.2f} s" for gpu in GPUS)]
        for step in found
    ]  # fmt: skip
    for stage, seconds in native.items():
        own = [sum(s.seconds(g) for s in found if s.name.startswith(stage)) for g in GPUS]
        rows.append(
            [f"stage {stage}; native on {options.cores} cores: {seconds:.1f} s", "", "", "",
             *(f"{each:.2f} s, {seconds / each:.0f} x" for each in own)]
        )  # fmt: skip
    print(table(head, rows))
    if options.page:
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        renew("predicted", text + "\n", options.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
