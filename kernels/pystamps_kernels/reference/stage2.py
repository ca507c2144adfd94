"""Kernels of stage 2, by definition: weighting, gridding, phases, histogram, random draws."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics import histogram_cuts, shift_register
from .clap import clap_grid
from .topofit import (
    topofit,
    topofit_coh_row_invariant,
    topofit_coh_row_invariant_single,
    topofit_row_invariant,
    topofit_row_invariant_single,
    topofit_single,
)

__all__ = [
    "angle",
    "clap_grid",
    "deviation",
    "grid_accumulate",
    "histogram",
    "matlab_uniform",
    "ph_weight",
    "ph_weight_single",
    "phasors_of_cycles",
    "topofit",
    "topofit_coh_row_invariant",
    "topofit_coh_row_invariant_single",
    "topofit_row_invariant",
    "topofit_row_invariant_single",
    "topofit_single",
    "unit_phasors",
]

Array = NDArray[Any]


def ph_weight(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """Take the look-angle error off phasors and weight them.

    Parameters
    ----------
    ph : (n, m) complex64
        Unit phasors.
    bperp : (n, m) float32 or float64
        Perpendicular baselines [m].
    slope, weight : (n,) float64
        Look-angle error slope [rad/m] and weight of each row.

    Returns
    -------
    (n, m) complex64
        ``ph exp(-i bperp slope) weight``; a NaN slope makes its row NaN.

    Notes
    -----
    StaMPS ``ps_est_gamma_quick``; docs/science/gamma.md, Grid.
    """
    turn = np.exp(-1j * (bperp * slope[:, np.newaxis]))
    return (ph * turn * weight[:, np.newaxis]).astype(np.complex64)


def ph_weight_single(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """Weight as :func:`ph_weight` does, each operation rounded to single."""
    phase = bperp * slope.astype(bperp.dtype)[:, np.newaxis]
    cos, sin = np.cos(phase).astype(np.float32), -np.sin(phase).astype(np.float32)
    factor = weight.astype(np.float32)[:, np.newaxis]
    weighted = np.empty(ph.shape, np.complex64)
    weighted.real = (ph.real * cos - ph.imag * sin) * factor
    weighted.imag = (ph.real * sin + ph.imag * cos) * factor
    return weighted


def grid_accumulate(ph_weight: Array, grid_lin: Array, n_i: int, n_j: int) -> Array:
    """Sum phasors per grid cell, one after the other in ascending row order, in single.

    Parameters
    ----------
    ph_weight : (n, m) complex64
        Phasors; NaN makes its cell NaN.
    grid_lin : (n,) int64
        Cell of each row, ``i * n_j + j`` from 0.
    n_i, n_j : int
        Rows and columns of the grid.

    Returns
    -------
    (n_i, n_j, m) complex64
        Cell sums, 0 in empty cells.

    Raises
    ------
    IndexError
        A cell outside the grid.
    """
    check_cells(grid_lin, n_i * n_j)
    ph_grid = np.zeros((n_i * n_j, ph_weight.shape[1]), np.complex64)
    np.add.at(ph_grid, grid_lin, ph_weight)
    return ph_grid.reshape(n_i, n_j, -1)


def check_cells(grid_lin: Array, n_cells: int) -> None:
    """Raise ``IndexError`` naming the first cell outside ``range(n_cells)``."""
    outside = np.flatnonzero((grid_lin < 0) | (grid_lin >= n_cells))
    if outside.size:
        raise IndexError(
            f"stage2_grid_accumulate: {outside.size} cells outside the grid of {n_cells}, "
            f"first grid_lin[{outside[0]}] = {grid_lin[outside[0]]}"
        )


def phasors_of_cycles(cycles: Array) -> Array:
    """Return unit phasors (n, m) complex128 of phases (m, n) that are given in cycles."""
    phase = 2 * np.pi * cycles.T
    phasors = np.empty(phase.shape, np.complex128)
    phasors.real, phasors.imag = np.cos(phase), np.sin(phase)
    return phasors


def unit_phasors(phasors: Array) -> Array:
    """Divide phasors (n, m) complex64 by their magnitude in single; zeros stay zero."""
    length = np.sqrt(
        np.square(phasors.real, dtype=np.float64) + np.square(phasors.imag, dtype=np.float64)
    ).astype(np.float32)
    length[length == 0] = 1
    unit = np.empty(phasors.shape, np.complex64)
    unit.real, unit.imag = phasors.real / length, phasors.imag / length
    return unit


def deviation(phasors: Array, model: Array) -> Array:
    """Multiply phasors (n, m) complex64 by the conjugate of `model`, each product in single."""
    turned = np.empty(phasors.shape, np.complex64)
    turned.real = phasors.real * model.real + phasors.imag * model.imag
    turned.imag = phasors.imag * model.real - phasors.real * model.imag
    return turned


def angle(phasors: Array) -> Array:
    """Return the phase [rad] of phasors (n, m) complex64 in single."""
    phase: Array = np.arctan2(phasors.imag, phasors.real)
    return phase


def histogram(values: Array, centers: Array) -> Array:
    """Count values in the bins around `centers`.

    Parameters
    ----------
    values : (n,) float32 or float64
        NaN is not counted; infinities fall into the end bins.
    centers : (c,) float64
        Bin centres, strictly ascending.

    Returns
    -------
    (c,) float64
        Counts. The cuts lie halfway between centres, rounded to the class of `values`; a value on
        a cut belongs to the lower bin.
    """
    cuts = histogram_cuts(centers).astype(values.dtype)
    bins = np.searchsorted(cuts, values[~np.isnan(values)], side="left")
    return np.bincount(bins, minlength=centers.size).astype(np.float64)


def matlab_uniform(state: Array, n: int) -> tuple[Array, Array]:
    """Draw from MATLAB's legacy 'state' generator: subtract with borrow, and a shift register.

    Parameters
    ----------
    state : (35,) int64
        32 words of 53 bits, the index of the next one, the borrow, and the 32-bit register.
    n : int
        Number of draws.

    Returns
    -------
    draws : (n,) float64
        Uniform numbers in (0, 1).
    state : (35,) int64
        State after the draws; the argument keeps its value.

    Notes
    -----
    docs/science/gamma.md, Random phases.
    """
    *words, index, borrow, register = (int(word) for word in state)
    draws = np.empty(n)
    for k in range(n):
        difference = words[(index + 20) % 32] - words[(index + 5) % 32] - borrow
        borrow = int(difference < 0)
        difference += borrow << 53
        words[index] = difference
        index = (index + 1) % 32
        previous, register = register, shift_register(register)
        mask = (register << 32) % (1 << 52) ^ previous
        shift = max(53 - difference.bit_length(), 0) if difference else 0
        draws[k] = ((difference << shift) ^ mask) * 2.0 ** -(53 + shift)
    return draws, np.array([*words, index, borrow, register], np.int64)
