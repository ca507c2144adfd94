"""Patches side by side where there are no ranks: in threads, or in processes of this machine.

The processes are started anew, not forked, as threads run already. Each has a pipe of its own to
the process that started it: what happens comes through it one by one, and if it breaks, that
process has ended and is known to have been at work on this patch.
"""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as first_of
from threading import Lock
from traceback import format_exc
from typing import Any

from ..errors import EXIT_OF_SIGNAL
from ..parallel import child_processes, interruption
from .chain import request_stop, run_chain, tell_finished
from .events import Event, TaskFinished, Watcher
from .session import Session
from .types import StageResult

# What a process of a pool runs; the descriptor and the number of this process follow.
COMMAND = (sys.executable, "-m", "pystamps_hpc.pipeline.pool")

MANY = 64
"""Fewer patches are done before processes that share them have started."""

SMALL_PATCH_BYTES = 1 << 20
"""Phases of a patch whose kernels are too short for threads: up to 2,000 candidates x 60."""

CHAINS_EACH = 8
"""Patches that are worth the start of a process."""

PROCESS_BYTES = 1 << 29
"""Memory of a process that works on small patches: the program, random phases and a patch."""

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
        Size of the phases of each patch that has work to do [bytes]; 0 where it is not known.
    """
    backend, n = session.config.runtime.backend, len(phases)
    width = min(threads, n)
    if ranks > 1 or width <= 1:
        return Pool()
    if backend == "auto" and n >= MANY and 0 < min(phases) <= max(phases) <= SMALL_PATCH_BYTES:
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

    process: "subprocess.Popen[bytes]"
    connection: Connection
    target: str = ""
    rows: list[StageResult] = field(default_factory=list)

    def send(self, message: Any) -> None:
        """Send a message; that the process has ended is seen when its pipe is read."""
        with suppress(OSError):
            self.connection.send(message)


class _Workers:
    """The processes of a pool, and what they have to do.

    Parameters
    ----------
    session : Session
        The run.
    watcher : Watcher
        Told about progress.
    threads : int
        Kernel threads of a process.
    targets : sequence of str
        Patches in the order in which they are begun.
    """

    def __init__(
        self, session: Session, watcher: Watcher, threads: int, targets: Sequence[str]
    ) -> None:
        self.session = session
        self.watcher = watcher
        self.threads = threads
        self.waiting = deque(targets)
        self.chains: dict[str, list[StageResult]] = {}
        self.at_work: list[_Worker] = []
        self.started: list[subprocess.Popen[bytes]] = []
        self.signal: str | None = None

    def start(self) -> None:
        """Start a process and give it a patch."""
        here, there = Pipe()
        blocked = {getattr(signal, name) for name in EXIT_OF_SIGNAL}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)  # until it listens, see `work`
        try:
            process = subprocess.Popen(
                [*COMMAND, str(there.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                pass_fds=[there.fileno()],
                env={**os.environ, "NUMBA_NUM_THREADS": str(self.threads)},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            there.close()  # so that this end sees the process end
        self.started.append(process)
        worker = _Worker(process, here)
        self.at_work.append(worker)
        worker.send((self.session, self.threads))
        self.give(worker)

    def give(self, worker: _Worker) -> None:
        """Let a process begin with the next patch, or end."""
        if self.waiting:
            worker.target, worker.rows = self.waiting.popleft(), []
            worker.send(worker.target)
        else:
            self.dismiss(worker)

    def dismiss(self, worker: _Worker) -> None:
        """Let a process end, which it does when its pipe does; nobody waits for that here."""
        self.at_work.remove(worker)
        worker.connection.close()

    def hear(self, worker: _Worker) -> None:
        """Take what a process says.

        Raises
        ------
        Exception
            An error of the process that nobody expects.
        """
        try:
            said: Event | list[StageResult] | Exception = worker.connection.recv()
        except (EOFError, OSError):
            self.lose(worker)
            return
        if isinstance(said, Exception):
            raise said
        if isinstance(said, list):
            self.chains[worker.target] = said
            self.give(worker)
            return
        if isinstance(said, TaskFinished):
            worker.rows.append(said.row)
        self.watcher(said)

    def lose(self, worker: _Worker) -> None:
        """Fail the task that a process was at work on when it ended, and go on without it."""
        self.dismiss(worker)
        self.chains[worker.target] = worker.rows
        left = self.session.chains[worker.target][len(worker.rows) :]
        if left:
            row = left[0].result(
                "failed",
                rank=0,
                backend=self.session.config.runtime.backend,
                details=f"the process that worked on the patch was ended "
                f"{_how(worker.process.wait())}; the same command goes on from what is "
                "finished",
                signal=self.signal,
            )
            worker.rows.append(row)
            tell_finished(row, self.watcher)
        if not self.session.keep_going:
            request_stop(self.session)
            return
        if self.waiting and self.signal is None:
            self.start()

    def pass_on(self, name: str) -> None:
        """Ask the processes to stop in good order, as this one was asked to."""
        self.signal = name
        request_stop(self.session)
        for worker in self.at_work:
            worker.process.send_signal(getattr(signal, name))


def _in_processes(
    session: Session, targets: Sequence[str], watcher: Watcher, threads: int, width: int
) -> list[list[StageResult]]:
    workers = _Workers(session, watcher, threads, targets)
    try:
        for _ in range(min(width, len(targets))):
            workers.start()
        while workers.at_work:
            ready = first_of([worker.connection for worker in workers.at_work], CHECK_SEC)
            for worker in [each for each in workers.at_work if each.connection in ready]:
                workers.hear(worker)
            asked = interruption.received()
            if asked is not None and workers.signal is None:
                workers.pass_on(asked)
    except BaseException:
        for process in workers.started:
            process.kill()
        raise
    finally:
        for process in workers.started:
            process.wait()
    return [workers.chains.get(target, []) for target in targets]


def _how(code: int) -> str:
    """Say how a process has ended."""
    if code >= 0:
        return f"with code {code}"
    memory = ", as where memory runs out" if code == -signal.SIGKILL else ""
    return f"by {signal.Signals(-code).name}{memory}"


def work(descriptor: int, parent: int) -> None:
    """Run chains in a process of the pool for as long as there are patches.

    Parameters
    ----------
    descriptor : int
        This end of the pipe.
    parent : int
        Number of the process that has started this one.
    """
    child_processes.end_with_parent(parent)
    interruption.listen(aloud=False)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {getattr(signal, name) for name in EXIT_OF_SIGNAL})
    connection, lock = Connection(descriptor), Lock()

    def send(message: Any) -> None:
        with lock:  # a stage may tell what happens from several threads
            connection.send(message)

    with suppress(EOFError):  # nothing is left to do
        session, threads = connection.recv()
        while True:
            target = connection.recv()
            try:
                send(run_chain(session, target, 0, send, threads))
            except Exception as error:
                error.add_note(format_exc())
                send(error)


if __name__ == "__main__":
    work(*map(int, sys.argv[1:]))
