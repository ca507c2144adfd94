"""Passes: a stage may read what a later one, or it itself, wrote the time before.

Look-angle error is taken off before unwrapping, unwrapped values are held.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..dataset.tree import state_path
from ..errors import DatasetError
from ..stages.base import Mode
from .state import RESET, TargetState, digest
from .table import Task, tasks


def which_pass(
    row: Task,
    read_back: Collection[str],
    directory: Path,
    record: Mapping[str, Any] | None,
    asked: bool,
    upstream: bool,
    stands: bool,
) -> tuple[tuple[str, ...], str]:
    """Decide what of an earlier pass a task reads.

    Who asks for the task by name (``--force``) wants the next pass. Otherwise the pass of the
    record is repeated: a lost file or a changed parameter must not turn a first pass into a second.
    A pass with feedback that stands is repeated with the estimate of today.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    read_back : collection of str
        Files of an earlier pass that it reads if they are there.
    directory : Path
        Of the target.
    record : mapping or None
        Record of the result that is made again.
    asked : bool
        Whether the user asked for this task.
    upstream : bool
        Whether an earlier stage runs, which removes what a later one wrote.
    stands : bool
        Whether the result that is made again is there.

    Returns
    -------
    tuple of str
        Files that the task must not read; they go with the old result.
    str
        What the user should know.

    Raises
    ------
    DatasetError
        The pass cannot be repeated: its result is lost and what it read has changed, or it has no
        record.
    """
    names = sorted(read_back)
    there = [] if upstream else [
        name for name in names if (directory / name).exists() or _aside(directory, name).exists()
    ]  # fmt: skip
    if record is not None and record.get(RESET) and not (there and asked):
        return tuple(there), "first pass"
    if there and asked:
        return (), f"{_used(row, there)} of the pass before"
    inputs = record["inputs"] if record is not None else {}
    before = [name for name in names if name in inputs]
    if not there:
        note = f"first pass; it was a later one, which {_next_pass(row)} makes again"
        return (), note if before else ""
    if record is not None and not before:
        return tuple(there), f"first pass again, without {', '.join(there)}"
    if before == there and all(_unchanged(directory / name, inputs[name]) for name in there):
        return (), f"{_used(row, there)} as before"
    if before == there and stands:
        return (), f"pass with feedback again: {_used(row, there)} of the pass that stands"
    raise _of_another_pass(row, directory, there)


def _unchanged(path: Path, known: Mapping[str, Any]) -> bool:
    return bool(digest(path, known)["sample"] == known["sample"])


def _used(row: Task, names: Collection[str]) -> str:
    """Say what is done with files of an earlier pass."""
    held = [name for name in names if name in row.held]
    taken_off = [name for name in names if name not in row.held]
    words = (("subtracts", taken_off), ("holds good values of", held))
    return ", ".join(f"{verb} {', '.join(which)}" for verb, which in words if which)


def _of_another_pass(row: Task, directory: Path, names: Sequence[str]) -> DatasetError:
    held = [name for name in names if name in row.held]
    removing = f" and removing {', '.join(held)}" if held else ""
    return DatasetError(
        f"{directory / names[0]} is left of another pass, and stage {row.spec.number} would use "
        f"it: pystamps-hpc reset-scla{removing} for a first pass, run {_next_pass(row)} for another"
    )


def _next_pass(row: Task) -> str:
    return f"--start-step {row.spec.number} --force"


def fed_back(row: Task, record: Mapping[str, Any]) -> bool:
    """Whether a task was done with what an earlier pass had left."""
    return bool(row.judged.intersection(record.get("inputs", ())))


def keep_pass(row: Task, directory: Path, record: Mapping[str, Any]) -> None:
    """Mark a pass with feedback as due until it is recorded.

    Without its result, an estimate that has changed since would not tell which pass was meant. What
    it held is put aside: its result takes the place.
    """
    if fed_back(row, record):
        state = TargetState.load(directory)
        state.due.add(row.spec.number)
        state.save()
    for name in row.held.intersection(record["inputs"]):
        _aside(directory, name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(directory / name, _aside(directory, name))


def restore_pass(row: Task, directory: Path, withheld: Collection[str]) -> None:
    """Put back what a pass has held that did not end; of any other it goes."""
    unfinished = row.spec.number in TargetState.load(directory).due
    for name in row.held:
        if unfinished and name not in withheld and _aside(directory, name).exists():
            os.replace(_aside(directory, name), directory / name)
        _aside(directory, name).unlink(missing_ok=True)


def end_pass(row: Task, directory: Path) -> None:
    """Forget that a pass was asked for, and what it held, once all of its bundle is there."""
    state = TargetState.load(directory)
    if row.spec.number in state.due:
        state.due.discard(row.spec.number)
        state.save()
    for name in row.held:
        _aside(directory, name).unlink(missing_ok=True)


def _aside(directory: Path, name: str) -> Path:
    return state_path(directory, "held", name)


def made_with(directory: Path, names: Collection[str], mode: Mode) -> list[int]:
    """Return the merged stages whose results were made with estimates of a pass before.

    Parameters
    ----------
    directory : Path
        Root of the dataset.
    names : collection of str
        Files that hold such estimates.
    mode : {"ps", "sb"}
        Mode of the dataset.
    """
    records = TargetState.load(directory).records
    return [
        row.spec.number
        for row in tasks(mode)
        if row.spec.scope == "merged" and (record := records.get(row.spec.number)) is not None
        if row.feedback.intersection(names, record.get("inputs", ()))
    ]


def mark_reset(directory: Path, stages: Collection[int]) -> None:
    """Put results out of date whose estimates of a pass before a user has removed."""
    state = TargetState.load(directory)
    for stage in stages:
        state.records[stage][RESET] = True
    state.save()
