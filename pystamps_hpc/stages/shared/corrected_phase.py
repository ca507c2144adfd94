"""Unwrapped phase minus what is known of it, read by rows or by columns, corrected on the way."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dataset.rows import (
    ComputedRows,
    FloatArray,
    IntArray,
    Rows,
    block,
    chosen_columns,
    filled_columns,
)
from ...errors import StageError
from ...parallel.context import Context
from . import ramps
from .ifgs import Ifgs


@dataclass(frozen=True)
class Stack:
    """Phase of the columns of a network, and what can be taken off it.

    Parameters
    ----------
    phase : Rows, (n_ps, n_col) float32
        Unwrapped phase [rad].
    taken_off : mapping
        Letter of :mod:`.value_types` -> phase [rad], (n_ps, n_col) or (n_ps,); None is missing.
    xy : (n_ps, 2) float32
        Local coordinates [m].
    ifgs : Ifgs
        The network whose columns these are.
    deramp_degree : float
        Degree of the ramps.
    """

    phase: Rows
    taken_off: Mapping[str, Rows | FloatArray | None]
    xy: FloatArray
    ifgs: Ifgs
    deramp_degree: float

    @property
    def suffix(self) -> str:
        """What the names of files of such columns end with: ``2``, of pairs ``_sb2``."""
        return "_sb2" if self.ifgs.master is None else "2"

    def corrected(self, operations: str, columns: IntArray, ctx: Context) -> Rows:
        """Return chosen columns of the phase after what a value type does to it.

        Parameters
        ----------
        operations : str
            See :mod:`.value_types`; done in this order.
        columns : (n_chosen,) int64
            Columns that are read, 0-based.
        ctx : Context
            Sums over PS, for ramps.

        Returns
        -------
        Rows, (n_ps, n_chosen) float32
            Corrected phase [rad].

        Raises
        ------
        StageError
            A correction is missing.
        """
        every = np.arange(len(columns))
        together, *rest = re.split("([o0])", operations)
        found = corrected(self.phase, columns, *self._terms(together))
        for part in filter(None, rest):
            if part == "0":
                found = filled_columns(found, np.flatnonzero(columns == self.ifgs.master), 0)
            elif part == "o":
                terms = ramps.regressors(self.xy, self.deramp_degree)
                fitted = ramps.fit_ramps(terms, found, columns, ctx)
                found = corrected(found, every, fitted.rows)
            else:
                off = (
                    term if len(term.shape) == 1 else chosen_columns(term, columns)
                    for term in self._terms(part)
                )
                found = corrected(found, every, *off)
        return found

    def _terms(self, letters: str) -> Iterator[Rows | FloatArray]:
        for letter in letters:
            term = self.taken_off[letter]
            if term is None:
                raise StageError(
                    f"scla{self.suffix}.ph_scla is missing: the velocity needs it; "
                    "run stage 7 first"
                )
            yield term


def corrected(phase: Rows, columns: IntArray, *taken_off: Rows | FloatArray | None) -> ComputedRows:
    """Return chosen columns of the phase without what is given.

    Parameters
    ----------
    phase : Rows, (n_ps, n_col) float32
        Unwrapped phase [rad].
    columns : (n_chosen,) int64
        Columns that are read, 0-based.
    *taken_off : Rows, (n_ps, n_col), or (n_ps,) array, or None
        Phase that is taken off [rad], in this order; every step is rounded to single.

    Returns
    -------
    ComputedRows, (n_ps, n_chosen) float32
        Corrected phase [rad].
    """
    known = [off for off in taken_off if off is not None]

    def read(rows: Any, which: Any) -> FloatArray:
        chosen = columns[which]
        values = single(block(phase, rows, chosen))
        for off in known:
            each = off[rows][:, None] if len(off.shape) == 1 else block(off, rows, chosen)
            values = values - single(each)
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
