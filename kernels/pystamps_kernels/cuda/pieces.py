"""Work in pieces that fit into the device, two of them under way at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .device import (
    Array,
    Device,
    DeviceMemoryError,
    Landing,
    OnDevice,
    current,
    fetched,
    too_little,
)

LANES = 2
"""Pieces that are on the device together: one computes while the other is copied."""

UNIT = 256
"""Rows of a piece are a multiple of this: sums over rows are taken per unit, then in order."""

TAKEN = 0.5
"""Share of the free memory that pieces take; the rest is for what libraries need."""

ROOM_THREADS = 64
"""Threads of a block where each has a room of its own in the memory of the device."""
MOST_ROOMS = 256
"""Blocks of such threads."""


def piece_rows(
    device: Device,
    row_bytes: float,
    fixed_bytes: float = 0,
    unit: int = UNIT,
    lanes: int = LANES,
) -> int:
    """Return how many rows, or planes or columns, a piece may have.

    Parameters
    ----------
    device : Device
        Where the pieces go.
    row_bytes, fixed_bytes : float
        Memory of a row, arguments, results and room; memory that does not depend on the rows.
    unit : int
        A piece has a multiple of this.
    lanes : int
        Pieces that are on the device together.

    Raises
    ------
    DeviceMemoryError
        Not even one unit fits.
    """
    rows = int((device.free_bytes() * TAKEN - fixed_bytes) / (lanes * max(row_bytes, 1)))
    if rows < unit:
        raise too_little(device, (fixed_bytes + lanes * unit * row_bytes) / TAKEN)
    return rows // unit * unit


Landings = Sequence[tuple[Landing, Array]]
"""Copies to the host that are under way, and where they are to go."""


def in_turn(device: Device, pieces: Iterable[slice], begin: Callable[[slice], Landings]) -> None:
    """Begin the work on pieces, one lane after the other.

    While a piece is computed the next one is uploaded: a piece lands when the one after it is under
    way, and not before. What the pieces share has to be ready, :meth:`.device.Device.wait`.

    Parameters
    ----------
    device : Device
        Where.
    pieces : iterable of slice
        In their order.
    begin : callable
        ``begin(piece)`` uploads and launches, and begins to fetch what it returns.
    """
    waiting: Landings = ()
    for number, piece in enumerate(pieces):
        with device.active(number % LANES):
            landing = begin(piece)
        land(waiting)
        waiting = landing
    land(waiting)


def by_rows(
    run: Callable[..., Sequence[OnDevice]],
    arguments: Sequence[Array],
    results: Sequence[Array],
    shared: Sequence[Array] = (),
    room: float = 0,
    stacks: Sequence[Array] = (),
    fixed: float = 0,
) -> None:
    """Run `run` on pieces of the rows of `arguments` and fill the same rows of `results`.

    Parameters
    ----------
    run : callable
        ``run(device, *shared, *pieces)`` gets arrays on the device and returns as many as there
        are `results`.
    arguments : sequence of ndarray
        Arrays of the host that are cut by their first dimension.
    results : sequence of ndarray
        Arrays of the host of as many rows.
    shared : sequence of ndarray
        Arrays of the host that every piece gets whole; they are uploaded once.
    room : float
        Memory that a row needs on the device besides [bytes].
    stacks : sequence of ndarray
        Arrays that are cut by their second dimension; their pieces come last.
    fixed : float
        Memory that a piece needs besides, whatever its rows [bytes].
    """
    device = current()
    n = len(results[0])
    rows = [array.nbytes / max(n, 1) for array in (*arguments, *stacks, *results)]
    whole_bytes = sum(array.nbytes for array in shared) + LANES * fixed
    step = piece_rows(device, sum(rows) + room, whole_bytes)
    with device.active():
        whole = [device.upload(array) for array in shared]
        device.wait()

    def begin(piece: slice) -> Landings:
        given = [device.upload(array[piece]) for array in arguments]
        given += [device.upload(np.ascontiguousarray(stack[:, piece])) for stack in stacks]
        found = run(device, *whole, *given)
        return [(device.fetch(one), out[piece]) for one, out in zip(found, results, strict=True)]

    in_turn(device, cut(n, step), begin)


def cut(n: int, step: int) -> Iterator[slice]:
    """Yield the pieces of `n` rows, `step` rows each but the last."""
    for first in range(0, n, step):
        yield slice(first, min(first + step, n))


def added_rows(
    start_sums: Callable[[Device, OnDevice, OnDevice], None],
    values: Array,
    shape: tuple[int, ...],
    dtype: Any,
) -> Array:
    """Return sums over rows that are added up one after the other, piece by piece.

    Parameters
    ----------
    start_sums : callable
        ``start_sums(device, piece, sums)`` starts what adds the rows of a piece to the sums.
    values : ndarray
        Rows.
    shape, dtype
        Of the sums.
    """
    device = current()
    step = piece_rows(device, values.nbytes / max(len(values), 1))
    with device.active():
        sums = device.zeros(shape, dtype)
        for piece in cut(len(values), step):
            start_sums(device, device.upload(values[piece]), sums)
            device.wait()
        return fetched(device, sums)


def rooms_for(device: Device, items: int, doubles: int) -> tuple[int, int]:
    """Return how many blocks of :data:`ROOM_THREADS` work on `items`, and doubles of their rooms.

    Parameters
    ----------
    device : Device
        Where.
    items : int
        What the threads share out.
    doubles : int
        Room of a thread.
    """
    of_block = ROOM_THREADS * doubles
    affordable = device.free_bytes() * TAKEN / 2 / LANES / max(of_block, 1)
    most = max(int(affordable / np.dtype(np.float64).itemsize), 1)
    blocks = min(blocks_for(items, ROOM_THREADS), most, MOST_ROOMS)
    return blocks, blocks * of_block


def require_room(needed: float) -> None:
    """Raise :class:`.device.DeviceMemoryError` where `needed` bytes are more than may be taken."""
    device = current()
    if needed > device.free_bytes() * TAKEN:
        raise too_little(device, needed / TAKEN)


def land(waiting: Landings) -> None:
    """Wait for copies to the host and put them where they belong."""
    for copy, out in waiting:
        copy.into(out)


def blocks_for(n: int, per_block: int) -> int:
    """Return how many blocks cover `n` items."""
    return -(-n // per_block)


def rows_in_block(device: Device, row_shared: int, most: int, kernel: str) -> int:
    """Return how many rows of `row_shared` bytes a block can hold in its shared memory.

    Raises
    ------
    DeviceMemoryError
        Not even one.
    """
    rows = min(most, device.shared_bytes // max(row_shared, 1))
    if rows < 1:
        raise DeviceMemoryError(
            f"{kernel}: a row takes {row_shared} bytes of shared memory, device {device.index} "
            f"has {device.shared_bytes}; set its backend to native"
        )
    return rows
