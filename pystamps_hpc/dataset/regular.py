"""Opening files of a dataset: regular ones only, since a pipe in their place would block."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from ..errors import MatError


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    Raises
    ------
    MatError
        It is a pipe, a device or a directory.
    OSError
        It cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise MatError(f"{path}: not a regular file")
    return open(descriptor, "rb")
