"""Finished parts of a running task, kept so that a killed run need not compute them again."""

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from .publish import replacing
from .rows import AnyArray
from .tree import state_path

_CHECKSUM = "sha256"


def memo_root(directory: Path) -> Path:
    """Return the folder that holds the parts of the tasks of a target."""
    return state_path(directory, "memo")


class MemoStore:
    """Arrays by key in ``memo/<stage>-<fingerprint>/`` of a target.

    The fingerprint names what the task is made with, so a part made with other parameters, inputs
    or versions is never found.

    Parameters
    ----------
    directory : Path
        Target.
    stage : int
        Stage number.
    fingerprint : str
        Of the task's record.
    warn : callable
        Told when a part cannot be stored or, stored, not be used.
    kept : callable
        Told the key of a part that is stored.
    """

    def __init__(
        self,
        directory: Path,
        stage: int,
        fingerprint: str,
        warn: Callable[[str], None],
        kept: Callable[[str], None] = lambda key: None,
    ) -> None:
        self.root = memo_root(directory)
        self.stage = stage
        self.folder = state_path(directory, "memo", f"{stage}-{fingerprint[:32]}")
        self.warn = warn
        self.kept = kept

    def load(self, key: str) -> dict[str, AnyArray] | None:
        """Return the arrays stored under `key`; None if there are none or they are damaged."""
        path = self.folder / f"{key}.npz"
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                if any(member.compress_type for member in file.zip.infolist()):
                    raise ValueError("a member is deflated")  # and may be of any size
                arrays = {name: file[name] for name in file.files}
            checksum = str(arrays.pop(_CHECKSUM))
        except Exception as error:
            self.warn(f"ignoring checkpoint {path}: {error}")
            return None
        if checksum != _checksum(arrays):
            self.warn(f"ignoring checkpoint {path}: checksum does not match")
            return None
        broken = [name for name, array in arrays.items() if not _finite(array)]
        if broken:
            self.warn(f"ignoring checkpoint {path}: {', '.join(broken)} is not finite")
            return None
        return arrays

    def save(self, key: str, arrays: Mapping[str, AnyArray]) -> None:
        """Store arrays under `key`, atomically; without room for them the run goes on."""
        contents = {name: np.asarray(array) for name, array in arrays.items()}
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{_CHECKSUM: _checksum(contents)}, **contents)
        path = self.folder / f"{key}.npz"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_bytes(buffer.getbuffer())
        except OSError as error:
            self.warn(f"no checkpoint {path}: {error.strerror or error}")
        else:
            self.kept(key)

    def clear(self) -> None:
        """Remove the parts of this stage, those of other fingerprints included."""
        clear_memo(self.root, self.stage)


def clear_memo(root: Path, stage: int) -> None:
    """Remove the parts of a stage from the memo folder of a target; what cannot go stays."""
    try:
        names = os.listdir(root)
    except OSError:
        return
    for name in names:
        if name.startswith(f"{stage}-"):
            shutil.rmtree(root / name, ignore_errors=True)


def _finite(array: AnyArray) -> bool:
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _checksum(arrays: Mapping[str, AnyArray]) -> str:
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()
