"""Atomic publication of a bundle of artifacts.

All files are written to a staging directory inside the target and checked; then the old marker and
what the new bundle lacks are removed, the files are renamed into place, the new marker last. A
crash leaves the old bundle complete, an incomplete one (which runs again), or the new one complete;
never a mix that counts as complete.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from ..errors import PublishError
from .tree import state_path

FLUSHED_AT_ONCE = 4
"""Files of a bundle that are brought to the disk side by side."""


def staging_root(target: Path) -> Path:
    """Return the directory that holds the staging directories of a target."""
    return state_path(target, "tmp")


class Publication:
    """Staging directory of one bundle; leaving the ``with`` block removes what is not published.

    Parameters
    ----------
    target : Path
        Directory of the patch or root.
    name : str
        Name of the staging directory, ``<run_id>-<stage>``.
    fsync : bool
        Whether directories are flushed to disk.
    suffix : str
        What the names of files have that names of artifacts lack.
    """

    def __init__(self, target: Path, name: str, fsync: bool = True, suffix: str = ".mat") -> None:
        self.target = target
        self.fsync = fsync
        self.suffix = suffix
        self.staging = staging_root(target) / name

    def __enter__(self) -> "Publication":
        try:
            self.staging.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PublishError(
                f"cannot publish into {self.target}: {error.strerror or error}"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.staging.rmdir()  # empty after a commit; needs no file of its own to be open
        except OSError:
            shutil.rmtree(self.staging, ignore_errors=True)

    def path(self, artifact: str) -> Path:
        """Return where to write `artifact` (a name without suffix)."""
        return self.staging / f"{artifact}{self.suffix}"

    def commit(
        self,
        artifacts: Sequence[str],
        stale: Sequence[str] = (),
        shared: Collection[str] = (),
        before_moves: Callable[[Path], None] = lambda staged: None,
    ) -> None:
        """Move the staged artifacts into place.

        Parameters
        ----------
        artifacts : sequence of str
            Names in publication order; the last is the marker.
        stale : sequence of str
            Optional members of the old bundle that the new one lacks. They go before the new
            marker comes, so that a complete bundle never holds files of two runs.
        shared : collection of str
            Artifacts that do not belong to this bundle alone; they stay whatever happens.
        before_moves : callable
            Records whose bundle it is, given the staged marker; the old marker is gone, the new
            files come next, so that none of them ever lacks its record.

        Raises
        ------
        PublishError
            A file could not be moved; what had been moved is removed again, shared files excepted.
        """
        moved: list[Path] = []
        path = self._final(artifacts[-1])
        try:
            path.unlink(missing_ok=True)
            for name in stale:
                path = self._final(name)
                path.unlink(missing_ok=True)
            before_moves(self.path(artifacts[-1]))
            for name in artifacts:
                path = self._final(name)
                os.replace(self.path(name), path)
                if name not in shared:
                    moved.append(path)
            if self.fsync:
                flush(self.target)
        except OSError as error:
            for done in reversed(moved):
                with suppress(OSError):
                    done.unlink(missing_ok=True)
            raise PublishError(_cannot_publish(path, error)) from None

    def _final(self, artifact: str) -> Path:
        return self.target / f"{artifact}{self.suffix}"


def write_error(path: Path, error: OSError, size: int = 0) -> PublishError:
    """Turn an error of writing a staged file of `size` bytes into one that says what to do."""
    return PublishError(_cannot_publish(path, error, size))


def _cannot_publish(path: Path, error: OSError, size: int = 0) -> str:
    if error.errno == errno.EXDEV:
        return f"cannot publish {path}: staging and target are on different file systems"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        folder = path.parent
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free // 2**20
        needed = f", {-(-size // 2**20)} MiB needed" if size else ""
        return f"cannot publish {path}: no space left on device ({free} MiB free{needed})"
    return f"cannot publish {path}: {error.strerror or error}"


def flush(path: Path) -> None:
    """Make the content of a file, or the renames in a directory, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_all(paths: Sequence[Path]) -> None:
    """Make the contents of files durable, side by side: a disk takes several at a time.

    Raises
    ------
    OSError
        Of the first that fails; the error names the file.
    """
    left = list(paths)
    under_way = []
    with suppress(RuntimeError):  # where no thread is to be had, this one does the rest
        while len(left) > 1:
            under_way.append(_flushers(os.getpid()).submit(_flush_named, left[-1]))
            left.pop()
    try:
        for path in left:
            _flush_named(path)
        for each in under_way:
            each.result()
    finally:  # nobody is in a file any more when the caller goes on, be it to remove it
        for each in under_way:
            each.cancel()
        wait(under_way)


@lru_cache(maxsize=1)
def _flushers(_process: int) -> ThreadPoolExecutor:
    """Return the threads of a process that flush: to start them anew takes longer than they do."""
    return ThreadPoolExecutor(FLUSHED_AT_ONCE, "flush")


def _flush_named(path: Path) -> None:
    try:
        flush(path)
    except OSError as error:
        error.filename = str(path)
        raise


def write_text(path: Path, text: str, fsync: bool = False) -> None:
    """Replace a text file atomically, and durably if it is flushed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        if fsync:
            flush(temporary)
    if fsync:
        flush(path.parent)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` and, if all went well, move that file into place.

    The name cannot be foreseen, so that nobody can have put a link there; a run clears away what
    a killed one has left of them.

    Raises
    ------
    OSError
        The file cannot be written; the error names `path`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None:  # a write that fails, on a full disk say, names no file
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            temporary.unlink()
