"""What to do about an artifact that cannot be used."""

from pathlib import Path

from .state import TargetState
from .table import Task


def remedy(source: Task, directory: Path) -> str:
    """Say how the result of a task is made again.

    Deleting one that another program made does not help: what follows it would have to be replaced
    too, which a run does not do unasked.

    Parameters
    ----------
    source : Task
        Row of the stage table that makes the artifact.
    directory : Path
        Where it lies.
    """
    number = source.spec.number
    if number in TargetState.load(directory).records:
        return f"delete it and rerun stage {number}"
    return f"restore it from a copy, or make it again with --start-step {number} --force"
