"""Selected candidates that stay on a GPU: their phase is uploaded once for filter and fit."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...dataset.rows import ComplexArray, FloatArray, IntArray, Rows
from ...parallel.context import Context
from ..shared.fit import Fit

if TYPE_CHECKING:
    from pystamps_kernels.cuda.selection import ResidentSelection

KERNELS = (
    "stage2_unit_phasors",
    "stage2_deviation",
    "stage2_topofit",
    "stage2_angle",
    "stage3_clap_cells",
)
"""What the filter and the fit call."""


def resident_selection(
    phase: Rows,
    bperp_mat: Rows,
    selected: IntArray,
    cell: IntArray,
    ifg_index: IntArray,
    ctx: Context,
) -> "ResidentSelection | None":
    """Upload the selected candidates of a patch; None if they stay elsewhere, or have no room.

    Parameters
    ----------
    phase : (n_ps, n_ifg) complex64
        Phasors of the candidates.
    bperp_mat : (n_ps, n_ifg) float32 or float64
        Baselines [m].
    selected : (n_sel,) int64
        Selected candidates.
    cell : (n_sel,) int64
        Which of the cells that hold selected candidates each lies in.
    ifg_index : (n_use,) int64
        Interferograms of the fit.
    ctx : Context
        Of the task.
    """
    if not selected.size or any(ctx.kernels.backends[name] != "cuda" for name in KERNELS):
        return None
    from pystamps_kernels.cuda.selection import ResidentSelection, fits_on_device

    shape, n_cells = (selected.size, phase.shape[1]), int(cell.max()) + 1
    held = fits_on_device(*shape, n_cells, bperp_mat.dtype.itemsize)
    ctx.fact("resident_on_device", held)
    if not held:
        return None

    def phase_of(rows: slice) -> ComplexArray:
        return np.ascontiguousarray(phase[selected[rows]])

    def bperp_of(rows: slice) -> FloatArray:
        return np.ascontiguousarray(bperp_mat[selected[rows]][:, ifg_index])

    return ResidentSelection(phase_of, bperp_of, shape, cell, n_cells, ifg_index, ctx.single)


def fitted(selection: "ResidentSelection", n_trial_wraps: Any, ifg_index: IntArray) -> Fit:
    """Fit the selection against its filtered phase; without phase somewhere slopes are NaN."""
    slope, offset, coherence, valid = selection.fit(n_trial_wraps)
    residual = np.zeros(selection.shape, np.float32)
    residual[:, ifg_index] = selection.residual()
    return Fit(
        np.where(valid, slope, np.nan),
        np.where(valid, offset, 0.0),
        np.where(valid, coherence, np.nan),
        valid,
        residual,
    )
