"""The decisions of the task queue: what goes first, who gets which place, when it is over.

No messages and no clock, so that a schedule can be replayed without ranks (`make schedule`).
"""

import heapq
import threading
from collections.abc import Sequence

NO_MORE = -1


def largest_first(cost: Sequence[float] | None, n: int) -> list[int]:
    """Order ``range(n)`` by descending cost, ties by index."""
    if cost is None:
        return list(range(n))
    if len(cost) != n:
        raise ValueError(f"{len(cost)} costs given for {n} items")
    return sorted(range(n), key=lambda index: (-cost[index], index))


def assign(cost: Sequence[float], ranks: int) -> list[list[int]]:
    """Assign places of falling `cost` to `ranks`, each to the one with the least work so far."""
    assigned: list[list[int]] = [[] for _ in range(ranks)]
    loads = [(0.0, rank) for rank in range(ranks)]
    for place, price in enumerate(cost):
        load, rank = loads[0]
        assigned[rank].append(place)
        heapq.heapreplace(loads, (load + price, rank))
    return assigned


class Places:
    """The places 0, 1, ... of a queue, each given away once to whoever asks first.

    Parameters
    ----------
    n : int
        How many there are.
    """

    def __init__(self, n: int) -> None:
        self._next = 0
        self._end = n
        self._lock = threading.Lock()

    def take(self) -> int:
        """Return the next place; `NO_MORE` when all are given away or the queue is closed."""
        with self._lock:
            if self._next >= self._end:
                return NO_MORE
            self._next += 1
            return self._next - 1

    def close(self) -> None:
        """Give no further place away."""
        with self._lock:
            self._end = 0
