"""What of a task's results lies in the dataset, and what running it would remove."""

from pathlib import Path

from ..dataset.mat import MatFile, read_mat
from ..dataset.tree import ROOT, Dataset
from ..errors import MatError
from ..stages.base import Scope
from .table import Task, maker, tasks

FOREIGN_PRODUCTS = {"mv2": 8, "scla_sb2": 7, "scla_smooth_sb2": 7}
"""Root artifacts of StaMPS that we do not write (yet), with the stage they follow."""

PRODUCTS = ("products/velocity.png", "products/velocity.csv")
"""What is made of the results of stage 8 for people; every stage outdates it."""


def missing_members(row: Task, directory: Path) -> list[str]:
    """Return the required artifacts of a task that are missing, empty or (marker) unreadable."""
    missing = []
    for name in row.required:
        path = directory / f"{name}.mat"
        if not path.exists() or path.stat().st_size == 0:
            missing.append(name)
        elif name == row.spec.marker:
            try:
                with MatFile(path) as file:
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


def invalidated(dataset: Dataset, row: Task, target: str) -> list[str]:
    """Return the existing files that running a task removes, relative to the root.

    Markers come first, in descending stage order, products last. The smoothed
    SCLA survives a new stage 6, which subtracts it before unwrapping; every earlier stage removes
    it.
    """
    number = row.spec.number
    if row.spec.scope == "patch":
        pairs = [(ROOT, name) for name in _products("merged", 5)]
        pairs += [(target, name) for name in _products("patch", number + 1)]
    else:
        names = _products("merged", number + 1)
        if number == 6:
            names = [name for name in names if not name.startswith("scla_smooth")]
        pairs = [(ROOT, name) for name in names]
    paths = [dataset.directory(where) / f"{name}.mat" for where, name in pairs]
    paths += [dataset.root / name for name in PRODUCTS]
    return [path.relative_to(dataset.root).as_posix() for path in paths if path.exists()]


def owned_files(row: Task) -> list[str]:
    """Return the artifacts that belong to a task, markers first; of StaMPS' own those that follow.

    A file that an earlier stage makes and a later one extends belongs to the earlier.
    """
    scope, number = row.spec.scope, row.spec.number
    names = [name for name in reversed(row.bundle) if maker(name, scope) is row]
    if scope == "merged":
        names += [name for name, stage in FOREIGN_PRODUCTS.items() if stage == number]
    return names


def _products(scope: Scope, first: int) -> list[str]:
    """Return what a scope makes from stage `first` on: last stage first, markers first."""
    return [
        name
        for row in reversed(tasks())
        if row.spec.scope == scope and row.spec.number >= first
        for name in owned_files(row)
    ]
