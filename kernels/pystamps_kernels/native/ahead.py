"""Compile kernels before their first use, in as many processes as call this at once.

Which entry points are called with which types is written down in ``forms.json``. Each process takes
the costliest entry point that no other holds, compiles it into the cache and marks it; all return
when everything is there. The hold is a file lock, so that the work of a process that dies is taken
over by another, of this run or of any other on a machine that sees the same cache.

``python -m pystamps_kernels.native.ahead double_ps`` takes part as one more process, as long as the
one that started it lives.
"""

import fcntl
import importlib
import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import from_dtype
from numba.core.types import Array

from .cache import directory, folder
from .compile import ENTRY_POINTS

PAUSE_SEC = 0.5
SELECTIONS = ("double_ps", "single_ps", "double_sb", "single_sb", "other")
"""Forms of a chain with StaMPS' parameters in one arithmetic, of a single master (``ps``) or small
baselines (``sb``), and those of no such chain."""


@cache
def forms() -> dict[str, dict[str, list[str]]]:
    """Return selection -> entry point -> types of its arguments, the costliest first."""
    text = Path(__file__).with_name("forms.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def outstanding(selections: Iterable[str]) -> list[tuple[str, str]]:
    """Return selection and entry point of what is not in the cache, the costliest first."""
    if not directory() or not _writable(folder()):
        return []
    there = {path.name for path in folder().glob("*.compiled")}
    return [
        (selection, name)
        for selection in selections
        for name in forms()[selection]
        if _mark(selection, name).name not in there
    ]


def compile_share(
    selections: Iterable[str],
    tell: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Compile until everything is in the cache, by whomever.

    Parameters
    ----------
    selections : iterable of str
        What is needed, of ``SELECTIONS``.
    tell : callable
        Told how many of how many entry points are done.
    stop : callable
        Asked between two entry points whether to leave the rest.
    """
    chosen = tuple(selections)
    total = len(outstanding(chosen))
    while left := outstanding(chosen):
        tell(total - len(left), total)
        if not any(_compile(selection, name) or stop() for selection, name in left):
            time.sleep(PAUSE_SEC)
        if stop():
            return
    tell(total, total)


def _compile(selection: str, name: str) -> bool:
    """Compile one entry point; whether that was left to this process."""
    with _held(folder() / f"{name}.lock") as mine:
        if mine and not _mark(selection, name).exists():
            importlib.import_module(f"{__package__}.{name.partition('.')[0]}")
            for types in forms()[selection][name]:
                ENTRY_POINTS[name].compile(tuple(map(_type, types.split())))
            _mark(selection, name).touch()
        return mine


def _mark(selection: str, name: str) -> Path:
    types = zlib.crc32(repr(forms()[selection][name]).encode())
    return folder() / f"{name}-{types:08x}.compiled"


def _writable(path: Path) -> bool:
    with suppress(OSError):
        path.mkdir(parents=True, exist_ok=True)
    return os.access(path, os.W_OK)


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Hold a lock file while the block runs, unless another process does."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            pass  # a file system without locks: two may compile the same
        yield True


def _type(text: str) -> Any:
    """Return the Numba type of ``float32``, ``float32:2C``, or read-only ``float32:2C:r``."""
    name, *layout = text.split(":")
    scalar = from_dtype(np.dtype(name))
    if not layout:
        return scalar
    array: Any = Array
    return array(scalar, int(layout[0][0]), layout[0][1], readonly=len(layout) > 1)


if __name__ == "__main__":
    starter = os.getppid()
    compile_share(sys.argv[1:], stop=lambda: os.getppid() != starter)
