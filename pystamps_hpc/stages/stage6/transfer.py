"""Stage 6, last step: from the grid back to the points, and the known phases back in."""

from typing import Any

import numpy as np

from ...dataset.rows import ComputedRows, FloatArray, IntArray, Rows, block
from ...parallel.context import Context
from .prepare import WrappedStack


def unwrapped_points(
    stack: WrappedStack,
    psi: Rows,
    grid_phase: FloatArray,
    point_node: IntArray,
    corrected: Rows | None,
    ctx: Context,
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
        Kernels.

    Returns
    -------
    ComputedRows
        (n_ps, n_u) float32 [rad]; NaN for points whose cell has no node.

    Notes
    -----
    docs/science/unwrapping.md, Back to the points.
    """

    def of(rows: slice, which: Any) -> FloatArray:
        wrapped = np.ascontiguousarray(block(psi, rows, which))
        nodes = np.ascontiguousarray(grid_phase[:, which])
        phase: FloatArray = ctx.kernels.stage6_to_points(wrapped, nodes, point_node[rows])
        for term in stack.known_phases(rows, which):
            phase = phase + term
        if corrected is not None:
            patch = block(stack.phase, rows, which)
            rest = block(corrected, rows, stack.columns[which]) * np.conj(patch)
            phase = phase + np.angle(rest).astype(np.float32)
        return phase

    return ComputedRows(psi.shape, np.dtype(np.float32), of)


def in_all_columns(unwrapped: Rows, columns: IntArray, n_columns: int, ctx: Context) -> Rows:
    """Return the phase (n_ps, n_columns) with 0 in the columns that are not unwrapped."""

    def rows_of(rows: slice) -> FloatArray:
        phase = unwrapped[rows]
        whole = np.zeros((phase.shape[0], n_columns), np.float32)
        whole[:, columns] = phase
        return whole

    result: Rows = ctx.map_rows(rows_of, unwrapped.shape[0], "back to points")
    return result
