"""The lock and the log of a dataset, for a command that changes it in a short time."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import RunConfig
    from ..dataset.tree import Dataset


@contextmanager
def locked(dataset: "Dataset", options: Namespace) -> Iterator[None]:
    """Hold the lock of a dataset that may be written.

    Raises
    ------
    DatasetError
        It is marked golden, or in use.
    """
    from ..dataset.lock import DatasetLock, new_owner

    dataset.require_writable()
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-command"
    with DatasetLock(dataset.root, new_owner(run_id, options.arguments)):
        yield


def logged(config: "RunConfig", folder: Path, action: str, text: str) -> list[str]:
    """Write what was done to ``STAMPS.log``; return why that was not possible."""
    from ..dataset.stamps_log import log_line

    if not config.output.stamps_log:
        return []
    try:
        log_line(folder, action, text)
    except OSError as error:
        return [f"{folder / 'STAMPS.log'}: {error.strerror}"]
    return []
