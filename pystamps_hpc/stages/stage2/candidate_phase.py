"""The phasors of stage 2, computed when they are asked for, so that no stack of them is held."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...dataset.rows import AnyArray, ComplexArray, ComputedRows, FloatArray, IntArray, Rows, block

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable

PHASOR = np.dtype(np.complex64)


def unit_phasors(phase: Rows, kernels: "KernelTable") -> ComputedRows:
    """Return the phasors of the candidates, (n_ps, n_ifg), divided by their modulus."""

    def unit(rows: Any, ifgs: Any) -> AnyArray:
        phasors: AnyArray = kernels.stage2_unit_phasors(
            np.ascontiguousarray(block(phase, rows, ifgs))
        )
        return phasors

    return ComputedRows(phase.shape, PHASOR, unit)


def weighted_phasors(
    ph: Rows, bperp_mat: Rows, slope: FloatArray, weight: FloatArray, kernels: "KernelTable"
) -> ComputedRows:
    """Return unit phasors without look-angle error, times the weight of their candidate.

    Parameters
    ----------
    ph : (n_ps, n_ifg) complex64
        Unit phasors.
    bperp_mat : (n_ps, n_ifg)
        Baselines [m].
    slope : (n_ps,) float64
        Look-angle error [rad/m].
    weight : (n_ps,) float64
        Weights.
    kernels : KernelTable
        Bound kernels.
    """

    def weighted(rows: Any, ifgs: Any) -> AnyArray:
        bperp = np.ascontiguousarray(block(bperp_mat, rows, ifgs))
        phasors: AnyArray = kernels.stage2_ph_weight(
            block(ph, rows, ifgs), bperp, slope[rows], weight[rows]
        )
        return phasors

    return ComputedRows(ph.shape, PHASOR, weighted)


def phasors_at(filtered: ComplexArray, cell: IntArray, kernels: "KernelTable") -> ComputedRows:
    """Return unit phasors of the filtered phase where the candidates are.

    Parameters
    ----------
    filtered : (n_cell, n_ifg) complex64
        Of the cells that hold candidates.
    cell : (n_ps,) int64
        Cell of each candidate.
    kernels : KernelTable
        Bound kernels.
    """

    def patch_phase(rows: Any, ifgs: Any) -> AnyArray:
        unit: AnyArray = kernels.stage2_unit_phasors(filtered[cell[rows]])
        return unit[:, ifgs]

    return ComputedRows((len(cell), filtered.shape[1]), PHASOR, patch_phase)
