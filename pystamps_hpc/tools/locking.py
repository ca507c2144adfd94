"""The lock and the log of a dataset, for a command that changes it in a short time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..config import RunConfig
from ..dataset.lock import DatasetLock, new_owner
from ..dataset.stamps_log import log_line
from ..dataset.tree import Dataset


@contextmanager
def locked(dataset: Dataset, command: Sequence[str]) -> Iterator[None]:
    """Hold the lock of a dataset that may be written; `command` tells others what for.

    Raises
    ------
    DatasetError
        It is marked golden, or in use.
    """
    dataset.require_writable()
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-command"
    with DatasetLock(dataset.root, new_owner(run_id, command)):
        yield


def logged(config: RunConfig, folder: Path, action: str, text: str) -> list[str]:
    """Write what was done to ``STAMPS.log``; return why that was not possible."""
    if not config.output.stamps_log:
        return []
    try:
        log_line(folder, action, text)
    except OSError as error:
        return [f"{folder / 'STAMPS.log'}: {error.strerror}"]
    return []
