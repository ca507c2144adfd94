"""What the file system of a dataset can do: publication and lock rely on it."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...dataset.tree import Dataset, state_path
from ...parallel.team import Team
from ...pipeline.stack import phase_bytes
from .findings import DATASET, Problem

SEEN_WITHIN_SEC = 10.0
CHAIN_PER_STACK = 16
"""Bytes that the whole chain writes per byte of the candidates' phase, about and at most."""


def examine_disk(root: Path) -> list[Problem]:
    """Try what publication and lock rely on, in a directory that is removed again."""
    if (root / ".golden").exists():
        return [Problem(f"data set is marked golden ({root}/.golden)", "work on a copy", DATASET)]
    folder = state_path(root, f"doctor.{os.getpid()}")
    already = state_path(root).exists()
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        problem = f"data set is not writable: {root} ({error.strerror})"
        return [Problem(problem, "change its permissions, or work on a copy", DATASET)]
    try:
        return list(_trials(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not already:
            with suppress(OSError):
                folder.parent.rmdir()


def _trials(folder: Path) -> Iterator[Problem]:
    old, new = folder / "old", folder / "new"
    try:
        old.write_bytes(b"old")
        new.write_bytes(b"new")
        os.replace(new, old)
        if old.read_bytes() != b"new":
            raise OSError(0, "the old content is still there", str(old))
    except OSError as error:
        yield Problem(
            f"{folder}: a file cannot be replaced by renaming ({error.strerror})",
            "results cannot be published here: use another file system",
            DATASET,
        )
    try:
        os.link(old, new)
    except OSError as error:
        yield Problem(
            f"{folder}: no hard links ({error.strerror})",
            "the data set cannot be locked here: use another file system",
            DATASET,
        )
        return
    with suppress(FileExistsError):
        os.link(old, new)
        yield Problem(
            f"{folder}: a hard link replaced an existing file",
            "the lock does not exclude other runs here: use another file system",
            DATASET,
        )
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        yield Problem(
            f"{folder}: directories cannot be flushed ({error.strerror})",
            "set output.fsync to false",
            DATASET,
        )


def file_system(directory: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """Return the type of the file system that a directory lies on, e.g. ``lustre``."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    rows = [line.split() for line in lines]
    at = {Path(row[1]): row[2] for row in rows if len(row) > 2}  # the last mounted is seen
    return next((at[path] for path in (directory, *directory.parents) if path in at), None)


def seen_by_ranks(root: Path, team: Team) -> list[bool]:
    """Whether every rank sees a file that the root has just made; collective."""
    probe = state_path(root, "doctor.probe")

    def make() -> bool:
        if (root / ".golden").exists():
            return False
        try:
            probe.parent.mkdir(exist_ok=True)
            probe.write_bytes(b"")
        except OSError:
            return False
        return True

    made = team.on_root(make)
    wanted = probe if made else root
    seen = team.on_each(lambda: _appears(wanted))

    def clear() -> None:
        probe.unlink(missing_ok=True)
        with suppress(OSError):
            probe.parent.rmdir()  # stays if anything else is in it

    if made:
        team.on_root(clear)
    return seen


def _appears(path: Path) -> bool:
    deadline = time.monotonic() + SEEN_WITHIN_SEC
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def examine_space(dataset: Dataset) -> tuple[int, list[Problem]]:
    """Return the free space [MiB], and a problem where the chain may fill it."""
    free = shutil.disk_usage(dataset.root).free
    needed = CHAIN_PER_STACK * sum(phase_bytes(dataset.directory(name)) for name in dataset.patches)
    if free >= needed:
        return free // 2**20, []
    problem = f"{free // 2**20} MiB free, the chain may need {needed // 2**20} MiB"
    return free // 2**20, [Problem(problem, "make room, or move the data set")]
