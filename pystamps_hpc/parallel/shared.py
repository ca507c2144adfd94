"""Arrays that exist once per node, in memory that its ranks share."""

import os
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dataset.rows import AnyArray
from .messages import wait
from .world import MPI

# Where MPI libraries on Linux put shared memory; writing beyond its end kills the process.
BACKING = "/dev/shm"
HEADROOM = 1.1
# Below this, a copy per rank costs less than a window.
WORTHWHILE = 1 << 20


@dataclass(frozen=True)
class _Window:
    """A piece of shared memory and the array that lies in it."""

    window: MPI.Win
    array: "weakref.ref[AnyArray]"


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
        self._windows: list[_Window] = []
        self.leaders = team.Split(0 if node.rank == 0 else MPI.UNDEFINED)
        nodes = team.allgather(node.bcast(team.rank))
        self.homes = [sorted(set(nodes)).index(each) for each in nodes]
        self._crowded = self._least(-node.size) < -1
        self.denied = 0

    @property
    def n_windows(self) -> int:
        """Number of arrays whose memory has not been given back."""
        return len(self._windows)

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> AnyArray | None:
        """Make an array that the ranks of a node have in common.

        Returns
        -------
        ndarray or None
            Not filled. None on all ranks alike where it does not pay or there is no room. The
            memory is given back by the first call of a method after no rank uses the array.
        """
        self.release()
        n_bytes = int(np.prod(shape)) * dtype.itemsize
        if not self._crowded or n_bytes < WORTHWHILE:
            return None
        self.denied += 1
        if not self._least(self._node.rank != 0 or _free_bytes() > HEADROOM * n_bytes):
            return None
        window = self._make(n_bytes if self._node.rank == 0 else 0)
        memory: Any = None if window is None else window.Shared_query(0)[0]
        there_is_room = memory is not None and self._reserve(memoryview(memory).cast("B"))
        there_is_room_everywhere = self._least(there_is_room)
        if window is None:
            return None
        if not there_is_room_everywhere:
            window.Free()
            return None
        self.denied -= 1
        window.Lock_all()
        array: AnyArray = np.ndarray(shape, dtype, memory)
        # Views keep the array alive, not the other way round: it is what to watch.
        self._windows.append(_Window(window, weakref.ref(array)))
        return array

    def synchronise(self) -> None:
        """Make what any rank of the node wrote visible to all of them."""
        for each in self._windows[-1:]:
            each.window.Sync()
        wait(self._node.Ibarrier())
        for each in self._windows[-1:]:
            each.window.Sync()

    def release(self) -> None:
        """Give back the memory of arrays that no rank of the node uses any more."""
        if not self._windows:
            return
        unused = np.array([each.array() is None for each in self._windows])
        wait(self._node.Iallreduce(MPI.IN_PLACE, unused, op=MPI.LAND))
        for each, gone in zip(self._windows, unused, strict=True):
            if gone:
                each.window.Unlock_all()
                each.window.Free()
        self._windows = [each for each, gone in zip(self._windows, unused, strict=True) if not gone]

    def _make(self, n_bytes: int) -> MPI.Win | None:
        try:
            return MPI.Win.Allocate_shared(n_bytes, 1, comm=self._node)
        except MPI.Exception:
            return None

    def _reserve(self, memory: memoryview) -> bool:
        """Have this rank's part of a window filled by the kernel.

        The library has set the length of a window, its pages come when they are written. If others
        have taken the room meanwhile, the kernel returns an error, where a write of our own would
        end the process (SIGBUS).
        """
        rank, size = self._node.rank, self._node.size
        part = memory[len(memory) * rank // size : len(memory) * (rank + 1) // size]
        try:
            with open("/dev/zero", "rb", buffering=0) as zeros:
                while part:
                    part = part[zeros.readinto(part) :]
        except OSError:
            return False
        return True

    def _least(self, value: int) -> int:
        least = np.array([value], np.int64)
        wait(self._team.Iallreduce(MPI.IN_PLACE, least, op=MPI.MIN))
        return int(least[0])


def _free_bytes() -> int:
    try:
        free = os.statvfs(BACKING)
    except OSError:
        return 0
    return free.f_bavail * free.f_frsize
