"""What running a task outdates, and its removal: artifacts, products and records."""

from functools import cache
from pathlib import Path

from ..dataset.tree import Dataset
from ..stages.base import Mode
from .presence import product_files
from .state import TargetState
from .table import Task, tasks


@cache
def outdated_files(row: Task) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the files that running a task removes if they are there.

    Returns
    -------
    tuple of str, tuple of str
        Files of the root, products last; files of the task's patch.
    """
    root, patch = (tuple(f"{name}.mat" for name in names) for names in row.outdates)
    return (*root, *product_files()), patch


def remove(dataset: Dataset, relative: tuple[str, ...], directory: Path, mode: Mode) -> None:
    """Delete what a task outdates, in the order given, and the records in the task's directory.

    Every rank may remove artifacts of the root, whose records rank 0 drops afterwards with
    :func:`drop_outdated_records`.
    """
    for name in relative:
        (dataset.root / name).unlink(missing_ok=True)
    drop_outdated_records(dataset, directory, mode)


def drop_outdated_records(dataset: Dataset, directory: Path, mode: Mode) -> None:
    """Drop the records of tasks of which nothing is left.

    One whose marker is gone, but not all else, keeps its record, which says that the rest is ours;
    what it has found is forgotten.
    """
    scope = "merged" if directory == dataset.root else "patch"
    state = TargetState.load(directory)
    outdated = [
        row
        for row in tasks(mode)
        if row.spec.scope == scope
        and row.spec.number in state.records
        and not (directory / row.marker_file).exists()
    ]
    for row in outdated:
        if any((directory / f"{name}.mat").exists() for name in row.owned):
            state.records[row.spec.number]["facts"] = {}
        else:
            del state.records[row.spec.number]
    if outdated:
        state.save()
