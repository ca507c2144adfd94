"""What happens while a run goes on, told to who watches it, and its form as a line of JSON.

A run keeps its events in its folder, ``.pystamps-hpc/runs/RUN/events.jsonl``; what a rank other
than 0 does alone, on patches, is in ``events.r1.jsonl`` and so on, so that no rank waits for
another to write. Lines have ``seq, t_utc, kind, run_id, rank, stage, scope, target`` in common
(null where an event is not of a task) and what their kind adds; ``seq`` ascends within a file.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from ..dataset.inside import append_line
from ..stages.base import Scope
from .documents import json_ready
from .types import StageResult


@dataclass(frozen=True)
class Event:
    """Something that happens in a run; ``kind`` is its name in JSON."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class RunStarted(Event):
    """The dataset belongs to the run from here on; ``folder`` holds what the run says.

    ``owner`` is what the lock says of the process, so that it can be found when the lock is gone.
    """

    kind = "run_started"
    folder: Path
    run_id: str
    command: tuple[str, ...]
    owner: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan(Event):
    """What will be done with every task of the window, and the memory that it is expected to take.

    ``tasks`` has ``stage, scope, target, action, reason`` of each, ``memory`` is one line;
    ``removes`` names the files below the root that go with what they were made from.
    """

    kind = "plan"
    tasks: tuple[dict[str, Any], ...]
    memory: str
    removes: tuple[str, ...]


@dataclass(frozen=True)
class Compiling(Event):
    """So many of the kernels that were not in the cache are compiled."""

    kind = "compiling"
    done: int
    total: int


@dataclass(frozen=True)
class RunFinished(Event):
    """The run has ended in good order, well or not."""

    kind = "run_finished"
    exit_code: int


@dataclass(frozen=True)
class TaskEvent(Event):
    """Something that happens in a task."""

    stage: int
    scope: Scope
    target: str


@dataclass(frozen=True)
class TaskStarted(TaskEvent):
    """A task starts; ``text`` is its title."""

    kind = "task_started"
    text: str


@dataclass(frozen=True)
class TaskProgress(TaskEvent):
    """The finished share of the step ``text`` of a task."""

    kind = "task_progress"
    text: str
    fraction: float


@dataclass(frozen=True)
class TaskWarning(TaskEvent):
    """Something the user should know."""

    kind = "warning"
    text: str


@dataclass(frozen=True)
class Invalidated(TaskEvent):
    """Files below the root that the task has removed, since it outdates them."""

    kind = "invalidated"
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Checkpoint(TaskEvent):
    """A finished part of a task is kept, so that a killed run need not compute it again."""

    kind = "checkpoint"
    key: str


@dataclass(frozen=True)
class ArtifactPublished(TaskEvent):
    """An artifact is in its place; ``path`` is below the root."""

    kind = "artifact_published"
    path: str
    bytes: int


@dataclass(frozen=True)
class TaskFinished(TaskEvent):
    """A task has ended; ``row`` is that of the report."""

    kind = "task_finished"
    row: StageResult


Watcher = Callable[[Event], None]
"""Receives what happens while a run goes on; called by several threads."""


def ignore(event: Event) -> None:
    """Watch nothing."""


class EventLines:
    """The events of one rank as lines of JSON, kept in the folder of the run.

    Parameters
    ----------
    rank : int
        The rank.
    """

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.run_id: str | None = None
        self.path: Path | None = None
        self.seq = 0

    def open(self, started: RunStarted) -> None:
        """Keep what follows in the folder of a run."""
        self.run_id = started.run_id
        suffix = f".r{self.rank}" if self.rank else ""
        self.path = started.folder.resolve() / f"events{suffix}.jsonl"

    def add(self, event: Event) -> str:
        """Return an event as a line, which the file has too, if it can be written to."""
        self.seq += 1
        values = {item.name: getattr(event, item.name) for item in fields(event)}
        if isinstance(event, TaskFinished):
            values["row"] = event.row.to_json()
        line = json.dumps(
            json_ready(
                {
                    "seq": self.seq,
                    "t_utc": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
                    "kind": event.kind,
                    "run_id": self.run_id,
                    "rank": self.rank,
                    **dict.fromkeys(("stage", "scope", "target")),
                    **values,
                }
            )
        )
        if self.path is not None:
            try:
                append_line(self.path, f"{line}\n")
            except OSError:  # a disk that is full, say: what happens counts, not its account
                self.path = None
        return line
