"""What running a task outdates, and its removal: artifacts, products and records."""

from pathlib import Path

from ..dataset.tree import Dataset
from .presence import product_files
from .state import TargetState
from .table import Task, tasks


def outdated_files(row: Task) -> tuple[list[str], list[str]]:
    """Return the files that running a task removes if they are there.

    Returns
    -------
    list of str, list of str
        Files of the root, products last; files of the task's patch.
    """
    root, patch = ([f"{name}.mat" for name in names] for names in row.outdates)
    return [*root, *product_files()], patch


def remove(dataset: Dataset, relative: tuple[str, ...], directory: Path) -> None:
    """Delete what a task outdates, in the order given, and the records in the task's directory.

    Every rank may remove artifacts of the root, whose records rank 0 drops afterwards with
    :func:`drop_outdated_records`.
    """
    for name in relative:
        (dataset.root / name).unlink(missing_ok=True)
    drop_outdated_records(dataset, directory)


def drop_outdated_records(dataset: Dataset, directory: Path) -> None:
    """Drop the records of tasks whose marker is gone."""
    scope = "merged" if directory == dataset.root else "patch"
    state = TargetState.load(directory)
    outdated = [
        row.spec.number
        for row in tasks()
        if row.spec.scope == scope
        and row.spec.number in state.records
        and not (directory / row.marker_file).exists()
    ]
    for number in outdated:
        del state.records[number]
    if outdated:
        state.save()
