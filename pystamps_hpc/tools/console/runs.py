"""The runs of a dataset: which there are, and whether each goes on, has ended, or has died.

A run that ends in good order leaves its report. One without a report goes on as long as its process
can be seen, or it is of another node and has given a sign of life of late; its process stands in
the lock, and in its first event, since a run makes its products when the lock is gone.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ...dataset.files import open_regular, parse_json, read_json
from ...dataset.lock import holders, lock_directory
from ...dataset.owner import is_dead, process_table
from ...dataset.tree import state_path
from ...errors import EXIT_OF_SIGNAL, Exit
from .followed import Followed
from .trees import among

SILENT_SEC = 1800.0
"""A run of another node that has said nothing for so long may be dead."""

LOCK_SEC = 10.0
"""So long the answer counts whether owners of locks live: SLURM may have to be asked for it."""

ENDED = {0: "finished", int(Exit.KEPT): "finished",
         **dict.fromkeys(map(int, EXIT_OF_SIGNAL.values()), "stopped")}  # fmt: skip
RESULTS = b'\n  "results": ['
"""Where the rows of a report begin, its last and by far its largest part."""

MOST_FOLLOWED = 24
"""More than one answer lists, or each would read all events anew."""


@dataclass(frozen=True)
class RunState:
    """Whether a run goes on: ``state`` in one word, ``why`` in a sentence."""

    state: str
    why: str


@dataclass
class Runs:
    """The runs of one dataset, with what was read of them.

    Parameters
    ----------
    root : Path
        Dataset.
    """

    root: Path
    _followed: dict[str, Followed] = field(default_factory=dict)
    _heads: dict[str, tuple[tuple[int, int], dict[str, Any]]] = field(default_factory=dict)
    _holders: tuple[float, int, list[dict[str, Any]]] = (-LOCK_SEC, 0, [])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def folder(self) -> Path:
        """Where runs keep what they say."""
        return state_path(self.root, "runs")

    def names(self) -> list[str]:
        """Return the names of the runs that there are, newest first."""
        try:
            found = [path.name for path in self.folder.iterdir() if path.is_dir()]
        except OSError:
            return []
        return sorted(found, reverse=True)

    def named(self, run_id: str) -> Path:
        """Return the folder of a run.

        Raises
        ------
        UnknownNameError
            There is no such run.
        """
        return self.folder / among(run_id, self.names(), "run")

    def followed(self, run_id: str) -> Followed:
        """Return what the events of a run tell by now."""
        folder = self.named(run_id)
        with self._lock:
            known = self._followed.pop(folder.name, None) or Followed(folder)
            self._followed[folder.name] = known
            for oldest in list(self._followed)[:-MOST_FOLLOWED]:
                del self._followed[oldest]
        known.read()
        return known

    def owners(self) -> list[dict[str, Any]]:
        """Return who holds the dataset, see :func:`~pystamps_hpc.dataset.lock.holders`."""
        asked, then, found = self._holders
        changed = _changed(lock_directory(self.root))
        if changed != then or time.monotonic() - asked > LOCK_SEC:
            found = holders(self.root)
            self._holders = (time.monotonic(), changed, found)
        return found

    def head(self, run_id: str) -> dict[str, Any] | None:
        """Return the report of a run without its rows; None before there is one."""
        path = self.named(run_id) / "report.json"
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            known = self._heads.get(run_id)
            if known is None or known[0] != stamp:
                known = self._heads[run_id] = (stamp, _head_of(path))
        except (OSError, ValueError):
            return None
        return known[1]

    def report(self, run_id: str) -> dict[str, Any] | None:
        """Return the whole report of a run; None before there is one."""
        try:
            found = read_json(self.named(run_id) / "report.json")
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def state(self, run_id: str, head: Mapping[str, Any] | None = None) -> RunState:
        """Tell a run that goes on from one that has ended or died."""
        head = head if head is not None else self.head(run_id)
        if head is not None:
            return _ended(head.get("exit_code"))
        followed = self.followed(run_id)
        if followed.exit_code is not None:
            return _ended(followed.exit_code)
        return self._unfinished(run_id, followed)

    def _unfinished(self, run_id: str, followed: Followed) -> RunState:
        """Judge a run without an end by its process, which the lock or the first event names."""
        holder = next((each for each in self.owners() if each.get("run_id") == run_id), None)
        owner = holder or followed.started.get("owner") or {}
        where = f"process {owner.get('pid', '?')} on {owner.get('host', 'an unknown host')}"
        if owner.get("processes") == process_table() and isinstance(owner.get("pid"), int):
            if is_dead(owner["pid"], owner.get("pid_start")):
                return RunState("dead", f"{where} has ended without a report")
            return RunState("running", where)
        if holder is not None and not holder["alive"]:
            return RunState("dead", f"{where} has ended without a report")
        silent = _silence(followed)
        newer = [each for each in self.names() if each > run_id and not each.endswith("-prep")]
        if holder is None and newer:
            return RunState("dead", "it left no report, and the dataset was taken by another run")
        if silent > SILENT_SEC:
            minutes = f"{silent / 60:.0f} minutes"
            return RunState("silent", f"no sign of life of {where} for {minutes}: look there")
        return RunState("running", where)


def _changed(path: Path) -> int:
    """Return when something was last put into a directory or taken out; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _ended(code: Any) -> RunState:
    state = ENDED.get(code, "failed") if isinstance(code, int) else "failed"
    return RunState(state, f"exit code {code}")


def _silence(followed: Followed) -> float:
    """Return the seconds since a run has last written anything."""
    signs = [0.0]
    for path in (*(file.path for file in followed.files.values()), followed.folder / "log"):
        try:
            signs.append(path.stat().st_mtime)
        except OSError:
            continue
    if max(signs) == 0.0:
        try:
            signs.append(followed.folder.stat().st_mtime)
        except OSError:
            return float("inf")
    return max(time.time() - max(signs), 0.0)


def _head_of(path: Path) -> dict[str, Any]:
    """Read a report without its rows, which may be thousands.

    Raises
    ------
    OSError, ValueError
        It cannot be read, or is none.
    """
    with open_regular(path) as file:
        content = file.read()
    head, rows, _ = content.rpartition(RESULTS)
    try:
        found = parse_json(head.rstrip(b", \n") + b"}") if rows else parse_json(content)
    except ValueError:
        found = parse_json(content)
    if not isinstance(found, dict):
        raise ValueError("no report")
    return found


def partial_report(run_id: str, followed: Followed) -> dict[str, Any]:
    """Return what the report of a run would say by now, made from its events."""
    rows = [
        {
            "stage": task["stage"], "scope": task["scope"], "target": task["target"],
            "status": task["state"], "details": task["text"], "duration_sec": task["seconds"],
            "rank": task["rank"], "reason": task["reason"],
        }
        for task in list(followed.tasks.values())
    ]  # fmt: skip
    started = followed.started
    return {
        "schema": "pystamps-hpc/run-report/1",
        "partial": True,
        "run_id": run_id,
        "command": started.get("command", []),
        "started_utc": started.get("t_utc"),
        "finished_utc": None,
        "counts": counts_of(row["status"] for row in rows),
        "warnings": list(followed.warnings),
        "results": rows,
    }


def counts_of(states: Iterable[str]) -> dict[str, int]:
    """Return how many tasks are in each state."""
    counts: dict[str, int] = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return counts


def now_utc() -> str:
    """Return the time of now as reports write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
