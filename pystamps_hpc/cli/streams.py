"""The standard streams: kept open, and a run does not fail when nobody reads them."""

import io
import os
import sys
from typing import Any


def keep_open() -> None:
    """Make the standard streams safe to use.

    A stream that is closed is opened to nothing: the next file, an artifact say, would get its
    number, and with it what libraries print. Writing to standard output then still fails; writing
    to standard error never does.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            way = os.O_WRONLY if number == 2 else os.O_RDONLY
            os.set_inheritable(os.open(os.devnull, way), True)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
    if not isinstance(sys.stderr, _NeverFails):
        sys.stderr = _NeverFails(sys.stderr)


def discard(stream: Any) -> None:
    """Send what a stream still holds, and whatever comes, to nothing."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
    except (OSError, io.UnsupportedOperation):
        pass


class _NeverFails:
    """A text stream whose reader may go away, or whose disk may fill."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
        except OSError:
            discard(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            discard(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
