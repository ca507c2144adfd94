"""Signals that ask a run to stop in good order: noted at once, obeyed at the next safe point.

Safe points are the ends of pieces, interferograms and tasks: nothing partial is published, and the
same command goes on from there. Where none comes in time, because a kernel works long or a file
system hangs, the process ends as it is: what is half written has not been published.
"""

import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from ..errors import Exit, PystampsError
from . import companions

EXIT_CODES: dict[str, int] = {
    "SIGUSR1": Exit.STOPPED,
    "SIGTERM": Exit.TERMINATED,
    "SIGINT": Exit.INTERRUPTED,
}


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

PATIENCE_SEC = 50.0
"""How long a safe point may take to come."""


class _Requests:
    """The first signal this process has received, if any, and when; what to do at the end."""

    received: str | None = None
    at = 0.0
    last_words: Callable[[str, int], None] | None = None


_companions: dict["subprocess.Popen[bytes]", Path] = {}


def listen(last_words: Callable[[str, int], None] | None = None) -> None:
    """Note SIGUSR1, SIGTERM and SIGINT instead of dying of them; a second signal exits at once.

    To be called by the main thread of a command. Signals are noted by a thread of their own, also
    while the main thread is inside a kernel.

    Parameters
    ----------
    last_words : callable, optional
        Called with signal and exit code before the process ends without reaching a safe point.
    """
    _Requests.last_words = last_words
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for name in EXIT_CODES:
        signal.signal(getattr(signal, name), _passed_on)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), name="signals", daemon=True).start()


def _passed_on(number: int, frame: FrameType | None) -> None:
    """Do nothing: that Python handles the signal is what wakes the thread that notes it."""


def _watch(reading: int) -> None:
    names = {getattr(signal, name): name for name in EXIT_CODES}
    while True:
        left = None
        if _Requests.received is not None:
            left = max(_Requests.at + PATIENCE_SEC - time.monotonic(), 0.0)
        if not select.select([reading], [], [], left)[0]:
            assert _Requests.received is not None
            _say(f"no safe point within {PATIENCE_SEC:.0f} s: leaving")
            _leave(_Requests.received)
        name = names.get(os.read(reading, 1)[0])
        if name is not None:
            _note(name)


def _note(name: str) -> None:
    now = time.monotonic()
    if _Requests.received is None:
        _Requests.received, _Requests.at = name, now
        _say(f"{name}: stopping at the next safe point; once more in 2 s to leave at once")
    elif _Requests.received != name or now - _Requests.at > REPEATED_WITHIN_SEC:
        _say(f"{name}: leaving at once; the same command goes on from what is finished")
        _leave(name)


def _say(text: str) -> None:
    with suppress(OSError):  # where nobody can hear it
        os.write(2, f"{text}\n".encode())


def _leave(name: str) -> None:
    """End this process, and the programs that work for it, at once."""
    for program, scratch in list(_companions.items()):
        companions.kill(program)
        shutil.rmtree(scratch, ignore_errors=True)
    try:
        if _Requests.last_words is not None:
            _Requests.last_words(name, EXIT_CODES[name])
    finally:
        os._exit(EXIT_CODES[name])


@contextmanager
def accompanied(program: "subprocess.Popen[bytes]", scratch: Path) -> Iterator[None]:
    """Let a program, and its scratch folder, end with this process if that leaves at once."""
    _companions[program] = scratch
    try:
        yield
    finally:
        del _companions[program]


def conclude() -> None:
    """Ignore signals from here on: the process ends, with the exit code that it has by now."""
    signal.set_wakeup_fd(-1)
    for name in EXIT_CODES:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


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
