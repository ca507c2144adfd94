"""Fit of look-angle error slope and offset; ``sources/topofit.cu``."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..numerics import trial_steps
from ..reference.topofit import Array, Fit, rounded
from .device import Device, OnDevice
from .pieces import blocks_for, by_rows, rows_in_block
from .sources import of_classes

LANES = 8
"""Threads of a row; as in the source."""
MOST_ROWS = 16
"""Rows of a block."""
TABLE_THREADS = 256


def topofit(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """CUDA twin of :func:`reference.topofit.topofit`."""
    fit = _fit(double, cpxphase, bperp, n_trial_wraps, cpxphase.shape[1])
    return rounded(fit, cpxphase, bperp)


def topofit_row_invariant(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """CUDA twin of :func:`reference.topofit.topofit_row_invariant`."""
    return topofit(cpxphase, bperp, n_trial_wraps)


def topofit_coh_row_invariant(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """CUDA twin of :func:`reference.topofit.topofit_coh_row_invariant`."""
    return _fit(double, cpxphase, bperp, n_trial_wraps, 0)[2].astype(bperp.dtype)


def topofit_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """CUDA twin of :func:`reference.topofit.topofit_single`."""
    if cpxphase.dtype == np.complex128 and bperp.dtype == np.float64:
        return topofit(cpxphase, bperp, n_trial_wraps)
    return _fit(single, cpxphase, bperp, n_trial_wraps, cpxphase.shape[1])


def topofit_row_invariant_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """CUDA twin of :func:`reference.topofit.topofit_row_invariant_single`."""
    return topofit_single(cpxphase, bperp, n_trial_wraps)


def topofit_coh_row_invariant_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """CUDA twin of :func:`reference.topofit.topofit_coh_row_invariant_single`."""
    if bperp.dtype == np.float64:
        return topofit_coh_row_invariant(cpxphase, bperp, n_trial_wraps)
    return _fit(single, cpxphase, bperp, n_trial_wraps, 0)[2].astype(bperp.dtype)


def _fit(
    start: Callable[..., None],
    cpxphase: Array,
    bperp: Array,
    n_trial_wraps: float,
    n_residual: int,
) -> Fit:
    """Fit the rows; baselines are of each row, (n, m), or shared, (m,)."""
    n, m = cpxphase.shape
    steps = trial_steps(n_trial_wraps)
    own, shared = ((bperp,), ()) if bperp.ndim == 2 else ((), (bperp,))

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        base, phasors = given if shared else given[::-1]
        count = phasors.shape[0]
        found = [device.empty((count,), np.float64) for _ in range(3)]
        found.append(device.empty((count, n_residual), np.complex64))
        start(device, phasors, base, 0 if shared else m, steps, *found, n_residual)
        return found

    slope, offset, coherence = np.empty((3, n))
    residual = np.empty((n, n_residual), np.complex64)
    by_rows(run, (cpxphase, *own), (slope, offset, coherence, residual), shared)
    return slope, offset, coherence, residual


def room(m: int) -> int:
    """Return the shared memory that a row of `m` interferograms takes [bytes]."""
    # phasors, what remains of them, baselines and a value of each lane: Row in the source
    return np.dtype(np.complex128).itemsize * (2 * m + (m + 1) // 2 + LANES)


def double(
    device: Device, phasors: OnDevice, base: OnDevice, stride: int, steps: int, *found: Any
) -> None:
    """Start the fit in double of rows that are on the device.

    Parameters
    ----------
    device : Device
        Where.
    phasors : (n, m) complex64 or complex128
        Phasors.
    base : (n, m) or (m,) float32 or float64
        Baselines; `stride` is m or, where all rows share them, 0.
    stride, steps : int
        See `base`; trials on each side of zero.
    found
        Arrays of the device for slope, offset, coherence, (n,) float64, and residual, (n, m)
        complex64, and the columns of the residual that are wanted.
    """
    n, m = phasors.shape
    shared = not stride
    table = device.empty((steps + 1, m) if shared else (1, 1), np.complex128)
    if shared:
        blocks = blocks_for((steps + 1) * m, TABLE_THREADS)
        name = of_classes("trial_table", base)
        device.launch("topofit", name, blocks, TABLE_THREADS, base, m, steps, table)
    arguments = (phasors, base, stride, n, m, steps, table, int(shared), *found)
    _launch(device, of_classes("fit", phasors, base), n, m, *arguments)


def single(
    device: Device, phasors: OnDevice, base: OnDevice, stride: int, steps: int, *found: Any
) -> None:
    """Start the fit in the reference's single precision, as :func:`double` does."""
    n, m = phasors.shape
    arguments = (phasors, base, stride, n, m, steps, *found)
    _launch(device, of_classes("fit_single", phasors, base), n, m, *arguments)


def _launch(device: Device, kernel: str, n: int, m: int, *arguments: Any) -> None:
    """Start a fit with as many rows in a block as its shared memory holds."""
    row = room(m)
    rows = rows_in_block(device, row, MOST_ROWS, "stage2_topofit")
    blocks = blocks_for(n, rows)
    device.launch("topofit", kernel, blocks, rows * LANES, *arguments, shared=rows * row)
