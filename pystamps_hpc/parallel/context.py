"""The context of one task: all that a stage may ask of the machine."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from ..config import RunConfig
from ..dataset.rows import AnyArray, Rows
from .team import UNIT, SerialTeam, Team, fitting

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable

TEMPORARIES = 16
"""Part of the room that the result of one call may take: what the call needs beside it is several
times that."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Log(Protocol):
    """Where a task's progress and messages go."""

    def progress(self, label: str, fraction: float) -> None:
        """Tell the finished share of the step `label`."""
        ...

    def check(self) -> None:
        """Raise if the run was asked to stop; called at safe points."""
        ...

    def warn(self, message: str) -> None:
        """Tell something the user should know; ends up in the report row."""
        ...

    def note(self, message: str) -> None:
        """Add to the details of the report row."""
        ...

    def fact(self, name: str, value: Any) -> None:
        """Record a number of the report, e.g. of the funnel."""
        ...


@dataclass
class QuietLog:
    """Keeps messages in lists; for tests and for use as a library."""

    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def progress(self, label: str, fraction: float) -> None:
        """Ignore progress."""

    def check(self) -> None:
        """Never stop."""

    def warn(self, message: str) -> None:
        """Keep a warning."""
        self.warnings.append(message)

    def note(self, message: str) -> None:
        """Keep a detail."""
        self.notes.append(message)

    def fact(self, name: str, value: Any) -> None:
        """Keep a fact."""
        self.facts[name] = value


class Memo(Protocol):
    """A store of finished parts of one task."""

    def load(self, key: str) -> Mapping[str, AnyArray] | None:
        """Return the arrays stored under `key`, None if there are none."""
        ...

    def save(self, key: str, arrays: Mapping[str, AnyArray]) -> None:
        """Store arrays under `key`, atomically."""
        ...


class Before(Protocol):
    """The result of the same task that stands, if there is one."""

    def values(
        self, keys: Sequence[str], artifacts: Collection[str]
    ) -> Mapping[str, AnyArray] | None:
        """Return keys of its marker if it was made with the same artifacts, else None.

        Kernels, configuration and version are the same then, parameters may be others.
        """
        ...


@dataclass(frozen=True)
class Context:
    """Work splitting, kernels, resolved configuration, progress and messages of one task.

    Parameters
    ----------
    kernels : KernelTable
        Kernels bound to backend and arithmetic.
    config : RunConfig
        Configuration with every ``auto`` resolved.
    team : Team
        The ranks that share the task; a patch stage has a team of one.
    log : Log
        Receiver of progress, warnings and details.
    checkpoints : Memo or None
        Store behind :meth:`memo`.
    threads : int
        Threads of this rank.
    room : float
        Memory for the pieces that the stage works on, beside what it keeps [bytes]; never changes
        results.
    before : Before or None
        What is asked by :meth:`standing`.
    """

    kernels: "KernelTable"
    config: RunConfig
    team: Team = field(default_factory=SerialTeam)
    log: Log = field(default_factory=QuietLog)
    checkpoints: Memo | None = None
    threads: int = 1
    room: float = math.inf
    before: Before | None = None

    @property
    def single(self) -> bool:
        """Whether the reference's single arithmetic is asked for, operation by operation."""
        return self.config.compat.arithmetic == "single"

    def map_tasks(
        self,
        fn: Callable[[Item], Result],
        items: Sequence[Item],
        cost: Sequence[float] | None = None,
        label: str = "",
        *,
        waiting: bool = False,
    ) -> list[Result]:
        """Run `fn` on every item on whichever rank is free, largest first; results by index.

        Tasks that mostly wait for a program (`waiting`), or work outside Python, run side by side
        on a rank, as many as it has threads.
        """
        width = self.threads if waiting else 1
        return self.team.map_tasks(fn, items, cost, self._tick(label), width)

    def map_columns(
        self,
        fn: Callable[[Item], tuple[AnyArray, Result]],
        items: Sequence[Item],
        column: tuple[int, Any],
        cost: Sequence[float] | None = None,
        label: str = "",
        *,
        waiting: bool = False,
    ) -> tuple[AnyArray, list[Result]]:
        """Run `fn` as :meth:`map_tasks` does; it returns a column and a small rest.

        The columns, of length and dtype `column`, end side by side in one read-only array, (length,
        items), that a node holds only once; the rests are a list.
        """
        width = self.threads if waiting else 1
        return self.team.map_columns(fn, items, column, cost, self._tick(label), width)

    @overload
    def map_rows(
        self, fn: Callable[[slice], AnyArray], n: int, label: str = "", piece: int = 16 * UNIT
    ) -> Any: ...

    @overload
    def map_rows(
        self, fn: Callable[[slice], Result], n: int, label: str = "", piece: int = 16 * UNIT
    ) -> Result: ...

    def map_rows(
        self, fn: Callable[[slice], Any], n: int, label: str = "", piece: int = 16 * UNIT
    ) -> Any:
        """Compute rows in pieces; each rank computes and keeps its contiguous stretch.

        Parameters
        ----------
        fn : callable
            ``fn(rows: slice)`` returns an array, or a dataclass of several arrays, of ``rows`` many
            rows.
        n : int
            Number of rows.
        label : str
            Name of the step in progress lines.
        piece : int
            Upper bound of rows per call; whole units of 4096 rows.

        Returns
        -------
        Rows or dataclass of Rows
            As `fn` returned.
        """
        kinds: set[type] = set()

        def arrays(rows: slice) -> Any:
            result = fn(rows)
            if not is_dataclass(result):
                return result
            kinds.add(type(result))
            return tuple(getattr(result, item.name) for item in fields(result))

        mapped = fitting(arrays, self.room / TEMPORARIES) if math.isfinite(self.room) else arrays
        found = self.team.map_rows(mapped, n, piece, self._tick(label))
        kinds.update(*self.team.on_each(lambda: kinds))  # a rank without rows has seen none
        return kinds.pop()(*found) if kinds else found

    def columns(self, n: int, column_bytes: float) -> Iterator[slice]:
        """Cut `n` columns (interferograms) into groups that fit into the room, one at least."""
        step = max(int(min(self.room / column_bytes, n)), 1)
        for first in range(0, n, step):
            yield slice(first, min(first + step, n))

    def sum_rows(self, fn: Callable[[slice], AnyArray], n: int, label: str = "") -> AnyArray:
        """Add ``fn(rows)`` over units of 4096 rows, in ascending order."""
        return self.team.sum_rows(fn, n, self._tick(label))

    def on_root(self, fn: Callable[[], Result]) -> Result:
        """Run `fn` once and give its result to all ranks."""
        return self.team.on_root(fn)

    def share(self, rows: Rows) -> AnyArray:
        """Return the whole of `rows` in memory, read-only, on every rank."""
        return self.team.share(rows)

    def memo(self, key: str, fn: Callable[[], Mapping[str, AnyArray]]) -> Mapping[str, AnyArray]:
        """Return the stored arrays of a finished part, or compute and store them (local)."""
        if self.checkpoints is None:
            return fn()
        arrays = self.checkpoints.load(key)
        if arrays is None:
            arrays = fn()
            self.checkpoints.save(key, arrays)
        return arrays

    def standing(
        self, keys: Sequence[str], artifacts: Collection[str]
    ) -> Mapping[str, AnyArray] | None:
        """Return keys of the result that this task makes again; see :meth:`Before.values`."""
        return None if self.before is None else self.before.values(keys, artifacts)

    def check(self) -> None:
        """Raise if the run was asked to stop; for tasks that wait for something else."""
        self.log.check()

    def warn(self, message: str) -> None:
        """Tell the user; the message ends up in the report row."""
        self.log.warn(message)

    def note(self, message: str) -> None:
        """Add to the details of the report row."""
        self.log.note(message)

    def fact(self, name: str, value: Any) -> None:
        """Record a number for the report."""
        self.log.fact(name, value)

    def _tick(self, label: str) -> Callable[[float], None]:
        def tick(fraction: float) -> None:
            self.log.check()
            if label:
                self.log.progress(label, fraction)

        return tick
