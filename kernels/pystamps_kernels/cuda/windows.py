"""Windows of a grid that are filtered by their own spectrum; ``sources/windows.cu``."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..clap_windows import GAUSSIAN
from ..transforms import places, turns
from .device import Array, Device, OnDevice
from .samples import start

THREADS = 256
"""Of a window; a power of two."""
MOST_BLOCKS = 1 << 14
"""Of a grid; a block takes one window after the other."""
ROOMS = 1024
"""Blocks of windows that are too large for shared memory, so that their rooms lie outside."""
SAMPLE = np.dtype(np.complex128).itemsize
PLANE = SAMPLE + 3 * np.dtype(np.complex64).itemsize
"""Bytes of a cell in a plane: as it is uploaded, alone, filtered, and filtered in single."""

LOW_PASS, CLAP, GOLDSTEIN = range(3)


@dataclass(frozen=True)
class Filter:
    """What is done to the spectrum of a window.

    Parameters
    ----------
    n : int
        Cells of a window with its padding, per axis.
    kind : int
        ``LOW_PASS``, ``CLAP`` or ``GOLDSTEIN``.
    alpha, beta : float
        Exponent and weight of the adaptive response.
    low_pass : (n, n) float64
        Low-pass response, zero frequency first; of no meaning to Goldstein's filter.
    """

    n: int
    kind: int
    alpha: float
    beta: float
    low_pass: Array

    def ranks(self) -> tuple[int, int]:
        """Ranks of the values whose mean is the median of a spectrum."""
        middle = self.n**2 // 2
        one = self.kind == GOLDSTEIN and self.n % 2
        return (middle, middle) if one else (middle - 1, middle)


@dataclass(frozen=True)
class Axis:
    """The windows along one axis of a grid, on the device.

    Parameters
    ----------
    starts : (n_windows,) int64
        First cell of each.
    first, stop : (n_cells,) int64
        The windows that reach each cell.
    ramp : (n_windows, n_win) float64
        Weight of its cells; negative where it does not count.
    """

    starts: OnDevice
    first: OnDevice
    stop: OnDevice
    ramp: OnDevice


def axis(device: Device, n_cells: int, starts: Array, ramp: Array) -> Axis:
    """Upload the windows along one axis of `n_cells`."""
    cell = np.arange(n_cells)
    first = np.searchsorted(starts, cell - ramp.shape[1], "right")
    stop = np.searchsorted(starts, cell, "right")
    return Axis(*(device.upload(np.ascontiguousarray(a)) for a in (starts, first, stop, ramp)))


def launch(
    device: Device, kernel: str, windows: int, filter: Filter, before: Any, between: Any, out: Any
) -> None:
    """Start a kernel of ``windows.cu`` that filters.

    Parameters
    ----------
    device : Device
        Where.
    kernel : str
        Its name.
    windows : int
        How many windows it filters.
    filter : Filter
        How.
    before, between : tuple
        Its arguments before ``n``, and those from ``n`` to the ranks.
    out : array of the device
        Its result.
    """
    room = 2 * filter.n**2 + THREADS
    in_shared = room * SAMPLE <= device.shared_bytes
    blocks = min(windows, MOST_BLOCKS if in_shared else ROOMS)
    rooms = device.empty((1 if in_shared else blocks * room,), np.complex128)
    cosine, sine = turns(filter.n)
    tables = (
        cosine + 1j * sine,
        np.fft.fftshift(places(filter.n)),
        np.fft.fftshift(filter.low_pass),
        GAUSSIAN,
    )
    device.launch(
        "windows", kernel, blocks, THREADS, *before, filter.n, *between, *filter.ranks(),
        float(filter.alpha), float(filter.beta), *map(device.upload, tables), rooms,
        int(in_shared), out, shared=room * SAMPLE if in_shared else 0,
    )  # fmt: skip


def filtered(
    device: Device, planes: OnDevice, n_win: int, filter: Filter, rows: Axis, columns: Axis,
    least: float,
) -> OnDevice:  # fmt: skip
    """Filter planes window by window and add the tapered windows up.

    Parameters
    ----------
    device : Device
        Where.
    planes : (n_planes, n_i, n_j) complex64
        Phasors.
    n_win : int
        Cells of a window.
    filter : Filter
        How a window is filtered.
    rows, columns : Axis
        Where the windows lie.
    least : float
        Weight that every cell of a window has beside its ramps.

    Returns
    -------
    (n_i, n_j, n_planes) complex128
        Sums of the windows.
    """
    n_planes, n_i, n_j = planes.shape
    n_rows, n_columns = rows.starts.shape[0], columns.starts.shape[0]
    count = n_planes * n_rows * n_columns
    windows = device.empty((count, n_win, n_win), np.complex128)
    place = (planes, n_planes, n_i, n_j, rows.starts, n_rows, columns.starts, n_columns, n_win)
    launch(device, "filter_windows", count, filter, place, (filter.kind,), windows)
    total = device.empty((n_i, n_j, n_planes), np.complex128)
    start(
        device, "windows", "add_windows", n_i * n_j * n_planes, windows, n_planes, n_i, n_j, n_win,
        rows.starts, rows.first, rows.stop, rows.ramp, n_rows,
        columns.starts, columns.first, columns.stop, columns.ramp, n_columns, least, total,
    )  # fmt: skip
    return total
