"""The lock of a dataset: one run writes, and it says who it is.

A run over the whole dataset holds ``lock/root.json``; runs over disjoint patches hold one
``lock/PATCH_k.json`` each and exclude only the former. A lock whose owner is provably dead, its
process where that can be seen or its SLURM job, is taken over; age alone never suffices.
"""

import json
import os
import pwd
import secrets
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import LockError
from .files import open_regular, parse_json
from .owner import is_dead, process_start, process_table
from .tree import state_path

WHOLE = "root"


def lock_directory(root: Path) -> Path:
    """Return where the lock files of a dataset lie."""
    return state_path(root, "lock")


def holders(root: Path) -> list[dict[str, Any]]:
    """Return the content of all lock files; ``alive`` is false where the owner is provably dead."""
    texts = ((path.name, _read(path)) for path in sorted(lock_directory(root).glob("*.json")))
    owners = [(name, _parse(text)) for name, text in texts if text is not None]
    own = {**_process(), **_slurm()}
    return [{"lock": name, "alive": not _is_dead(owner, own), **owner} for name, owner in owners]


def require_idle(root: Path) -> None:
    """Refuse a dataset in which a run works, as far as can be seen; nothing is written there.

    Raises
    ------
    LockError
        A lock whose owner is not provably dead.
    """
    for owner in holders(root):
        if owner["alive"]:
            raise LockError(f"{root}: {_in_use(owner)}")


def new_owner(run_id: str, command: Sequence[str]) -> dict[str, str]:
    """Return what a lock says about its owner; host and process are added when it is taken."""
    return {
        "run_id": run_id,
        "command": " ".join(command),
        "user": _user(),
        "started_utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _user() -> str:
    """Return the name of the user, the number where the system knows no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("USER") or str(os.getuid())


class DatasetLock:
    """Exclusive right to write a dataset, or some of its patches.

    Parameters
    ----------
    root : Path
        Dataset root.
    owner : mapping
        See :func:`new_owner`.
    patches : sequence of str or None
        Names for patch mode; None locks the whole dataset.
    break_lock : bool
        Remove a foreign lock.
    """

    def __init__(
        self,
        root: Path,
        owner: Mapping[str, Any],
        patches: Sequence[str] | None = None,
        break_lock: bool = False,
    ) -> None:
        self.folder = lock_directory(root)
        self.names = [WHOLE] if patches is None else sorted(patches)
        self.owner = {**owner, **_process(), **_slurm()}
        self.break_lock = break_lock
        self.token = secrets.token_hex(8)
        self.taken_over: list[str] = []
        self._mine: list[Path] = []

    def __enter__(self) -> "DatasetLock":
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in self.names:
                self._create(self.folder / f"{name}.json")
            self._refuse_other_mode()
            self._clear_dead_attempts()
        except OSError as error:
            self._release()
            raise LockError(f"data set cannot be locked: {self.folder}: {error}") from None
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        left = self._release()
        if left and value is None:
            raise LockError(
                f"{', '.join(left)}; this run has ended, remove it by hand or with --break-lock"
            )

    def _create(self, path: Path) -> None:
        text = json.dumps(self.owner, indent=2)
        for _ in range(3):
            temporary = path.with_name(f".{path.name}.{self.token}")
            try:
                temporary.write_text(text, encoding="utf-8")
                os.link(temporary, path)  # fails if the lock exists; never shows half a file
            except FileExistsError:
                self._remove_if_dead(path)
            else:
                self._mine.append(path)
                return
            finally:
                temporary.unlink(missing_ok=True)
        raise LockError(f"data set is in use: {path} cannot be taken")

    def _refuse_other_mode(self) -> None:
        for path in self.folder.glob("*.json"):
            other = (path.stem == WHOLE) != (self.names == [WHOLE])
            if other and path not in self._mine:
                self._remove_if_dead(path)

    def _clear_dead_attempts(self) -> None:
        """Remove what a process that was killed while it took a lock has left."""
        for path in self.folder.glob(".*.json.*"):
            if _is_dead(_parse(_read(path) or ""), self.owner):
                path.unlink(missing_ok=True)

    def _remove_if_dead(self, path: Path) -> None:
        text = _read(path)
        if text is None:
            return
        owner = _parse(text)
        if not (self.break_lock or _is_dead(owner, self.owner)):
            raise LockError(_in_use(owner))
        claimed = path.with_name(f".{path.name}.{self.token}.dead")
        try:
            os.rename(path, claimed)  # of two rivals only one moves a given file
        except FileNotFoundError:
            return
        if _read(claimed) != text:  # a rival was faster and this is its new lock
            with suppress(FileExistsError):
                os.link(claimed, path)
            claimed.unlink()
            return
        claimed.unlink()
        how = "broken" if self.break_lock else "left by a dead process, taken over"
        self.taken_over.append(
            f"lock of run {owner.get('run_id', '?')} (pid {owner.get('pid', '?')} on "
            f"{owner.get('host', '?')}) {how}"
        )

    def _release(self) -> list[str]:
        """Remove the locks; return those that cannot be removed, each with the reason."""
        left = []
        for path in self._mine:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                left.append(f"{path}: cannot be removed ({error.strerror})")
        self._mine.clear()
        return left


def _read(path: Path) -> str | None:
    """Return the text of a lock; none if there is no lock, nothing if it cannot be read."""
    try:
        with open_regular(path) as file:
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError:
        return ""


def _parse(text: str) -> dict[str, Any]:
    try:
        content = parse_json(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _in_use(owner: Mapping[str, Any]) -> str:
    job = owner.get("slurm_job_id")
    return (
        f"data set is in use: run {owner.get('run_id', '?')} by {owner.get('user', '?')} on "
        f"{owner.get('host', '?')} (pid {owner.get('pid', '?')}"
        f"{f', SLURM job {job}' if job else ''}) since {owner.get('started_utc', '?')}; "
        "wait, or remove the lock with --break-lock"
    )


def _process() -> dict[str, Any]:
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "processes": process_table(),
        "pid": pid,
        "pid_start": process_start(pid),
    }


def _slurm() -> dict[str, Any]:
    return {
        "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
        "slurm_restart_count": int(os.environ.get("SLURM_RESTART_COUNT", "0") or 0),
    }


def _is_dead(owner: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    if owner.get("processes") == own["processes"] and isinstance(owner.get("pid"), int):
        return is_dead(owner["pid"], owner.get("pid_start"))
    job = owner.get("slurm_job_id")
    if not job:
        return False
    if job == own["slurm_job_id"]:
        return int(owner.get("slurm_restart_count") or 0) < int(own["slurm_restart_count"])
    return _job_has_ended(str(job))


def _job_has_ended(job: str) -> bool:
    """Ask SLURM, where it can be asked, whether a job is neither running nor about to."""
    try:
        answer = subprocess.run(
            ["squeue", "--noheader", "--format=%T", "--jobs", job],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    if answer.returncode == 0:
        return not answer.stdout.strip()
    return "Invalid job id" in answer.stderr
