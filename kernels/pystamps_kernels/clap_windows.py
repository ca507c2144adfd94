"""Geometry of the CLAP filter that its backends share: windows, tapers, smoothing weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

GAUSSIAN = np.exp(-0.5 * (2.5 * np.arange(-3, 4) / 3) ** 2)
"""Weights of the 7-point Gaussian window (alpha 2.5) that smooths the spectrum."""

BATCH_SAMPLES = 1 << 18
"""Samples of the windows that are transformed together; bounds memory and fits the cache."""

STRIP_SAMPLES = 1 << 19
"""Samples of the strips (:func:`plane_groups`) that are made together, for each thread.

A strip is the windows that begin in one row; backends that give each thread a strip at a time take
as many planes together as make this many samples times their threads.
"""


@dataclass(frozen=True)
class Clap:
    """The CLAP filter, as the arguments of ``stage2_clap_grid``."""

    alpha: float
    beta: float
    n_win: int
    n_pad: int
    low_pass: Array


def window_starts(n: int, n_win: int) -> tuple[Array, Array]:
    """Place the windows along one axis of a grid.

    Parameters
    ----------
    n, n_win : int
        Cells of the axis and of a window.

    Returns
    -------
    start : (n_windows,) int64
        First cell of each window, moved back inside at the far edge.
    shift : (n_windows,) int64
        How far each was moved back.
    """
    step = n_win // 4
    nominal = np.arange(max(-(-n // step) - 3, 0)) * step
    start = np.minimum(nominal, n - n_win)
    return start, nominal - start


def taper_ramp(n_win: int, shift: Array) -> Array:
    """Distance of each cell from the border of its nominal window; negative outside of it.

    Returns
    -------
    (n_windows, n_win) float64
        Ramps of one axis, for windows that were moved back by `shift` cells.
    """
    cell = np.arange(n_win) - shift[:, np.newaxis]
    return np.minimum(cell, n_win - 1 - cell).astype(np.float64)


def taper(rows: Array, columns: Array) -> Array:
    """Weight of the cells of a window from the ramps of its axes; 0 outside the nominal window."""
    weight = rows + columns + 1e-6
    return np.where((rows >= 0) & (columns >= 0), weight, 0.0)


def check_grid(kernel: str, n_i: int, n_j: int, n_win: int) -> None:
    """Raise ``ValueError`` for a grid smaller than one window."""
    if min(n_i, n_j) < n_win:
        raise ValueError(f"{kernel}: grid of {n_i} x {n_j} cells is smaller than n_win = {n_win}")


def plane_groups(m: int, plane_samples: int, batch_samples: int = BATCH_SAMPLES) -> Iterator[slice]:
    """Cut `m` planes into groups of about one batch, given the samples that a plane takes."""
    step = max(1, batch_samples // plane_samples)
    for first in range(0, m, step):
        yield slice(first, min(first + step, m))


def corners(cells: Array, shape: tuple[int, int], n_w: int) -> Array:
    """First row and column of the window around each cell, kept inside a grid of `shape`."""
    first: Array = np.clip(cells - n_w // 2, 0, np.array(shape) - n_w)
    return first
