"""Stage 6, first step: the wrapped phase psi that is unwrapped, and what is taken off it before.

Everything is computed on demand for a stretch of points or for single interferograms, so no
stack is ever held whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import AnyArray, ComplexArray, FloatArray, IntArray, Rows
from ...parallel.context import Context

ALL = slice(None)
Points = slice


def read(source: Rows, points: Points, columns: IntArray) -> AnyArray:
    """Read a block: whole columns straight away, otherwise rows first."""
    block = source[:, columns] if points == ALL else source[points][:, columns]
    return np.ascontiguousarray(block)


def share_columns(columns: Sequence[AnyArray], ctx: Context) -> AnyArray:
    """Put columns side by side in one array (n, n_column) that a node holds only once."""

    def side_by_side(rows: slice) -> AnyArray:
        return np.stack([column[rows] for column in columns], axis=1)

    return ctx.share(ctx.map_rows(side_by_side, columns[0].size))


@dataclass(frozen=True)
class Feedback:
    """Phases of an earlier stage 7, taken off before unwrapping and added afterwards.

    Parameters
    ----------
    slope : (n_ps,) float32
        Spatially correlated look-angle error [rad/m].
    offset : (n_ps,) float32
        Atmosphere and orbit error of the master [rad].
    ramp : Rows or None
        (n_ps, n_ifg) planes of the interferograms [rad].
    """

    slope: FloatArray
    offset: FloatArray
    ramp: Rows | None


@dataclass(frozen=True)
class WrappedStack:
    """The wrapped phase of the interferograms that are unwrapped.

    Parameters
    ----------
    phase : Rows
        (n_ps, ...) complex64 phasors: ``rc2.ph_rc``, or the patch phase.
    phase_columns : (n_u,) int64
        Column of `phase` of each unwrapped interferogram.
    bperp : Rows
        (n_ps, ...) float32 perpendicular baselines [m].
    bperp_columns : (n_u,) int64
        Column of `bperp` of each.
    ifgs : (n_u,) int64
        Number of each unwrapped interferogram (from 0).
    slope : (n_ps,) float32
        Look-angle error that is put back [rad/m].
    feedback : Feedback or None
        What an earlier stage 7 found.
    """

    phase: Rows
    phase_columns: IntArray
    bperp: Rows
    bperp_columns: IntArray
    ifgs: IntArray
    slope: FloatArray
    feedback: Feedback | None

    def psi(self, points: Points, which: IntArray, ctx: Context) -> ComplexArray:
        """Return the unit phasors of some points in some of the unwrapped interferograms.

        Parameters
        ----------
        points : slice
            Points; ``slice(None)`` reads whole columns.
        which : (m,) int64
            Positions in :attr:`ifgs`.
        ctx : Context
            Kernels.

        Returns
        -------
        (n, m) complex64
            Specification of stage 6, section 2, steps 2 to 6.
        """
        phase = read(self.phase, points, self.phase_columns[which]).astype(np.complex64)
        bperp = read(self.bperp, points, self.bperp_columns[which]).astype(np.float32)
        psi: ComplexArray = ctx.kernels.stage6_wrapped_phase(phase, bperp, self.slope[points])
        for term in self.known_phases(points, which):
            psi = ctx.kernels.stage6_subtract_phase(psi, term)
        return psi

    def known_phases(self, points: Points, which: IntArray) -> list[FloatArray]:
        """Return the phases that the feedback takes off: list of (n, m) float32 [rad]."""
        if self.feedback is None:
            return []
        bperp = read(self.bperp, points, self.bperp_columns[which]).astype(np.float32)
        offset = np.broadcast_to(self.feedback.offset[points, None], bperp.shape)
        terms = [self.feedback.slope[points, None] * bperp, np.ascontiguousarray(offset)]
        if self.feedback.ramp is not None:
            terms.append(read(self.feedback.ramp, points, self.ifgs[which]).astype(np.float32))
        return terms
