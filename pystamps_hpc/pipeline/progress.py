"""Who watches a run: events of tasks, and the log of one task that collects for the report."""

import time
from pathlib import Path
from typing import Any, Protocol

from ..parallel import interruption
from ..parallel.team import Team
from .documents import json_ready
from .types import StageResult


class Watcher(Protocol):
    """Receives what happens while a run goes on; the command line shows it."""

    def compiling(self, done: int, total: int) -> None:
        """Tell how many kernels of those that were not in the cache are compiled."""
        ...

    def opened(self, folder: Path) -> None:
        """Tell the folder of the run, when the dataset is its own."""
        ...

    def expected(self, text: str) -> None:
        """Tell before work what it takes: memory, and results that go."""
        ...

    def started(self, stage: int, target: str, name: str) -> None:
        """Tell that a task starts."""
        ...

    def progress(self, stage: int, target: str, step: str, fraction: float) -> None:
        """Tell the finished share of a step of a task."""
        ...

    def warning(self, stage: int, target: str, message: str) -> None:
        """Pass on a warning."""
        ...

    def finished(self, row: StageResult) -> None:
        """Tell that a task has ended."""
        ...


class Silence:
    """A watcher that ignores everything."""

    def compiling(self, done: int, total: int) -> None:
        """Ignore."""

    def opened(self, folder: Path) -> None:
        """Ignore."""

    def expected(self, text: str) -> None:
        """Ignore."""

    def started(self, stage: int, target: str, name: str) -> None:
        """Ignore."""

    def progress(self, stage: int, target: str, step: str, fraction: float) -> None:
        """Ignore."""

    def warning(self, stage: int, target: str, message: str) -> None:
        """Ignore."""

    def finished(self, row: StageResult) -> None:
        """Ignore."""


class TaskLog:
    """The log of one task: passes progress on and fills the report row."""

    def __init__(self, watcher: Watcher, row: StageResult) -> None:
        self.watcher = watcher
        self.row = row
        self.notes: list[str] = []
        self.began = time.perf_counter()

    def progress(self, label: str, fraction: float) -> None:
        """See :class:`pystamps_hpc.parallel.context.Log`."""
        self.watcher.progress(self.row.stage_id, self.row.target, label, fraction)

    def check(self) -> None:
        """See :class:`pystamps_hpc.parallel.context.Log`."""
        interruption.check()

    def warn(self, message: str) -> None:
        """See :class:`pystamps_hpc.parallel.context.Log`."""
        if message not in self.row.warnings:
            self.row.warnings.append(message)
            self.watcher.warning(self.row.stage_id, self.row.target, message)

    def share_warnings(self, team: Team) -> None:
        """Bring what other ranks warned of to the row of every rank; collective."""
        for messages in team.on_each(lambda: list(self.row.warnings)):
            for message in messages:
                self.warn(message)

    def note(self, message: str) -> None:
        """See :class:`pystamps_hpc.parallel.context.Log`."""
        self.notes.append(message)

    def fact(self, name: str, value: Any) -> None:
        """See :class:`pystamps_hpc.parallel.context.Log`."""
        self.row.facts[name] = json_ready(value)

    def close(self, status: str, details: str = "") -> StageResult:
        """Complete the row with its status, details and wall time."""
        self.row.status = status
        self.row.details = details or ", ".join(self.notes)
        self.row.duration_sec = round(time.perf_counter() - self.began, 6)
        return self.row
