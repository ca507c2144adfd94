"""Small files that were read lately: not read again while nobody has touched them."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar, cast

from .files import open_regular

SMALL_BYTES = 1 << 20
"""A file of this size is read, and written, as one piece: to map each of its variables, or to place
their parts one by one, takes longer than the bytes do."""

MOST_BYTES = 16 << 20
"""What is held of all files: those that a few tasks in a row have in common."""

Made = TypeVar("Made")

_MARGIN_NS = 2_000_000_000


class Content:
    """The bytes of a small file, and what was made of them.

    Parameters
    ----------
    data : bytes
        All of the file.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._made: dict[Hashable, Any] = {}

    def once(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """Return what `make` makes of the bytes, and of nothing else; made once."""
        if what not in self._made:
            self._made[what] = make()
        return cast(Made, self._made[what])


class _Held:
    """The files read last, by what tells that a file is still the same; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[int, ...], Content] = OrderedDict()
        self._bytes = 0

    def get(self, identity: tuple[int, ...]) -> Content | None:
        with self._lock:
            found = self._files.get(identity)
            if found is not None:
                self._files.move_to_end(identity)
            return found

    def put(self, identity: tuple[int, ...], content: Content) -> None:
        with self._lock:
            if identity in self._files:
                return
            self._files[identity] = content
            self._bytes += len(content.data)
            while self._bytes > MOST_BYTES:
                self._bytes -= len(self._files.popitem(last=False)[1].data)


_HELD = _Held()


def content(path: Path) -> Content | None:
    """Return the content of a small regular file, None of a larger one.

    The file is opened in any case: on NFS that is what asks whether another node has replaced it.

    Raises
    ------
    OSError
        It cannot be opened, or is a pipe, a device or a directory.
    """
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size > SMALL_BYTES:
            return None
        found = _HELD.get(_identity(status))
        if found is not None:
            return found
        data = file.read(status.st_size + 1)  # a byte more than it should have
    if len(data) > SMALL_BYTES:
        return None
    read = Content(data)
    if len(data) == status.st_size and _settled(status):
        _HELD.put(_identity(status), read)
    return read


def _identity(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes with a file: it is another one, or was written, moved or protected."""
    return (
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns,
    )  # fmt: skip


def _settled(status: os.stat_result) -> bool:
    """Whether another change of the file would give it another time.

    File systems count time in steps of some milliseconds, old ones of one or two seconds, and the
    clock of a file server may be behind.
    """
    return time.time_ns() - status.st_ctime_ns > _MARGIN_NS
