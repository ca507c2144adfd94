"""What of a task's results lies in the dataset."""

import errno
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..config import products
from ..dataset.candidates import Sources
from ..dataset.files import open_regular
from ..dataset.mat import MatFile, read_mat
from ..errors import MatError
from .table import NO_PS_FILE, Task

PRODUCTS = {
    name: tuple(f"products/{file}" for file in (name, *(Path(name).stem + side for side in sides)))
    for name, sides in products.PRODUCTS.items()
}
"""What is made of the results of the last stage for people, and its files."""

NO_PS, FLAGS = "stamps_step_no_ps", 5
"""Key of ``no_ps_info.mat``, and how many stages of a patch it knows."""

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

Listing = Mapping[str, os.stat_result]
"""The MAT files of a directory and their status."""


def listing(directory: Path) -> Listing:
    """Look at the MAT files of a directory, once for all tasks."""
    with os.scandir(directory) as entries:
        return _mat_files(entries)


def _mat_files(entries: Iterable[os.DirEntry[str]]) -> Listing:
    found = {}
    for entry in entries:
        if entry.name.endswith(".mat"):
            with suppress(OSError):  # a link to nothing
                found[entry.name] = entry.stat()
    return found


class Look:
    """Files as they were when they were first asked for."""

    def __init__(self) -> None:
        self.candidates = Sources()
        self._status: dict[str, os.stat_result | None] = {}

    def listing(self, directory: Path) -> Listing:
        """Look at the MAT files of a directory, and whether files of the scene are among others."""
        with os.scandir(directory) as entries:
            there = list(entries)
        found = _mat_files(there)
        for name, status in found.items():
            self._status[f"{directory}/{name}"] = _if_regular(status)
        self.candidates.look(directory, there)
        return found

    def file(self, path: str) -> os.stat_result | None:
        """Return the status of a regular file; None if there is none.

        Raises
        ------
        OSError
            The system does not tell.
        """
        if path not in self._status:
            try:
                self._status[path] = _if_regular(os.stat(path))
            except OSError as error:
                if error.errno not in _NOT_THERE:
                    raise
                self._status[path] = None
        return self._status[path]


def _if_regular(status: os.stat_result) -> os.stat_result | None:
    return status if stat.S_ISREG(status.st_mode) else None


def stamp(status: os.stat_result) -> list[int]:
    """Return what tells whether a file is still the one that was written."""
    return [status.st_size, status.st_mtime_ns]


def missing_members(
    row: Task, directory: Path, files: Listing | None = None, written: Sequence[int] = ()
) -> list[str]:
    """Return the required artifacts of a task that are missing, empty or (marker) unreadable.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    directory : Path
        Of the target.
    files : Listing, optional
        Its files, if they have been looked at.
    written : sequence of int
        The marker's :func:`stamp` when it was written; such a file is not read again.
    """
    files = listing(directory) if files is None else files
    missing = []
    for name in row.required:
        status = files.get(f"{name}.mat")
        if status is None or status.st_size == 0:
            missing.append(name)
        elif name == row.spec.marker and stamp(status) != list(written):
            try:
                with MatFile(directory / f"{name}.mat") as file:
                    _ = file.variables
            except MatError:
                missing.append(name)
    return missing


_FLAGS: dict[bytes, int | None] = {}
MOST_FLAGS = 64


def no_ps_stage(directory: Path) -> int | None:
    """Return the first stage after which a patch had no PS left, None while it has some.

    Files of the same bytes, as nearly all are, are read once.
    """
    path = directory / f"{NO_PS_FILE}.mat"
    try:
        content = _content(path)
        if content in _FLAGS:
            return _FLAGS[content]
        flags = read_mat(path)[NO_PS].reshape(-1)
        lost = next((stage for stage, flag in enumerate(flags, 1) if flag), None)
        if _content(path) == content:  # else another run has just written it
            if len(_FLAGS) == MOST_FLAGS:
                _FLAGS.clear()
            _FLAGS[content] = lost
    except (OSError, MatError, KeyError):
        return None
    return lost


def _content(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read()


def product_files() -> list[str]:
    """Return the files of all products, relative to the root."""
    return [name for files in PRODUCTS.values() for name in files]
