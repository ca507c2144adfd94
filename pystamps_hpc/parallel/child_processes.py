"""Processes that work for this one end with it, however it ends.

Also the program by which they are started: ``child_processes.py PARENT COMMAND`` arranges its end
and becomes the command. To do so between fork and exec would copy the tables of a large process and
is not safe beside threads.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent ends; `parent` is the parent's number."""
    with suppress(AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it has ended before it could be followed
        os._exit(1)


def ending_with_parent(command: Sequence[str]) -> list[str]:
    """Return the command line by which `command` ends with the thread that starts it."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def kill(program: "subprocess.Popen[bytes]") -> None:
    """Kill a program that leads a process group, and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))
    try:
        os.execv(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f"{sys.argv[2]}: {error.strerror}")
