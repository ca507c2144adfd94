"""Whether every artifact of a dataset can be read, fits the others, and none is left half done."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...dataset.lock import holders
from ...dataset.mat import MatFile
from ...dataset.matvalues import REAL_DTYPES
from ...dataset.publish import staging_root
from ...dataset.schema import ARTIFACTS, of_all_candidates
from ...dataset.tree import ROOT, Dataset, state_path
from ...errors import MatError, is_damage
from ...parallel.team import piece_length, units
from ...pipeline.remedies import remedy
from ...pipeline.table import maker
from ...stages.base import Mode, Scope
from .findings import DATASET, Problem

SHARED = ("n_ps", "n_ifg", "n_image", "n_pm")
"""Lengths that all artifacts of one version in one directory have in common."""

PARAMETERS = ("parms", "localparms")

_ACCESS = "see to its permissions and to the file system"


def examine_files(dataset: Dataset, mode: Mode) -> tuple[list[Problem], list[Problem]]:
    """Read every known MAT file of a dataset whole.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    mode : {"ps", "sb"}
        Whose stages make its artifacts.

    Returns
    -------
    list of Problem
        Files that cannot be read.
    list of Problem
        Files whose shapes contradict those of the others, or that lack keys.
    """
    unreadable: list[Problem] = []
    inconsistent: list[Problem] = []
    for target in (ROOT, *dataset.patches):
        folder = dataset.directory(target)
        shapes: dict[str, dict[str, tuple[int, ...]]] = {}
        for name in (*ARTIFACTS, *PARAMETERS):
            path = folder / f"{name}.mat"
            if not path.is_file():
                continue
            try:
                shapes[name] = read_whole(path)
            except MatError as error:
                advice = (
                    _remedy(folder, name, target, mode) if is_damage(error.__cause__) else _ACCESS
                )
                unreadable.append(Problem(str(error), advice, DATASET))
        inconsistent += _contradictions(dataset, target, mode, shapes)
    return unreadable, inconsistent


def read_whole(path: Path) -> dict[str, tuple[int, ...]]:
    """Read every value of a file once, large matrices in pieces; return their shapes.

    Raises
    ------
    MatError
        The file is no MAT file, truncated or damaged.
    """
    with MatFile(path) as file:
        for name, variable in file.variables.items():
            numeric = variable.matlab_class in REAL_DTYPES
            if numeric and len(variable.shape) == 2 and min(variable.shape) > 0:
                rows = file.rows(name)
                for piece in units(0, rows.shape[0], piece_length(rows)):
                    np.asarray(rows[piece])
            elif variable.known:
                file.read(name)
        return {name: variable.shape for name, variable in file.variables.items()}


def _remedy(folder: Path, artifact: str, target: str, mode: Mode) -> str:
    row = maker(artifact, _scope(target), mode)
    if row is None:
        return "restore it from a copy, or move it aside to go back to the defaults"
    return remedy(row, folder)


def _scope(target: str) -> Scope:
    return "merged" if target == ROOT else "patch"


def _contradictions(
    dataset: Dataset, target: str, mode: Mode, shapes: dict[str, dict[str, tuple[int, ...]]]
) -> Iterator[Problem]:
    """Yield what does not fit; of several lengths the most frequent one counts as right."""
    folder = dataset.directory(target)
    for first_version in (True, False):
        found: dict[str, list[tuple[str, str, int]]] = {name: [] for name in SHARED}
        for artifact, keys in shapes.items():
            if artifact not in ARTIFACTS or of_all_candidates(artifact) != first_version:
                continue
            path = folder / f"{artifact}.mat"
            for key in ARTIFACTS[artifact].keys.values():
                if key.name not in keys:
                    if not key.optional:
                        yield Problem(f"{path}: key '{key.name}' is missing",
                                      _remedy(folder, artifact, target, mode), DATASET)  # fmt: skip
                elif len(key.dims) == len(keys[key.name]) and 0 not in keys[key.name]:
                    for dim, length in zip(key.dims, keys[key.name], strict=True):
                        if dim in found:
                            found[dim].append((artifact, key.name, length))
        for dim, uses in found.items():
            usual = Counter(length for *_, length in uses).most_common(1)
            for artifact, name, length in uses:
                if length != usual[0][0]:
                    yield Problem(
                        f"{folder / artifact}.mat: key '{name}' has {dim} = {length}, the others "
                        f"have {usual[0][0]}",
                        _remedy(folder, artifact, target, mode),
                        DATASET,
                    )


def leftovers(dataset: Dataset) -> list[str]:
    """Return what ended runs left behind, relative to the root; nothing while a run is alive."""
    owners = holders(dataset.root)
    if any(owner["alive"] for owner in owners):
        return []
    found = [state_path(dataset.root, "lock", owner["lock"]) for owner in owners]
    for target in (ROOT, *dataset.patches):
        folder = dataset.directory(target)
        for place in (staging_root(folder), state_path(folder, "memo")):
            found += sorted(place.iterdir()) if place.is_dir() else []
        found += sorted(folder.glob(".*.tmp"))
    return [path.relative_to(dataset.root).as_posix() for path in found]
