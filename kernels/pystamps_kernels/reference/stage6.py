"""Stage 6, phase unwrapping: the kernels that work point by point and cell by cell.

Arc kernels live in :mod:`.arcs`, the Goldstein filter in :mod:`.goldstein`; both are re-exported
here, where the kernel table looks for them. Complex products are written out in separately rounded
single precision terms, which every machine evaluates alike.
"""

import numpy as np
from numpy.typing import NDArray

from ..numerics import round_half_away
from .arcs import (
    arc_noise,
    arc_phasors,
    arc_variance,
    look_angle,
    network_smooth,
    phase_steps,
    star_smooth,
)
from .chains import chains
from .flow import cheapest_flow, share_free_chains
from .goldstein import goldstein
from .phasors import product, unit

__all__ = [
    "arc_noise",
    "arc_phasors",
    "arc_variance",
    "cell_sums",
    "chains",
    "cheapest_flow",
    "cost_records",
    "edge_costs",
    "goldstein",
    "look_angle",
    "nearest_node",
    "network_smooth",
    "phase_steps",
    "residues",
    "share_free_chains",
    "solution_cost",
    "star_smooth",
    "subtract_phase",
    "to_points",
    "wrapped_phase",
]

# SNAPHU: integer units per cycle, cost scale, end of the parabola, "no shelf", price of any jump.
UNITS_PER_CYCLE = 200
COST_SCALE = 100
PARABOLA_END = 32000
NO_SHELF = -32000
FREE_SHELF = 1

Phasors = NDArray[np.complex64]
Phases = NDArray[np.float32]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int16]
Turns = NDArray[np.float64]


def wrapped_phase(phase: Phasors, bperp: Phases, slope: Phases) -> Phasors:
    """Put the look-angle error of each point back and normalise.

    Parameters
    ----------
    phase : (n, m) complex64
        Phasors, points by interferograms.
    bperp : (n, m) float32
        Perpendicular baseline [m].
    slope : (n,) float32
        Look-angle error slope [rad/m].

    Returns
    -------
    (n, m) complex64
        Unit phasors; zero stays zero.

    Notes
    -----
    StaMPS ``ps_unwrap``; docs/science/unwrapping.md, Wrapped phase.
    """
    angle = slope[:, None] * bperp
    return unit(product(phase, np.cos(angle), np.sin(angle)), zero=0.0)


def subtract_phase(phasors: Phasors, phase: Phases) -> Phasors:
    """Turn phasors (n, m) back by a phase [rad]; docs/science/unwrapping.md, Wrapped phase."""
    return product(phasors, np.cos(phase), -np.sin(phase))


def cell_sums(phasors: Phasors, members: Ints, starts: Ints) -> Phasors:
    """Add the phasors of each cell in single precision, in ascending order of the points.

    Parameters
    ----------
    phasors : (n,) complex64
        One interferogram.
    members : (n,) int64
        Point numbers, cell after cell, ascending within a cell.
    starts : (n_cell + 1,) int64
        Where each cell starts in `members`; the last entry is n.

    Returns
    -------
    (n_cell,) complex64
        Sums.

    Notes
    -----
    StaMPS ``uw_grid_wrapped``; docs/science/unwrapping.md, Grid.
    """
    cell = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    sums = np.zeros(starts.size - 1, np.complex64)
    np.add.at(sums, cell, phasors[members])
    return sums


def nearest_node(node: Ints) -> Ints:
    """Find the nearest occupied cell of every cell; the lowest node number wins a tie.

    Parameters
    ----------
    node : (n_row, n_col) int64
        Node number, -1 in an empty cell; numbered down the columns. At least one node.

    Returns
    -------
    (n_row, n_col) int64
        Node number of the nearest occupied cell.

    Notes
    -----
    First the nearest node within each column, then the best of the columns at growing distance,
    until a further column cannot win. docs/science/unwrapping.md, Nearest node.
    """
    n_row, n_col = node.shape
    far = 2 * (n_row + n_col) ** 2
    row = np.arange(n_row)[:, None]
    above = np.maximum.accumulate(np.where(node >= 0, row, -1), axis=0)
    below = np.minimum.accumulate(np.where(node >= 0, row, 2 * n_row)[::-1], axis=0)[::-1]
    up = np.where(above >= 0, (row - above) ** 2, far)
    down = np.where(below < n_row, (below - row) ** 2, far)
    squared = np.minimum(up, down)
    nearest_row = np.where(up <= down, above, below)
    empty = squared == far
    column_node = node[np.where(empty, 0, nearest_row), np.arange(n_col)]

    best, nearest = squared.copy(), np.where(empty, np.iinfo(np.int64).max, column_node)
    for step in range(1, n_col):
        if step**2 > best.max():
            break
        for here, there in (
            (slice(step, None), slice(None, n_col - step)),
            (slice(None, n_col - step), slice(step, None)),
        ):
            distance = np.where(empty[:, there], far, squared[:, there] + step**2)
            other = column_node[:, there]
            tie = (distance == best[:, here]) & (distance < far) & (other < nearest[:, here])
            wins = (distance < best[:, here]) | tie
            best[:, here] = np.where(wins, distance, best[:, here])
            nearest[:, here] = np.where(wins, other, nearest[:, here])
    return nearest


def edge_costs(
    unwrapped: Phases, noise: Phases, variance: Phases, n_arcs: Ints
) -> tuple[Shorts, Shorts]:
    """Offset and width of the cost parabola of each edge, in SNAPHU's integers.

    Parameters
    ----------
    unwrapped : (n, m) float32
        Arc phase, smooth part and noise [rad].
    noise : (n, m) float32
        Noise [rad].
    variance : (n,) float32
        Noise variance [cycles^2], NaN for an edge without statistics.
    n_arcs : (n,) int64
        Number of grid arcs that share the edge.

    Returns
    -------
    offset : (n, m) int16
        Wrapped minus expected arc phase [1/200 cycle], saturated; 0 without statistics.
    sigsq : (n,) int16
        Variance times the number of arcs [(1/200 cycle)^2 / 100], at least 1; 0 without statistics.

    Notes
    -----
    StaMPS ``uw_stat_costs``; docs/science/unwrapping.md, Costs.
    """
    single = np.float32
    phase = unwrapped.astype(np.float64)
    wrapped = (phase - 2 * np.pi * np.rint(phase / (2 * np.pi))).astype(single)
    cycles = (wrapped - (unwrapped - noise)) / single(2) / single(np.pi)
    scaled = variance * single(UNITS_PER_CYCLE**2) / single(COST_SCALE) * n_arcs.astype(single)
    stat_less = np.isnan(variance)
    sigsq = np.maximum(_saturate(np.where(stat_less, single(0), scaled)), np.int16(1))
    offset = _saturate(np.where(stat_less[:, None], single(0), cycles * single(UNITS_PER_CYCLE)))
    return offset, np.where(stat_less, np.int16(0), sigsq)


def _saturate(values: Phases) -> Shorts:
    return np.asarray(np.clip(round_half_away(values), -32768, 32767), np.int16)


def cost_records(
    row_edges: Ints, col_edges: Ints, offset: Shorts, sigsq: Shorts
) -> tuple[Shorts, Shorts]:
    """Write SNAPHU's cost records of one interferogram.

    Parameters
    ----------
    row_edges : (n_row - 1, n_col) int64
        Edge number (from 1) of the arc to the cell below, negative where the edge runs backwards,
        0 within a node.
    col_edges : (n_row, n_col - 1) int64
        The same for the arc to the cell on the right.
    offset, sigsq : (n,) int16
        As :func:`edge_costs` gives them.

    Returns
    -------
    row_costs : (n_row - 1, n_col, 4) int16
    col_costs : (n_row, n_col - 1, 4) int16
        Records offset, sigsq, dzmax, laycost.

    Notes
    -----
    SNAPHU counts the cycles of a row arc from below to above, hence its minus;
    docs/science/unwrapping.md, SNAPHU.
    """
    return _records(row_edges, offset, sigsq, -1), _records(col_edges, offset, sigsq, 1)


def _records(edges: Ints, offset: Shorts, sigsq: Shorts, sign: int) -> Shorts:
    number = np.abs(edges)  # 0: within a node
    variance = np.append(np.int16(1), sigsq)[number]
    stat_less = variance == 0
    expected = np.append(np.int16(0), offset)[number].astype(np.int64)
    records = np.empty((*edges.shape, 4), np.int16)
    turned = np.minimum(sign * np.sign(edges) * expected, 32767)
    records[..., 0] = np.where(stat_less, 0, turned)
    records[..., 1] = np.where(stat_less, 1, variance)
    records[..., 2] = PARABOLA_END
    records[..., 3] = np.where(stat_less, FREE_SHELF, NO_SHELF)
    return records


def _wrapped_steps(turns: Turns, axis: int) -> Turns:
    step = np.diff(turns, axis=axis)
    return step - np.rint(step)


def residues(turns: Turns) -> NDArray[np.int32]:
    """Cycles by which the wrapped phase differences around each 2 x 2 face do not add up to zero.

    Parameters
    ----------
    turns : (n_row, n_col) float64
        Wrapped phase [cycles].

    Returns
    -------
    (n_row - 1, n_col - 1) int32
        -1, 0 or 1.
    """
    right, down = (_wrapped_steps(turns, axis) for axis in (1, 0))
    return np.rint(right[:-1] + down[:, 1:] - right[1:] - down[:, :-1]).astype(np.int32)


def solution_cost(
    turns: Turns, unwrapped: Phases, row_edges: Ints, col_edges: Ints,
    offset: Shorts, sigsq: Shorts,
) -> tuple[int, int, int]:  # fmt: skip
    """Return what SNAPHU would charge for an unwrapped raster, by the costs of its arcs.

    Parameters
    ----------
    turns : (n_row, n_col) float64
        Wrapped phase [cycles].
    unwrapped : (n_row, n_col) float32
        The same phase plus whole cycles [rad].
    row_edges, col_edges : (n_row - 1, n_col), (n_row, n_col - 1) int64
        Signed edge number, from 1, of the arcs to the cell below and on the right; 0 in a node.
    offset, sigsq : (n_edge,) int16
        Cost parabola of each edge, see :func:`edge_costs`.

    Returns
    -------
    statistical : int
        Cost of arcs with statistics ``(200 k + offset)^2 // sigsq``, and 40000 k^2 inside nodes.
    free : int
        Number of arcs without statistics that carry cycles.
    most : int
        Largest number of cycles on an arc.
    """
    statistical = free = most = 0
    for axis, edges in ((0, row_edges), (1, col_edges)):
        step = np.diff(unwrapped.astype(np.float64), axis=axis) / (2 * np.pi)
        k = np.rint(step - _wrapped_steps(turns, axis)).astype(np.int64)
        number = np.abs(edges)
        variance = np.append(np.int16(1), sigsq)[number].astype(np.int64)
        expected = np.append(np.int16(0), offset)[number].astype(np.int64)
        z = 200 * np.where(edges < 0, -k, k) + expected
        known = (variance != 0) & (variance != PARABOLA_END)
        statistical += int((z[known] ** 2 // variance[known]).sum())
        free += int(np.count_nonzero(k[variance == 0]))
        most = max(most, int(np.abs(k).max(initial=0)))
    return statistical, free, most


def to_points(phasors: Phasors, grid_phase: Phases, node: Ints) -> Phases:
    """Give each point its node's unwrapped phase plus its own difference from it.

    Parameters
    ----------
    phasors : (n, m) complex64
        Wrapped phase of the points.
    grid_phase : (n_node, m) float32
        Unwrapped phase of the nodes [rad].
    node : (n,) int64
        Node of each point, -1 for a point whose cell has none.

    Returns
    -------
    (n, m) float32
        Phase of the point plus whole cycles [rad]; NaN for a point without node.

    Notes
    -----
    StaMPS ``uw_unwrap_from_grid``; docs/science/unwrapping.md, Back to the points.
    """
    grid = grid_phase[np.maximum(node, 0)]
    rest = product(phasors, np.cos(grid), -np.sin(grid))
    unwrapped = grid + np.arctan2(rest.imag, rest.real)
    return np.where(node[:, None] < 0, np.float32(np.nan), unwrapped)
