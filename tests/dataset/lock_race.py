"""Rounds in which two processes want the same dataset at the same moment."""

from pathlib import Path

from pystamps_hpc.dataset.lock import DatasetLock, new_owner
from pystamps_hpc.dataset.tree import Dataset
from pystamps_hpc.errors import LockError


def compete(root, name, rounds, barrier, results):
    """Try to take the lock once a round; report which rounds were won."""
    won = []
    for k in range(rounds):
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
