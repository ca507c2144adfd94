"""Patches side by side where there are no ranks: in threads, or in processes of this machine.

The processes are started anew, not forked, as threads run already. Each has a pipe of its own to
the process that started it: what happens comes through it one by one, and if it breaks, that
process has ended and is known to have been at work on this patch.
"""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as first_of
from multiprocessing.context import SpawnProcess

from ..parallel import child_processes, interruption
from ..parallel.interruption import Interrupted
from .chain import request_stop, run_chain, tell_finished
from .events import Event, TaskFinished, Watcher
from .session import Session
from .types import StageResult

MANY = 64
"""Fewer patches are done before processes that share them have started."""

SMALL_BYTES = 1 << 20
"""Phases of a patch whose kernels are too short for threads: some 2,000 candidates x 60."""

CHAINS_EACH = 8
"""Patches that are worth the start of a process."""

PROCESS_BYTES = 1 << 29
"""Memory of a process that works on small patches."""

CHECK_SEC = 0.2


@dataclass(frozen=True)
class Pool:
    """How many patches are worked on side by side, and whether each in a process of its own."""

    width: int = 1
    processes: bool = False


def choose_pool(session: Session, ranks: int, threads: int, phases: Sequence[int]) -> Pool:
    """Choose how the patches of a run are spread over the processors of this process.

    What a small patch takes is for the most part files and the start of kernels, so that threads
    inside kernels are of little use: many of them are shared by processes.

    Parameters
    ----------
    session : Session
        The run.
    ranks : int
        Number of ranks. Several share the patches without a pool.
    threads : int
        Threads that this process may run.
    phases : sequence of int
        Size of the phases of each patch that has work to do [bytes].
    """
    backend, n = session.config.runtime.backend, len(phases)
    width = min(threads, n)
    if ranks > 1 or width <= 1:
        return Pool()
    if backend == "auto" and n >= MANY and sum(phases) <= n * SMALL_BYTES:
        fitting = session.memory.planned / PROCESS_BYTES
        return Pool(int(max(min(width, n // CHAINS_EACH, fitting), 1)), processes=True)
    if backend in ("threads", "processes"):
        return Pool(width, backend == "processes")
    return Pool()


def run_pool(
    session: Session, targets: Sequence[str], watcher: Watcher, threads: int, pool: Pool
) -> list[list[StageResult]]:
    """Run the chains of patches side by side; return their rows in the order of `targets`.

    Parameters
    ----------
    session : Session
        The run.
    targets : sequence of str
        Patches in the order in which they are begun.
    watcher : Watcher
        Told about progress.
    threads : int
        Threads of the kernels of all patches together.
    pool : Pool
        How many patches at a time, and where.
    """
    memory = replace(session.memory, planned=session.memory.planned / pool.width)
    session = replace(session, memory=memory)
    run = _in_processes if pool.processes else _in_threads
    return run(session, targets, watcher, max(threads // pool.width, 1), pool.width)


def _in_threads(
    session: Session, targets: Sequence[str], watcher: Watcher, threads: int, width: int
) -> list[list[StageResult]]:
    with ThreadPoolExecutor(width) as pool:
        futures = [pool.submit(run_chain, session, name, 0, watcher, threads) for name in targets]
        while wait(futures, timeout=CHECK_SEC).not_done:
            if interruption.requested():
                request_stop(session)
        return [future.result() for future in futures]


@dataclass(eq=False)
class _Worker:
    """A process that works on patches, and this end of the pipe to it."""

    process: SpawnProcess
    connection: Connection
    target: str = ""
    finished: int = 0  # tasks of the patch


def _in_processes(
    session: Session, targets: Sequence[str], watcher: Watcher, threads: int, width: int
) -> list[list[StageResult]]:
    waiting, chains = deque(targets), dict[str, list[StageResult]]()
    with _workers(width) as workers:
        for worker in workers:
            with suppress(OSError):  # it has ended: seen when its pipe is read
                worker.connection.send((session, threads))
            _give(worker, waiting)
        at_work = [worker for worker in workers if worker.target]
        told = False
        while at_work:
            ready = first_of([worker.connection for worker in at_work], CHECK_SEC)
            for worker in [each for each in at_work if each.connection in ready]:
                rows = _heard(session, worker, watcher)
                if rows is None:
                    continue
                chains[worker.target] = rows
                if not worker.process.is_alive() or not _give(worker, waiting):
                    at_work.remove(worker)
            if interruption.requested() and not told:
                told = True
                _pass_on(session, workers)
    return [chains.get(target, []) for target in targets]


@contextmanager
def _workers(width: int) -> Iterator[list[_Worker]]:
    """Start processes; they end with the block."""
    context, workers = get_context("spawn"), list[_Worker]()
    try:
        for _ in range(width):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, os.getpid()), daemon=True)
            process.start()
            there.close()  # so that this end sees the process end
            workers.append(_Worker(process, here))
        yield workers
    except BaseException:
        for worker in workers:
            worker.process.kill()
        raise
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.join()


def _work(connection: Connection, parent: int) -> None:
    """Run chains in a process of the pool for as long as there are patches."""
    child_processes.end_with_parent(parent)
    interruption.listen(aloud=False)
    session, threads = connection.recv()
    with suppress(EOFError):  # nothing is left to do
        while True:
            target = connection.recv()
            connection.send(run_chain(session, target, 0, connection.send, threads))


def _give(worker: _Worker, waiting: deque[str]) -> bool:
    """Let a process begin with the next patch; return whether there was one."""
    worker.target, worker.finished = waiting.popleft() if waiting else "", 0
    if worker.target:
        with suppress(OSError):
            worker.connection.send(worker.target)
    return bool(worker.target)


def _heard(session: Session, worker: _Worker, watcher: Watcher) -> list[StageResult] | None:
    """Take what a process says; return the rows of its patch when it has done with it."""
    try:
        said: Event | list[StageResult] = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        row = _cut_short(session, worker)
        tell_finished(row, watcher)
        if not session.keep_going:
            request_stop(session)
        return [row]
    if isinstance(said, list):
        return said
    worker.finished += isinstance(said, TaskFinished)
    watcher(said)
    return None


def _cut_short(session: Session, worker: _Worker) -> StageResult:
    """Return the row of the task that a process was at work on when it ended."""
    code = worker.process.exitcode or 0
    how = f"with code {code}"
    if code < 0:
        how = f"by {signal.Signals(-code).name}"
        how += ", as where memory runs out" if code == -signal.SIGKILL else ""
    chain = session.chains[worker.target]
    return chain[min(worker.finished, len(chain) - 1)].result(
        "failed",
        rank=0,
        backend=session.config.runtime.backend,
        details=f"the process that worked on the patch was ended {how}; the same command goes on "
        "from what is finished",
    )


def _pass_on(session: Session, workers: Sequence[_Worker]) -> None:
    """Ask the processes to stop in good order, as this one was asked to."""
    request_stop(session)
    try:
        interruption.check()
    except Interrupted as asked:
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker.process.pid or 0, getattr(signal, asked.name))
