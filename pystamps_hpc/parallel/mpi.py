"""The team of MPI ranks.

Every method has the same shape: a part that a rank does alone, the agreement that it went well
everywhere, then messages between ranks that are all there. The agreement is the first message of
every method (only the task queue talks before, on a communicator of its own), so a rank that fails
anywhere inside :meth:`MpiTeam.agreed` meets the others at their next agreement.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..dataset.rows import AnyArray, Rows
from ..errors import Exit, StageError
from .agreement import common_error
from .cpus import Member, this_member
from .distributed import Distributed, common_layout, layout, no_rows
from .messages import (
    Parcel,
    as_bytes,
    broadcast,
    lengths,
    pack,
    receive,
    send,
    unpack,
    wait,
)
from .order import assign, largest_first
from .queue import AssignedQueue, SharedQueue, TaskQueue
from .shared import Copies, NodeMemory
from .team import (
    RowsOf,
    Tick,
    add_in_order,
    into_columns,
    piece_length,
    read_only,
    run_stretch,
    side_by_side,
    stretches,
    units,
)
from .world import MPI, library_version, threads_allowed

Item = TypeVar("Item")
Result = TypeVar("Result")

# What the root of a pull asks for once it wants no more rows: all is well, or it left early.
FINISHED, STOPPED = -1, -2


class MpiTeam:
    """All ranks of the MPI world; see :class:`~pystamps_hpc.parallel.team.Team`.

    Parameters
    ----------
    comm : MPI.Intracomm
        The ranks of the team; it is duplicated, so its own messages do not matter.
    threads : bool or None
        Whether the task queue may answer from a thread; None to ask the library.
    node : MPI.Intracomm or None
        Those ranks that share this rank's memory; None to ask the library.

    Notes
    -----
    Making one is collective.
    """

    def __init__(
        self,
        comm: MPI.Intracomm = MPI.COMM_WORLD,
        *,
        threads: bool | None = None,
        node: MPI.Intracomm | None = None,
    ) -> None:
        self._comm = comm.Dup()
        self._queue_comm = comm.Dup()
        if node is None:
            node = MPI.Intracomm(self._comm.Split_type(MPI.COMM_TYPE_SHARED))
        self.rank: int = self._comm.rank
        self.size: int = self._comm.size
        self.library = library_version()
        me = this_member(self.rank, node.bcast(self.rank), node.rank)
        self.members: tuple[Member, ...] = tuple(self._comm.allgather(me))
        self._node_memory = NodeMemory(self._comm, node)
        self._threads = threads_allowed() if threads is None else threads
        self.busy_sec = self.root_sec = 0.0
        self._working_alone = False
        self._pull: object = None
        self._abandoned = False
        self._agreed_error: Exception | None = None

    @property
    def n_unshared(self) -> int:
        """See :class:`Team`."""
        return self._node_memory.denied

    def map_tasks(
        self,
        fn: Callable[[Item], Result],
        items: Sequence[Item],
        cost: Sequence[float] | None,
        tick: Tick,
        width: int = 1,
    ) -> list[Result]:
        """See :class:`Team`; after an error no further item is handed out."""
        order = self._agree(lambda: largest_first(cost, len(items)))
        queue = self._queue([1.0 if cost is None else cost[index] for index in order])

        def at_place(place: int) -> Result:
            return fn(items[order[place]])

        def work() -> dict[int, Result]:
            mine = {}
            try:
                for place, result in side_by_side(at_place, queue, width):
                    mine[order[place]] = result
                    tick((place + 1) / len(items))
            except BaseException:
                queue.fail()
                raise
            return mine

        results: dict[int, Result] = {}
        with queue:
            for part in self.on_each(work):
                results.update(part)
        return [results[index] for index in range(len(items))]

    def map_columns(
        self,
        fn: Callable[[Item], tuple[AnyArray, Result]],
        items: Sequence[Item],
        column: tuple[int, Any],
        cost: Sequence[float] | None,
        tick: Tick,
        width: int = 1,
    ) -> tuple[AnyArray, list[Result]]:
        """See :class:`Team`; the array lies in memory once per node."""
        self._settle(None, "columns")
        copies = self._copies((column[0], len(items)), np.dtype(column[1]))
        task = into_columns(fn, items, copies.array)
        done = self.map_tasks(
            lambda place: (self.rank, task(place)), range(len(items)), cost, tick, width
        )
        copies.synchronise()
        buffer = self._agree(lambda: np.empty(column[0], copies.array.dtype))
        if copies.several:
            for place, (rank, _) in enumerate(done):
                home = copies.homes[rank]
                if home == copies.between.rank:
                    buffer[:] = copies.array[:, place]
                broadcast(copies.between, as_bytes(buffer), home)
                if home != copies.between.rank:
                    copies.array[:, place] = buffer
        copies.synchronise()
        return read_only(copies.array), [rest for _, rest in done]

    def map_rows(self, fn: RowsOf, n: int, piece: int, tick: Tick) -> Any:
        """See :class:`Team`; returns :class:`~.distributed.Distributed`.

        A rank without rows takes dtypes and columns from the others. Only when there are no rows
        at all, `fn` is given the empty slice.
        """
        start, stop = stretches(n, self.size)[self.rank]
        idle = start == stop and n > 0
        blocks = self._agree(lambda: () if idle else run_stretch(fn, start, stop, piece, tick))
        layouts = self.on_each(lambda: None if idle else layout(blocks))
        kind = self._agree(lambda: common_layout(layouts))
        rows = tuple(Distributed(block, start, n) for block in blocks or no_rows(kind))
        return rows if len(rows) > 1 else rows[0]

    def sum_rows(self, fn: Callable[[slice], AnyArray], n: int, tick: Tick) -> AnyArray:
        """See :class:`Team`; the root adds all partial sums, in ascending order of units."""
        cuts = stretches(n, self.size)
        cut = [list(units(start, stop)) for start, stop in cuts]
        if n == 0:
            cut[0] = [slice(0, 0)]
        mine = cut[self.rank]

        def work() -> AnyArray | None:
            sums = []
            for done, rows in enumerate(mine, 1):
                sums.append(np.array(fn(rows)))
                tick(done / len(mine))
            return np.stack(sums) if sums else None

        partials = self._agree(work)
        layouts = self.on_each(lambda: None if partials is None else layout((partials,)))
        (kind,) = self._agree(lambda: common_layout(layouts))
        most = max(map(len, cut)) if self.rank == 0 else 0
        foreign = self._agree(lambda: np.empty((most, *kind[0]), kind[1]))

        total: Any = add_in_order(0, partials if self.rank == 0 and partials is not None else ())
        for rank in range(1, self.size):
            if self.rank == rank and partials is not None:
                send(self._comm, partials, 0)
            if self.rank == 0 and cut[rank]:
                receive(self._comm, foreign[: len(cut[rank])], rank)
                total = add_in_order(total, foreign[: len(cut[rank])])
        return self.on_root(lambda: np.asarray(total))

    def on_root(self, fn: Callable[[], Result]) -> Result:
        """See :class:`Team`."""

        def work() -> Result | None:
            if self.rank > 0:
                return None
            began = time.perf_counter()
            try:
                return fn()
            finally:
                self.root_sec += time.perf_counter() - began

        result: Any = self.on_each(work)[0]
        return result  # type: ignore[no-any-return]

    def on_each(self, fn: Callable[[], Result]) -> list[Result]:
        """See :class:`Team`."""

        def work() -> tuple[Result, Parcel]:
            result = fn()
            return result, pack(result)

        mine, parcel = self._agree(work)
        parcels = self._exchange(parcel)
        return self._agree(
            lambda: [
                mine if rank == self.rank else unpack(theirs) for rank, theirs in enumerate(parcels)
            ]
        )

    def share(self, rows: Rows) -> AnyArray:
        """See :class:`Team`; a large array lies in memory once per node."""
        if isinstance(rows, np.ndarray):
            return read_only(rows)
        self._settle(None, "share")
        copies = self._copies(rows.shape, rows.dtype)
        whole = copies.array

        def fill() -> None:
            if isinstance(rows, Distributed):
                whole[rows.start : rows.stop] = rows.block
            elif copies.between != MPI.COMM_NULL:
                for piece in units(0, rows.shape[0], piece_length(rows)):
                    whole[piece] = rows[piece]

        self._agree(fill)
        copies.synchronise()
        if isinstance(rows, Distributed):
            if copies.several:
                for home, (start, stop) in zip(
                    copies.homes, stretches(len(whole), self.size), strict=True
                ):
                    broadcast(copies.between, as_bytes(whole[start:stop]), home)
            copies.synchronise()
        return read_only(whole)

    def pull(self, rows: Rows) -> Iterator[tuple[slice, AnyArray]]:
        """See :class:`Team`; rows that every rank can read are read by the root alone."""
        self._settle(None, "pull")
        if self.rank > 0:
            self._answer_pull(rows)
            return
        this_pull = self._pull = object()
        error = None
        try:
            for holder, (start, stop) in enumerate(stretches(rows.shape[0], self.size)):
                for piece in units(start, stop, piece_length(rows)):
                    yield piece, self._fetch(rows, piece, holder)
                    if self._pull is not this_pull:
                        raise RuntimeError("rows were left half pulled, the ranks have gone on")
        except GeneratorExit:
            if self._pull is this_pull:
                self._end_pull(STOPPED)
            raise
        except Exception as failure:
            if self._pull is not this_pull:
                raise
            error = failure
        self._end_pull(FINISHED)
        self._settle(error)

    @contextmanager
    def agreed(self) -> Iterator[None]:
        """See :class:`Team`."""
        try:
            yield
        except Exception as error:
            if error is self._agreed_error:
                raise
            self._settle(error)
        except BaseException:
            self._abandoned = True
            raise
        else:
            self._settle(None, "the end of a block")

    def close(self) -> None:
        """See :class:`Team`."""
        self._settle(None, "close")

    def leave(self) -> None:
        """End the job if this rank's process ends, say by SystemExit, while others rely on it."""
        if self._abandoned:
            self.abort()

    def abort(self, code: int = Exit.INTERNAL) -> NoReturn:
        """End the processes of all ranks at once."""
        MPI.COMM_WORLD.Abort(code)
        raise SystemExit(code)

    def _copies(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Copies:
        once_per_node = self._node_memory.array(shape, dtype)
        if once_per_node is not None:
            memory = self._node_memory
            return Copies(once_per_node, memory.leaders, memory.homes, memory.synchronise)
        array = self._agree(lambda: np.empty(shape, dtype))
        return Copies(array, self._comm, list(range(self.size)), lambda: None)

    def _queue(self, cost: Sequence[float]) -> TaskQueue:
        if self._threads:
            return SharedQueue(self._queue_comm, len(cost))
        return AssignedQueue(assign(cost, self.size)[self.rank])

    def _agree(self, alone: Callable[[], Result]) -> Result:
        """Run this rank's part of a method; all ranks learn whether it went well everywhere."""
        if self._working_alone:
            raise RuntimeError("a method of the team was called inside the function of another")
        error = None
        self._working_alone = True
        began = time.perf_counter()
        try:
            result = alone()
        except Exception as failure:
            error = failure
        except BaseException:
            self._abandoned = True
            raise
        finally:
            self._working_alone = False
            self.busy_sec += time.perf_counter() - began
        self._settle(error)
        return result

    def _settle(self, error: Exception | None, meeting: str = "work") -> None:
        """Meet the other ranks; raise the error of the lowest rank that has one."""
        if self._working_alone:
            raise RuntimeError("a method of the team was called inside the function of another")
        self._end_pull(STOPPED)
        self._agreed_error = common_error(self._comm, self.members, error, meeting)
        if self._agreed_error is not None:
            raise self._agreed_error

    def _exchange(self, parcel: Parcel) -> list[Parcel]:
        """Give every rank the parcels of all."""
        sizes = lengths(self._comm, parcel)
        parcels: list[Parcel] = self._agree(
            lambda: [
                parcel if rank == self.rank else [np.empty(size, np.uint8) for size in theirs]
                for rank, theirs in enumerate(sizes)
            ]
        )
        for rank, theirs in enumerate(parcels):
            for buffer in theirs:
                broadcast(self._comm, buffer, rank)
        return parcels

    def _fetch(self, rows: Rows, piece: slice, holder: int) -> AnyArray:
        """Get one piece to the root, from the rank that holds it if it is not readable here."""
        if holder == 0 or not isinstance(rows, Distributed):
            return rows[piece]
        block = np.empty((piece.stop - piece.start, *rows.shape[1:]), rows.dtype)
        self._comm.Send(np.array([piece.start, piece.stop], np.int64), holder)
        receive(self._comm, block, holder)
        return block

    def _answer_pull(self, rows: Rows) -> None:
        """Send the pieces that the root asks for, until it has enough."""
        asked = np.empty(2, np.int64)
        while True:
            wait(self._comm.Irecv(asked, 0))
            start, stop = asked.tolist()
            if start == FINISHED:
                return self._settle(None)
            if start == STOPPED:
                raise StageError("rank 0 stopped taking rows before their end")
            send(self._comm, rows[start:stop], 0)

    def _end_pull(self, reason: int) -> None:
        """Let the other ranks out of a pull, if the root is in one."""
        if self._pull is None:
            return
        self._pull = None
        for rank in range(1, self.size):
            self._comm.Send(np.array([reason, reason], np.int64), rank)
