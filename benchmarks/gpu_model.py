"""What a GPU should take for stages 2 to 4 and 6 to 8, by counts alone: predicted, not measured.

    python -m benchmarks.gpu_model [--candidates 1000000] [--ifgs 100] [--page docs/gpu.md]

Counts the double operations, the bytes on the device and the bytes over the bus of every step, and
divides by the vendor's peaks times the share of them that is assumed. What kernels without a CUDA
form take is added as it is. The native time is what ``benchmarks.kernel_shares`` measured on one
thread and wrote to docs/gpu.md, times the candidates, divided by the cores; cells, arcs and
iterations are those of its scene.
"""

import argparse
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import table
from pystamps_kernels.reference.goldstein import padded_width
from tests.faults.campaign import renew

PAGE = Path(__file__).parents[1] / "docs" / "gpu.md"

TRIALS, ITERATIONS, WINDOW, STEP = 8, 3, 32, 6
"""Trials on each side, iterations, cells of a window with its padding, cells between windows."""
IN_PATCHES, GRID_CELLS, CELLS, SELECTED = 1.16, 2.29, 0.73, 0.83
"""Candidates in patches, which overlap, cells of their grids, cells that are occupied, and
candidates that are fitted again, for each candidate."""
PS, ARCS = 0.7, 3
"""PS for each candidate, arcs of a network for each of those selected."""
NODES, GRID_ARCS, GOLDSTEIN, ARC_TRIALS = 0.17, 2, 32, 24
"""Nodes to unwrap for each PS, arcs for each node; window of the filter, trials of an arc."""
NEIGHBOURS = 115
"""PS in the cells around a PS, which the filter in space looks at."""
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
    own = IN_PATCHES * n
    samples, cells, grid = own * m, CELLS * n, GRID_CELLS * n
    windows, arcs = grid / STEP**2 * m, ARCS * SELECTED * n
    spectrum = 14 * WINDOW**2 + ROOT * WINDOW**2
    fit = TRIALS * (SINCOS + 8) + 2 * (SINCOS + 8) + ATAN2 + ROOT
    phasor, again = BYTES_PHASOR * samples, SELECTED * n * m
    return [
        Step("2: upload, once", 0, 2 * phasor, samples * (BYTES_PHASOR + BYTES_BASELINE)),
        Step("2: weights and grid", ITERATIONS * samples * (SINCOS + 12),
             ITERATIONS * (4 * phasor + 8 * grid * m), ITERATIONS * 16 * own),
        Step("2: CLAP", ITERATIONS * windows * (2 * transform_operations(WINDOW) + spectrum),
             ITERATIONS * (windows * 2 * 16 * 24**2 + 40 * grid * m), 0),
        Step("2: fit", ITERATIONS * samples * fit, ITERATIONS * 6 * phasor, ITERATIONS * 32 * own),
        Step("2: residuals, once", 0, 0, samples * BYTES_PHASE + cells * m * BYTES_PHASOR),
        Step("3: window of each cell", cells * m * (transform_operations(WINDOW) + spectrum),
             cells * m * (8 * WINDOW**2 / 8 + 16), (grid + cells) * m * BYTES_PHASOR),
        Step("3: fit again", again * fit, 6 * BYTES_PHASOR * again,
             again * (BYTES_PHASOR + BYTES_BASELINE + BYTES_PHASE)),
        Step("4: noise of the arcs", arcs * m * (22 * m + 4 * ATAN2), arcs * m * 4 * BYTES_PHASE,
             again * BYTES_PHASOR + arcs * 40),
        *later_steps(PS * n, m),
    ]  # fmt: skip


def later_steps(n: float, m: int) -> list[Step]:
    """Return the steps of the stages after the merge, of `n` PS."""
    samples, nodes = n * m, NODES * n
    grid_arcs = GRID_ARCS * nodes
    padded = padded_width(GOLDSTEIN)
    windows = nodes * m / (GOLDSTEIN / 2) ** 2
    spectrum = (14 + ROOT) * padded**2
    of_arc = ARC_TRIALS * 4 + 14 * m + 4 * ATAN2 + 2 * SINCOS
    return [
        Step("6: phase of points and cells", samples * (2 * SINCOS + ATAN2),
             samples * 8 * BYTES_PHASOR, samples * 40),
        Step("6: Goldstein", windows * (2 * transform_operations(padded) + spectrum),
             windows * 2 * 16 * GOLDSTEIN**2, nodes * m * 2 * BYTES_PHASOR),
        Step("6: arcs", grid_arcs * m * of_arc, grid_arcs * m * 80, grid_arcs * m * 70),
        Step("7: SCLA", 10 * samples, samples * 3 * BYTES_PHASE, samples * 3 * BYTES_PHASE),
        Step("8: high-pass in time", 2 * samples * m, samples * 3 * BYTES_PHASE,
             samples * 3 * BYTES_PHASE),
        Step("8: low-pass in space", n * NEIGHBOURS * (2 * m + SINCOS),
             n * NEIGHBOURS * m * BYTES_PHASE, samples * 3 * BYTES_PHASE),
        Step("8: velocity", 4 * samples, samples * BYTES_PHASE, samples * BYTES_PHASE),
    ]  # fmt: skip


@dataclass(frozen=True)
class Native:
    """Time of a stage without a device.

    Parameters
    ----------
    all, rest : float
        Of the stage, and of what kernels with a CUDA form do not take [s].
    """

    all: float
    rest: float


def native_seconds(n: float, m: int, cores: int, page: str) -> dict[str, Native]:
    """Return the native time of the stages by what was measured with as many interferograms.

    Raises
    ------
    ValueError
        The page has figures of another number of interferograms, or none.
    """
    measured = re.search(r"^(\d+) candidates, (\d+) interferograms,", page, re.M)
    if not measured or int(measured[2]) != m:
        raise ValueError(
            f"{PAGE.name} has no figures of {m} interferograms; "
            f"python -m benchmarks.kernel_shares --ifgs {m} --page {PAGE}"
        )
    scale = n / int(measured[1]) / cores
    rows = re.findall(r"^\| (\d) \| ([\d.]+) \| ([\d.]+) \|", page, re.M)
    return {
        stage: Native(float(whole) * scale, max(float(whole) - float(kernels), 0) * scale)
        for stage, whole, kernels in rows
        if stage in "234678"
    }


def summary(found: Sequence[Step], native: dict[str, Native], cores: int) -> list[list[str]]:
    """Return a row for each stage: native, and the device with what is left native."""

    def compared(time: Native, device: float) -> str:
        whole, kernels = time.rest + device, (time.all - time.rest) / device
        return f"{whole:.2f} s, {time.all / whole:.1f} x; kernels alone {kernels:.1f} x"

    rows = []
    for stage, time in native.items():
        own = [sum(s.seconds(g) for s in found if s.name.startswith(stage)) for g in GPUS]
        label = (
            f"stage {stage}; native on {cores} cores: {time.all:.1f} s, "
            f"{time.rest:.1f} s of it by no kernel of a GPU"
        )
        rows.append([label, "", "", "", *(compared(time, each) for each in own)])
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Print the prediction."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=float, default=1e6)
    parser.add_argument("--ifgs", type=int, default=100)
    parser.add_argument("--cores", type=int, default=16)
    parser.add_argument("--page", type=Path, help="page whose table is renewed")
    options = parser.parse_args(words)
    found = steps(options.candidates, options.ifgs)
    native = native_seconds(
        options.candidates, options.ifgs, options.cores, PAGE.read_text(encoding="utf-8")
    )
    head = ["step", "10^12 operations", "GB moved", "GB over the bus", *(g.name for g in GPUS)]
    rows = [
        [step.name, f"{step.operations / 1e12:.2f}", f"{step.moved / 1e9:.0f}",
         f"{step.bus / 1e9:.1f}", *(f"{step.seconds(gpu):.2f} s" for gpu in GPUS)]
        for step in found
    ]  # fmt: skip
    rows += summary(found, native, options.cores)
    print(table(head, rows))
    if options.page:
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        renew("predicted", text + "\n", options.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
