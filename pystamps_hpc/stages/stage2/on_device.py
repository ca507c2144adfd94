"""Iterations of a patch that stays on a GPU: phase and baselines are uploaded once."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...dataset.rows import ComplexArray, FloatArray, Rows
from ...parallel.context import Context
from ..shared.fit import Fit
from .filter_grid import FilterGrid

if TYPE_CHECKING:
    from pystamps_kernels.clap_windows import Clap
    from pystamps_kernels.cuda.patch import ResidentPatch

KERNELS = (
    "stage2_unit_phasors",
    "stage2_ph_weight",
    "stage2_grid_accumulate",
    "stage2_clap_grid",
    "stage2_deviation",
    "stage2_topofit",
    "stage2_topofit_row_invariant",
    "stage2_angle",
)
"""What an iteration calls."""


def resident_patch(
    phase: Rows, bperp_mat: Rows, grid: FilterGrid, ctx: Context
) -> "ResidentPatch | None":
    """Upload a patch whose iterations run on a GPU; None if they do not, or it has no room.

    Parameters
    ----------
    phase : (n_ps, n_ifg) complex64
        Phasors of the candidates.
    bperp_mat : (n_ps, n_ifg) float32 or float64
        Baselines [m].
    grid : FilterGrid
        Filter grid.
    ctx : Context
        Of the task.
    """
    if any(ctx.kernels.backends[name] != "cuda" for name in KERNELS):
        return None
    from pystamps_kernels.cuda.patch import ResidentPatch, fits_on_device

    n_ps, n_ifg = phase.shape
    first = np.ascontiguousarray(bperp_mat[:1][0])
    shared = ctx.map_rows(lambda rows: (bperp_mat[rows] == first).all(axis=1), n_ps).all()
    held = fits_on_device(n_ps, n_ifg, grid.size, 0 if shared else first.itemsize)
    ctx.fact("resident_on_device", held)
    if not held:
        return None

    def phase_of(rows: slice) -> ComplexArray:
        return np.ascontiguousarray(phase[rows])

    def bperp_of(rows: slice) -> FloatArray:
        return first if shared else np.ascontiguousarray(bperp_mat[rows])

    shape, cells = (n_ps, n_ifg), (grid.n_i, grid.n_j)
    return ResidentPatch(phase_of, bperp_of, shape, grid.lin, cells, ctx.single)


def iteration(
    patch: "ResidentPatch", before: Fit, weight: FloatArray, clap: "Clap", n_trial_wraps: Any
) -> Fit | None:
    """Filter and fit once; None if the filtered phase is not finite somewhere.

    The residual of the fit is that of `before`: it stays on the device until it is asked for.
    """
    if not patch.filter(before.slope, weight, clap):
        return None
    slope, offset, coherence, valid = patch.fit(n_trial_wraps)
    return Fit(
        np.where(valid, slope, np.nan),
        np.where(valid, offset, before.offset),
        np.where(valid, coherence, 0.0),
        valid | before.valid,
        before.residual,
    )
