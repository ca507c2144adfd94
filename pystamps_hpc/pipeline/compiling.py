"""Kernels are compiled before the first task, on all processors, and once per machine and user."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from pystamps_kernels.dispatch import KernelTable

from ..parallel import interruption
from ..stages.base import Mode

MOST_PROCESSES = 8
"""More would wait for the costliest kernel, and each takes a quarter of a gigabyte."""


def compile_kernels(
    kernels: KernelTable, mode: Mode, processes: int, tell: Callable[[int, int], None]
) -> None:
    """Bring the native kernels of a run into the cache, as far as they are not there.

    Every rank calls it, and returns when all is there or the run was asked to stop.

    Parameters
    ----------
    kernels : KernelTable
        Chosen backends and arithmetic.
    mode : {"ps", "sb"}
        Single master or small baselines.
    processes : int
        How many processes compile for this rank.
    tell : callable
        Told how many of how many are done.
    """
    if "native" in kernels.backends.values():
        compile_selections((f"{kernels.arithmetic}_{mode}",), processes, tell)


def compile_selections(
    selections: Iterable[str], processes: int, tell: Callable[[int, int], None]
) -> None:
    """Compile what :func:`pystamps_kernels.native.ahead.compile_share` knows by these names."""
    from pystamps_kernels.native import ahead

    chosen = tuple(selections)
    left = len(ahead.outstanding(chosen))
    if left:
        with _helpers(min(processes, left, MOST_PROCESSES) - 1, chosen):
            ahead.compile_share(chosen, tell, interruption.requested)


@contextmanager
def _helpers(count: int, selections: tuple[str, ...]) -> Iterator[None]:
    """Let more processes compile while the block runs."""
    command = [sys.executable, "-m", "pystamps_kernels.native.ahead", *selections]
    helpers = [
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.wait()
