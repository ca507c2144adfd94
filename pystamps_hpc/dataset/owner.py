"""Who owns a lock or a scratch folder: a process, told from a later one of the same number."""

import os
import socket
import zlib
from contextlib import suppress
from pathlib import Path


def process_table() -> str:
    """Name what process numbers refer to: this boot of this machine, and in a container its own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def process_start(pid: int) -> int | None:
    """Return the start time of a process in clock ticks since boot; None if none can be seen."""
    try:
        status = _status(pid)
    except OSError:
        return None
    return None if status[0] == "Z" else int(status[19])


def is_dead(pid: int, start: int | None) -> bool:
    """Whether the process `pid` of this table, started at `start`, has certainly ended.

    Where ``/proc`` hides the processes of other users, the kernel still tells whether the number
    is in use; that it is by a later process cannot be seen then.
    """
    try:
        status = _status(pid)
    except OSError:
        return not _in_use(pid)
    return status[0] == "Z" or int(status[19]) != start


def scratch_prefix(kind: str) -> str:
    """Return how the names of scratch folders of this process begin; see :func:`left_behind`."""
    pid = os.getpid()
    table = zlib.crc32(process_table().encode())
    return f"{kind}-{socket.gethostname()}-{table:08x}-{pid}-{process_start(pid)}-"


def left_behind(parent: Path, kind: str) -> list[Path]:
    """Return this user's scratch folders of a kind whose process was one of this table and died."""
    table = f"{zlib.crc32(process_table().encode()):08x}"
    found = []
    for path in parent.glob(f"{kind}-*"):
        words = path.name.rsplit("-", 4)
        if len(words) < 5 or words[1] != table or not words[2].isdecimal():
            continue
        start = int(words[3]) if words[3].isdecimal() else None
        with suppress(FileNotFoundError):  # its owner has just removed it
            if path.lstat().st_uid == os.getuid() and is_dead(int(words[2]), start):
                found.append(path)
    return found


def _status(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` from the state on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _in_use(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
