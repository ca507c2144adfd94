"""A patch that stays on the device for all iterations of its fit; ``sources/patch.cu``.

The phase is uploaded once. An iteration takes slopes and weights and gives slopes, offsets and
coherences, 40 bytes of a candidate whatever the number of interferograms. Every value is that of
the kernels one by one, to the last bit, since it is the same sources that run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..clap_windows import check_grid, taper_ramp, window_starts
from ..numerics import trial_steps
from ..reference.topofit import rounded
from . import topofit
from .clap import LEAST_WEIGHT
from .device import Array, Device, OnDevice, current, fetched
from .pieces import TAKEN
from .samples import start
from .sources import of_classes
from .windows import CLAP, SAMPLE, Filter, axis, filtered

READ = 1 << 16
"""Rows that are uploaded at a time."""


@dataclass(frozen=True)
class Clap:
    """The CLAP filter, as the arguments of ``stage2_clap_grid``."""

    alpha: float
    beta: float
    n_win: int
    n_pad: int
    low_pass: Array


class ResidentPatch:
    """Phase, baselines, cells and residuals of the candidates of a patch, on the device.

    Parameters
    ----------
    phase_of : callable
        ``phase_of(rows)`` reads phasors (n, m) complex64; zeros are no data.
    bperp_of : callable
        ``bperp_of(rows)`` reads baselines (n, m), or returns those that all share, (m,).
    shape : (int, int)
        Candidates and interferograms.
    lin : (n_ps,) int64
        Grid cell of each candidate.
    grid : (int, int)
        Rows and columns of the grid.
    single : bool
        Whether each operation is rounded as in the reference.
    """

    def __init__(
        self,
        phase_of: Callable[[slice], Array],
        bperp_of: Callable[[slice], Array],
        shape: tuple[int, int],
        lin: Array,
        grid: tuple[int, int],
        single: bool,
    ) -> None:
        self._device, self._shape, self._grid, self._single = current(), shape, grid, single
        n, m = shape
        cells = grid[0] * grid[1]
        occupied, cell = np.unique(lin, return_inverse=True)
        starts = np.zeros(cells + 1, np.int64)
        np.cumsum(np.bincount(lin, minlength=cells), out=starts[1:])
        device = self._device
        with device.active():
            self._ph = device.empty(shape, np.complex64)
            first = bperp_of(slice(0, 1))
            self._shared = first.ndim == 1
            self._bperp = device.upload(first) if self._shared else device.empty(shape, first.dtype)
            for begin in range(0, n, READ):
                rows = slice(begin, min(begin + READ, n))
                piece = device.upload(phase_of(rows))
                start(device, "samples", "unit_phasors", piece.size, piece, piece.size,
                      self._ph[rows])  # fmt: skip
                if not self._shared:
                    self._bperp[rows] = device.upload(bperp_of(rows))
                device.wait()
            self._residual = device.zeros(shape, np.float32)
            self._filtered = device.empty((occupied.size, m), np.complex64)
            self._occupied, self._cell = device.upload(occupied), device.upload(cell)
            self._order = device.sorted_order(device.upload(lin))
            self._starts = device.upload(starts)

    def filter(self, slope: Array, weight: Array, clap: Clap) -> bool:
        """Put the weighted phasors on the grid and filter it; return whether all is finite.

        Parameters
        ----------
        slope, weight : (n_ps,) float64
            Look-angle error [rad/m] and weight of each candidate.
        clap : Clap
            The filter.
        """
        device, (n, m), (n_i, n_j) = self._device, self._shape, self._grid
        check_grid("stage2_clap_grid", n_i, n_j, clap.n_win)
        with device.active():
            weighted = device.empty((n, m), np.complex64)
            name = "ph_weight_single" if self._single else "ph_weight"
            rates = device.upload(slope), device.upload(weight)
            stride = 0 if self._shared else m
            start(device, "samples", of_classes(name, self._bperp), n * m, self._ph, self._bperp,
                  stride, *rates, n, m, weighted)  # fmt: skip
            cells = n_i * n_j
            sums = device.empty((cells, m), np.complex64)
            start(device, "sums", "cell_sums", cells * m, weighted, self._order, self._starts,
                  cells, m, sums)  # fmt: skip
            del weighted
            return self._filter(sums, clap)

    def _filter(self, sums: OnDevice, clap: Clap) -> bool:
        device, (n_i, n_j), m = self._device, self._grid, self._shape[1]
        response = Filter(clap.n_win + clap.n_pad, CLAP, clap.alpha, clap.beta, clap.low_pass)
        row_start, row_shift = window_starts(n_i, clap.n_win)
        column_start, column_shift = window_starts(n_j, clap.n_win)
        rows = axis(device, n_i, row_start, taper_ramp(clap.n_win, row_shift))
        columns = axis(device, n_j, column_start, taper_ramp(clap.n_win, column_shift))
        windows = row_start.size * column_start.size * clap.n_win**2
        step = max(int(device.free_bytes() * TAKEN / (windows + 3 * n_i * n_j) / SAMPLE), 1)
        wrong = device.zeros((1,), np.uint64)
        for first in range(0, m, step):
            count = min(step, m - first)
            planes = device.empty((count, n_i, n_j), np.complex64)
            start(device, "windows", "planes", planes.size, sums, n_i * n_j, m, first, count,
                  planes)  # fmt: skip
            total = filtered(device, planes, clap.n_win, response, rows, columns, LEAST_WEIGHT)
            single = device.empty(total.shape, np.complex64)
            start(device, "windows", "rounded", total.size, total, total.size, single)
            start(device, "patch", "count_not_finite", total.size, single, total.size, wrong)
            n_cells = self._occupied.size
            start(device, "patch", "at_cells", n_cells * count, single, self._occupied, n_cells,
                  count, first, m, self._filtered)  # fmt: skip
        return not fetched(device, wrong)[0]

    def fit(self, n_trial_wraps: float) -> tuple[Array, Array, Array, Array]:
        """Fit every candidate against the filtered phase of its cell.

        Parameters
        ----------
        n_trial_wraps : float
            Range of the search.

        Returns
        -------
        slope, offset, coherence : (n_ps,) float64
            As those of ``stage2_topofit``; of no meaning in candidates that are not valid.
        valid : (n_ps,) bool
            Candidates with a phase in every interferogram.
        """
        device, (n, m) = self._device, self._shape
        with device.active():
            deviation = device.empty((n, m), np.complex64)
            start(device, "patch", "against_cells", n * m, self._ph, self._filtered, self._cell,
                  n, m, deviation)  # fmt: skip
            whole = device.empty((n,), np.int64)
            start(device, "patch", "whole_rows", n, deviation, n, m, whole)
            rest = device.empty((n, m), np.complex64)
            found: list[Any] = [device.empty((n,), np.float64) for _ in range(3)]
            fit_rows = topofit.single if self._single else topofit.double
            stride = 0 if self._shared else m
            fit_rows(device, deviation, self._bperp, stride, trial_steps(n_trial_wraps), *found,
                     rest, m)  # fmt: skip
            start(device, "patch", "keep_phase", n * m, rest, whole, n, m, self._residual)
            slope, offset, coherence = (fetched(device, values) for values in found)
            valid = fetched(device, whole).astype(np.bool_)
        if not self._single:
            kinds = np.empty((0, m), np.complex64), np.empty(0, self._bperp.dtype)
            fit = (slope, offset, coherence, kinds[0])
            slope, offset, coherence, _ = rounded(fit, *kinds)
        return slope, offset, coherence, valid

    def residual(self) -> Array:
        """Return the residual phase of every candidate, (n_ps, n_ifg) float32 [rad]."""
        with self._device.active():
            return fetched(self._device, self._residual)

    def at_cells(self) -> Array:
        """Return the filtered phasors of the cells that hold candidates, ascending."""
        with self._device.active():
            return fetched(self._device, self._filtered)


def resident_bytes(n: int, m: int, n_cells: int, baseline: int) -> float:
    """Return what a patch of `n` candidates takes on the device while it is iterated [bytes].

    Parameters
    ----------
    n, m, n_cells : int
        Candidates, interferograms, cells of the grid.
    baseline : int
        Bytes of the baselines of a sample, 0 where all candidates share them.
    """
    phasor = np.dtype(np.complex64).itemsize
    return (
        n * m * (3 * phasor + np.dtype(np.float32).itemsize + baseline) + 2 * n_cells * m * phasor
    )


def fits_on_device(n: int, m: int, n_cells: int, baseline: int) -> bool:
    """Tell whether a patch can stay on the device, with room for the windows of its filter."""
    device: Device = current()
    return resident_bytes(n, m, n_cells, baseline) <= TAKEN * device.free_bytes()
