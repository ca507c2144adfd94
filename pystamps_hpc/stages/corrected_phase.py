"""Unwrapped phase and baselines, read by rows or by columns, corrected on the way."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..dataset.rows import FloatArray, IntArray, Rows
from .ramps import ramp, without_ramp


class Stack(Protocol):
    """Columns of all PS that are never in memory together."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of PS and columns."""
        ...

    def rows(self, rows: slice) -> FloatArray:
        """Return all columns of some PS, (n, n_col) float32, C-contiguous."""
        ...

    def column(self, k: int) -> FloatArray:
        """Return one column of all PS, (n_ps,) float32."""
        ...


@dataclass(frozen=True)
class CorrectedPhase:
    """Unwrapped phase minus what is given, in this order; every step is rounded to single.

    Parameters
    ----------
    phase : Rows, (n_ps, n_ifg) float32
        Unwrapped phase [rad].
    ifgs : (n_col,) int64
        Columns that are read, 0-based.
    look_angle : Rows, (n_ps, n_ifg) float32, optional
        Look-angle error phase [rad].
    master_phase : (n_ps,) float32, optional
        Master atmosphere and orbit error [rad].
    stored_ramp : Rows, (n_ps, n_ifg) float64, optional
        Stored ramps [rad].
    terms, coefficients : (n_ps, n_term) and (n_term, n_col) float64, optional
        Regressors and coefficients of ramps, see :mod:`.ramps`.
    """

    phase: Rows
    ifgs: IntArray
    scla_phase: Rows | None = None
    master_phase: FloatArray | None = None
    stored_ramp: Rows | None = None
    terms: FloatArray | None = None
    coefficients: FloatArray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of PS and columns."""
        return self.phase.shape[0], len(self.ifgs)

    def rows(self, rows: slice) -> FloatArray:
        """Return all columns of some PS, (n, n_col) float32, C-contiguous."""
        values = _single(self.phase[rows][:, self.ifgs])
        if self.scla_phase is not None:
            values = values - _single(self.scla_phase[rows][:, self.ifgs])
        if self.master_phase is not None:
            values = values - _single(self.master_phase[rows])[:, None]
        if self.stored_ramp is not None:
            values = values - _single(self.stored_ramp[rows][:, self.ifgs])
        if self.terms is not None and self.coefficients is not None:
            values = without_ramp(values, self.terms[rows], self.coefficients)
        return np.ascontiguousarray(values)

    def column(self, k: int) -> FloatArray:
        """Return one column of all PS, (n_ps,) float32."""
        ifg = int(self.ifgs[k])
        values = _single(self.phase[:, ifg])
        if self.scla_phase is not None:
            values = values - _single(self.scla_phase[:, ifg])
        if self.master_phase is not None:
            values = values - _single(self.master_phase)
        if self.stored_ramp is not None:
            values = values - _single(self.stored_ramp[:, ifg])
        if self.terms is not None and self.coefficients is not None:
            coefficients = self.coefficients[:, k : k + 1]
            values = without_ramp(values[:, None], self.terms, coefficients)[:, 0]
        return values

    def ramps(self, rows: slice) -> FloatArray:
        """Return the fitted ramps of some PS, (n, n_col) float64 [rad]."""
        if self.terms is None or self.coefficients is None:
            return np.zeros((len(self.phase[rows]), len(self.ifgs)))
        return ramp(self.terms[rows], self.coefficients)


@dataclass(frozen=True)
class Baselines:
    """Perpendicular baselines with the zero column of the master.

    Parameters
    ----------
    bperp_mat : Rows, (n_ps, n_ifg - 1), or None
        Baseline of each PS [m]; the same for all PS without it.
    bperp : (n_ifg,)
        Mean baselines [m].
    master_ix : int
        Position of the master, 0-based.
    n_ps : int
        Number of PS.
    """

    bperp_mat: Rows | None
    bperp: FloatArray
    master_ix: int
    n_ps: int

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of PS and interferograms."""
        return self.n_ps, len(self.bperp)

    def rows(self, rows: slice) -> FloatArray:
        """Return the baselines of some PS, (n, n_ifg) float32, C-contiguous."""
        baselines = np.zeros((len(range(*rows.indices(self.n_ps))), len(self.bperp)), np.float32)
        others = np.arange(len(self.bperp)) != self.master_ix
        baselines[:, others] = (
            self.bperp[others] if self.bperp_mat is None else self.bperp_mat[rows]
        )
        return baselines

    def column(self, k: int) -> FloatArray:
        """Return the baselines of interferogram `k`, (n_ps,) float32."""
        if k == self.master_ix:
            return np.zeros(self.n_ps, np.float32)
        if self.bperp_mat is None:
            return np.full(self.n_ps, self.bperp[k], np.float32)
        return _single(self.bperp_mat[:, k - (k > self.master_ix)])


@dataclass(frozen=True)
class Steps:
    """Differences between successive members of some columns, taken in single.

    Parameters
    ----------
    stack : Stack
        Columns.
    sequence : (n_seq,) int64
        Columns whose differences are taken.
    """

    stack: Stack
    sequence: IntArray

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of PS and differences."""
        return self.stack.shape[0], len(self.sequence) - 1

    def rows(self, rows: slice) -> FloatArray:
        """Return all differences of some PS."""
        return np.diff(self.stack.rows(rows)[:, self.sequence], axis=1)

    def column(self, k: int) -> FloatArray:
        """Return one difference of all PS."""
        before, after = (int(ifg) for ifg in self.sequence[k : k + 2])
        return self.stack.column(after) - self.stack.column(before)


def _single(values: FloatArray) -> FloatArray:
    return values.astype(np.float32, copy=False)
