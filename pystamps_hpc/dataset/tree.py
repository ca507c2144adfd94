"""The directory tree of a dataset: root, patches in processing order, and where things lie."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from ..errors import DatasetError
from .inside import within
from .rows import IntArray
from .text import lines_of, shown, words_of

ROOT = "root"
STATE_DIRECTORY = ".pystamps-hpc"
SIGNS = ("patch.list", "parms.mat", "ps2.mat")
"""What is in the root of a dataset."""

FARTHEST = 2**31 - 1  # pixel of a scene
LONGEST_NAME = 255  # bytes that a file system allows for one name


def state_path(directory: Path, *parts: str) -> Path:
    """Return the path of something that is kept in the state directory of a patch or the root.

    Raises
    ------
    DatasetError
        A link leads out of the directory.
    """
    return within(directory, STATE_DIRECTORY, *parts)


@dataclass(frozen=True)
class Dataset:
    """A discovered dataset: its root and the names of its patches in processing order."""

    root: Path
    patches: tuple[str, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes without the paths."""
        return Dataset, (self.root, self.patches)

    @cached_property
    def _directories(self) -> dict[str, Path]:
        """Each path once: that of a patch is asked for many times a task."""
        return {ROOT: self.root, **{name: self.root / name for name in self.patches}}

    def directory(self, target: str) -> Path:
        """Return the directory of a patch, or the root for the target ``"root"``."""
        return self._directories.get(target) or self.root / target

    def require_writable(self) -> None:
        """Refuse a dataset that is protected or unwritable, or whose links lead out of it.

        Raises
        ------
        DatasetError
            A file ``.golden`` marks the root, nothing can be written there, or a link stands where
            a run would write.
        """
        self._require_no_way_out()
        if (self.root / ".golden").exists():
            raise DatasetError(f"data set is marked golden ({self.root}/.golden): work on a copy")
        try:
            state_path(self.root).mkdir(exist_ok=True)
            probe = state_path(self.root, f".writable.{os.getpid()}")
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise DatasetError(
                f"data set is not writable: {self.root} ({error.strerror})"
            ) from None

    def _require_no_way_out(self) -> None:
        for target in (ROOT, *self.patches):
            directory = self.directory(target)
            for kept in ("tmp", "memo", "lock", "runs"):
                state_path(directory, kept)
            for written in ("STAMPS.log", "products"):
                within(directory, written)


def discover_dataset(root: str | Path, need_patches: bool = True) -> Dataset:
    """Find the patches of a dataset.

    The order is that of ``patch.list``, else the integer suffix of ``PATCH_<n>``.

    Parameters
    ----------
    root : str or Path
        Dataset directory.
    need_patches : bool
        Whether a dataset without patches is an error.

    Raises
    ------
    DatasetError
        Missing root, missing, closed or unsafe patch directory, no patch.
    """
    path = Path(root).resolve()
    if not path.exists():
        raise DatasetError(f"Data set root does not exist: {path}")
    if not path.is_dir():
        raise DatasetError(f"Data set root is not a directory: {path}")
    listing = path / "patch.list"
    _require_open(path)
    names = _listed(listing) if listing.exists() else _numbered(path)
    _require_distinct(path, names)
    dataset = Dataset(path, tuple(names))
    for name in names:
        _require_open(dataset.directory(name))
    if need_patches:
        require_patches(dataset)
    return dataset


def require_patches(dataset: Dataset) -> None:
    """Refuse a dataset without patches.

    Raises
    ------
    DatasetError
        It has none.
    """
    if not dataset.patches:
        raise _no_patches(dataset.root)


def require_dataset(dataset: Dataset) -> None:
    """Refuse a directory that is a patch, or holds nothing of a dataset.

    Raises
    ------
    DatasetError
        As of a run there.
    """
    if not dataset.patches and (is_patch(dataset.root) or not _has_signs(dataset.root)):
        raise _no_patches(dataset.root)


def _no_patches(path: Path) -> DatasetError:
    hint = (
        f"; it is a patch itself: use --dataset {quote(str(path.parent))}" if is_patch(path) else ""
    )
    if not hint and (path / "ps2.mat").exists():
        hint = "; merged results go on with stage 6"
    if not hint and _is_stack(path):
        hint = "; pystamps-hpc prep makes them from the images that are there"
    return DatasetError(f"no PATCH_* directory under {path}{hint}")


def _is_stack(path: Path) -> bool:
    """Whether a processor left images there that no candidates were chosen in yet."""
    from .slc_stack import makers

    return bool(makers(path))


def _has_signs(directory: Path) -> bool:
    return any((directory / name).exists() for name in SIGNS)


def dataset_here() -> Path | None:
    """Return the directory that the process works in, if it looks like the root of a dataset."""
    here = Path.cwd()
    found = any(here.glob("PATCH_*")) or _has_signs(here)
    return here if found and patch_here() is None else None


def patch_here() -> Path | None:
    """Return the directory that the process works in, if it looks like a patch of a dataset."""
    here = Path.cwd()
    return here if here.name.startswith("PATCH_") or is_patch(here) else None


def is_root_or_patch(directory: Path) -> bool:
    """Whether a directory looks like the root or a patch of a dataset."""
    return _has_signs(directory) or is_patch(directory)


def is_patch(directory: Path) -> bool:
    """Whether a directory holds what only patches hold."""
    return any((directory / name).exists() for name in ("pscands.1.ij", "ps1.mat"))


def _require_open(directory: Path) -> None:
    if not os.access(directory, os.R_OK | os.X_OK):
        raise DatasetError(f"{directory}: cannot be read: Permission denied; ask its owner")


def _listed(listing: Path) -> list[str]:
    names = [_plain_name(line) for line in lines_of(listing)]
    unsafe = [shown(name) for name in names if _unsafe(name)]
    if unsafe:
        raise DatasetError(f"unsafe patch names: {', '.join(unsafe)}")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DatasetError(f"patch.list names a patch twice: {', '.join(twice)}")
    missing = [name for name in names if not os.path.isdir(f"{listing.parent}/{name}")]
    if missing:
        raise DatasetError(f"patch.list references missing patch directories: {', '.join(missing)}")
    if not names and (there := _numbered(listing.parent)):
        raise DatasetError(
            f"{listing}: names no patch, but there are {shown(', '.join(there))}; write their "
            "names into it or remove it"
        )
    return names


def _plain_name(line: str) -> str:
    """Return the directory of a line such as ``./PATCH_1/  # city``, also with backslashes."""
    path = re.split(r"\s+#", line)[0].replace("\\", "/")
    found = re.fullmatch(r"(?:\./)?([^/]+)/?", path)
    return path if found is None else found[1]


def _unsafe(name: str) -> bool:
    """Whether a listed name could mean something else than a directory below the root."""
    return (
        name in (".", ROOT, STATE_DIRECTORY)
        or any(part in name for part in ("/", ".."))
        or len(os.fsencode(name)) > LONGEST_NAME
    )


def _numbered(root: Path) -> list[str]:
    def order(name: str) -> tuple[bool, int, str]:
        suffix = name.removeprefix("PATCH_")
        numbered = suffix.isdecimal()
        return (not numbered, int(suffix) if numbered else 0, name)

    return sorted((p.name for p in root.glob("PATCH_*") if p.is_dir()), key=order)


def _require_distinct(root: Path, names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        path = f"{root}/{name}"
        real = os.path.realpath(path) if os.path.islink(path) else path
        if real in seen:
            raise DatasetError(f"patches {seen[real]} and {name} are the same directory: {real}")
        seen[real] = name


def patch_core(directory: Path) -> IntArray | None:
    """Read the part of the scene that a patch owns, ``patch_noover.in``.

    Returns
    -------
    (4,) int64 or None
        First range, last range, first azimuth, last azimuth; 1-based, inclusive. None when the
        file is missing.

    Raises
    ------
    DatasetError
        The file does not hold four integers.
    """
    path = directory / "patch_noover.in"
    return _box(path) if path.exists() else None


def require_core_within_patch(directory: Path, core: IntArray) -> None:
    """Refuse a core area, as :func:`patch_core` returns it, that reaches beyond ``patch.in``.

    Raises
    ------
    DatasetError
        The file does not hold four integers, or the areas contradict each other.
    """
    path = directory / "patch.in"
    if not path.exists():
        return
    patch = _box(path)
    if (core[::2] < patch[::2]).any() or (core[1::2] > patch[1::2]).any():
        raise DatasetError(
            f"{directory / 'patch_noover.in'}: {_words(core)} reaches beyond patch.in, "
            f"{_words(patch)} (first and last range, first and last azimuth); correct it"
        )


def _words(box: IntArray) -> str:
    return " ".join(map(str, box.tolist()))


def _box(path: Path) -> IntArray:
    """Read first and last range, first and last azimuth."""
    words = words_of(path)
    try:
        box = [float(word) for word in words]
    except ValueError:
        box = []
    if len(box) != 4 or any(not side.is_integer() or abs(side) > FARTHEST for side in box):
        raise DatasetError(
            f"{path}: holds {shown(' '.join(words))!r}, expected four integers: "
            "first and last range, first and last azimuth"
        )
    if box[0] > box[1] or box[2] > box[3]:
        told = " ".join(words)
        raise DatasetError(f"{path}: holds {told!r}, where a last comes before its first")
    return np.array(box, np.int64)
