"""Which finished tasks ``--force`` has marked, so that an interrupted run goes on where it was."""

import os
from collections.abc import Sequence
from pathlib import Path

from ..dataset.publish import write_text
from ..dataset.tree import Dataset, state_path
from .plan import PlannedTask
from .presence import PRODUCTS
from .product_origins import claim
from .state import TargetState


def mark_forced(
    dataset: Dataset, due: Sequence[PlannedTask], folder: Path, command: tuple[str, ...]
) -> None:
    """Mark tasks as due, and note in the folder of the run which command did it.

    Maps and tables that the tasks remove count as ours from now on, so that they still go when the
    run is interrupted before.
    """
    for target in {planned.target for planned in due}:
        state = TargetState.load(dataset.directory(target))
        state.due |= {planned.stage for planned in due if planned.target == target}
        state.save()
    removed = {name for planned in due for name in planned.invalidates}
    claim(dataset.root, [name for name in PRODUCTS if removed.intersection(PRODUCTS[name])])
    write_text(folder / "forced", _start(command))


def already_forced(root: Path, command: tuple[str, ...]) -> bool:
    """Whether an earlier start of this SLURM job, by this command, has marked all it has to redo.

    The mark is on the dataset: what is left of it is redone without being forced once more.
    """
    if not int(os.environ.get("SLURM_RESTART_COUNT") or 0):
        return False
    marks = state_path(root, "runs").glob("*/forced")
    return any(mark.read_text(encoding="utf-8") == _start(command) for mark in marks)


def _start(command: tuple[str, ...]) -> str:
    return " ".join((os.environ.get("SLURM_JOB_ID", ""), *command))
