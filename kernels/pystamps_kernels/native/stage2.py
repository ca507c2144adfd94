"""Native twins of :mod:`pystamps_kernels.reference.stage2`."""

import math
from typing import Any

import numpy as np
from numba import float64, int64, prange
from numpy.typing import NDArray

from ..numerics import histogram_cuts
from ..reference.stage2 import check_cells
from .clap import clap_grid
from .compile import kernel, serial
from .topofit import topofit, topofit_coh_row_invariant, topofit_row_invariant
from .topofit_single import (
    topofit_coh_row_invariant_single,
    topofit_row_invariant_single,
    topofit_single,
)
from .turn import cos_sin

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


@kernel
def ph_weight(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """Native twin of :func:`reference.stage2.ph_weight`."""
    weighted = np.empty(ph.shape, np.complex64)
    for i in prange(ph.shape[0]):
        for k in range(ph.shape[1]):
            phase = slope[i] * bperp[i, k]
            cos, sin = math.cos(phase), math.sin(phase)
            re, im = float64(ph[i, k].real), float64(ph[i, k].imag)
            weighted[i, k] = complex(
                (re * cos + im * sin) * weight[i], (im * cos - re * sin) * weight[i]
            )
    return weighted


def ph_weight_single(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """Native twin of :func:`reference.stage2.ph_weight_single`."""
    return _ph_weight_single(ph, bperp, slope.astype(bperp.dtype), weight.astype(np.float32))


@kernel
def _ph_weight_single(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    weighted = np.empty(ph.shape, np.complex64)
    for i in prange(ph.shape[0]):
        for k in range(ph.shape[1]):
            phase = bperp[i, k] * slope[i]
            cos, sin = np.float32(math.cos(phase)), np.float32(math.sin(phase))
            re, im = ph[i, k].real, ph[i, k].imag
            weighted[i, k] = complex(
                (re * cos + im * sin) * weight[i], (im * cos - re * sin) * weight[i]
            )
    return weighted


def grid_accumulate(ph_weight: Array, grid_lin: Array, n_i: int, n_j: int) -> Array:
    """Native twin of :func:`reference.stage2.grid_accumulate`."""
    check_cells(grid_lin, n_i * n_j)
    order = np.argsort(grid_lin, kind="stable")
    first = np.searchsorted(grid_lin[order], np.arange(n_i * n_j + 1))
    return _cell_sums(ph_weight, order, first).reshape(n_i, n_j, -1)


@kernel
def _cell_sums(ph_weight: Array, order: Array, first: Array) -> Array:
    n_cells, m = first.size - 1, ph_weight.shape[1]
    sums = np.zeros((n_cells, m), np.complex64)
    for cell in prange(n_cells):
        for row in order[first[cell] : first[cell + 1]]:
            for k in range(m):
                sums[cell, k] += ph_weight[row, k]
    return sums


@kernel
def phasors_of_cycles(cycles: Array) -> Array:
    """Native twin of :func:`reference.stage2.phasors_of_cycles`."""
    m, n = cycles.shape
    phasors = np.empty((n, m), np.complex128)
    for block in prange((n + 255) // 256):
        first, stop = block * 256, min(n, block * 256 + 256)
        cos, sin = np.empty(256), np.empty(256)
        for k in range(m):
            column = cycles[k]
            for i in range(first, stop):
                cos[i - first], sin[i - first] = cos_sin(column[i])
            for i in range(first, stop):
                phasors[i, k] = complex(cos[i - first], sin[i - first])
    return phasors


@kernel
def unit_phasors(phasors: Array) -> Array:
    """Native twin of :func:`reference.stage2.unit_phasors`."""
    unit = np.empty(phasors.shape, np.complex64)
    for i in prange(phasors.shape[0]):
        for k in range(phasors.shape[1]):
            re, im = phasors[i, k].real, phasors[i, k].imag
            length = np.float32(math.sqrt(float64(re) * float64(re) + float64(im) * float64(im)))
            if length == 0:
                length = np.float32(1)
            unit[i, k] = complex(re / length, im / length)
    return unit


@kernel
def deviation(phasors: Array, model: Array) -> Array:
    """Native twin of :func:`reference.stage2.deviation`."""
    turned = np.empty(phasors.shape, np.complex64)
    for i in prange(phasors.shape[0]):
        for k in range(phasors.shape[1]):
            re, im = phasors[i, k].real, phasors[i, k].imag
            cos, sin = model[i, k].real, model[i, k].imag
            turned[i, k] = complex(re * cos + im * sin, im * cos - re * sin)
    return turned


@kernel
def angle(phasors: Array) -> Array:
    """Native twin of :func:`reference.stage2.angle`; the C library's single function."""
    phase = np.empty(phasors.shape, np.float32)
    for i in prange(phasors.shape[0]):
        for k in range(phasors.shape[1]):
            phase[i, k] = math.atan2(phasors[i, k].imag, phasors[i, k].real)
    return phase


def histogram(values: Array, centers: Array) -> Array:
    """Native twin of :func:`reference.stage2.histogram`."""
    counts: Array = _counts(values, histogram_cuts(centers).astype(values.dtype))
    total: Array = counts.sum(axis=0)
    return total


@kernel
def _counts(values: Array, cuts: Array) -> Array:
    n_blocks = (values.size + 65535) // 65536
    counts = np.zeros((n_blocks, cuts.size + 1))
    for block in prange(n_blocks):
        for i in range(block * 65536, min(values.size, (block + 1) * 65536)):
            if math.isnan(values[i]):
                continue
            low, high = 0, cuts.size
            while low < high:
                middle = (low + high) // 2
                if cuts[middle] < values[i]:
                    low = middle + 1
                else:
                    high = middle
            counts[block, low] += 1
    return counts


@serial
def matlab_uniform(state: Array, n: int) -> tuple[Array, Array]:
    """Native twin of :func:`reference.stage2.matlab_uniform`."""
    state = state.copy()
    draws = np.empty(n)
    index, borrow, register = state[32], state[33], state[34]
    for k in range(n):
        difference = state[(index + 20) % 32] - state[(index + 5) % 32] - borrow
        borrow = int64(difference < 0)
        difference += borrow << 53
        state[index] = difference
        index = (index + 1) % 32
        previous = register
        register ^= register << 13 & 0xFFFFFFFF
        register ^= register >> 17
        register ^= register << 5 & 0xFFFFFFFF
        mask = (register & 0xFFFFF) << 32 ^ previous
        scale = 2.0**-53
        while 0 < difference < 1 << 52:
            difference <<= 1
            scale /= 2
        draws[k] = (difference ^ mask) * scale
    state[32], state[33], state[34] = index, borrow, register
    return draws, state
