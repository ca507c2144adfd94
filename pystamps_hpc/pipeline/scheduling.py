"""Which rank, thread or process runs which patch, and the merged tasks after them."""

import os

from ..parallel.cpus import CpuBudget, cpu_budget
from ..parallel.keeping import KEPT
from ..parallel.launcher import OPEN_MPI, launcher_hint
from ..parallel.team import Team
from .chain import give_threads, run_chain, tell_finished
from .events import Watcher
from .execute import run_task
from .invalidation import drop_outdated_records
from .pool import Pool, choose_pool, run_pool
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
    phases = _phases(session)
    if not phases:
        return []
    threads, pool = kernel_threads(session, team).threads, pool_of(session, team)

    def chain(target: str) -> list[StageResult]:
        return run_chain(session, target, team.rank, watcher, threads)

    try:
        if pool.width == 1:
            cost = list(phases.values())
            chains = team.map_tasks(chain, list(phases), cost, lambda fraction: None)
        else:
            order = sorted(phases, key=lambda name: -phases[name])
            found = dict(zip(order, run_pool(session, order, watcher, threads, pool), strict=True))
            chains = [found[name] for name in phases]
    finally:
        KEPT.clear()
    team.on_root(lambda: drop_outdated_records(session.dataset, session.dataset.root, session.mode))
    return [row for rows in chains for row in rows]


def pool_of(session: Session, team: Team) -> Pool:
    """Return how many patches a rank works on side by side, and where."""
    threads = kernel_threads(session, team).threads
    return choose_pool(session, team.size, threads, list(_phases(session).values()))


def _phases(session: Session) -> dict[str, int]:
    """Return the size of the candidates' phases of each patch that has work to do [bytes]."""
    return {name: phase_bytes(session.dataset.directory(name)) for name in session.chains}


def run_merged(session: Session, team: Team, watcher: Watcher) -> list[StageResult]:
    """Run the merged tasks in order on the whole team, up to the first failure."""
    rows: list[StageResult] = []
    threads = kernel_threads(session, team).threads
    give_threads(session, threads)
    for planned in session.due:
        if planned.scope == "merged":
            rows.append(run_task(session, planned, team, watcher, threads))
            tell_finished(rows[-1], watcher)
            if rows[-1].status == "failed":
                break
    return rows
