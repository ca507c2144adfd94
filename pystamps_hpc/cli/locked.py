"""The lock of a dataset for the short time of a command that changes it."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
