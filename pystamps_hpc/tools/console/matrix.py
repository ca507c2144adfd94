"""The state of every stage of every patch.

It is kept between answers: what has not changed on the disk is not looked at again.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.tree import ROOT, STATE_DIRECTORY, Dataset
from ...errors import PystampsError
from ...pipeline.choices import resolve_choices
from ...pipeline.finished import Finished
from ...stages.base import Scope

CELLS = {
    "d": "done",
    "o": "out of date",
    "m": "not made",
    "g": "missing, later ones are there",
    "n": "no PS left",
    "r": "running",
    "w": "waiting",
    "f": "failed",
    "?": "not looked at yet",
}
"""Letter of a cell -> what it means."""

LIVE = {"running": "r", "waiting": "w", "failed": "f"}
"""State of a task of a run that goes on -> letter; it hides what is on the disk."""

ONE_LOOK_SEC = 0.3
"""One answer looks for so long at patches that are new; the next one goes on."""

SHARED_SEC = 1.0
"""So long an answer that is whole is given to who else asks."""

LOOK_AGAIN_SEC = 600.0
"""After so long all is looked at again: files that were changed in place leave no trace above."""

PARAMETER_FILES = ("parms.mat", "localparms.mat")

Stamp = tuple[Any, ...]


@dataclass
class Matrix:
    """The matrix of one dataset.

    Parameters
    ----------
    config : RunConfig
        Configuration against which work is out of date.
    """

    config: RunConfig
    _cells: dict[str, tuple[Stamp, str]] = field(default_factory=dict)
    _looked: float = 0.0
    _spent: float = 0.0
    _answer: dict[str, Any] = field(default_factory=dict)
    _answered: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, dataset: Dataset) -> dict[str, Any]:
        """Return what is on the disk: the stages, and a letter for each stage of each target.

        Of very many patches, or on a slow disk, the first answers tell of some of them alone:
        ``pending`` is how many are not looked at yet.

        Raises
        ------
        DatasetError
            The parameters cannot be read.
        """
        with self._lock:
            if self._answer and time.monotonic() - self._answered < SHARED_SEC:
                return dict(self._answer)
            found = self._looked_at(dataset)
            self._answer, self._answered = ({} if found["pending"] else found), time.monotonic()
            return dict(found)

    def _looked_at(self, dataset: Dataset) -> dict[str, Any]:
        if time.monotonic() - self._looked > LOOK_AGAIN_SEC:
            self._cells.clear()
            self._looked = time.monotonic()
        known = parameters.load_all(dataset)
        finished = Finished(dataset, resolve_choices(self.config), known)
        shared = (*_stamp(dataset.root, PARAMETER_FILES), finished.mode)
        self._spent = 0.0
        stages = {scope: _stages(finished, scope) for scope in get_args(Scope)}
        cells, pending = [], 0
        for name in dataset.patches:
            letters = self._of(finished, name, shared)
            pending += letters is None
            cells.append(letters or "?" * len(stages["patch"]))
        merged = None if pending else self._of(finished, ROOT, shared)
        return {
            "stages": stages["patch"],
            "merged_stages": stages["merged"],
            "patches": list(dataset.patches),
            "cells": cells,
            "merged": merged or "?" * len(stages["merged"]),
            "pending": pending + (merged is None),
        }

    def _of(self, finished: Finished, target: str, shared: Stamp) -> str | None:
        """Return the letters of a target, from before if nothing there has changed.

        When the time of an answer is spent, nothing new is looked at; None of what never was.
        """
        directory = finished.dataset.directory(target)
        stamp = (*shared, *_stamp(directory, (*PARAMETER_FILES, STATE_DIRECTORY, "")))
        if target == ROOT:  # what its merge is made of lies in the patches
            made_of = (self._cells[name][0] for name in finished.dataset.patches)
            stamp = (*stamp, hash(tuple(made_of)))
        known = self._cells.get(target)
        if (known is None or known[0] != stamp) and self._spent < ONE_LOOK_SEC:
            began = time.monotonic()
            known = self._cells[target] = (stamp, _letters(finished, target))
            self._spent += time.monotonic() - began
        return None if known is None else known[1]


def overlaid(
    cells: list[str], targets: list[str], stages: list[dict[str, Any]], tasks: list[dict[str, Any]]
) -> list[str]:
    """Return letters with those of a run laid over them.

    Parameters
    ----------
    cells : list of str
        Letters of each target.
    targets : list of str
        Their names.
    stages : list of dict
        The stages that the letters are of.
    tasks : list of dict
        Tasks of the run.
    """
    row = {name: k for k, name in enumerate(targets)}
    column = {each["stage"]: k for k, each in enumerate(stages)}
    found = [list(letters) for letters in cells]
    for task in tasks:
        letter = LIVE.get(task["state"])
        if letter and task["target"] in row and task["stage"] in column:
            found[row[task["target"]]][column[task["stage"]]] = letter
    return ["".join(letters) for letters in found]


def _stages(finished: Finished, scope: Scope) -> list[dict[str, Any]]:
    return [
        {"stage": row.spec.number, "title": row.spec.name}
        for row in finished.table
        if row.spec.scope == scope
    ]


def _letters(finished: Finished, target: str) -> str:
    scope: Scope = "merged" if target == ROOT else "patch"
    rows = [row for row in finished.table if row.spec.scope == scope]
    lost = finished.lost(target) if scope == "patch" else None
    letters = []
    for row in rows:
        if lost is not None and row.spec.number >= lost:
            letters.append("n")
        elif finished.missing(row, target):
            letters.append("m")
        else:
            letters.append("o" if _is_stale(finished, row, target) else "d")
    last = max((k for k, letter in enumerate(letters) if letter in "do"), default=-1)
    return "".join(
        "g" if letter == "m" and k < last else letter for k, letter in enumerate(letters)
    )


def _is_stale(finished: Finished, row: Any, target: str) -> bool:
    try:
        return bool(finished.out_of_date(row, target))
    except PystampsError:
        return True


def _stamp(directory: Path, names: tuple[str, ...]) -> Stamp:
    """Return when the named files of a directory, "" is itself, were changed; 0 is not there."""
    stamp = []
    for name in names:
        try:
            stamp.append(os.stat(f"{directory}/{name}").st_mtime_ns)
        except OSError:
            stamp.append(0)
    return tuple(stamp)
