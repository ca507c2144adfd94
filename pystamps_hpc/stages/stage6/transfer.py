"""Stage 6, last step: from the grid back to the points, and the known phases back in."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pystamps_kernels.numerics import round_half_away

from ...dataset.rows import ALL, ComputedRows, FloatArray, IntArray, Rows, block
from ...parallel.context import Context
from .prepare import WrappedStack


def unwrapped_points(
    stack: WrappedStack,
    psi: Rows,
    grid_phase: FloatArray,
    point_node: IntArray,
    corrected: Rows | None,
    ctx: Context,
    held: Rows | None = None,
) -> ComputedRows:
    """Unwrapped phase of every point in the unwrapped interferograms, computed where it is read.

    Parameters
    ----------
    stack : WrappedStack
        Wrapped phase, and the phases taken off it.
    psi : Rows
        (n_ps, n_u) complex64 phasors that were gridded.
    grid_phase : (n_node, n_u) float32
        Unwrapped phase of the nodes [rad].
    point_node : (n_ps,) int64
        Node of each point, -1 for none.
    corrected : Rows or None
        (n_ps, n_col) phasors, ``rc2.ph_rc``, where the patch phase was unwrapped instead.
    ctx : Context
        Kernels and sums.
    held : Rows, optional
        (n_ps, n_u) float32 phase of an earlier run, NaN where it is not held [rad].

    Returns
    -------
    ComputedRows
        (n_ps, n_u) float32 [rad]; NaN for points whose cell has no node.

    Notes
    -----
    docs/science/unwrapping.md, Back to the points.
    """

    def on_cycles_of_nodes(rows: slice, which: Any = ALL) -> FloatArray:
        wrapped = np.ascontiguousarray(block(psi, rows, which))
        nodes = np.ascontiguousarray(grid_phase[:, which])
        phase: FloatArray = ctx.kernels.stage6_to_points(wrapped, nodes, point_node[rows])
        return phase

    shift = None if held is None else _held_shift(on_cycles_of_nodes, held, ctx)

    def of(rows: slice, which: Any) -> FloatArray:
        phase = on_cycles_of_nodes(rows, which)
        if held is not None and shift is not None:
            kept = block(held, rows, which)
            phase = np.where(np.isnan(kept), phase, kept + shift[which])
        for term in stack.known_phases(rows, which):
            phase = phase + term
        if corrected is not None:
            patch = block(stack.phase, rows, which)
            rest = block(corrected, rows, stack.columns[which]) * np.conj(patch)
            phase = phase + np.angle(rest).astype(np.float32)
        return phase

    return ComputedRows(psi.shape, np.dtype(np.float32), of)


def _held_shift(unwrapped: Callable[[slice], FloatArray], held: Rows, ctx: Context) -> FloatArray:
    """Return the whole cycles between what is held and what was unwrapped, (n_u,) [rad]."""

    def sums(rows: slice) -> FloatArray:
        away = (unwrapped(rows) - held[rows]).astype(np.float64)
        known = ~np.isnan(away)
        return np.stack([np.where(known, away, 0).sum(axis=0), known.sum(axis=0)])

    total, count = ctx.sum_rows(sums, held.shape[0], "held values")
    cycles = round_half_away(total / np.maximum(count, 1) / (2 * np.pi))
    return (2 * np.pi * cycles).astype(np.float32)


def in_all_columns(unwrapped: Rows, columns: IntArray, n_columns: int, ctx: Context) -> Rows:
    """Return the phase (n_ps, n_columns) with 0 in the columns that are not unwrapped."""

    def rows_of(rows: slice) -> FloatArray:
        phase = unwrapped[rows]
        whole = np.zeros((phase.shape[0], n_columns), np.float32)
        whole[:, columns] = phase
        return whole

    result: Rows = ctx.map_rows(rows_of, unwrapped.shape[0], "back to points")
    return result
