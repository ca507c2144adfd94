"""Stage 6, sixth step: SNAPHU, one run per interferogram."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...dataset.rows import AnyArray, ComplexArray, FloatArray
from ...errors import StageError
from ...parallel.context import Context
from .costs import EdgeCosts, snaphu_costs
from .graph import Graph
from .grid import Nodes
from .prepare import share_columns

CONFIGURATION = """\
INFILE snaphu.in
OUTFILE snaphu.out
COSTINFILE snaphu.costinfile
STATCOSTMODE DEFO
INFILEFORMAT COMPLEX_DATA
OUTFILEFORMAT FLOAT_DATA
"""

# Largest distance of an unwrapped phase from a whole number of cycles [cycles].
CONGRUENCE = 1e-3
LOG_LINES = 5

# Earlier versions misread cost files.
OLDEST = "2.0.1"


@dataclass(frozen=True)
class Solution:
    """An unwrapped raster.

    Parameters
    ----------
    phase : (n_row, n_col) float32
        Unwrapped phase [rad].
    cost : float
        Total cost as SNAPHU reports it, 9 digits.
    max_flow : int
        Largest number of cycles on an arc.
    version : str
        Version of SNAPHU.
    """

    phase: FloatArray
    cost: float
    max_flow: int
    version: str


@dataclass(frozen=True)
class GridPhase:
    """The solution at the nodes.

    Parameters
    ----------
    phase : (n_node, n_u) float32
        Unwrapped phase [rad].
    msd : (n_u,) float64
        Mean squared difference of neighbouring cells [rad^2].
    cost : (n_u,) float64
        Total cost of each interferogram.
    """

    phase: FloatArray
    msd: FloatArray
    cost: FloatArray


def unwrap_grid(
    nodes: Nodes, graph: Graph, costs: EdgeCosts, executable: str, ctx: Context
) -> GridPhase:
    """Unwrap every interferogram on the grid, those with most residues first.

    Parameters
    ----------
    nodes : Nodes
        Filtered phasors.
    graph : Graph
        Nearest-node map and edges.
    costs : EdgeCosts
        Cost parabolas.
    executable : str
        SNAPHU.
    ctx : Context
        One task and one memo per interferogram.
    """

    def raster(ifg: int) -> ComplexArray:
        cells: ComplexArray = np.ascontiguousarray(nodes.phase[:, ifg])[graph.nearest]
        return cells

    def count(ifg: int) -> int:
        return int(ctx.kernels.stage6_residues(raster(ifg)))

    def solve(ifg: int) -> dict[str, AnyArray]:
        records = snaphu_costs(costs, graph, ifg, ctx)
        solution = run_snaphu(raster(ifg), *records, executable, ifg, ctx.check)
        return {
            "ph_uw": solution.phase[nodes.row, nodes.col],
            "msd": np.array(mean_squared_difference(solution.phase)),
            "cost": np.array(solution.cost),
            "max_flow": np.array(solution.max_flow),
            "solver": np.array(f"snaphu {solution.version}"),
        }

    def task(ifg: int) -> tuple[FloatArray, float, float, str]:
        stored = ctx.memo(f"ifg_{ifg + 1:06d}", lambda: solve(ifg))
        numbers = (float(stored["msd"]), float(stored["cost"]))
        return stored["ph_uw"], *numbers, str(stored["solver"])

    ifgs = range(nodes.phase.shape[1])
    n_residues = ctx.map_tasks(count, ifgs, label="residues")
    results = ctx.map_tasks(task, ifgs, [1.0 + n for n in n_residues], "unwrapping")
    phase, msd, cost, solver = zip(*results, strict=True)
    ctx.note(" and ".join(sorted(set(solver))))
    ctx.fact("n_residues", int(sum(n_residues)))
    return GridPhase(share_columns(phase, ctx), np.array(msd), np.array(cost))


def mean_squared_difference(raster: FloatArray) -> float:
    """Mean square of the neighbour differences that are not exactly 0.

    Differences inside a node are 0 only up to the rounding of SNAPHU's integration, so the count
    and with it the mean move by a percent with the last bit of the input. Specification of
    stage 6, section 9.3.
    """
    values = raster.astype(np.float64)
    squares = [np.diff(values, axis=axis) ** 2 for axis in (0, 1)]
    count = sum(int(np.count_nonzero(square)) for square in squares)
    return float(sum(square.sum() for square in squares) / count) if count else 0.0


def run_snaphu(
    raster: ComplexArray,
    row_costs: AnyArray,
    col_costs: AnyArray,
    executable: str,
    ifg: int,
    check: Callable[[], None],
) -> Solution:
    """Unwrap one raster with given costs, in a scratch folder of its own.

    Parameters
    ----------
    raster : (n_row, n_col) complex64
        Wrapped phase.
    row_costs : (n_row - 1, n_col, 4) int16
        Cost records of the arcs to the cell below.
    col_costs : (n_row, n_col - 1, 4) int16
        Cost records of the arcs to the cell on the right.
    executable : str
        SNAPHU, version 2.0.1 or later.
    ifg : int
        Number of the unwrapped interferogram (from 0), for messages.
    check : callable
        Raises if the run was asked to stop; asked while SNAPHU works.

    Raises
    ------
    StageError
        SNAPHU failed, or its answer is not the input plus whole cycles; the folder is kept.

    Notes
    -----
    Nothing but cost file and formats is set: initialisation, flow limits and the rest are SNAPHU's
    defaults, as in StaMPS ``uw_stat_costs``. Specification of stage 6, section 11.1.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"pystamps-snaphu-{ifg + 1:06d}-"))
    try:
        solution = _run(folder, raster, row_costs, col_costs, executable, check)
    except StageError as error:
        raise StageError(f"unwrapping of interferogram {ifg + 1}: {error}; see {folder}") from None
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StageError(f"unwrapping of interferogram {ifg + 1} in {folder}: {error}") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return solution


def _run(
    folder: Path,
    raster: ComplexArray,
    row_costs: AnyArray,
    col_costs: AnyArray,
    executable: str,
    check: Callable[[], None],
) -> Solution:
    raster.tofile(folder / "snaphu.in")
    with (folder / "snaphu.costinfile").open("wb") as file:
        row_costs.tofile(file)
        col_costs.tofile(file)
    (folder / "snaphu.conf").write_text(CONFIGURATION)
    log = folder / "snaphu.log"
    command = [executable, "-d", "-f", "snaphu.conf", str(raster.shape[1])]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
        status = _wait(process, check)
    check()  # a signal to the whole job has ended SNAPHU too
    text = log.read_text(errors="replace")
    if status != 0:
        tail = " | ".join(line.strip() for line in text.splitlines()[-LOG_LINES:])
        raise StageError(f"{executable} ended with status {status}: {tail}")
    version = _version(text)
    return Solution(
        _read_output(folder / "snaphu.out", raster),
        _number("Total solution cost", text),
        int(_number("Maximum flow on network", text)),
        version,
    )


def _wait(process: "subprocess.Popen[bytes]", check: Callable[[], None]) -> int:
    """Wait for a program; if the run is asked to stop, the program is killed first."""
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            try:
                check()
            except BaseException:
                process.kill()
                process.wait()
                raise


def _version(text: str) -> str:
    found = re.search(r"snaphu v(\d+(?:\.\d+)*)", text)
    if found is None:
        return "of unknown version"
    version = found[1]
    if [int(part) for part in version.split(".")] < [int(part) for part in OLDEST.split(".")]:
        raise StageError(f"SNAPHU is version {version}; {OLDEST} or later is needed")
    return version


def _read_output(file: Path, raster: ComplexArray) -> FloatArray:
    size = file.stat().st_size if file.exists() else 0
    if size != 4 * raster.size:
        raise StageError(f"{file.name} has {size} bytes, expected {4 * raster.size}")
    phase: FloatArray = np.fromfile(file, np.float32).reshape(raster.shape)
    cycles = (phase.astype(np.float64) - np.angle(raster.astype(np.complex128))) / (2 * np.pi)
    distance = np.abs(cycles - np.rint(cycles))
    wrong = np.count_nonzero(~(distance < CONGRUENCE))
    if wrong:
        raise StageError(f"{file.name} differs from the input by parts of a cycle in {wrong} cells")
    return phase


def _number(label: str, text: str) -> float:
    found = re.findall(rf"{label}: *([-+.\deE]+)", text)
    if not found:
        raise StageError(f"'{label}' is missing in SNAPHU's log")
    return float(found[-1])
