"""Run a window of stages on a dataset: plan, lock, patches over ranks, merged stages, report."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

from ..config import RunConfig
from ..dataset.lock import DatasetLock, new_owner
from ..dataset.publish import write_text
from ..dataset.tree import ROOT, Dataset
from ..errors import ConfigError
from ..parallel.cpus import mixed_cpus
from ..parallel.launcher import MpiMode, start_team
from ..parallel.memory import memory_budget
from ..parallel.team import SerialTeam, Team
from ..stages.base import Scope
from .backends import fallback_warnings, resolve_kernels
from .compiling import compile_kernels
from .documents import json_text
from .events import Compiling, Plan, RunFinished, RunStarted, Watcher, ignore
from .expected_memory import (
    Expected,
    expected_tasks,
    grid_size_of,
    memory_facts,
    memory_line,
    require_memory,
)
from .plan import PlannedTask
from .preflight import preflight
from .report import build_report, rank_usage
from .scheduling import kernel_threads, pool_of, run_merged, run_patches
from .session import Session, prepare
from .starting import before_work
from .table import stage_numbers
from .types import PipelineContext, PipelineReport, StageResult

__all__ = ["plan_pipeline", "run_pipeline", "run_stage"]

KEPT_RUNS = 50

Finish = Callable[[PipelineReport, Team], None]
"""What follows the stages, the products: takes the report and the ranks."""


def plan_pipeline(context: PipelineContext) -> list[PlannedTask]:
    """Return every task of the window with its decision; no side effects.

    Raises
    ------
    PystampsError
        As :func:`run_pipeline` before it writes anything.
    """
    team = SerialTeam()
    session = prepare(context, resolve_kernels(context.run_config.resolved(), team))
    preflight(session, team, places=False)
    return list(session.plan)


def run_pipeline(
    context: PipelineContext,
    watcher: Watcher = ignore,
    team: Team | None = None,
    finish: Finish | None = None,
) -> PipelineReport:
    """Run the planned tasks of a dataset; collective when several ranks run it.

    Parameters
    ----------
    context : PipelineContext
        What to run.
    watcher : Watcher, optional
        Told what happens.
    team : Team, optional
        Ranks; by default those of ``context.comm``, else as the launcher's environment says.
    finish : callable, optional
        Collective, ``finish(report, team)``; called when the dataset is no longer locked and before
        the report is saved; may add to the report of the root. Of a dry run it must not write.

    Returns
    -------
    PipelineReport
        The same on all ranks.

    Raises
    ------
    PystampsError
        Configuration, dataset, lock, backend or MPI error before work starts. Errors of tasks are
        rows of the report.
    """
    team = team or _team(context)
    started = datetime.now(UTC)
    session = _planned(context, team)
    expected = team.on_root(lambda: _expected(session, team))
    warnings = [*session.warnings, *_machine_warnings(session, team)]

    def report_of(rows: list[StageResult]) -> PipelineReport:
        usage = rank_usage(team, kernel_threads(session, team).threads)
        report = team.on_root(lambda: build_report(session, context, rows, usage, team, started))
        report.warnings += [*warnings, *_unshared_arrays(team)]
        report.memory = memory_facts(expected, session.memory)
        return report

    settled = [_row_of(p) for p in session.plan if p.action not in ("run", "not_started")]
    if context.dry_run:
        report = report_of([*settled, *(_row_of(planned) for planned in session.due)])
        return _finished(report, team, finish)
    lock = DatasetLock(
        session.dataset.root,
        new_owner(session.run_id, context.command),
        context.patches,
        context.break_lock,
    )
    with locked(session.dataset, lock, team) as taken_over:
        warnings += [*taken_over, *before_work(session, context, team)]
        watcher(RunStarted(session.folder, session.run_id, context.command, lock.owner))
        watcher(_plan(session, expected, team))
        report = report_of([*settled, *_run_tasks(session, team, watcher, settled)])
    report = _finished(report, team, finish)
    report = team.on_root(lambda: _kept(session, report))
    watcher(RunFinished(report.exit_code))
    return report


def _planned(context: PipelineContext, team: Team) -> Session:
    """Plan a run, and refuse what its dataset would stop; collective."""
    kernels = resolve_kernels(context.run_config.resolved(), team, context.native_only)
    memory = memory_budget(team.members, context.run_config.runtime.memory_gb)
    session = replace(team.on_root(lambda: prepare(context, kernels)), memory=memory)
    preflight(session, team, places=not context.dry_run)
    return session


def _run_tasks(
    session: Session, team: Team, watcher: Watcher, settled: list[StageResult]
) -> list[StageResult]:
    """Compile kernels, run the patches and, if none has failed, what follows them."""
    if session.due:
        threads = kernel_threads(session, team).threads
        compile_kernels(
            session.kernels,
            session.mode,
            threads,
            lambda done, total: watcher(Compiling(done, total)),
        )
    rows = run_patches(session, team, watcher)
    if not any(row.status == "failed" for row in (*settled, *rows)):
        rows += run_merged(session, team, watcher)
    return rows


def _finished(report: PipelineReport, team: Team, finish: Finish | None) -> PipelineReport:
    """Return the report with what `finish` adds to it."""
    if finish is not None:
        finish(report, team)
    return team.on_root(lambda: report)


def _kept(session: Session, report: PipelineReport) -> PipelineReport:
    """Return the report, of which a copy stays in the folder of the run."""
    try:
        _save_report(session, report)
    except OSError as error:
        report.warnings.append(f"no copy of this report kept: {error.strerror}")
    return report


def _unshared_arrays(team: Team) -> Iterator[str]:
    """Yield a warning if the memory that ranks share was too small."""
    if team.n_unshared:
        yield f"/dev/shm was full: {team.n_unshared} arrays took memory once per rank"


def run_stage(
    stage_id: int,
    *,
    patch: str | Path | None = None,
    dataset: str | Path | None = None,
    run_config: RunConfig | None = None,
    force: bool = False,
) -> StageResult:
    """Run one stage of one target, whether it is finished or not.

    Parameters
    ----------
    stage_id : int
        Stage.
    patch, dataset : path
        One of them: directory of the patch, or of the dataset for a merged stage.
    run_config : RunConfig, optional
        Configuration.
    force : bool
        Whether results that were not made here are replaced and removed too.

    Raises
    ------
    ConfigError
        The scope does not fit the stage.
    PystampsError
        As :func:`run_pipeline`.
    """
    context = stage_context(stage_id, patch, dataset, run_config)
    return run_pipeline(replace(context, force=force)).results[0]


def stage_context(
    stage_id: int,
    patch: str | Path | None,
    dataset: str | Path | None,
    run_config: RunConfig | None = None,
) -> PipelineContext:
    """Return the context that runs exactly one task.

    Raises
    ------
    ConfigError
        The scope does not fit the stage.
    """
    if (patch is None) == (dataset is None):
        raise ConfigError(f"stage {stage_id} needs exactly one of --patch and --dataset")
    scopes = {scope for scope in get_args(Scope) if stage_id in stage_numbers(scope)}
    if patch is not None and scopes == {"merged"}:
        raise ConfigError(f"stage {stage_id} is a merged stage: use --dataset ROOT")
    if dataset is not None and scopes == {"patch"}:
        raise ConfigError(f"stage {stage_id} is a patch stage: use --patch ROOT/PATCH_k")
    directory = Path(patch or dataset or ".").resolve()
    return PipelineContext(
        directory.parent if patch is not None else directory,
        run_config or RunConfig(),
        start_step=stage_id,
        end_step=stage_id,
        again=True,
        part="patches" if patch is not None else "merged",
        patches=(directory.name,) if patch is not None else None,
    )


def _machine_warnings(session: Session, team: Team) -> list[str]:
    """Return what the user should know about kernels, processors and ranks; collective."""
    found = team.on_each(lambda: kernel_threads(session, team).warnings)
    warnings = [message for messages in found for message in messages]
    mixed = mixed_cpus(team.members)
    chains = {planned.target for planned in session.due if planned.scope == "patch"}
    idle = team.size - len(chains) if chains else 0
    return [
        *fallback_warnings(session.config, session.kernels),
        *warnings,
        *([mixed] if mixed else []),
        *([f"{idle} ranks have no patch in stages 1-5"] if idle > 0 else []),
    ]


def _expected(session: Session, team: Team) -> list[Expected]:
    """Return what the tasks are expected to take; refuse those that do not fit."""
    if session.config.compat.strict_reference:
        return []
    pool = pool_of(session, team)
    grid_size = grid_size_of(session.parameters[ROOT])
    expected = expected_tasks(
        session.dataset, session.plan, grid_size, team.size, pool.width, pool.processes
    )
    require_memory(expected, session.memory)
    return expected


def _plan(session: Session, expected: list[Expected], team: Team) -> Plan:
    """Return what is going to happen; what memory it takes also for who finds the run killed."""
    line = memory_line(expected, session.memory)
    if line and team.rank == 0:
        with suppress(OSError):
            write_text(session.folder / "memory.txt", f"{line}\n")
    names = ("stage", "scope", "target", "action", "reason")
    plan = tuple({name: getattr(p, name) for name in names} for p in session.plan)
    removes = dict.fromkeys(name for planned in session.due for name in planned.invalidates)
    return Plan(plan, line, tuple(removes))


def _team(context: PipelineContext) -> Team:
    if context.comm is None:
        return start_team(cast(MpiMode, context.run_config.mpi.enabled), os.environ).team
    from ..parallel.mpi import MpiTeam

    return MpiTeam(context.comm)


def _row_of(planned: PlannedTask) -> StageResult:
    """Return the row of a task that is not run, or not yet."""
    if planned.action != "run":
        return planned.result(planned.action, details=planned.details)
    replaced = f"; overwrites {', '.join(planned.overwrites)}" if planned.overwrites else ""
    files = ", ".join(f"{name}.mat" for name in planned.adds or (planned.row.spec.marker,))
    if planned.extends:
        files += f" and extend {', '.join(f'{name}.mat' for name in planned.extends)}"
    details = f"Would produce {files}: {planned.reason}{replaced}"
    return planned.result("planned", details=details)


@contextmanager
def locked(dataset: Dataset, lock: DatasetLock, team: Team) -> Iterator[list[str]]:
    """Hold the lock of a dataset on the root while the team works; yields warnings.

    Raises
    ------
    DatasetError
        It cannot be written, is marked golden, or is in use.
    """

    def acquire() -> list[str]:
        dataset.require_writable()
        lock.__enter__()
        return lock.taken_over

    warnings = team.on_root(acquire)
    try:
        yield list(warnings)
    finally:
        if team.rank == 0:
            lock.__exit__(*sys.exc_info())


def _save_report(session: Session, report: PipelineReport) -> None:
    write_text(session.folder / "report.json", json_text(report.to_json()))
    ended = sorted(path.parent for path in session.folder.parent.glob("*/report.json"))
    keep_last(ended)


def keep_last(ended: list[Path]) -> None:
    """Remove the folders of ended runs, oldest first, but for the last ones."""
    for folder in ended[:-KEPT_RUNS]:
        shutil.rmtree(folder, ignore_errors=True)
