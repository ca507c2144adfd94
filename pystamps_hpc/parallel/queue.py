"""Which rank takes which task: handed out on demand, or assigned in advance."""

import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from .messages import wait
from .order import NO_MORE, Places
from .world import MPI

REQUEST, FAILED = 1, 2
PAUSE = 2e-3


class TaskQueue(Protocol):
    """Places 0, 1, ... in the order of work, each given to one rank."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __iter__(self) -> Iterator[int]:
        """Iterate over the places that this rank is to work on."""
        ...

    def fail(self) -> None:
        """Tell that work failed here, so that no further place is given away."""
        ...


class AssignedQueue:
    """The places of one rank, known in advance: needs no messages, so works without threads."""

    def __init__(self, places: Sequence[int]) -> None:
        self._places = places

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to end."""

    def __iter__(self) -> Iterator[int]:
        """See :class:`TaskQueue`."""
        return iter(self._places)

    def fail(self) -> None:
        """See :class:`TaskQueue`; the other ranks finish what they were assigned."""


class SharedQueue:
    """A counter on rank 0 that a free rank asks for its next place.

    Rank 0 works too; a thread of its answers the others. Every question has an answer, and
    leaving the ``with`` block takes place after all ranks have agreed that they are done, so no
    message is left over for the next queue.
    """

    def __init__(self, comm: MPI.Comm, n: int) -> None:
        self._comm = comm
        self._places = Places(n)
        self._over = threading.Event()
        self._answering = threading.Thread(target=self._answer, name="task-queue", daemon=True)

    def __enter__(self) -> Self:
        if self._comm.rank == 0:
            self._answering.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._comm.rank == 0:
            self._over.set()
            self._answering.join()

    def __iter__(self) -> Iterator[int]:
        """See :class:`TaskQueue`."""
        while (place := self._ask(REQUEST)) != NO_MORE:
            yield place

    def fail(self) -> None:
        """See :class:`TaskQueue`."""
        self._ask(FAILED)

    def _ask(self, question: int) -> int:
        if self._comm.rank == 0:
            return self._take(question)
        answer = np.empty(1, np.int64)
        reply = self._comm.Irecv(answer, 0)
        wait(self._comm.Isend(np.array([question], np.int64), 0))
        wait(reply)
        return int(answer[0])

    def _take(self, question: int) -> int:
        if question == FAILED:
            self._places.close()
        return self._places.take()

    def _answer(self) -> None:
        question, status = np.empty(1, np.int64), MPI.Status()
        while not self._over.is_set():
            if not self._comm.Iprobe(status=status):
                self._over.wait(PAUSE)
                continue
            self._comm.Recv(question, status.source)
            place = self._take(int(question[0]))
            self._comm.Send(np.array([place], np.int64), status.source)
