"""Stage 6 of small baselines: values of an earlier run that close around loops, which are held."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pystamps_kernels.numerics import round_half_away

from ...dataset.rows import (
    BoolArray,
    ComputedRows,
    FloatArray,
    IntArray,
    Rows,
    block,
    is_all,
)
from ...parallel.context import Context
from ...parallel.team import UNIT
from ..shared.ifgs import Ifgs
from ..stage6.prepare import WrappedStack
from .loops import longer_loops, not_in, triangles

MOST_MISCLOSURE = 1.0
"""Sum around a loop up to which all its values are good [rad]."""


@dataclass(frozen=True)
class GoodValues:
    """Which values of an earlier run are held.

    Parameters
    ----------
    previous : Rows
        (n_ps, n_ifg) float32 unwrapped phase of the earlier run [rad].
    loops : (n_loop, n_ifg) float32
        Loops of interferograms.
    cycles : (n_loop,) float32
        Sum around each loop of most points [rad].
    good : Rows
        (n_ps, n_ifg) bool, values in a loop that closes; each rank holds its own.
    """

    previous: Rows
    loops: FloatArray
    cycles: FloatArray
    good: Rows

    def points(self, stack: WrappedStack) -> ComputedRows:
        """Return what is held of the unwrapped interferograms, without what the feedback takes off.

        Parameters
        ----------
        stack : WrappedStack
            The phase that is unwrapped now.
        """

        def of(rows: slice, which: Any) -> FloatArray:
            columns = stack.columns[which]
            phase = block(self.previous, rows, columns)
            if is_all(rows):  # whole columns, of which other ranks hold parts
                good = closing(self.previous, rows, columns, self.loops, self.cycles)
            else:
                good = block(self.good, rows, columns)
            held = np.where(good, phase, np.float32(np.nan))
            for term in stack.known_phases(rows, which):
                held = held - term
            return held

        return ComputedRows(stack.phase.shape, np.dtype(np.float32), of)


def good_values(
    previous: Rows, ifgs: Ifgs, used: IntArray, bperp: FloatArray | None, ctx: Context
) -> GoodValues:
    """Find the values that close around loops of interferograms.

    Parameters
    ----------
    previous : Rows
        (n_ps, n_ifg) float32 unwrapped phase of an earlier run [rad].
    ifgs : Ifgs
        All pairs.
    used : (n_u,) int64
        Pairs that count.
    bperp : (n_image,) array or None
        Perpendicular baseline of each image [m]; without, loops are triangles.
    ctx : Context
        PS are cut into pieces.

    Notes
    -----
    StaMPS ``sb_make_closure_loops``, ``sb_identify_good_pixels``; docs/science/unwrapping.md, Held
    values.
    """
    loops = triangles(ifgs, used)
    if bperp is not None and len(bperp) == len(ifgs.day):
        loops = np.concatenate([loops, longer_loops(ifgs, used, loops, bperp)])
    elif len(not_in(loops, used)):
        ctx.warn(
            "../ps2.mat: no baselines of these images there, only triangles used to tell good "
            f"values: {len(not_in(loops, used))} interferograms are in none and hold none"
        )
    n_ps, n_ifg = previous.shape

    def sums(rows: slice) -> FloatArray:
        around = _sums(previous[rows], loops)
        known = ~np.isnan(around)
        return np.stack([np.where(known, around, 0).sum(axis=0, dtype=np.float64),
                         known.sum(axis=0)])  # fmt: skip

    total, count = ctx.sum_rows(sums, n_ps, "loops")
    cycles = round_half_away(total / np.maximum(count, 1) / (2 * np.pi))
    whole = (2 * np.pi * cycles).astype(np.float32)
    good: Rows = ctx.map_rows(
        lambda rows: closing(previous, rows, np.arange(n_ifg), loops, whole),
        n_ps, "good values", UNIT,
    )  # fmt: skip
    n_held = ctx.sum_rows(lambda rows: np.count_nonzero(block(good, rows, used), axis=0), n_ps)
    ctx.fact("held_share", float(n_held.sum() / (n_ps * len(used))))
    return GoodValues(previous, loops, whole, good)


def closing(
    previous: Rows, rows: slice, columns: IntArray, loops: FloatArray, cycles: FloatArray
) -> BoolArray:
    """Return which values are in a loop that closes; only the phase around their loops is read.

    Parameters
    ----------
    previous, loops, cycles
        As of :class:`GoodValues`.
    rows : slice
        Points.
    columns : (m,) int64
        Interferograms.

    Returns
    -------
    (n, m) bool
        Values that are good.
    """
    through = (loops[:, columns] != 0).any(axis=1)
    around, whole = loops[through], cycles[through]
    needed = np.union1d(columns, np.flatnonzero(around.any(axis=0)))
    phase = block(previous, rows, needed)
    closed = np.abs(_sums(phase, around[:, needed]) - whole) <= MOST_MISCLOSURE
    return np.stack([closed[:, around[:, ifg] != 0].any(axis=1) for ifg in columns], axis=1)


def _sums(phase: FloatArray, loops: FloatArray) -> FloatArray:
    """Sum the phase around every loop, in single, interferogram after interferogram."""
    around = np.zeros((len(phase), len(loops)), np.float32)
    for place, loop in enumerate(loops):
        for ifg in np.flatnonzero(loop):
            around[:, place] += loop[ifg] * phase[:, ifg]
    return around
