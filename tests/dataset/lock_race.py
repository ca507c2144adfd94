"""Rounds in which two processes want the same dataset at the same moment."""

import subprocess
import sys
from pathlib import Path

from pystamps_hpc.dataset.lock import DatasetLock, lock_directory, new_owner
from pystamps_hpc.dataset.tree import Dataset
from pystamps_hpc.errors import LockError


def compete(root, name, rounds, barrier, results, dead):
    """Try to take the lock once a round; report which rounds were won.

    With `dead`, the text of a lock, one of the processes leaves that lock before each round.
    """
    won = []
    for k in range(rounds):
        if dead and name == "a":
            path = lock_directory(Path(root)) / "root.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dead)
        barrier.wait(60)
        try:
            Dataset(Path(root), ()).require_writable()
            with DatasetLock(Path(root), new_owner(f"{name}-{k}", ["run"])):
                barrier.wait(60)  # both have tried, the winner still holds it
                won.append(k)
        except LockError:
            barrier.wait(60)
        barrier.wait(60)
    results.put((name, won))


def dead_pid():
    """Return the number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid
