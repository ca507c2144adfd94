"""The tasks of one patch, one after the other, until one fails or another patch has."""

from contextlib import suppress
from pathlib import Path

from pystamps_kernels.dispatch import threading_layer

from ..parallel.cpus import give_kernel_threads
from ..parallel.team import SerialTeam
from .events import TaskFinished, Watcher
from .execute import run_task
from .presence import no_ps_stage
from .session import Session
from .types import StageResult


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
    give_threads(session, threads)
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
        rows.append(row)
        tell_finished(row, watcher)
        if row.status == "failed":
            if row.signal or not session.keep_going:
                request_stop(session)
            break
    return rows


def tell_finished(row: StageResult, watcher: Watcher) -> None:
    """Tell that the task of a row has ended."""
    watcher(TaskFinished(row.stage_id, row.scope, row.target, row))


def give_threads(session: Session, threads: int) -> None:
    """Set the number of kernel threads; Numba keeps it per calling thread."""
    if "native" in session.kernels.backends.values():
        threading_layer()  # a process of a pool has not started it yet
        give_kernel_threads(threads)


def request_stop(session: Session) -> None:
    """Ask the chains of the run, on any rank, to stop before their next task."""
    path = _stop_file(session)
    with suppress(OSError):  # the others then end their patches; why this one failed is told
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _stop_file(session: Session) -> Path:
    """Return the file by which a failed patch asks the others, on any rank, to stop."""
    return session.folder / "failed"
