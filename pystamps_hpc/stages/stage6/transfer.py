"""Stage 6, last step: from the grid back to the points, and the known phases back in."""

import numpy as np

from ...dataset.rows import FloatArray, IntArray, Rows, block
from ...parallel.context import Context
from .prepare import WrappedStack


def unwrapped_points(
    stack: WrappedStack,
    psi: Rows,
    grid_phase: FloatArray,
    point_node: IntArray,
    n_columns: int,
    corrected: Rows | None,
    ctx: Context,
) -> Rows:
    """Unwrapped phase of every point in every interferogram.

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
    n_columns : int
        Number of columns of the result, that of the master included.
    corrected : Rows or None
        (n_ps, n_columns) phasors, ``rc2.ph_rc``, where the patch phase was unwrapped instead.
    ctx : Context
        Points are cut into pieces.

    Returns
    -------
    Rows
        (n_ps, n_columns) float32 [rad]; 0 in columns that are not unwrapped, NaN for points whose
        cell has no node.

    Notes
    -----
    docs/science/unwrapping.md, Back to the points.
    """

    def rows_of(rows: slice) -> FloatArray:
        wrapped = np.ascontiguousarray(psi[rows])
        phase: FloatArray = ctx.kernels.stage6_to_points(wrapped, grid_phase, point_node[rows])
        for term in stack.known_phases(rows):
            phase = phase + term
        if corrected is not None:
            rest = block(corrected, rows, stack.columns) * np.conj(stack.phase[rows])
            phase = phase + np.angle(rest).astype(np.float32)
        whole = np.zeros((phase.shape[0], n_columns), np.float32)
        whole[:, stack.columns] = phase
        return whole

    result: Rows = ctx.map_rows(rows_of, point_node.size, "back to points")
    return result
