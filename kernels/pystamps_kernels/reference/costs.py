"""SNAPHU's costs: parabolas of the edges, records of the arcs, the price of a solution."""

import numpy as np
from numpy.typing import NDArray

from ..numerics import round_half_away
from .chains import wrapped_steps

# SNAPHU: integer units per cycle, cost scale, end of the parabola, "no shelf", price of any jump,
# and the variance of an arc that costs nothing.
UNITS_PER_CYCLE = 200
COST_SCALE = 100
PARABOLA_END = 32000
NO_SHELF = -32000
FREE_SHELF = 1
NO_COST = 32000

Phases = NDArray[np.float32]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int16]
Turns = NDArray[np.float64]


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

    Examples
    --------
    The smooth phase of an arc is a whole cycle, its noise 0.3 rad with 0.01 cycles^2.

    >>> noise, variance = np.array([[0.3]], np.float32), np.array([0.01], np.float32)
    >>> offset, sigsq = edge_costs(noise + np.float32(2 * np.pi), noise, variance, np.array([1]))
    >>> offset.tolist(), sigsq.tolist()
    ([[-190]], [4])
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

    Examples
    --------
    >>> offset, sigsq = np.array([70], np.int16), np.array([11], np.int16)
    >>> row_costs, _ = cost_records(np.array([[1, 0]]), np.zeros((2, 1), int), offset, sigsq)
    >>> row_costs.tolist()
    [[[-70, 11, 32000, -32000], [0, 1, 32000, -32000]]]
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
        k = np.rint(step - wrapped_steps(turns, axis)).astype(np.int64)
        number = np.abs(edges)
        variance = np.append(np.int16(1), sigsq)[number].astype(np.int64)
        expected = np.append(np.int16(0), offset)[number].astype(np.int64)
        z = UNITS_PER_CYCLE * np.where(edges < 0, -k, k) + expected
        known = (variance != 0) & (variance != NO_COST)
        statistical += int((z[known] ** 2 // variance[known]).sum())
        free += int(np.count_nonzero(k[variance == 0]))
        most = max(most, int(np.abs(k).max(initial=0)))
    return statistical, free, most
