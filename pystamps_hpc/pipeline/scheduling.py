"""Which rank, thread or process runs which patch, and the merged tasks after them."""

import os
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from pystamps_kernels.dispatch import threading_layer

from ..parallel import child_processes, interruption
from ..parallel.cpus import CpuBudget, cpu_budget, give_kernel_threads
from ..parallel.keeping import KEPT
from ..parallel.launcher import OPEN_MPI, launcher_hint
from ..parallel.team import SerialTeam, Team
from .events import TaskFinished, Watcher, ignore
from .execute import run_task
from .invalidation import drop_outdated_records
from .presence import no_ps_stage
from .session import Session
from .stack import phase_bytes
from .types import StageResult


def kernel_threads(session: Session, team: Team) -> CpuBudget:
    """Return how many threads this rank's kernels may start, and what is odd about it."""
    hint = launcher_hint(os.environ)
    open_mpi = hint is not None and hint.name == OPEN_MPI
    runtime = session.config.runtime
    wanted = runtime.stage2_native_threads or runtime.cpu_workers
    return cpu_budget(team.members, team.rank, wanted, open_mpi=open_mpi)


def run_patches(session: Session, team: Team, watcher: Watcher) -> list[StageResult]:
    """Run the chain of every patch, largest first, on whichever rank or worker is free.

    Returns
    -------
    list of StageResult
        The rows of all patches, the same on all ranks.
    """
    targets = list(session.chains)
    if not targets:
        return []
    cost = [float(phase_bytes(session.dataset.directory(target))) for target in targets]
    threads, width = kernel_threads(session, team).threads, pool_width(session, team)

    def chain(target: str) -> list[StageResult]:
        return run_chain(session, target, team.rank, watcher, threads)

    try:
        if width == 1:
            chains = team.map_tasks(chain, targets, cost, lambda fraction: None)
        else:
            chains = _run_pool(session, targets, cost, watcher, threads, width)
    finally:
        KEPT.clear()
    team.on_root(lambda: drop_outdated_records(session.dataset, session.dataset.root, session.mode))
    return [row for rows in chains for row in rows]


def pool_width(session: Session, team: Team) -> int:
    """Return how many patches a rank works on side by side."""
    pooled = team.size == 1 and session.config.runtime.backend in ("threads", "processes")
    threads = kernel_threads(session, team).threads
    return max(min(threads, len(session.chains)), 1) if pooled else 1


def run_merged(session: Session, team: Team, watcher: Watcher) -> list[StageResult]:
    """Run the merged tasks in order on the whole team, up to the first failure."""
    rows: list[StageResult] = []
    threads = kernel_threads(session, team).threads
    _give_threads(session, threads)
    for planned in session.due:
        if planned.scope == "merged":
            rows.append(run_task(session, planned, team, watcher, threads))
            _tell_finished(rows[-1], watcher)
            if rows[-1].status == "failed":
                break
    return rows


def run_chain(
    session: Session, target: str, rank: int, watcher: Watcher, threads: int
) -> list[StageResult]:
    """Run the planned tasks of one patch until one fails, no PS is left, or another patch failed.

    Parameters
    ----------
    session : Session
        The run.
    target : str
        Patch.
    rank : int
        Rank that does it, for the report.
    watcher : Watcher
        Told about progress.
    threads : int
        Threads of the kernels.
    """
    _give_threads(session, threads)
    directory = session.dataset.directory(target)
    rows: list[StageResult] = []
    for planned in session.chains[target]:
        lost = no_ps_stage(directory)
        if lost is not None and lost < planned.stage:
            details = f"no PS left after stage {lost}"
            rows.append(StageResult(planned.stage, "patch", target, "skipped", details, rank=rank))
            continue
        if _stop_file(session).exists():
            break
        row = run_task(session, planned, SerialTeam(), watcher, threads)
        row.rank = rank
        _tell_finished(row, watcher)
        rows.append(row)
        if row.status == "failed":
            if row.signal or not session.keep_going:
                _request_stop(session)
            break
    return rows


def _tell_finished(row: StageResult, watcher: Watcher) -> None:
    watcher(TaskFinished(row.stage_id, row.scope, row.target, row))


def _run_pool(
    session: Session,
    targets: list[str],
    cost: list[float],
    watcher: Watcher,
    threads: int,
    width: int,
) -> list[list[StageResult]]:
    """Run chains in a pool of threads or of spawned processes of this machine."""
    processes = session.config.runtime.backend == "processes"
    seen: Watcher = ignore if processes else watcher
    share = max(threads // width, 1)
    part = replace(session.memory, planned=session.memory.planned / width)
    session = replace(session, memory=part)
    order = sorted(range(len(targets)), key=lambda index: -cost[index])
    with _executor(processes, width) as pool:
        futures = {i: pool.submit(run_chain, session, targets[i], 0, seen, share) for i in order}
        while wait(futures.values(), timeout=1.0).not_done:
            if interruption.requested():
                _request_stop(session)
        chains = [futures[index].result() for index in range(len(targets))]
    if processes:
        for rows in chains:
            for row in rows:
                _tell_finished(row, watcher)
    return chains


def _executor(processes: bool, width: int) -> Executor:
    if processes:
        return ProcessPoolExecutor(width, get_context("spawn"), _begin_worker, (os.getpid(),))
    return ThreadPoolExecutor(width)


def _begin_worker(parent: int) -> None:
    """Let a process of the pool hear signals, and end with the one that holds the lock."""
    child_processes.end_with_parent(parent)
    interruption.listen()


def _give_threads(session: Session, threads: int) -> None:
    """Set the number of kernel threads; Numba keeps it per calling thread."""
    if "native" in session.kernels.backends.values():
        threading_layer()  # a process of the pool has not started it yet
        give_kernel_threads(threads)


def _request_stop(session: Session) -> None:
    path = _stop_file(session)
    with suppress(OSError):  # the others then end their patches; why this one failed is told
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _stop_file(session: Session) -> Path:
    """Return the file by which a failed patch asks the others, on any rank, to stop."""
    return session.folder / "failed"
