"""A clock that runs ahead of time, and what many use at once: for schedules without processes.

A process is a generator. It yields requests, functions that are given what to call when the
request is fulfilled; :meth:`Clock.start` lets it go on then.

>>> clock = Clock()
>>> def nap():
...     yield clock.after(2.0)
>>> clock.start(nap())
>>> clock.run()
2.0
"""

import heapq
import math
from collections.abc import Callable, Iterator
from itertools import count

Act = Callable[[], None]
Request = Callable[[Act], None]
Process = Iterator[Request]


class Clock:
    """Modelled time, and what happens when.

    Attributes
    ----------
    now : float
        The time [s].
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Act]] = []
        self._number = count()  # of two that are due at once the one that was asked for first

    def at(self, time: float, act: Act) -> None:
        """Call `act` at a time that is not past."""
        heapq.heappush(self._due, (time, next(self._number), act))

    def after(self, seconds: float) -> Request:
        """Return the request to go on after some seconds."""
        return lambda act: self.at(self.now + seconds, act)

    def start(self, process: Process) -> None:
        """Let a process run to its next request, and on when that is fulfilled."""
        request = next(process, None)
        if request is not None:
            request(lambda: self.start(process))

    def run(self, until: float = math.inf) -> float:
        """Run until nothing is due any more, or up to a time; return the time."""
        while self._due and self._due[0][0] <= until:
            self.now, _, act = heapq.heappop(self._due)
            act()
        if self._due:
            self.now = until
        return self.now


class Shared:
    """What all who use it at once have even parts of: a disk's bytes, a server's operations.

    Parameters
    ----------
    clock : Clock
        The clock.
    total : float
        What there is of it per second.
    each : float
        The most that one user gets per second.
    """

    def __init__(self, clock: Clock, total: float, each: float) -> None:
        self._clock = clock
        self._total, self._each = total, each
        self._given = 0.0  # what one who used it from the beginning would have got
        self._as_of = 0.0
        self._users: list[tuple[float, int, Act]] = []
        self._number = count()
        self._plans = 0

    def use(self, amount: float) -> Request:
        """Return the request to go on when one has got an amount."""

        def request(act: Act) -> None:
            self._advance()
            heapq.heappush(self._users, (self._given + amount, next(self._number), act))
            self._plan()

        return request

    def _rate(self) -> float:
        return min(self._each, self._total / len(self._users))

    def _advance(self) -> None:
        if self._users:
            self._given += (self._clock.now - self._as_of) * self._rate()
        self._as_of = self._clock.now

    def _plan(self) -> None:
        """Come back when the first is done, if nobody has come or gone until then."""
        self._plans += 1
        if not self._users:
            return
        plan, first = self._plans, self._users[0][0]

        def come_back() -> None:
            if plan != self._plans:
                return
            self._advance()
            self._given = max(self._given, first)  # what is left is rounding
            done = []
            while self._users and self._users[0][0] <= self._given:
                done.append(heapq.heappop(self._users)[2])
            self._plan()
            for act in done:
                act()

        self._clock.at(self._clock.now + max(first - self._given, 0.0) / self._rate(), come_back)


class Line:
    """A server that answers one after the other, in the order of the questions.

    Parameters
    ----------
    clock : Clock
        The clock.
    seconds : float
        How long an answer takes.
    pause : float
        How long one more has to wait where nobody stands in line: the server looks up now and then.
    """

    def __init__(self, clock: Clock, seconds: float, pause: float) -> None:
        self._clock = clock
        self._seconds, self._pause = seconds, pause
        self._free = 0.0

    def ask(self) -> Request:
        """Return the request to go on when one is answered."""

        def request(act: Act) -> None:
            now = self._clock.now
            begins = self._free if self._free > now else now + self._pause
            self._free = begins + self._seconds
            self._clock.at(self._free, act)

        return request
