"""A patch that stays on the device for all iterations of its fit; ``sources/patch.cu``.

An iteration takes slopes and weights and gives slopes, offsets, coherences and flags, 48
bytes of a candidate whatever the number of interferograms.
"""

from collections.abc import Callable

import numpy as np

from ..clap_windows import Clap, check_grid, taper_ramp, window_starts
from .clap import LEAST_WEIGHT
from .device import Array, OnDevice, fetched
from .pieces import cut, piece_rows
from .resident import Resident, room_for
from .samples import start
from .sources import of_classes
from .windows import CLAP, PLANE, SAMPLE, Filter, axis, filtered


class ResidentPatch(Resident):
    """All candidates of a patch, which stay for the iterations of stage 2.

    Parameters
    ----------
    phase_of, bperp_of, shape, single
        As :class:`Resident`.
    lin : (n_ps,) int64
        Grid cell of each candidate.
    grid : (int, int)
        Rows and columns of the grid.
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
        occupied, cell = np.unique(lin, return_inverse=True)
        every = np.arange(shape[1])
        super().__init__(phase_of, bperp_of, shape, cell, occupied.size, every, single)
        cells = grid[0] * grid[1]
        starts = np.zeros(cells + 1, np.int64)
        np.cumsum(np.bincount(lin, minlength=cells), out=starts[1:])
        self._grid, device = grid, self._device
        with device.active():
            self._occupied, self._starts = device.upload(occupied), device.upload(starts)
            self._order = device.sorted_order(device.upload(lin))

    def _take_in(self, phase: Array, rows: slice) -> None:
        """Upload the phase of some candidates and take its unit phasors."""
        piece = self._device.upload(phase)
        start(self._device, "samples", "unit_phasors", piece.size, piece, piece.size,
              self._ph[rows])  # fmt: skip

    def filter(self, slope: Array, weight: Array, clap: Clap) -> bool:
        """Put the weighted phasors on the grid and filter it; return whether all is finite.

        Parameters
        ----------
        slope, weight : (n_ps,) float64
            Look-angle error [rad/m] and weight of each candidate.
        clap : Clap
            The filter.
        """
        device, (n, m), (n_i, n_j) = self._device, self.shape, self._grid
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
        device, (n_i, n_j), m = self._device, self._grid, self.shape[1]
        response = Filter(clap.n_win + clap.n_pad, CLAP, clap.alpha, clap.beta, clap.low_pass)
        row_start, row_shift = window_starts(n_i, clap.n_win)
        column_start, column_shift = window_starts(n_j, clap.n_win)
        rows = axis(device, n_i, row_start, taper_ramp(clap.n_win, row_shift))
        columns = axis(device, n_j, column_start, taper_ramp(clap.n_win, column_shift))
        window_bytes = row_start.size * column_start.size * clap.n_win**2 * SAMPLE
        step = piece_rows(device, window_bytes + PLANE * n_i * n_j, unit=1, lanes=1)
        wrong = device.zeros((1,), np.uint64)
        for group in cut(m, step):
            first, count = group.start, group.stop - group.start
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
        device, (n, m) = self._device, self.shape
        with device.active():
            deviation = device.empty((n, m), np.complex64)
            start(device, "patch", "against_cells", n * m, self._ph, self._filtered, self._cell,
                  n, m, deviation)  # fmt: skip
            return self._fitted(deviation, n_trial_wraps)


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
    return room_for(resident_bytes(n, m, n_cells, baseline))
