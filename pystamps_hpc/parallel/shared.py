"""Arrays that exist once per node, in memory that its ranks share."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from mmap import mmap
from typing import Any

import numpy as np

from ..dataset.rows import AnyArray
from .messages import wait
from .world import MPI

FOLDER = "/dev/shm"
"""A file system in memory; writing to a page that it has no room for kills the process."""
WORTHWHILE = 1 << 20
"""Below this, a copy per rank costs less than a file [bytes]."""


@dataclass(frozen=True)
class Copies:
    """One copy of an array on each node or, where its ranks cannot share memory, on each rank.

    Parameters
    ----------
    array : ndarray
        The copy that this rank sees; not filled.
    between : MPI.Comm
        One rank for each copy; the null communicator on all others.
    homes : list of int
        For each rank of the team, the rank in `between` that answers for its copy.
    synchronise : callable
        Makes what any rank wrote into a copy visible to all that see it; collective.
    """

    array: AnyArray
    between: MPI.Comm
    homes: list[int]
    synchronise: Callable[[], None]

    @property
    def several(self) -> bool:
        """Whether this rank has to exchange what stands in its copy with others."""
        return self.between != MPI.COMM_NULL and self.between.size > 1


class NodeMemory:
    """Shared memory of the nodes of a team; every method is collective over the team.

    Parameters
    ----------
    team : MPI.Intracomm
        All ranks.
    node : MPI.Intracomm
        The ranks of this node.

    Attributes
    ----------
    leaders : MPI.Comm
        The lowest rank of each node; the null communicator on all others.
    homes : list of int
        For each rank of the team, the rank of its node in `leaders`.
    denied : int
        How many arrays there was no room for, so that every rank made a copy.
    """

    def __init__(self, team: MPI.Intracomm, node: MPI.Intracomm) -> None:
        self._team = team
        self._node = node
        self.leaders = team.Split(0 if node.rank == 0 else MPI.UNDEFINED)
        nodes = team.allgather(node.bcast(team.rank))
        self.homes = [sorted(set(nodes)).index(each) for each in nodes]
        self._crowded = not self._everywhere(node.size == 1)
        self.denied = 0

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> AnyArray | None:
        """Make an array that the ranks of a node have in common.

        Returns
        -------
        ndarray or None
            Not filled. None on all ranks alike where it does not pay or there is no room. The
            memory is given back when no rank uses the array any more.
        """
        n_bytes = int(np.prod(shape)) * dtype.itemsize
        if not self._crowded or n_bytes < WORTHWHILE:
            return None
        with self._nameless_file() as file:
            memory = None if file is None else self._mapped(file, n_bytes)
            if not self._everywhere(memory is not None):
                self.denied += 1
                return None
        return np.ndarray(shape, dtype, memory)

    def synchronise(self) -> None:
        """Wait until what any rank of the node wrote is visible to all of them."""
        wait(self._node.Ibarrier())

    @contextmanager
    def _nameless_file(self) -> Iterator[int | None]:
        """Open one new file on all ranks of the node; None where that is not possible.

        It has no name any more when its first byte is taken: however the job ends, the memory goes.
        """
        name = self._node.bcast(_new_file() if self._node.rank == 0 else "")
        file = None
        with suppress(OSError):
            file = os.open(name, os.O_RDWR)
        try:
            wait(self._node.Ibarrier())
            if self._node.rank == 0:
                with suppress(OSError):
                    os.unlink(name)
            yield file
        finally:
            if file is not None:
                os.close(file)

    def _mapped(self, file: int, n_bytes: int) -> mmap | None:
        """Map a file of `n_bytes`, with this rank's part of it reserved; None without room."""
        rank, size = self._node.rank, self._node.size
        start, stop = n_bytes * rank // size, n_bytes * (rank + 1) // size
        try:
            os.ftruncate(file, n_bytes)
            os.posix_fallocate(file, start, stop - start)
            return mmap(file, n_bytes)
        except OSError:
            return None

    def _everywhere(self, value: bool) -> bool:
        """Whether `value` is true on all ranks of the team."""
        agreed = np.array([value])
        wait(self._team.Iallreduce(MPI.IN_PLACE, agreed, op=MPI.LAND))
        return bool(agreed[0])


def _new_file() -> str:
    """Make an empty file in shared memory; returns its name, empty where there cannot be one."""
    try:
        file, name = tempfile.mkstemp(prefix="pystamps-hpc-", dir=FOLDER)
    except OSError:
        return ""
    os.close(file)
    return name
