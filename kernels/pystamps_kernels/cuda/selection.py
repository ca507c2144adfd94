"""The selected candidates of a patch, on the device for stage 3; ``sources/patch.cu``."""

import numpy as np

from ..clap_windows import Clap
from .clap import filter_at_cells
from .device import Array, OnDevice
from .pieces import Landings
from .resident import Resident, room_for, settle
from .samples import start
from .windows import CLAP, Filter


class ResidentSelection(Resident):
    """The selected candidates of a patch, which stage 3 filters and fits again.

    Parameters as :class:`Resident`.
    """

    def filter(self, ph_grid: Array, cells: Array, clap: Clap, slc_osf: int) -> None:
        """Filter the phase of cells without their own contribution.

        Parameters
        ----------
        ph_grid : (n_i, n_j, m) complex64
            Phasors on the grid.
        cells : (n_cells, 2) int64
            Row and column of the cells.
        clap : Clap
            The filter; its window has no padding.
        slc_osf : int
            As that of ``stage3_clap_cells``.
        """
        if min(ph_grid.shape[:2]) < clap.n_win or not len(cells):
            return  # nothing is known there
        device, m = self._device, self.shape[1]
        response = Filter(clap.n_win, CLAP, clap.alpha, clap.beta, clap.low_pass)

        def keep(group: slice, found: OnDevice) -> Landings:
            start(device, "patch", "put_columns", found.size, found, *found.shape, group.start, m,
                  self._filtered)  # fmt: skip
            return ()

        filter_at_cells(device, ph_grid, cells, response, slc_osf, keep)
        settle(device)

    def fit(self, n_trial_wraps: float) -> tuple[Array, Array, Array, Array]:
        """Fit every candidate against the filtered phase of its cell, as :class:`ResidentPatch`."""
        device, (n, m) = self._device, self.shape
        with device.active():
            deviation = device.empty((n, m), np.complex64)
            start(device, "patch", "unit_against_cells", n * m, self._ph, self._filtered,
                  self._cell, n, m, deviation)  # fmt: skip
            return self._fitted(deviation, n_trial_wraps)


def fits_on_device(n: int, m: int, n_cells: int, baseline: int) -> bool:
    """Tell whether a selection can stay on the device while it is filtered and fitted.

    Parameters
    ----------
    n, m, n_cells : int
        Selected candidates, interferograms, cells that hold them.
    baseline : int
        Bytes of the baseline of a sample.
    """
    phasor, phase = np.dtype(np.complex64).itemsize, np.dtype(np.float32).itemsize
    return room_for(n * m * (4 * phasor + phase + baseline) + n_cells * m * phasor)
