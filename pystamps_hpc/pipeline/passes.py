"""Passes: a stage may read what a later one wrote the time before (SCLA before unwrapping)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .state import digest
from .table import Task


def which_pass(
    row: Task, directory: Path, record: Mapping[str, Any] | None, asked: bool, upstream: bool
) -> tuple[tuple[str, ...], str]:
    """Decide what of an earlier pass a task reads.

    Who asks for the task by name (``--force``) wants the next pass. Otherwise the pass of the
    record is repeated: a lost file or a changed parameter must not turn a first pass into a second.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    directory : Path
        Of the target.
    record : mapping or None
        Record of the result that is made again.
    asked : bool
        Whether the user asked for this task.
    upstream : bool
        Whether an earlier stage runs, which removes what a later one wrote.

    Returns
    -------
    tuple of str
        Files that have to go before the task reads its inputs.
    str
        What the user should know.

    Raises
    ------
    DatasetError
        The pass of the record cannot be repeated, since what it read has changed.
    """
    names = sorted(row.feedback)
    there = [] if upstream else [name for name in names if (directory / name).exists()]
    inputs = record["inputs"] if record is not None else {}
    before = [name for name in names if name in inputs]
    again = f"--start-step {row.spec.number} --force"
    if not there:
        return (), f"first pass; it was a later one, which {again} makes again" if before else ""
    if asked:
        return (), f"subtracts {', '.join(there)} of the pass before"
    if record is not None and not before:
        return tuple(there), f"first pass again, without {', '.join(there)}"
    if before == there and all(
        digest(directory / name, inputs[name])["sample"] == inputs[name]["sample"] for name in there
    ):
        return (), f"subtracts {', '.join(there)} as before"
    raise DatasetError(
        f"{directory / there[0]} is left of another pass, and stage {row.spec.number} would "
        f"subtract it: pystamps-hpc reset-scla for a first pass, run {again} for another"
    )
