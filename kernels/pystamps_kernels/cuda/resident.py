"""Candidates that stay on the device while they are filtered and fitted; ``sources/patch.cu``.

Their phase is uploaded once for a stage. Every value is that of the kernels one by one, to the last
bit, since it is the same sources that run.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..numerics import trial_steps
from ..reference.topofit import rounded
from . import topofit
from .device import Array, Device, OnDevice, current, fetched
from .pieces import LANES, TAKEN, cut
from .samples import start

READ = 1 << 16
"""Rows that are uploaded at a time."""


class Resident:
    """Phase, baselines, cells and filtered phase of candidates, on the device.

    Parameters
    ----------
    phase_of : callable
        ``phase_of(rows)`` reads phasors (n, m) complex64; zeros are no data.
    bperp_of : callable
        ``bperp_of(rows)`` reads baselines (n, n_use), or returns those that all share, (n_use,).
    shape : (int, int)
        Candidates and interferograms.
    cell : (n,) int64
        Row of the filtered phase of each candidate.
    n_cells : int
        Rows of the filtered phase.
    used : (n_use,) int64
        Interferograms of the fit.
    single : bool
        Whether each operation is rounded as in the reference.
    """

    def __init__(
        self,
        phase_of: Callable[[slice], Array],
        bperp_of: Callable[[slice], Array],
        shape: tuple[int, int],
        cell: Array,
        n_cells: int,
        used: Array,
        single: bool,
    ) -> None:
        self._device, self.shape, self._single = current(), shape, single
        device, (n, m) = self._device, shape
        self._n_use = used.size
        with device.active():
            first = bperp_of(slice(0, 1))
            self._shared = first.ndim == 1
            self._bperp = (
                device.upload(first)
                if self._shared
                else device.empty((n, first.shape[1]), first.dtype)
            )
            self._ph = device.empty(shape, np.complex64)
            self._residual = device.zeros((n, used.size), np.float32)
            self._filtered = device.zeros((n_cells, m), np.complex64)
            self._cell, self._used = device.upload(cell), device.upload(used)
            device.wait()
        for number, rows in enumerate(cut(n, READ)):
            with device.active(number % LANES):
                self._take_in(phase_of(rows), rows)
                if not self._shared:
                    self._bperp[rows] = device.upload(bperp_of(rows))
        settle(device)

    def _take_in(self, phase: Array, rows: slice) -> None:
        """Upload the phase of some candidates as it is."""
        self._ph[rows] = self._device.upload(phase)

    def _fitted(
        self, deviation: OnDevice, n_trial_wraps: float
    ) -> tuple[Array, Array, Array, Array]:
        """Fit deviations (n, m) from the filtered phase; the residual of valid rows is kept."""
        device, (n, m), n_use = self._device, self.shape, self._n_use
        whole = device.empty((n,), np.int64)
        start(device, "patch", "whole_rows", n, deviation, n, m, whole)
        if n_use < m:
            every, deviation = deviation, device.empty((n, n_use), np.complex64)
            start(device, "patch", "take_columns", n * n_use, every, self._used, n, m, n_use,
                  deviation)  # fmt: skip
        rest = device.empty((n, n_use), np.complex64)
        found: list[Any] = [device.empty((n,), np.float64) for _ in range(3)]
        fit_rows = topofit.single if self._single else topofit.double
        stride = 0 if self._shared else n_use
        fit_rows(device, deviation, self._bperp, stride, trial_steps(n_trial_wraps), *found,
                 rest, n_use)  # fmt: skip
        start(device, "patch", "keep_phase", n * n_use, rest, whole, n, n_use, self._residual)
        slope, offset, coherence = (fetched(device, values) for values in found)
        valid = fetched(device, whole).astype(np.bool_)
        if not self._single:
            kinds = np.empty((0, m), np.complex64), np.empty(0, self._bperp.dtype)
            fit = (slope, offset, coherence, kinds[0])
            slope, offset, coherence, _ = rounded(fit, *kinds)
        return slope, offset, coherence, valid

    def residual(self) -> Array:
        """Return the residual phase of every candidate, (n, n_use) float32 [rad]."""
        with self._device.active():
            return fetched(self._device, self._residual)

    def at_cells(self) -> Array:
        """Return the filtered phasors of the cells, (n_cells, m) complex64."""
        with self._device.active():
            return fetched(self._device, self._filtered)


def settle(device: Device) -> None:
    """Wait for the work of all lanes, so that any of them may use what it made."""
    for lane in reversed(range(LANES)):
        with device.active(lane):
            device.wait()


def room_for(needed: float) -> bool:
    """Tell whether what stays on the device leaves room for the windows of its filter."""
    return needed <= TAKEN * current().free_bytes()
