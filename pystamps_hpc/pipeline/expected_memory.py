"""The memory that tasks are expected to take, from the sizes of the dataset, and its refusal.

One model for the plan of a run, for the room that a stage gets for its pieces, and for the job
scripts: a process, what the stage keeps (its ``SPEC`` says), and pieces that are cut to the rest.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.contents import SMALL_BYTES
from ..dataset.mat import MatFile
from ..dataset.parameters import Parameters
from ..dataset.schema import POINTS
from ..dataset.tree import ROOT, Dataset
from ..errors import DatasetError, MatError
from ..parallel.memory import MemoryBudget
from ..parallel.team import UNIT
from ..stages.base import StageSpec
from .plan import PlannedTask
from .table import Task

PROCESS = 260 << 20
"""Interpreter, libraries and compiled kernels of one process [bytes]."""

WRITING = 64 << 20
"""What reading and writing take beside the pieces of a stage [bytes]."""

PIECE = 80
"""Bytes of a point in an interferogram while a piece of rows is worked on."""

CELLS_PER_POINT = 2.0
"""Cells of the filter grid for each candidate, where positions do not say it."""

GRID_SIZE = 50.0
"""Cells of the filter grid where the parameter cannot be read [m]."""

_BLOCKS, _BLOCK = 32, 512  # positions that are looked at, spread over the file


@dataclass(frozen=True)
class Extent:
    """What the memory of a task depends on.

    Parameters
    ----------
    points : int
        Candidates of a patch, or points of all patches.
    n_ifg : int
        Interferograms.
    cells : float
        Cells of the grid on which stage 2 filters.
    """

    points: int
    n_ifg: int
    cells: float


@dataclass(frozen=True)
class Expected:
    """A task and the least memory that it can be done with [bytes]."""

    row: Task
    target: str
    extent: Extent
    least: float

    @property
    def stage(self) -> int:
        """Number of the stage."""
        return self.row.spec.number


def kept(spec: StageSpec, extent: Extent, ranks: int = 1) -> float:
    """Return what a rank holds during a stage whatever its pieces [bytes], the process included."""
    values = extent.points * extent.n_ifg
    keeps = spec.keeps
    return (
        PROCESS
        + WRITING
        + keeps.value * values / (1 if spec.scope == "patch" else ranks)
        + keeps.point * extent.points
        + keeps.cell * extent.cells * extent.n_ifg
    )


def least(spec: StageSpec, extent: Extent, ranks: int = 1) -> float:
    """Return what a stage takes when its pieces are the smallest: a unit of rows, or a column."""
    rows = PIECE * min(UNIT, extent.points) * extent.n_ifg
    column = spec.keeps.column_point * extent.points + spec.keeps.column_cell * extent.cells
    return kept(spec, extent, ranks) + max(rows, column)


def fitting_points(spec: StageSpec, extent: Extent, limit: float) -> int:
    """Return how many candidates a patch may have to fit into `limit`, at the same density."""
    empty = least(spec, Extent(0, extent.n_ifg, 0))
    each = (least(spec, extent) - empty) / max(extent.points, 1)
    return max(int((limit - empty) / each), 0)


def patch_extent(patch: Path, grid_size: float) -> Extent:
    """Read the extent of a patch from the sizes of its candidate files, else from ``ps1``.

    Raises
    ------
    DatasetError
        The patch has neither.
    MatError
        ``ps1`` cannot be read.
    """
    positions, phase = patch / "pscands.1.ll", patch / "pscands.1.ph"
    if positions.exists() and phase.exists():
        status = positions.stat()
        points = status.st_size // 8  # longitude and latitude, float32
        n_ifg = phase.stat().st_size // (8 * max(points, 1))
        return Extent(points, n_ifg, _cells(positions, status.st_mtime_ns, points, grid_size))
    if not (patch / f"{POINTS[-1]}.mat").exists():
        raise DatasetError(f"{patch}: size unknown: neither pscands.1.* nor {POINTS[-1]}.mat")
    points, n_ifg = _sizes(patch, POINTS[-1])
    return Extent(points, n_ifg, CELLS_PER_POINT * points)


@lru_cache(maxsize=4096)
def _cells(positions: Path, mtime_ns: int, points: int, grid_size: float) -> float:
    """Return the cells of a grid over the positions, outliers left out; each stage asks for it."""
    if not points:
        return 0.0
    if 8 * points <= SMALL_BYTES:
        whole = np.fromfile(positions, ">f4", 2 * points).reshape(points, 2)
    else:
        whole = np.memmap(positions, ">f4", "r", shape=(points, 2))
    starts = np.linspace(0, max(points - _BLOCK, 0), _BLOCKS).astype(np.int64).tolist()
    sample = np.concatenate([whole[start : start + _BLOCK] for start in dict.fromkeys(starts)])
    degrees = max((sample, sample.byteswap()), key=lambda one: np.count_nonzero(_plausible(one)))
    known = degrees[_plausible(degrees).all(axis=1)].astype(np.float64)
    if len(known) < 2:
        return CELLS_PER_POINT * points
    (middle,) = _quantiles(known[:, 0], 0.5)
    south, level, north = _quantiles(known[:, 1], 0.01, 0.5, 0.99)
    west, east = _quantiles((known[:, 0] - middle + 180) % 360 - 180, 0.01, 0.99)
    spans = ((east - west) * math.cos(math.radians(level)), north - south)
    return float(math.prod(math.ceil(span / 0.98 * 111_195 / grid_size) for span in spans))


def _quantiles(values: NDArray[np.float64], *shares: float) -> list[float]:
    """As ``numpy.quantile``, which takes a tenth of a millisecond even for a few values."""
    last = len(values) - 1
    found = np.interp(np.multiply(shares, last), np.arange(last + 1), np.sort(values))
    return found.tolist()  # type: ignore[no-any-return]


def _plausible(degrees: Any) -> Any:
    size = np.abs(degrees)
    return (size > 1e-6) & (size <= 360)


def expected_tasks(
    dataset: Dataset,
    plan: Iterable[PlannedTask],
    grid_size: float,
    ranks: int,
    side_by_side: int = 1,
    in_processes: bool = False,
) -> list[Expected]:
    """Return what every planned task that can be judged before work is expected to take.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    plan : iterable of PlannedTask
        All tasks of the window.
    grid_size : float
        Cells of the filter of stage 2 [m].
    ranks : int
        Ranks that share the merged stages.
    side_by_side : int
        Patches that one rank works on.
    in_processes : bool
        Whether each of them has a process of its own.
    """
    due = [planned for planned in plan if planned.action == "run"]
    extents: dict[str, Extent] = {}
    for name in dict.fromkeys(planned.target for planned in due):
        try:
            if name != ROOT:
                extents[name] = patch_extent(dataset.directory(name), grid_size)
            elif all(planned.scope == "merged" and not planned.row.gathers for planned in due):
                extents[name] = merged_extent(dataset.root)  # the points are known
        except (DatasetError, MatError, OSError):
            continue  # what is wrong with the files the task says
    found = []
    for planned in due:
        if planned.target in extents:
            extent = extents[planned.target]
            own = least(planned.row.spec, extent, ranks)
            another = own if in_processes else own - PROCESS
            more = (side_by_side - 1) * another if planned.scope == "patch" else 0
            found.append(Expected(planned.row, planned.target, extent, own + more))
    return found


def merged_extent(directory: Path) -> Extent:
    """Read the extent of the points that are left in a directory."""
    return Extent(*_sizes(directory, POINTS[0]), cells=0)


def _sizes(directory: Path, artifact: str) -> tuple[int, int]:
    """Return the numbers of points and interferograms."""
    with MatFile(directory / f"{artifact}.mat") as file:
        return file.count("n_ps"), file.count("n_ifg")


def grid_size_of(parameters: Parameters) -> float:
    """Return the cells of the filter of stage 2 [m]; what is wrong with them the stage will say."""
    size = parameters.value("filter_grid_size")
    return float(size) if isinstance(size, int | float) and size > 0 else GRID_SIZE


def require_memory(expected: Iterable[Expected], budget: MemoryBudget) -> None:
    """Refuse a plan with a task that does not fit.

    Raises
    ------
    DatasetError
        Names the task, and the size of a patch that fits.
    """
    most = max(expected, key=lambda one: one.least, default=None)
    if most is None or most.least <= budget.limit:
        return
    if most.target == ROOT:
        remedy = "take more ranks, or fewer on a node"
    else:
        fit = fitting_points(most.row.spec, most.extent, budget.limit)
        remedy = f"cut patches of at most {fit:,} candidates" if fit else "no patch is that small"
    raise DatasetError(
        f"{most.target}: stage {most.stage} takes {mib(most.least)} for {most.extent.points:,} "
        f"points in {most.extent.n_ifg} interferograms, {budget.source} leaves "
        f"{mib(budget.limit)} to a rank; {remedy}, or give a rank more memory"
    )


def memory_line(expected: Iterable[Expected], budget: MemoryBudget) -> str:
    """Say in one line what may be used and what is needed; empty for no work."""
    most = max(expected, key=lambda one: one.least, default=None)
    if most is None:
        return ""
    bounded = math.isfinite(budget.planned)
    may = f"up to {mib(budget.planned)} may be used; " if bounded else ""
    return (
        f"memory of a rank: {may}at least {mib(most.least)} are needed "
        f"(stage {most.stage}, {most.target})"
    )


def memory_facts(expected: Iterable[Expected], budget: MemoryBudget) -> dict[str, Any]:
    """Return what is planned and expected [MiB], for the report; null where nothing bounds it."""

    def whole(size: float) -> int | None:
        return int(size) >> 20 if math.isfinite(size) else None

    return {
        "planned_mib": whole(budget.planned),
        "limit_mib": whole(budget.limit),
        "tasks": [
            {"stage": one.stage, "target": one.target, "least_mib": whole(one.least)}
            for one in expected
        ],
    }


def mib(size: float) -> str:
    """Return a size in MiB."""
    return f"{size / 2**20:,.0f} MiB"
