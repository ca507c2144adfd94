"""Rows in pieces that fit into the device, two of them under way at a time."""

from collections.abc import Callable, Sequence

from .device import Array, Device, DeviceMemoryError, Landing, OnDevice, current, too_little

LANES = 2
"""Pieces that are on the device together: one computes while the other is copied."""

UNIT = 256
"""Rows of a piece are a multiple of this: sums over rows are taken per unit, then in order."""

TAKEN = 0.5
"""Share of the free memory that pieces take; the rest is for what libraries need."""


def piece_rows(device: Device, row_bytes: float, fixed_bytes: float = 0) -> int:
    """Return how many rows a piece may have.

    Parameters
    ----------
    device : Device
        Where the pieces go.
    row_bytes, fixed_bytes : float
        Memory of a row, arguments, results and room; memory that does not depend on the rows.

    Raises
    ------
    DeviceMemoryError
        Not even one unit fits.
    """
    rows = int((device.free_bytes() * TAKEN - fixed_bytes) / (LANES * max(row_bytes, 1)))
    if rows < UNIT:
        raise too_little(device, (fixed_bytes + LANES * UNIT * row_bytes) / TAKEN)
    return rows // UNIT * UNIT


def by_rows(
    run: Callable[..., Sequence[OnDevice]],
    arguments: Sequence[Array],
    results: Sequence[Array],
    shared: Sequence[Array] = (),
    room: float = 0,
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
    """
    device = current()
    n = len(results[0])
    rows = [array.nbytes / max(n, 1) for array in (*arguments, *results)]
    step = piece_rows(device, sum(rows) + room, sum(array.nbytes for array in shared))
    with device.active():
        whole = [device.upload(array) for array in shared]
        device.wait()
    waiting: list[tuple[Landing, Array]] = []
    for number, first in enumerate(range(0, n, step)):
        piece = slice(first, min(first + step, n))
        with device.active(number % LANES):
            found = run(device, *whole, *(device.upload(array[piece]) for array in arguments))
            landing = [
                (device.fetch(one), out[piece]) for one, out in zip(found, results, strict=True)
            ]
        land(waiting)
        waiting = landing
    land(waiting)


def land(waiting: Sequence[tuple[Landing, Array]]) -> None:
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
