"""The grid on which the phase of stage 2 is filtered, and the low-pass part of the filter."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...parallel.context import Context
from ..base import NoPointsLeft
from ..shared.grid import cells_along, check_grid

MARGIN = 1e-6  # of the grid before the first candidate [m]


@dataclass(frozen=True)
class FilterGrid:
    """Cells of the candidates."""

    ij: IntArray  # (n_ps, 2) from 0
    lin: IntArray  # (n_ps,) row-major cell
    n_i: int
    n_j: int

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.n_i * self.n_j


def filter_grid(xy: FloatArray, size: float, n_win: int, padded: int, ctx: Context) -> FilterGrid:
    """Place the candidates on the filter grid; the last row and column join the ones before.

    Parameters
    ----------
    xy : (n_ps, 2) float32
        Positions [m].
    size : float
        Cell size [m].
    n_win, padded : int
        Cells of a filter window without and with its padding.
    ctx : Context
        Messages.

    Raises
    ------
    NoPointsLeft
        The patch is smaller than the filter.
    StageError
        Its positions lie absurdly far apart.
    """
    row, column = (cells_along(xy[:, axis], size, MARGIN) for axis in (1, 0))
    n_i, n_j = int(row.max()) + 1, int(column.max()) + 1
    if min(row.min(), column.min()) < 0:
        raise NoPointsLeft(
            f"patch narrower than two grid cells of {size:g} m ({len(xy):,} candidates over "
            f"{np.ptp(xy[:, 0]):.0f} x {np.ptp(xy[:, 1]):.0f} m); enlarge the patch or reduce "
            "filter_grid_size"
        )
    if min(n_i, n_j) < n_win:
        raise NoPointsLeft(
            f"grid {n_i} x {n_j} cells of {size:g} m is smaller than the CLAP window of {n_win} "
            f"cells, three quarters of clap_win={padded}; enlarge the patch, or reduce "
            "filter_grid_size or clap_win"
        )
    check_grid((n_i, n_j), size, len(xy), "filter_grid_size")
    if min(n_i, n_j) < padded:
        ctx.warn(
            f"grid {n_i} x {n_j} cells is smaller than clap_win={padded}: stage 3 will "
            "reject every candidate of this patch"
        )
    return FilterGrid(np.stack((row, column), axis=1), row * n_j + column, n_i, n_j)


def low_pass_response(n: int, size: float, wavelength: float) -> FloatArray:
    """Return the Butterworth response, (n, n), of fifth order; zero frequency first."""
    frequency = (np.arange(n) - n / 2) / (size * n)
    one_axis = 1 / (1 + (frequency * wavelength) ** 10)
    return np.fft.fftshift(np.outer(one_axis, one_axis))
