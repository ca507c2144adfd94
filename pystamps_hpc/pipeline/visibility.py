"""Waiting for what another node has written to show on this one (network file systems)."""

import time
from collections.abc import Callable, Sequence

from ..dataset.tree import Dataset
from ..errors import StageError
from ..parallel import interruption
from .presence import missing_members, no_ps_stage
from .table import Task

TIMEOUT_SEC = 60.0


def wait_until(condition: Callable[[], bool], timeout_sec: float = TIMEOUT_SEC) -> bool:
    """Ask a condition, less and less often, until it holds or the time is over.

    Raises
    ------
    Interrupted
        The run was asked to stop.
    """
    deadline = time.monotonic() + timeout_sec
    pause = 0.05
    while not condition():
        interruption.check()
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 2.0)
    return True


def await_bundles(
    dataset: Dataset, patches: Sequence[str], row: Task, timeout_sec: float = TIMEOUT_SEC
) -> None:
    """Wait until the bundles that ranks of this run have published can be read here.

    Raises
    ------
    StageError
        A bundle does not show in time.
    """
    for patch in patches:
        directory = dataset.directory(patch)

        def visible() -> bool:
            return no_ps_stage(directory) is not None or not missing_members(row, directory)  # noqa: B023

        if not wait_until(visible, timeout_sec):
            names = ", ".join(f"{name}.mat" for name in missing_members(row, directory))
            raise StageError(
                f"{directory}: {names}, written in this run, not visible on rank 0 after "
                f"{timeout_sec:.0f} s; check the file system and run the same command again"
            )
