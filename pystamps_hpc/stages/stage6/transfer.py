"""Stage 6, last step: from the grid back to the points, and the known phases back in."""

import numpy as np

from ...dataset.rows import ComplexArray, FloatArray, IntArray, Rows
from ...parallel.context import Context
from .prepare import WrappedStack, read


def unwrapped_points(
    stack: WrappedStack,
    psi: Rows,
    grid_phase: FloatArray,
    point_node: IntArray,
    n_ifg: int,
    patch_rest: tuple[Rows, Rows] | None,
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
    n_ifg : int
        Number of columns of the result.
    patch_rest : tuple of Rows or None
        ``rc2.ph_rc`` and the patch phase that was unwrapped in its place.
    ctx : Context
        Points are cut into pieces.

    Returns
    -------
    Rows
        (n_ps, n_ifg) float32 [rad]; 0 in columns that are not unwrapped, NaN for points whose
        cell has no node.

    Notes
    -----
    docs/science/unwrapping.md, Back to the points.
    """
    which = np.arange(stack.ifgs.size)

    def rows_of(rows: slice) -> FloatArray:
        wrapped = np.ascontiguousarray(psi[rows])
        phase: FloatArray = ctx.kernels.stage6_to_points(wrapped, grid_phase, point_node[rows])
        for term in stack.known_phases(rows, which):
            phase = phase + term
        if patch_rest is not None:
            phase = phase + _rest(stack, *patch_rest, rows)
        whole = np.zeros((phase.shape[0], n_ifg), np.float32)
        whole[:, stack.ifgs] = phase
        return whole

    result: Rows = ctx.map_rows(rows_of, point_node.size, "back to points")
    return result


def _rest(stack: WrappedStack, phase: Rows, patch: Rows, rows: slice) -> FloatArray:
    """Phase of each point relative to its patch phase [rad]."""
    points: ComplexArray = read(phase, rows, stack.ifgs)
    smooth = read(patch, rows, stack.phase_columns)
    return np.angle(points * np.conj(smooth)).astype(np.float32)
