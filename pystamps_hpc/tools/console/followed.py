"""The events of a run, followed while they are written: each byte of its files is read once."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ...dataset.files import open_regular
from ...pipeline.types import STATUSES

EPOCH = secrets.token_hex(4)
"""Names this process: what a client has from another one does not count here."""

MOST_EVENTS = 1000
"""Events of one answer, of all ranks."""

MOST_RANKS = 10_000
"""Files of higher ranks are not read: a cursor has a number for each rank."""

WAITING, RUNNING = "waiting", "running"
LIVE = (WAITING, RUNNING)
"""States of a task that has no row yet."""

TASK_STATES = (*LIVE, *STATUSES)

Key = tuple[int, str, str]
"""Stage, scope and target of a task."""


@dataclass
class EventFile:
    """The file of one rank, and how far it is read; ``starts`` are the offsets of its lines."""

    path: Path
    read: int = 0
    starts: list[int] = field(default_factory=list)

    def new_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the events that were written since the last call; half a line waits for its end."""
        try:
            with open_regular(self.path) as file:
                file.seek(self.read)
                content = file.read()
        except OSError:  # the oldest runs are removed while we look
            return
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return
            self.starts.append(self.read)
            self.read += len(line)
            event = _parsed(line)
            if event is not None:
                yield event

    def after(self, seq: int, most: int) -> tuple[list[dict[str, Any]], int]:
        """Return the first events with a number above `seq`, and of how many lines.

        The numbers are those of the lines, some of which may be unreadable.
        """
        most = min(most, len(self.starts) - seq)
        if most <= 0:
            return [], 0
        try:
            with open_regular(self.path) as file:
                file.seek(self.starts[seq])
                lines = list(islice(file, most))
        except OSError:
            return [], 0
        return [event for event in map(_parsed, lines) if event is not None], len(lines)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("kind"), str) else None


@dataclass
class Followed:
    """What the events of a run tell so far.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    """

    folder: Path
    files: dict[int, EventFile] = field(default_factory=dict)
    started: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    last_utc: str = ""
    compiling: str = ""
    warnings: list[str] = field(default_factory=list)
    tasks: dict[Key, dict[str, Any]] = field(default_factory=dict)
    changes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> None:
        """Take in what was written since the last call."""
        with self.lock:
            for rank, path in sorted(_event_files(self.folder)):
                file = self.files.setdefault(rank, EventFile(path))
                for event in file.new_lines():
                    with suppress(AttributeError, KeyError, TypeError):  # of another version
                        self._take(event)

    def tasks_since(self, cursor: str) -> tuple[list[dict[str, Any]], str]:
        """Return the tasks that have changed since a cursor, and the cursor of now."""
        epoch, _, number = cursor.partition("-")
        known = int(number) if epoch == EPOCH and number.isdecimal() else 0
        with self.lock:
            found = [dict(task) for task in self.tasks.values() if task["changed"] > known]
            return found, f"{EPOCH}-{self.changes}"

    def events_after(self, after: dict[int, int] | None, last: int) -> tuple[list[Any], str]:
        """Return events in the order of time, and the cursor behind them.

        Parameters
        ----------
        after : dict or None
            Rank -> number of its last known event; None for the `last` events of each rank.
        last : int
            See there.
        """
        with self.lock:
            files = dict(self.files)
            found, reached, room = [], {}, MOST_EVENTS
            share = max(MOST_EVENTS // max(len(files), 1), 1)
            for rank, file in files.items():
                known = len(file.starts) - min(last, share) if after is None else after.get(rank, 0)
                known = min(max(known, 0), len(file.starts))
                new, lines = file.after(known, min(share, room))
                found += new
                room -= lines
                reached[rank] = known + lines
        found.sort(key=lambda event: str(event.get("t_utc")))
        return found, ",".join(
            str(reached.get(rank, 0)) for rank in range(max(reached, default=0) + 1)
        )

    def _take(self, event: dict[str, Any]) -> None:
        self.last_utc = max(self.last_utc, str(event.get("t_utc", "")))
        match event["kind"]:
            case "run_started":
                self.started = self.started or event
            case "plan":
                for planned in event.get("tasks", ()):
                    state = WAITING if planned["action"] == "run" else planned["action"]
                    self._change(planned, state, reason=planned.get("reason", ""))
            case "compiling":
                done, total = event.get("done"), event.get("total")
                self.compiling = f"{done} of {total}" if done != total else ""
            case "task_started":
                self._change(event, RUNNING, started_utc=event["t_utc"], rank=event["rank"])
            case "task_progress":
                text = str(event.get("text", ""))
                self._change(event, RUNNING, fraction=event.get("fraction"), text=text)
            case "warning":
                self.warnings.append(f"{_named(event)}: {event.get('text', '')}")
            case "task_finished":
                self._finish(event, event.get("row") or {})
            case "run_finished":
                self.exit_code = event.get("exit_code")

    def _finish(self, event: dict[str, Any], row: dict[str, Any]) -> None:
        self._change(
            event,
            str(row.get("status", "failed")),
            seconds=row.get("duration_sec"),
            rank=row.get("rank"),
            text=str(row.get("details", "")),
            fraction=None,
            started_sec=row.get("started_at"),
        )

    def _change(self, event: dict[str, Any], state: str, **more: Any) -> None:
        key = (event.get("stage"), event.get("scope"), event.get("target"))
        if not (isinstance(key[0], int) and isinstance(key[1], str) and isinstance(key[2], str)):
            return
        self.changes += 1
        task = self.tasks.setdefault(
            (key[0], key[1], key[2]),
            {"stage": key[0], "scope": key[1], "target": key[2], "rank": None, "started_utc": None,
             "started_sec": None, "seconds": None, "fraction": None, "text": "", "reason": ""},
        )  # fmt: skip
        task.update(more, state=state, changed=self.changes)


def _named(event: dict[str, Any]) -> str:
    return f"stage {event.get('stage')} {event.get('target')}" if event.get("stage") else "run"


def _event_files(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield rank and file of those that there are."""
    for path in folder.glob("events*.jsonl"):
        middle = path.name.removeprefix("events").removesuffix(".jsonl")
        if not middle:
            yield 0, path
        elif middle.startswith(".r") and middle[2:].isdecimal() and int(middle[2:]) < MOST_RANKS:
            yield int(middle[2:]), path
