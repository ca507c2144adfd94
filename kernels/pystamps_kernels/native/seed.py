"""Kernels that were compiled ahead and lie where nobody can write, as those of a container image.

Numba reads only from a directory in which it could also write. So one process of each node copies
them to a local disk, however many start there at once, and the others wait for it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

SEED = "PYSTAMPS_HPC_CACHE_SEED"
"""Variable that names a directory of compiled kernels."""
LOCAL = "PYSTAMPS_HPC_CACHE_LOCAL"
"""Variable that names a directory on a disk of this node, which only this user can write."""


def local_copy(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the local copy of a folder of the seed, made by the first process that asks.

    Parameters
    ----------
    name : str
        Folder; a copy of this name is taken to be the same, so the name says what is in it.
    environ : mapping
        Environment of the process.

    Returns
    -------
    Path or None
        None where there is no such seed, or no room for its copy.
    """
    if SEED not in environ or LOCAL not in environ:
        return None
    original, copy = Path(environ[SEED], name), Path(environ[LOCAL], name)
    if not original.is_dir():
        return None
    with suppress(OSError, shutil.Error):
        if not copy.is_dir():
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _one_process(copy.with_name(f".{name}.lock")):
                if not copy.is_dir():
                    _copy(original, copy)
        return copy
    return None


@contextmanager
def _one_process(lock: Path) -> Iterator[None]:
    """Let one process of the node in after the other; the lock of one that died is free again."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy(original: Path, copy: Path) -> None:
    """Copy under another name, so that a copy is whole or not there."""
    making = copy.with_name(f".{copy.name}.partial")
    shutil.rmtree(making, ignore_errors=True)  # of a process that died
    try:
        shutil.copytree(original, making)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    making.rename(copy)
