"""The log of one task: what a stage says becomes events, and the row of the report."""

import time
from typing import Any

from ..parallel import interruption
from ..parallel.team import Team
from .documents import json_ready
from .events import (
    ArtifactPublished,
    Checkpoint,
    Invalidated,
    TaskProgress,
    TaskStarted,
    TaskWarning,
    Watcher,
)
from .types import StageResult


class TaskLog:
    """The log of one task: tells a watcher and fills the report row.

    Parameters
    ----------
    watcher : Watcher
        Told what happens.
    row : StageResult
        Row of the report.
    title : str
        What the task is called when it starts.
    """

    def __init__(self, watcher: Watcher, row: StageResult, title: str) -> None:
        self.watcher = watcher
        self.row = row
        self.place = (row.stage_id, row.scope, row.target)
        self.notes: list[str] = []
        self.began = time.perf_counter()
        watcher(TaskStarted(*self.place, title))

    def progress(self, label: str, fraction: float) -> None:
        """See :class:`pystamps_hpc.parallel.context.Log`."""
        self.watcher(TaskProgress(*self.place, label, fraction))

    def check(self) -> None:
        """See :class:`pystamps_hpc.parallel.context.Log`."""
        interruption.check()

    def warn(self, message: str) -> None:
        """See :class:`pystamps_hpc.parallel.context.Log`."""
        if message not in self.row.warnings:
            self.row.warnings.append(message)
            self.watcher(TaskWarning(*self.place, message))

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

    def invalidated(self, paths: tuple[str, ...]) -> None:
        """Tell which files of the dataset have been removed."""
        if paths:
            self.watcher(Invalidated(*self.place, paths))

    def checkpoint(self, key: str) -> None:
        """Tell that a finished part of the task is kept."""
        self.watcher(Checkpoint(*self.place, key))

    def published(self, path: str, size: int) -> None:
        """Tell that an artifact is in its place."""
        self.watcher(ArtifactPublished(*self.place, path, size))

    def close(self, status: str, details: str = "") -> StageResult:
        """Complete the row with its status, details and wall time."""
        self.row.status = status
        self.row.details = details or ", ".join(self.notes)
        self.row.duration_sec = round(time.perf_counter() - self.began, 6)
        return self.row
