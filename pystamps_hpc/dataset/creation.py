"""A new dataset appears complete or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DatasetError
from .owner import left_behind, scratch_prefix


def require_new(root: Path) -> None:
    """Refuse a folder that cannot become a new dataset because something is in its place.

    Raises
    ------
    DatasetError
        It exists and is not an empty folder.
    """
    if root.is_symlink() or (root.exists() and not (root.is_dir() and not any(root.iterdir()))):
        raise DatasetError(f"{root}: exists and is not an empty folder; choose another name")


@contextmanager
def appearing(root: Path) -> Iterator[Path]:
    """Give a folder beside `root` which, if all went well, becomes it.

    What killed processes have left of theirs is removed.

    Raises
    ------
    DatasetError
        As :func:`require_new`, or it cannot be written.
    """
    require_new(root)
    kind = f".{root.name}.partial"
    partial = root.with_name(scratch_prefix(kind) + secrets.token_hex(4))
    try:
        for left in left_behind(root.parent, kind):
            shutil.rmtree(left, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            partial.replace(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DatasetError(f"{root}: cannot be written: {error.strerror or error}") from error
