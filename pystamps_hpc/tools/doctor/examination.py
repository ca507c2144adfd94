"""All examinations together: the document and the exit code."""

import os
from pathlib import Path
from shlex import quote
from typing import Any

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.tree import Dataset, discover_dataset
from ...errors import Exit, MpiEnvironmentError, PystampsError
from ...parallel.team import Team
from ...pipeline import preflight
from ...pipeline.backends import resolve_kernels
from ...pipeline.session import Session, prepare
from ...pipeline.table import mode_of
from ...pipeline.types import PipelineContext
from ..preparation.examination import examine_stack, is_unprepared
from ..status import collect_status
from . import disk, machine
from .artifacts import examine_files, leftovers
from .devices import examine_devices
from .findings import DATASET, Problem, problem_of


def examine(
    team: Team, config: RunConfig, part: str | None = None, root: str | Path | None = None
) -> tuple[dict[str, Any], int]:
    """Return the document ``pystamps-hpc/doctor/1`` and the exit code; collective.

    Parameters
    ----------
    team : Team
        The ranks.
    config : RunConfig
        Configuration of the run that is meant.
    part : {"mpi", "gpu", "dataset"}, optional
        Examine only this; everything by default.
    root : str or Path, optional
        Dataset.

    Returns
    -------
    dict
        What was found; ``problems`` with their remedies, the worst first.
    int
        The one with which ``run`` would stop at the first problem that stops it, else 0.
    """
    problems: list[Problem] = []
    document: dict[str, Any] = {"schema": "pystamps-hpc/doctor/1", "launcher": machine.launcher()}
    document["mpi"] = machine.mpi(team)
    document["ranks"] = machine.ranks(team, config)
    if part in (None, "mpi"):
        problems += machine.rank_problems(team, config)
    if part == "gpu" or config.runtime.backend == "gpu":
        document["devices"], more = examine_devices(team, config)
        problems += more
    if part is None:
        document["tools"] = team.on_root(lambda: machine.tools(config))
        document["caches"] = machine.caches(dict(os.environ))
        problems += machine.tool_problems(document["tools"])
        problems += machine.thread_problems(document["tools"])
        problems += machine.cache_problems(document["caches"])
    if root is not None and part != "gpu":
        seen = _sight(team, Path(root), problems)
        for rank, sees in zip(document["ranks"], seen, strict=True):
            rank["sees_dataset"] = sees
    if root is not None and part in (None, "dataset"):
        found, more = team.on_root(lambda: _examine_dataset(Path(root), config))
        document["dataset"] = found
        problems += more
        if found["free_mib"] is not None:
            problems += _run_problems(team, Path(root), config)
    problems = sorted(dict.fromkeys(problems), key=lambda problem: not problem.stops_run)
    document["problems"] = [
        {
            "problem": each.problem,
            "remedy": each.remedy,
            "stops_run": each.stops_run,
            "exit_code": each.exit_code,
        }
        for each in problems
    ]
    return document, problems[0].exit_code if problems else Exit.OK


def _sight(team: Team, root: Path, problems: list[Problem]) -> list[bool]:
    """Return which ranks see the dataset; collective."""
    seen = disk.seen_by_ranks(root, team)
    for member, sees in zip(team.members, seen, strict=True):
        if not sees:
            problems.append(
                Problem(
                    f"rank {member.rank} on {member.host} does not see {root}",
                    "put the data set on a file system shared by all nodes",
                    MpiEnvironmentError.exit_code,
                )
            )
    return seen


def _examine_dataset(root: Path, config: RunConfig) -> tuple[dict[str, Any], list[Problem]]:
    empty: dict[str, Any] = {
        "root": str(root), "patches": None, "file_system": None,
        "unreadable": [], "inconsistent": [], "stale": [], "leftovers": [], "free_mib": None,
    }  # fmt: skip
    try:
        if is_unprepared(root):
            return empty, _stack_problems(root)
        dataset = discover_dataset(root, need_patches=False)
        status = collect_status(root, config)
    except PystampsError as error:
        return empty, [Problem(str(error), "repair the directory tree", error.exit_code)]
    unreadable, inconsistent = examine_files(dataset, mode_of(parameters.load(dataset.root)))
    free, crowded = disk.examine_space(dataset)
    left = leftovers(dataset)
    found = {
        "root": str(dataset.root),
        "patches": len(dataset.patches),
        "file_system": disk.file_system(dataset.root),
        "unreadable": [problem.problem for problem in unreadable],
        "inconsistent": [problem.problem for problem in inconsistent],
        "stale": status["stale"],
        "leftovers": left,
        "free_mib": free,
        "gaps": status["gaps"],
        "locked_by": status["locked_by"],
    }
    problems = [*unreadable, *inconsistent, *crowded, *disk.examine_disk(dataset.root)]
    problems += _status_problems(dataset, status, left)
    return found, problems


def _stack_problems(root: Path) -> list[Problem]:
    """Say that a stack has no candidates yet, and what is wrong with it."""
    found = examine_stack(root)
    return [
        Problem(
            f"{root}: images without candidates",
            f"pystamps-hpc prep --dataset {quote(str(root))}",
            DATASET,
        ),
        *(problem_of(told, DATASET) for told in found["problems"]),
        *(problem_of(told, Exit.OK) for told in found["warnings"]),
    ]


def _status_problems(dataset: Dataset, status: dict[str, Any], left: list[str]) -> list[Problem]:
    problems = []
    if stale := status["stale"]:
        first = f"{stale[0]['path']}: {stale[0]['reason']}"
        problems.append(
            Problem(
                f"{len(stale)} finished tasks are stale, first {first}",
                "nothing: the next run makes them again; --stale keep goes on with them",
            )
        )
    for row in status["gaps"]:
        folder = dataset.directory(row["target"])
        lost = [name for name in row["missing"] if not (folder / name).exists()]
        if lost:  # a file that is there and counts as missing cannot be read, which is said already
            problems.append(
                Problem(
                    f"{row['target']}: stage {row['stage']} lacks {', '.join(lost)} although "
                    "later stages are finished",
                    f"run --start-step {row['stage']}",
                )
            )
    if left:
        problems.append(
            Problem(
                f"{dataset.root}: {len(left)} leftovers of ended runs ({left[0]} ...)",
                "nothing: the next run removes or continues them",
            )
        )
    owner = status["locked_by"]
    if owner and not any("lock/" in name for name in left):
        problems.append(
            Problem(
                f"data set is in use: run {owner.get('run_id')} by {owner.get('user')} on "
                f"{owner.get('host')} (pid {owner.get('pid')}) since {owner.get('started_utc')}",
                "wait, or remove the lock with --break-lock",
                DATASET,
            )
        )
    return problems


def _run_problems(team: Team, root: Path, config: RunConfig) -> list[Problem]:
    """Plan and examine a run of the whole chain without doing anything; collective."""

    def planned() -> Session:
        return prepare(PipelineContext(root, config), kernels)

    try:
        kernels = resolve_kernels(config.resolved(), team)
        session = team.on_root(planned)
    except PystampsError as error:
        return [problem_of(line, error.exit_code) for line in str(error).splitlines()]
    return [problem_of(each.message, each.exit_code) for each in preflight.examine(session, team)]
