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
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from ..errors import EXIT_OF_SIGNAL, PystampsError
from . import child_processes


class Interrupted(PystampsError):
    """A signal asked the run to stop."""

    def __init__(self, name: str) -> None:
        super().__init__(f"interrupted by {name}")
        self.name = name
        self.exit_code = EXIT_OF_SIGNAL[name]

    def __reduce__(self) -> tuple[type["Interrupted"], tuple[str]]:
        return Interrupted, (self.name,)


REPEATED_WITHIN_SEC = 2.0
"""A launcher and a container may both pass the same signal on; that counts as one."""

SAFE_POINT_WITHIN_SEC = 50.0
"""How long a safe point may take to come."""

BeforeLeaving = Callable[[str, int], None]


@dataclass
class _Listener:
    """Notes the signals of this process, and ends it where no safe point comes in time."""

    received: str | None = None
    received_at: float = 0.0
    before_leaving: BeforeLeaving | None = None
    aloud: bool = True
    programs: dict["subprocess.Popen[bytes]", Path] = field(default_factory=dict)

    def watch(self, reading: int) -> None:
        """Note the signals whose numbers come through a pipe, for ever."""
        names = {getattr(signal, name): name for name in EXIT_OF_SIGNAL}
        while True:
            left = None
            if self.received is not None:
                left = max(self.received_at + SAFE_POINT_WITHIN_SEC - time.monotonic(), 0.0)
            if not select.select([reading], [], [], left)[0]:
                assert self.received is not None
                self.say(f"no safe point within {SAFE_POINT_WITHIN_SEC:.0f} s: leaving")
                self.leave(self.received)
            name = names.get(os.read(reading, 1)[0])
            if name is not None:
                self.note(name)

    def note(self, name: str) -> None:
        """Keep the first signal; at another one, leave."""
        now = time.monotonic()
        if self.received is None:
            self.received, self.received_at = name, now
            self.say(f"{name}: stopping at the next safe point; once more in 2 s to leave at once")
        elif self.received != name or now - self.received_at > REPEATED_WITHIN_SEC:
            self.say(f"{name}: leaving at once; the same command goes on from what is finished")
            self.leave(name)

    def say(self, text: str) -> None:
        """Tell the user, unless another process does."""
        if self.aloud:
            with suppress(OSError):  # where nobody can hear it
                os.write(2, f"{text}\n".encode())

    def leave(self, name: str) -> None:
        """End this process, and the programs that work for it, at once."""
        for program, scratch in list(self.programs.items()):
            child_processes.kill(program)
            shutil.rmtree(scratch, ignore_errors=True)
        try:
            if self.before_leaving is not None:
                self.before_leaving(name, EXIT_OF_SIGNAL[name])
        finally:
            os._exit(EXIT_OF_SIGNAL[name])


_listener = _Listener()
"""A process has one set of signal handlers, so one listener."""


def listen(before_leaving: BeforeLeaving | None = None, aloud: bool = True) -> None:
    """Note SIGUSR1, SIGTERM and SIGINT instead of dying of them; a second signal exits at once.

    To be called by the main thread of a command. Signals are noted by a thread of their own, also
    while the main thread is inside a kernel.

    Parameters
    ----------
    before_leaving : callable, optional
        Called with signal and exit code before the process ends without reaching a safe point.
    aloud : bool
        Whether the user is told; a process that works for another one leaves that to it.
    """
    _listener.before_leaving, _listener.aloud = before_leaving, aloud
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for name in EXIT_OF_SIGNAL:
        signal.signal(getattr(signal, name), _passed_on)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_listener.watch, args=(reading,), name="signals", daemon=True).start()


def _passed_on(number: int, frame: FrameType | None) -> None:
    """Do nothing: that Python handles the signal is what wakes the thread that notes it."""


@contextmanager
def child_program(program: "subprocess.Popen[bytes]", scratch: Path) -> Iterator[None]:
    """Let a program, and its scratch folder, end with this process if that leaves at once."""
    _listener.programs[program] = scratch
    try:
        yield
    finally:
        del _listener.programs[program]


def conclude() -> None:
    """Ignore signals from here on: the process ends, with the exit code that it has by now."""
    signal.set_wakeup_fd(-1)
    for name in EXIT_OF_SIGNAL:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def received() -> str | None:
    """Return the name of the signal by which this process was asked to stop, None if it was not."""
    return _listener.received


def requested() -> bool:
    """Whether this process was asked to stop."""
    return _listener.received is not None


def check() -> None:
    """Raise if this process was asked to stop.

    Raises
    ------
    Interrupted
        Names the signal; its exit code is that of the command.
    """
    if _listener.received is not None:
        raise Interrupted(_listener.received)
