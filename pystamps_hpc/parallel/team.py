"""A team of ranks: how work is cut, and the team of one.

Every long axis is cut at multiples of :data:`UNIT` rows. A row's result never depends on the cut;
sums are taken per unit and added in order. So any number of ranks gives the same bits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np

from ..dataset.rows import AnyArray, Rows
from .cpus import Member, give_kernel_threads, this_member

UNIT = 4096

Item = TypeVar("Item")
Result = TypeVar("Result")
RowsOf = Callable[[slice], Any]
Tick = Callable[[float], None]


class Team(Protocol):
    """What a group of ranks can do together; every method is collective.

    All methods agree on errors: they return on all ranks or raise the same error on all ranks.
    Functions given to a method work alone: they call no method of the team.
    `tick` is told the finished share (0 to 1) of this rank's work.
    """

    rank: int
    size: int
    busy_sec: float
    """Time that this rank has spent in functions it was given, not waiting for others [s]."""
    root_sec: float
    """Part of it in functions of :meth:`on_root`, for which all wait [s]; 0 on the others."""

    @property
    def members(self) -> Sequence[Member]:
        """Where each rank runs, by rank."""
        ...

    @property
    def n_unshared(self) -> int:
        """How many arrays every rank copied, because the memory that ranks share was full."""
        ...

    @property
    def library(self) -> str:
        """Name and version of the message-passing library; empty without one."""
        ...

    def map_tasks(
        self,
        fn: Callable[[Item], Result],
        items: Sequence[Item],
        cost: Sequence[float] | None,
        tick: Tick,
        width: int = 1,
    ) -> list[Result]:
        """Run `fn` on every item, largest first, wherever a rank is free; results by index.

        A rank runs up to `width` items side by side, in threads of its own if there are several.
        """
        ...

    def map_columns(
        self,
        fn: Callable[[Item], tuple[AnyArray, Result]],
        items: Sequence[Item],
        column: tuple[int, Any],
        cost: Sequence[float] | None,
        tick: Tick,
        width: int = 1,
    ) -> tuple[AnyArray, list[Result]]:
        """Run `fn` like :meth:`map_tasks`; it returns a column and a small rest.

        The columns, of length and dtype `column`, stand side by side in one read-only array in
        memory, (length, items); the rests are a list.
        """
        ...

    def map_rows(self, fn: RowsOf, n: int, piece: int, tick: Tick) -> Any:
        """Run `fn` on slices that cover ``range(n)``; each rank keeps its contiguous stretch."""
        ...

    def sum_rows(self, fn: Callable[[slice], AnyArray], n: int, tick: Tick) -> AnyArray:
        """Add ``fn(unit)`` over the units of ``range(n)`` in ascending order."""
        ...

    def on_root(self, fn: Callable[[], Result]) -> Result:
        """Run `fn` once and give its result to all."""
        ...

    def on_each(self, fn: Callable[[], Result]) -> list[Result]:
        """Run `fn` on every rank and give all results, by rank, to all."""
        ...

    def share(self, rows: Rows) -> AnyArray:
        """Return the whole of `rows` as a read-only array in memory."""
        ...

    def pull(self, rows: Rows) -> Iterator[tuple[slice, AnyArray]]:
        """Yield `rows` piece by piece on the root; the other ranks send theirs, yielding nothing.

        To be run to its end on all ranks. A root that leaves early (its disk is full, say) makes
        the others raise; wrap the loop in :meth:`agreed` to give them the root's own error.
        """
        ...

    def agreed(self) -> AbstractContextManager[None]:
        """Agree on the errors of a whole block, methods of the team inside it included."""
        ...

    def close(self) -> None:
        """Wait for all ranks and give back what the team holds; its last method."""
        ...


def units(start: int, stop: int, length: int = UNIT) -> Iterator[slice]:
    """Cut ``[start, stop)`` into pieces of whole units, at most `length` rows (at least one unit).

    `start` must be a multiple of the unit.
    """
    step = max(length // UNIT, 1) * UNIT
    for first in range(start, stop, step):
        yield slice(first, min(first + step, stop))


def stretches(n: int, parts: int) -> list[tuple[int, int]]:
    """Cut ``range(n)`` into `parts` contiguous stretches of whole units of nearly equal size."""
    count = -(-n // UNIT)
    cuts = [min(count * part // parts * UNIT, n) for part in range(parts + 1)]
    return list(pairwise(cuts))


def piece_length(rows: Rows, memory: int = 1 << 25) -> int:
    """Choose how many rows to move at a time: at most 16 units and, if one unit fits, `memory`."""
    width = int(np.prod(rows.shape[1:])) * rows.dtype.itemsize
    return min(16 * UNIT, memory // max(width, 1))


def run_stretch(fn: RowsOf, start: int, stop: int, piece: int, tick: Tick) -> tuple[AnyArray, ...]:
    """Run `fn` over the pieces of one stretch and join the results.

    Returns
    -------
    tuple of ndarray
        One array per result of `fn`, of ``stop - start`` rows. An empty stretch is given to `fn`
        as an empty slice, so that dtypes and columns are known.
    """
    joined: tuple[AnyArray, ...] = ()
    for rows in list(units(start, stop, piece)) or [slice(start, stop)]:
        result = fn(rows)
        parts = result if isinstance(result, tuple) else (result,)
        if not joined:
            joined = tuple(np.empty((stop - start, *part.shape[1:]), part.dtype) for part in parts)
        for whole, part in zip(joined, parts, strict=True):
            if len(part) != rows.stop - rows.start:
                raise ValueError(f"{len(part)} rows computed for rows {rows.start}:{rows.stop}")
            whole[rows.start - start : rows.stop - start] = part
        if stop > start:
            tick((rows.stop - start) / (stop - start))
    return joined


def side_by_side(
    fn: Callable[[int], Result], places: Iterable[int], width: int
) -> Iterator[tuple[int, Result]]:
    """Yield every place with ``fn(place)`` as it is done; at most `width` are at work.

    Where there are several, kernels run on the thread of their task alone.

    A place is taken from `places`, in the calling thread, only when it can start at once. An error
    ends the taking; it is raised when all that is at work has ended, that of the place taken first
    if there are several.
    """
    if width == 1:
        for place in places:
            yield place, fn(place)
        return
    with ThreadPoolExecutor(width, "task", give_kernel_threads, (1,)) as pool:
        at_work: dict[Future[Result], int] = {}
        for place in places:
            at_work[pool.submit(fn, place)] = place
            while len(at_work) == width:
                yield from _finished(at_work)
        while at_work:
            yield from _finished(at_work)


def _finished(at_work: "dict[Future[Result], int]") -> Iterator[tuple[int, Result]]:
    """Wait for one place at least, and take what is done out of `at_work`."""
    done = _wait_for(at_work, FIRST_COMPLETED)
    if any(future.exception() for future in done):
        _wait_for(at_work, ALL_COMPLETED)
        raise next(error for future in at_work if (error := future.exception()))
    for future in [future for future in at_work if future in done]:
        yield at_work.pop(future), future.result()


def _wait_for(at_work: "dict[Future[Result], int]", until: str) -> "set[Future[Result]]":
    """Wait for futures, waking now and then: only a main thread that is awake hears signals."""
    while True:
        done, pending = wait(at_work, timeout=0.2, return_when=until)
        if not pending or (done and until == FIRST_COMPLETED):
            return done


def fitting(fn: RowsOf, memory: float) -> RowsOf:
    """Return `fn` that works in units, as many at a time as have results of `memory` bytes.

    The first unit tells how long the results of a row are; one unit is always taken.
    """
    learned: list[int] = []

    def piecewise(rows: slice) -> Any:
        start, parts = rows.start, list[tuple[AnyArray, ...]]()
        while start < rows.stop or not parts:
            stop = min(start + (learned[0] if learned else UNIT), rows.stop)
            result = fn(slice(start, stop))
            parts.append(result if isinstance(result, tuple) else (result,))
            if not learned and stop > start:
                width = sum(part.nbytes for part in parts[0]) / (stop - start)
                learned.append(max(int(memory / max(width, 1)) // UNIT, 1) * UNIT)
            start = stop
        joined = parts[0]
        if len(parts) > 1:
            joined = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        return joined if isinstance(result, tuple) else joined[0]

    return piecewise


def into_columns(
    fn: Callable[[Item], tuple[AnyArray, Result]], items: Sequence[Item], whole: AnyArray
) -> Callable[[int], Result]:
    """Return the task of a place: it puts the item's column into `whole` and returns the rest."""

    def task(place: int) -> Result:
        whole[:, place], rest = fn(items[place])
        return rest

    return task


def add_in_order(total: Any, partials: Iterable[Any]) -> Any:
    """Add `partials` to `total` one after the other; begin with a total of 0."""
    for partial in partials:
        total = total + partial
    return total


def read_only(array: AnyArray) -> AnyArray:
    """Return a view of `array` that cannot be written to."""
    view = array[...]
    view.flags.writeable = False
    return view


class SerialTeam:
    """The team of one rank: the same cuts and orders, no messages."""

    rank = 0
    size = 1
    library = ""
    busy_sec = root_sec = 0.0  # nobody to wait for, nothing to tell apart
    n_unshared = 0

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """See :class:`Team`."""
        return (this_member(),)

    def map_tasks(
        self,
        fn: Callable[[Item], Result],
        items: Sequence[Item],
        cost: Sequence[float] | None,
        tick: Tick,
        width: int = 1,
    ) -> list[Result]:
        """See :class:`Team`; starts in item order, which no result depends on."""
        results: dict[int, Result] = {}
        for place, result in side_by_side(lambda place: fn(items[place]), range(len(items)), width):
            results[place] = result
            tick(len(results) / len(items))
        return [results[place] for place in range(len(items))]

    def map_columns(
        self,
        fn: Callable[[Item], tuple[AnyArray, Result]],
        items: Sequence[Item],
        column: tuple[int, Any],
        cost: Sequence[float] | None,
        tick: Tick,
        width: int = 1,
    ) -> tuple[AnyArray, list[Result]]:
        """See :class:`Team`."""
        whole = np.empty((column[0], len(items)), column[1])
        rests = self.map_tasks(into_columns(fn, items, whole), range(len(items)), cost, tick, width)
        return read_only(whole), rests

    def map_rows(self, fn: RowsOf, n: int, piece: int, tick: Tick) -> Any:
        """See :class:`Team`; returns arrays."""
        joined = run_stretch(fn, 0, n, piece, tick)
        return joined if len(joined) > 1 else joined[0]

    def sum_rows(self, fn: Callable[[slice], AnyArray], n: int, tick: Tick) -> AnyArray:
        """See :class:`Team`."""

        def partials() -> Iterator[AnyArray]:
            for rows in list(units(0, n)) or [slice(0, 0)]:
                yield np.asarray(fn(rows))
                tick(rows.stop / max(n, 1))

        return np.asarray(add_in_order(0, partials()))

    def on_root(self, fn: Callable[[], Result]) -> Result:
        """See :class:`Team`."""
        return fn()

    def on_each(self, fn: Callable[[], Result]) -> list[Result]:
        """See :class:`Team`."""
        return [fn()]

    def share(self, rows: Rows) -> AnyArray:
        """See :class:`Team`."""
        return read_only(rows[:])

    def pull(self, rows: Rows) -> Iterator[tuple[slice, AnyArray]]:
        """See :class:`Team`."""
        for piece in units(0, rows.shape[0], piece_length(rows)):
            yield piece, rows[piece]

    def agreed(self) -> AbstractContextManager[None]:
        """See :class:`Team`."""
        return nullcontext()

    def close(self) -> None:
        """See :class:`Team`."""
