"""The tree before the first task: leftovers go, parameters and forced marks are written."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..dataset.memo import clear_memo, memo_root
from ..dataset.publish import staging_root
from ..dataset.tree import ROOT, state_path
from ..errors import DatasetError, MpiEnvironmentError
from ..parallel.team import Team
from .forced import mark_forced
from .passes import restore_pass
from .run_parameters import save_parameters
from .session import Session
from .table import tasks
from .types import PipelineContext
from .visibility import wait_until


def before_work(session: Session, context: PipelineContext, team: Team) -> list[str]:
    """Prepare the tree for the plan; collective.

    Removes leftovers of dead runs, writes the parameters that the processor's files told, marks
    forced tasks, and makes sure that every rank sees the dataset.

    Returns
    -------
    list of str
        What the user should know about it.

    Raises
    ------
    DatasetError
        The dataset cannot be written to.
    MpiEnvironmentError
        A rank does not see the dataset.
    """

    def prepare_tree() -> list[str]:
        try:
            return _prepare_tree(session, context)
        except OSError as error:
            raise DatasetError(
                f"data set is not writable: {error.filename or session.dataset.root} "
                f"({error.strerror})"
            ) from None

    messages = team.on_root(prepare_tree)
    with team.agreed():
        _require_seen_dataset(session, team.rank)
    return messages


def _prepare_tree(session: Session, context: PipelineContext) -> list[str]:
    dataset = session.dataset
    session.folder.mkdir(parents=True, exist_ok=True)
    targets = (ROOT, *dataset.patches) if context.patches is None else context.patches
    interrupted = sum(_remove_leftovers(dataset.directory(target)) for target in targets)
    _remove_memos(session, targets)
    _restore_passes(session)
    if any(planned.row.spec.begins for planned in session.due):
        save_parameters(dataset, session.parameters[ROOT])
    if context.force or context.again:
        mark_forced(dataset, session.due, session.folder, context.command)
    if not interrupted:
        return []
    return [f"removed what {interrupted} interrupted tasks had left half-written"]


def _remove_leftovers(directory: Path) -> int:
    """Remove what dead runs have left of half-written files; return of how many tasks."""
    staging = staging_root(directory)
    tasks = len(list(staging.iterdir())) if staging.is_dir() else 0
    shutil.rmtree(staging, ignore_errors=True)
    for place in (directory, state_path(directory), directory / "products"):
        for half_written in place.glob(".*.[0-9]*.tmp"):
            if half_written.is_dir() and not half_written.is_symlink():
                shutil.rmtree(half_written, ignore_errors=True)
            else:
                half_written.unlink(missing_ok=True)
    return tasks


def _restore_passes(session: Session) -> None:
    """Put back what stopped passes have held that go on; it goes where its points change first."""
    for row in tasks(session.mode):
        if not row.held:
            continue
        if any(task.stage < row.spec.number and not task.adds for task in session.due):
            restore_pass(row, session.dataset.root, row.held)
        for task in session.due:
            if task.row == row:
                restore_pass(row, session.dataset.root, task.invalidates)


def _remove_memos(session: Session, targets: Iterable[str]) -> None:
    """Remove checkpoints of finished tasks, which a run that ended right after them has left."""
    running = {(planned.stage, planned.target) for planned in session.due}
    for target in targets:
        directory = session.dataset.directory(target)
        memos = memo_root(directory)
        if not memos.is_dir():
            continue
        for row in tasks(session.mode):
            own = (target == ROOT) == (row.spec.scope == "merged")
            left = own and (directory / row.marker_file).exists()
            if left and (row.spec.number, target) not in running:
                clear_memo(memos, row.spec.number)


def _require_seen_dataset(session: Session, rank: int) -> None:
    if not wait_until(session.folder.exists):
        raise MpiEnvironmentError(
            f"rank {rank} on {os.uname().nodename} does not see {session.dataset.root}: "
            "the data set must be on a file system shared by all nodes"
        )
