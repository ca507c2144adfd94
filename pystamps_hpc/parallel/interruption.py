"""Signals that ask a run to stop in good order: noted at once, obeyed at the next safe point.

Safe points are the ends of pieces, interferograms and tasks: nothing partial is published, and the
same command goes on from there.
"""

import os
import signal
import time
from types import FrameType

from ..errors import PystampsError

EXIT_CODES = {"SIGUSR1": 75, "SIGTERM": 143, "SIGINT": 130}


class Interrupted(PystampsError):
    """A signal asked the run to stop."""

    def __init__(self, name: str) -> None:
        super().__init__(f"interrupted by {name}")
        self.name = name
        self.exit_code = EXIT_CODES[name]

    def __reduce__(self) -> tuple[type["Interrupted"], tuple[str]]:
        return Interrupted, (self.name,)


REPEATED_WITHIN_SEC = 2.0
"""A launcher and a container may both pass the same signal on; that counts as one."""


class _Requests:
    """The first signal this process has received, if any, and when."""

    received: str | None = None
    at = 0.0


def listen() -> None:
    """Note SIGUSR1, SIGTERM and SIGINT instead of dying of them; a second signal exits at once.

    To be called by the main thread of a command.
    """
    for name in EXIT_CODES:
        signal.signal(getattr(signal, name), _note)


def _note(number: int, frame: FrameType | None) -> None:
    del frame
    name, now = signal.Signals(number).name, time.monotonic()
    if _Requests.received is None:
        _Requests.received, _Requests.at = name, now
        os.write(2, f"{name}: stopping at the next safe point\n".encode())
    elif _Requests.received != name or now - _Requests.at > REPEATED_WITHIN_SEC:
        os._exit(EXIT_CODES[name])


def requested() -> bool:
    """Whether this process was asked to stop."""
    return _Requests.received is not None


def check() -> None:
    """Raise if this process was asked to stop.

    Raises
    ------
    Interrupted
        Names the signal; its exit code is that of the command.
    """
    if _Requests.received is not None:
        raise Interrupted(_Requests.received)
