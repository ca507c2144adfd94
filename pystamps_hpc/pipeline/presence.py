"""What of a task's results lies in the dataset, and what running it would remove."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from ..dataset.mat import MatFile, read_mat
from ..errors import MatError
from ..stages.base import Scope, artifact_fields
from .table import Task, maker, patch_inputs, tasks

FOREIGN_PRODUCTS = {"mv2": 8, "scla_sb2": 7, "scla_smooth_sb2": 7}
"""Root artifacts of StaMPS that we do not write (yet), with the stage they follow."""

PRODUCTS = {
    "velocity.png": ("products/velocity.png",),
    "velocity.csv": tuple(f"products/velocity.{kind}" for kind in ("csv", "csvt", "prj", "json")),
}
"""What is made of the results of stage 8 for people, and its files; every stage outdates it."""


Listing = Mapping[str, os.stat_result]
"""The MAT files of a directory and their status."""


def listing(directory: Path) -> Listing:
    """Look at the MAT files of a directory, once for all tasks."""
    found = {}
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(".mat"):
                with suppress(OSError):  # a link to nothing
                    found[entry.name] = entry.stat()
    return found


def stamp(status: os.stat_result) -> list[int]:
    """Return what tells whether a file is still the one that was written."""
    return [status.st_size, status.st_mtime_ns]


def missing_members(
    row: Task, directory: Path, files: Listing | None = None, written: Sequence[int] = ()
) -> list[str]:
    """Return the required artifacts of a task that are missing, empty or (marker) unreadable.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    directory : Path
        Of the target.
    files : Listing, optional
        Its files, if they have been looked at.
    written : sequence of int
        The marker's :func:`stamp` when it was written; such a file is not read again.
    """
    files = listing(directory) if files is None else files
    missing = []
    for name in row.required:
        status = files.get(f"{name}.mat")
        if status is None or status.st_size == 0:
            missing.append(name)
        elif name == row.spec.marker and stamp(status) != list(written):
            try:
                with MatFile(directory / f"{name}.mat") as file:
                    _ = file.variables
            except MatError:
                missing.append(name)
    return missing


def no_ps_stage(directory: Path) -> int | None:
    """Return the first stage after which a patch had no PS left, None while it has some."""
    path = directory / "no_ps_info.mat"
    if not path.exists():
        return None
    try:
        flags = read_mat(path)["stamps_step_no_ps"].reshape(-1)
    except (MatError, KeyError):
        return None
    lost = [stage for stage, flag in enumerate(flags, 1) if flag]
    return lost[0] if lost else None


def outdated_files(row: Task) -> tuple[list[str], list[str]]:
    """Return the files that running a task removes if they are there.

    Markers come first, in descending stage order, products last. The smoothed SCLA survives a new
    stage 6, which subtracts it before unwrapping; every earlier stage removes it.

    Returns
    -------
    list of str, list of str
        Files of the root; files of the task's patch.
    """
    number = row.spec.number
    if row.spec.scope == "patch":
        root, patch = _results("merged", 5), _results("patch", number + 1)
    else:
        root, patch = _results("merged", number + 1), []
        if number == 6:
            root = [name for name in root if not name.startswith("scla_smooth")]
    return [*root, *product_files()], patch


def product_files() -> list[str]:
    """Return the files of all products, relative to the root."""
    return [name for files in PRODUCTS.values() for name in files]


@cache
def passed_on(row: Task) -> frozenset[str]:
    """Return the artifacts of a task that another one cannot do without."""
    classes = [other.spec.inputs for other in tasks() if other.spec.scope == row.spec.scope]
    if row.spec.scope == "patch":
        classes += [nested for other in tasks() if (nested := patch_inputs(other)) is not None]
    read = {item.artifact for cls in classes for item in artifact_fields(cls) if not item.optional}
    return frozenset(read.intersection(row.required))


def owned_files(row: Task) -> list[str]:
    """Return the artifacts that belong to a task, markers first; of StaMPS' own those that follow.

    A file that an earlier stage makes and a later one extends belongs to the earlier.
    """
    scope, number = row.spec.scope, row.spec.number
    names = [name for name in reversed(row.bundle) if maker(name, scope) is row]
    if scope == "merged":
        names += [name for name, stage in FOREIGN_PRODUCTS.items() if stage == number]
    return names


def extended(row: Task) -> tuple[str, ...]:
    """Return the artifacts of earlier tasks to which a task adds keys."""
    return tuple(name for name in row.bundle if maker(name, row.spec.scope) is not row)


def _results(scope: Scope, first: int) -> list[str]:
    """Return the files a scope makes from stage `first` on: last stage first, markers first."""
    return [
        f"{name}.mat"
        for row in reversed(tasks())
        if row.spec.scope == scope and row.spec.number >= first
        for name in owned_files(row)
    ]
