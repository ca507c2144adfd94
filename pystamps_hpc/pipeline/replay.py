"""Strict reference replay: the bundle of a task copied from a finished tree instead of computed.

With ``compat.strict_reference`` every task of the window takes its artifacts from
``compat.reference_root``, at the same place in the tree. So any later stage can be computed on
exactly the artifacts of the reference, which tests it alone.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..dataset.mat import MatFile, write_mat
from ..dataset.publish import Publication, flush, write_error
from ..dataset.tree import Dataset
from ..errors import DatasetError, StageError
from .table import Task


def reference_root(config: RunConfig) -> Path | None:
    """Return the tree to copy from, None for a run that computes.

    Raises
    ------
    DatasetError
        The configured directory does not exist.
    """
    if not config.compat.strict_reference:
        return None
    root = Path(str(config.compat.reference_root)).resolve()
    if not root.is_dir():
        raise DatasetError(f"reference root does not exist: {root}")
    return root


def require_own_directories(dataset: Dataset, targets: Sequence[str], reference: Path) -> None:
    """Refuse to replay into the reference itself: making way there would remove what is copied.

    Raises
    ------
    DatasetError
        The root or a patch of the dataset is the same directory as in the reference.
    """
    for target in dict.fromkeys(targets):
        directory = dataset.directory(target).resolve()
        if directory == reference_directory(dataset, reference, target).resolve():
            raise DatasetError(
                f"{directory} is the reference root's own directory: replay into a copy"
            )


def reference_directory(dataset: Dataset, reference: Path, target: str) -> Path:
    """Return the directory of the reference that corresponds to a target."""
    return reference / dataset.directory(target).relative_to(dataset.root)


def replay_record(row: Task, reference: Path) -> dict[str, Any]:
    """Return the state record of a replayed task: nothing of this run went into it."""
    return {
        "stage": row.spec.number,
        "scope": row.spec.scope,
        "science_version": row.spec.version,
        "params": {},
        "config": {},
        "inputs": {},
        "replayed_from": str(reference),
    }


def members(row: Task, source: Path) -> list[str]:
    """Return the artifacts of a task that the reference has, in publication order.

    Raises
    ------
    StageError
        Required ones are missing or empty.
    """
    present = [name for name in row.bundle if _holds(source / f"{name}.mat")]
    missing = [name for name in row.required if name not in present]
    if missing:
        files = ", ".join(f"{name}.mat" for name in missing)
        known = row.spec.stamps_lacks.get(missing[0]) if len(missing) == 1 else None
        cause = f"; {known}" if known else ""
        raise StageError(
            f"strict reference replay: missing {files} for stage {row.spec.number} "
            f"({row.spec.scope}){cause}"
        )
    return present


def _holds(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def replay_bundle(
    row: Task,
    names: Sequence[str],
    source: Path,
    directory: Path,
    name: str,
    fsync: bool,
    bookkeeping: Mapping[str, Mapping[str, Any]],
    make_way: Callable[[], None],
    before_moves: Callable[[Path], None],
) -> None:
    """Publish the artifacts `names` of a reference directory as the bundle of a task.

    A file that is the same on disk (device and inode) stays as it is.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    names : sequence of str
        :func:`members` of the reference.
    source, directory : Path
        The target in the reference and in the dataset.
    name : str
        Name of the staging directory.
    fsync : bool
        Whether files and directories are flushed to disk.
    bookkeeping : mapping
        Files for StaMPS that go with the bundle: name -> key -> MATLAB value.
    make_way : callable
        Removes what the bundle outdates; called when all of it is staged.
    before_moves : callable
        Records the task, see :meth:`Publication.commit`.

    Raises
    ------
    MatError
        A file of the reference cannot be read.
    PublishError
        A file could not be written or moved; nothing of the bundle is published.
    """
    own = set(row.first_made)
    with Publication(directory, name, fsync) as publication:
        for artifact in names:
            _stage(source / f"{artifact}.mat", directory, publication.path(artifact), fsync)
        for artifact, values in bookkeeping.items():
            write_mat(publication.path(artifact), values, fsync=fsync)
        order = [*bookkeeping, *names]
        stale = [artifact for artifact in row.optional if artifact not in names]
        make_way()
        gone, shared = [a for a in stale if a in own], set(order) - own
        publication.commit(order, gone, shared, before_moves)


def _stage(source: Path, directory: Path, staged: Path, fsync: bool) -> None:
    """Put one file of the reference where it can be published from."""
    with MatFile(source) as file:
        _ = file.variables
    final = directory / source.name
    try:
        if final.exists() and os.path.samefile(final, source):
            os.link(final, staged, follow_symlinks=False)
        else:
            shutil.copyfile(source, staged)
            if fsync:
                flush(staged)
    except OSError as error:
        raise write_error(staged, error, source.stat().st_size) from None
