"""What a run keeps in a directory of the dataset stays there, wherever links point."""

import errno
import os
import stat
from pathlib import Path

from ..errors import DatasetError


def within(directory: Path, *parts: str) -> Path:
    """Return the path of something below a directory that the run writes to.

    The directory itself may be a link, as that of a patch on another disk is. What is below may be
    one only if it does not lead out: whoever made the dataset would decide what else is changed.

    Raises
    ------
    DatasetError
        A part of the path is a link out of the directory.
    """
    path = os.fspath(directory)  # text: this is asked for many times a task
    for part in parts:
        path = os.path.join(path, part)
        if os.path.islink(path):
            home, target = os.path.realpath(directory), os.path.realpath(path)
            if not Path(target).is_relative_to(home):
                raise DatasetError(
                    f"{path}: is a link to {target}, outside of {home}; nothing is written "
                    "through it: remove the link"
                )
    return Path(path)


def append_line(path: Path, line: str) -> None:
    """Append a line to a regular file, in one write; a link in its place is not followed.

    Raises
    ------
    OSError
        The file cannot be written, or is none.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is no regular file", str(path))
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
