"""What one task of a process leaves for the next ones: pieces that many tasks would make alike.

Nothing is kept for a task that has no like: pieces stay from the second time on that they are asked
for. There is room for one kind at a time.
"""

import threading
from collections.abc import Callable, Hashable, Iterable

from ..dataset.rows import AnyArray

MOST_BYTES, SHARE = 128 << 20, 8
"""What may be kept, and the part of a task's room that it may take: little, since the tasks after
it are planned without it."""

Make = Callable[[], Iterable[AnyArray]]


class Kept:
    """Pieces of the kind that was asked for last; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kind: Hashable = None
        self._pieces: tuple[AnyArray, ...] | None = None

    def pieces(self, kind: Hashable, make: Make) -> Iterable[AnyArray]:
        """Return the pieces of a kind, which `make` yields anew."""
        with self._lock:
            if kind != self._kind:
                self._kind, self._pieces = kind, None
                return make()
            if self._pieces is None:
                self._pieces = tuple(make())
            return self._pieces

    def clear(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._kind, self._pieces = None, None


KEPT = Kept()
"""A process has one memory, whatever tasks and threads work in it."""


def fits(n_bytes: float, room: float) -> bool:
    """Whether pieces of so many bytes may be kept by a task with so much room."""
    return n_bytes <= min(MOST_BYTES, room / SHARE)
