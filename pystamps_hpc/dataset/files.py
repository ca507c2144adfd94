"""Files of a dataset: regular ones only, since a pipe in their place would block."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import DatasetError


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    Raises
    ------
    OSError
        It cannot be opened, or is a pipe, a device or a directory.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return open(descriptor, "rb")


@contextmanager
def handed_out(path: Path) -> Iterator[None]:
    """Say of a file of a dataset that the system does not hand it out.

    Raises
    ------
    DatasetError
        It is missing, no regular file, or cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file of a dataset while the block reads it; raises as :func:`handed_out`."""
    with handed_out(path), open_regular(path) as file:
        yield file


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    OSError
        It cannot be opened.
    ValueError
        It is not JSON, or nested deeper than any file of ours.
    """
    with open_regular(path) as file:
        return parse_json(file.read())


def parse_json(text: str | bytes) -> Any:
    """Parse JSON; raises ValueError on every text that is none, however deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
