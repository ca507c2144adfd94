"""Messages between ranks: waiting without spinning, large arrays in pieces, objects as buffers.

Ranks meet in two steps. First they wait for each other, possibly for hours, with a patient
operation of a few bytes. Then all are there, and the data travel in blocking calls, which are fast.
"""

import pickle
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.rows import AnyArray
from .world import MPI

# Open MPI refuses messages of 2**31 elements and more.
PIECE = 1 << 29

SHORTEST_PAUSE = 5e-5
LONGEST_PAUSE = 5e-3

Bytes = NDArray[np.uint8]
Parcel = Sequence[Any]


def wait(request: MPI.Request) -> None:
    """Wait for `request`, leaving the processor to others meanwhile."""
    pause = SHORTEST_PAUSE
    while not request.Test():
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def as_bytes(array: AnyArray) -> Bytes:
    """View a C-contiguous array as its bytes."""
    return array.reshape(-1).view(np.uint8)


def pieces(buffer: Any) -> Iterator[Any]:
    """Cut a buffer of bytes into pieces that fit into one message."""
    for start in range(0, len(buffer), PIECE):
        yield buffer[start : start + PIECE]


def send(comm: MPI.Comm, array: AnyArray, to: int) -> None:
    """Send an array to a rank that waits for it in :func:`receive`."""
    for part in pieces(as_bytes(array)):
        comm.Send([part, MPI.BYTE], to)


def receive(comm: MPI.Comm, array: AnyArray, source: int) -> None:
    """Fill an array with what `source` sends; both know shape and type."""
    for part in pieces(as_bytes(array)):
        comm.Recv([part, MPI.BYTE], source)


def broadcast(comm: MPI.Comm, buffer: Any, root: int) -> None:
    """Copy `buffer` of rank `root` into that of all others; all have made one of its length."""
    for part in pieces(buffer):
        comm.Bcast([part, MPI.BYTE], root)


def pack(thing: Any) -> Parcel:
    """Turn an object into buffers: its pickle, then the arrays inside it, not copied.

    None takes no buffers.
    """
    if thing is None:
        return []
    arrays: list[pickle.PickleBuffer] = []
    head = pickle.dumps(thing, protocol=5, buffer_callback=arrays.append)
    return [memoryview(head), *(array.raw() for array in arrays)]


def unpack(parcel: Parcel) -> Any:
    """Turn the buffers of :func:`pack` into the object."""
    return pickle.loads(parcel[0], buffers=parcel[1:]) if parcel else None


def lengths(comm: MPI.Comm, parcel: Parcel) -> list[list[int]]:
    """Tell all ranks the lengths of the buffers in each rank's parcel."""
    mine = np.array([len(buffer) for buffer in parcel], np.int64)
    counts = np.empty(comm.size, np.int64)
    wait(comm.Iallgather(np.array([mine.size], np.int64), counts))
    everyones = np.empty(counts.sum(), np.int64)
    wait(comm.Iallgatherv(mine, [everyones, counts]))
    return [part.tolist() for part in np.split(everyones, np.cumsum(counts)[:-1])]
