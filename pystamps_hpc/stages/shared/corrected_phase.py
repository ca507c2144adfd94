"""Unwrapped phase minus what is known of it, read by rows or by columns, corrected on the way."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dataset.rows import ComputedRows, FloatArray, IntArray, Rows, block
from .ramps import Ramps


@dataclass(frozen=True)
class Corrections:
    """What is taken off the phase, in this order; every step is rounded to single.

    Parameters
    ----------
    scla_phase : Rows, (n_ps, n_col) float32, optional
        Look-angle error phase [rad].
    master_phase : (n_ps,) float32, optional
        Master atmosphere and orbit error [rad].
    stored_ramp : Rows, (n_ps, n_col) float64, optional
        Stored ramps [rad].
    ramps : Ramps, optional
        Fitted ramps of the chosen columns.
    """

    scla_phase: Rows | None = None
    master_phase: FloatArray | None = None
    stored_ramp: Rows | None = None
    ramps: Ramps | None = None


def corrected(phase: Rows, columns: IntArray, corrections: Corrections) -> ComputedRows:
    """Return chosen columns of the phase without what is given.

    Parameters
    ----------
    phase : Rows, (n_ps, n_col) float32
        Unwrapped phase [rad].
    columns : (n_chosen,) int64
        Columns that are read, 0-based.
    corrections : Corrections
        What is taken off.

    Returns
    -------
    ComputedRows, (n_ps, n_chosen) float32
        Corrected phase [rad].
    """
    off = corrections

    def read(rows: Any, which: Any) -> FloatArray:
        chosen = columns[which]
        values = single(block(phase, rows, chosen))
        if off.scla_phase is not None:
            values = values - single(block(off.scla_phase, rows, chosen))
        if off.master_phase is not None:
            values = values - single(off.master_phase[rows])[:, None]
        if off.stored_ramp is not None:
            values = values - single(block(off.stored_ramp, rows, chosen))
        if off.ramps is not None:
            values = values - single(off.ramps.at(rows, which))
        return np.ascontiguousarray(values)

    return ComputedRows((phase.shape[0], len(columns)), np.dtype(np.float32), read)


def single(values: FloatArray) -> FloatArray:
    """Return values in single."""
    return values.astype(np.float32, copy=False)


def steps(stack: Rows, sequence: IntArray) -> ComputedRows:
    """Return the differences between successive members of some columns, (n_ps, n_seq - 1)."""

    def differences(rows: Any, which: Any) -> FloatArray:
        before, after = sequence[:-1][which], sequence[1:][which]
        return block(stack, rows, after) - block(stack, rows, before)

    return ComputedRows((stack.shape[0], len(sequence) - 1), stack.dtype, differences)
