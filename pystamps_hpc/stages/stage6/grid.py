"""Stage 6, second step: points to grid cells, cell sums, Goldstein filter, nodes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import BoolArray, ComplexArray, FloatArray, IntArray
from ...errors import StageError
from ...parallel.context import Context
from ..shared.grid import by_cell, cells_along, check_grid
from .prepare import WrappedStack

MARGIN = 0.001  # of the grid before the first point [m]


@dataclass(frozen=True)
class Cells:
    """Which points lie in which cell; cells are numbered down the columns of the grid.

    Parameters
    ----------
    shape : tuple of int
        Rows (along y) and columns (along x) of the grid.
    x_min, y_min : float32
        Origin [m].
    point_row, point_col : (n_ps,) int64
        Cell of each point.
    row, col : (n_cell,) int64
        The cells that hold a point.
    point_cell : (n_ps,) int64
        Position of each point's cell in `row`, `col`.
    members : (n_ps,) int64
        Points cell after cell, ascending in each.
    starts : (n_cell + 1,) int64
        Where each cell starts in `members`.
    """

    shape: tuple[int, int]
    x_min: np.float32
    y_min: np.float32
    point_row: IntArray
    point_col: IntArray
    row: IntArray
    col: IntArray
    point_cell: IntArray
    members: IntArray
    starts: IntArray


@dataclass(frozen=True)
class Nodes:
    """Cells with a phase, numbered down the columns: the nodes of the network.

    Parameters
    ----------
    occupied : (n_row, n_col) bool
        Cells that are nodes.
    row, col : (n_node,) int64
        Cell of each node.
    point_node : (n_ps,) int64
        Node of each point, -1 where its cell is none.
    phase : (n_node, n_u) complex64
        Filtered phasors, amplitude of the cell sum.
    """

    occupied: BoolArray
    row: IntArray
    col: IntArray
    point_node: IntArray
    phase: ComplexArray


def assign_cells(xy: FloatArray, size: float, window: int) -> Cells:
    """Put every point into a grid cell, in single precision like the reference.

    Parameters
    ----------
    xy : (n_ps, 2) float32
        Positions [m].
    size : float
        Cell size [m].
    window : int
        Filter window; the grid must be at least as large [cells].

    Raises
    ------
    StageError
        Grid smaller than the window, or absurdly large for the points.

    Notes
    -----
    Points of the last row and column go to the one before. StaMPS ``uw_grid_wrapped``;
    docs/science/unwrapping.md, Grid.
    """
    x, y = (xy[:, axis].astype(np.float32) for axis in (0, 1))
    point_row, point_col = cells_along(y, size, MARGIN), cells_along(x, size, MARGIN)
    n_row, n_col = int(point_row.max()) + 1, int(point_col.max()) + 1
    if min(n_row, n_col) < window:
        raise StageError(
            f"{len(xy):,} PS: grid of {n_row} x {n_col} cells of {size:g} m is smaller than the "
            f"filter window of {window} cells; reduce unwrap_gold_n_win or unwrap_grid_size"
        )
    check_grid((n_row, n_col), size, len(xy), "unwrap_grid_size")
    number = point_col * n_row + point_row
    members, cell, starts = by_cell(number)
    return Cells(
        (n_row, n_col), x.min(), y.min(), point_row, point_col,
        cell % n_row, cell // n_row, np.searchsorted(cell, number), members, starts,
    )  # fmt: skip


def filtered_nodes(
    stack: WrappedStack, cells: Cells, window: int, alpha: float, prefilter: bool, ctx: Context
) -> Nodes:
    """Sum the wrapped phase in the cells, filter each interferogram, and number the nodes.

    Parameters
    ----------
    stack : WrappedStack
        Wrapped phase.
    cells : Cells
        Point to cell map.
    window, alpha
        Goldstein filter: width [cells] and exponent.
    prefilter : bool
        False keeps the plain cell sums.
    ctx : Context
        One task per interferogram.

    Raises
    ------
    StageError
        A phasor is zero or NaN.

    Notes
    -----
    A node is a cell whose sum differs from zero in the first interferogram, as in the reference.
    """
    cell_sums = _cell_sums(stack, cells, ctx)
    kept = ctx.on_root(lambda: cell_sums(0) != 0)
    row, col = cells.row[kept], cells.col[kept]

    def node_phase(which: int) -> tuple[ComplexArray, None]:
        sums = cell_sums(which)
        if not prefilter:
            return sums[kept], None
        raster = _raster(sums, cells)
        return ctx.kernels.stage6_goldstein(raster, window, alpha)[row, col], None

    phase, _ = ctx.map_columns(
        node_phase, range(stack.columns.size), (row.size, np.complex64), label="grid and filter"
    )
    occupied = np.zeros(cells.shape, bool)
    occupied[row, col] = True
    node = np.where(kept, np.cumsum(kept) - 1, -1)
    return Nodes(occupied, row, col, node[cells.point_cell], phase)


def low_passed_nodes(
    stack: WrappedStack, cells: Cells, nodes: Nodes, window: int, ctx: Context
) -> ComplexArray:
    """Low-pass each interferogram; (n_node, n_u) complex64 phasors of the nodes.

    Parameters
    ----------
    stack, cells, window, ctx
        As of :func:`filtered_nodes`.
    nodes : Nodes
        What it gave.
    """
    cell_sums = _cell_sums(stack, cells, ctx)

    def node_phase(which: int) -> tuple[ComplexArray, None]:
        low = ctx.kernels.stage6_low_pass(_raster(cell_sums(which), cells), window)
        return low[nodes.row, nodes.col], None

    column = (nodes.row.size, np.complex64)
    phase, _ = ctx.map_columns(node_phase, range(stack.columns.size), column, label="low-pass")
    return phase


def _cell_sums(stack: WrappedStack, cells: Cells, ctx: Context) -> Callable[[int], ComplexArray]:
    """Return what sums the wrapped phase of an interferogram in the cells."""
    wrapped = stack.psi(ctx)

    def of(which: int) -> ComplexArray:
        psi = wrapped[:, which : which + 1][:, 0].copy()
        _require_phase(psi, int(stack.columns[which]))
        sums: ComplexArray = ctx.kernels.stage6_cell_sums(psi, cells.members, cells.starts)
        return sums

    return of


def _raster(sums: ComplexArray, cells: Cells) -> ComplexArray:
    raster = np.zeros(cells.shape, np.complex64)
    raster[cells.row, cells.col] = sums
    return raster


def _require_phase(psi: ComplexArray, ifg: int) -> None:
    bad = np.flatnonzero((psi == 0) | np.isnan(psi))
    if bad.size:
        raise StageError(
            f"wrapped phase of interferogram {ifg + 1}: {bad.size} points are zero or NaN, the "
            f"first is PS {bad[0] + 1}; a zero sample in the input stack or a zero patch phase is "
            "the likely cause, drop the interferogram (drop_ifg_index) or rerun stage 5"
        )
