"""The first message of every method of an MPI team: whether it went well on all ranks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .cpus import Member
from .failures import annotated, portable, unpack_error
from .messages import broadcast, wait
from .world import MPI

# Where ranks meet; ranks that meet at different places have left the common path.
MEETINGS = ("work", "columns", "share", "pull", "the end of a block", "close")


def common_error(
    comm: MPI.Intracomm, members: Sequence[Member], error: Exception | None, meeting: str
) -> Exception | None:
    """Meet the other ranks; return the error that all of them raise, None if all is well.

    Parameters
    ----------
    comm : MPI.Intracomm
        The ranks.
    members : sequence of Member
        Where they run.
    error : Exception or None
        What this rank has met.
    meeting : str
        One of ``MEETINGS``.

    Returns
    -------
    Exception or None
        The error of the lowest rank that has one, else that ranks met at different places.
    """
    place = MEETINGS.index(meeting)
    least = np.array([comm.size if error is None else comm.rank, place, -place], np.int64)
    wait(comm.Iallreduce(MPI.IN_PLACE, least, op=MPI.MIN))
    origin, first, last = int(least[0]), int(least[1]), -int(least[2])
    if origin < comm.size:
        return _error_of(comm, members[origin], error)
    if first != last:
        return RuntimeError(
            f"ranks left the common path: one is at {MEETINGS[first]}, another at {MEETINGS[last]}"
        )
    return None


def _error_of(comm: MPI.Intracomm, origin: Member, error: Exception | None) -> Exception:
    """Return the error of one rank on all of them."""
    message: Any = b""
    if comm.rank == origin.rank and error is not None:
        error, message = portable(annotated(error, origin.rank, origin.host))
    size = np.array([len(message)], np.int64)
    comm.Bcast(size, origin.rank)
    if comm.rank != origin.rank:
        message = np.empty(size[0], np.uint8)
    broadcast(comm, memoryview(message), origin.rank)
    if comm.rank != origin.rank or error is None:
        return unpack_error(message)
    return error
