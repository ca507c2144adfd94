"""Wrapped phase of a dataset: as measured, filtered around each PS, filtered on a grid."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...dataset.rows import (
    AnyArray,
    ComplexArray,
    ComputedRows,
    FloatArray,
    Rows,
    applied,
    block,
    filled_columns,
    spread_columns,
    with_column,
)
from ...errors import DatasetError
from ...stages.shared.gathered import gathered
from ...stages.shared.value_types import ValueType
from .artifacts import EXTERNAL, MergedArtifacts
from .series import oscillator_drift


def phasors_of(found: MergedArtifacts, kind: ValueType) -> Rows:
    """Return wrapped phase of all columns, (n_ps, n_col) complex; it stays on disk.

    Parameters
    ----------
    found : MergedArtifacts
        Dataset.
    kind : ValueType
        Type with phasors as its unit.

    Raises
    ------
    DatasetError, MatError
        An artifact is missing or does not fit the others.
    """
    makers: dict[str, Callable[[MergedArtifacts, ValueType], Rows]] = {
        "w": _wrapped, "wa": _correction, "p": _filtered, "wf": _on_grid,
    }  # fmt: skip
    return makers[kind.base.name](found, kind)


def _wrapped(found: MergedArtifacts, kind: ValueType) -> Rows:
    """Return the phase without what the letters take off; the rest of the master is one."""
    columns = found.network.n_columns
    phasors = found.stack("rc2.ph_rc" if found.has("rc2") else "ph2.ph", columns)
    terms = [_term(found, letter) for letter in kind.operations if letter != "0"]
    if found.of_envisat:
        terms.append(oscillator_drift(found, found.small_baselines))
    turned = _turned(phasors, terms) if terms else phasors
    if "0" not in kind.operations or found.network.master is None:
        return turned
    return filled_columns(turned, np.array([found.network.master]), 1)


def _term(found: MergedArtifacts, letter: str) -> Rows | FloatArray:
    """Return what a letter takes off wrapped phase: the smoothed look-angle error, stored ramps."""
    scla = "scla_smooth_sb2" if found.small_baselines else "scla_smooth2"
    if letter == "m":
        offset: FloatArray = found.value(f"{scla}.C_ps_uw")
        return offset
    if letter in EXTERNAL:
        return found.subtracted(letter, found.small_baselines)
    if letter == "o":
        return found.ramps(scla)
    return found.stack(f"{scla}.ph_scla", found.network.n_columns)


def _turned(phasors: Rows, terms: list[Rows | FloatArray]) -> Rows:
    def read(rows: Any, columns: Any) -> AnyArray:
        angle: Any = 0.0
        for term in terms:
            each = term[rows][:, None] if len(term.shape) == 1 else block(term, rows, columns)
            angle = angle + each.astype(np.float64)
        values: AnyArray = block(phasors, rows, columns) * np.exp(-1j * angle)
        return values.astype(np.complex64)

    return ComputedRows(phasors.shape, np.dtype(np.complex64), read)


def _correction(found: MergedArtifacts, kind: ValueType) -> Rows:
    """Return the tropospheric correction as phasors."""
    del kind
    correction = found.subtracted("a", found.small_baselines)
    return applied(lambda phase: np.exp(-1j * phase).astype(np.complex64), correction, np.complex64)


def _filtered(found: MergedArtifacts, kind: ValueType) -> Rows:
    """Return the filtered phase of each PS; the master, which has none, is zero."""
    del kind
    stack = found.stack("pm2.ph_patch", len(found.network))
    unit = applied(unit_phasors, stack, stack.dtype)
    if found.network.master is None:
        return unit
    rows: Rows = with_column(unit, found.network.master, 0)
    return rows


def unit_phasors(phasors: ComplexArray) -> ComplexArray:
    """Return phasors of length one; zero stays zero."""
    length = np.abs(phasors)
    return np.divide(phasors, length, out=np.zeros_like(phasors), where=length > 0)


def _on_grid(found: MergedArtifacts, kind: ValueType) -> Rows:
    """Return the filtered phase of the grid cell of each PS; the columns are those unwrapped."""
    del kind
    used = found.used(of_pairs=True)
    unwrapped = used[np.isin(used, found.network.columns)]
    occupied = found.value("uw_grid.nzix")
    cell = found.value("uw_grid.grid_ij")
    # nodes are the occupied cells in the order of MATLAB, column after column
    node = np.cumsum(occupied.ravel(order="F")).reshape(occupied.shape, order="F") - 1
    where = node[cell[:, 0], cell[:, 1]]
    if len(where) != found.n_ps:
        raise DatasetError(
            f"{found.root / 'uw_grid.mat'}: holds {len(where)} PS, ps2 {found.n_ps}; run "
            "stage 6 again"
        )
    grid = found.stack("uw_grid.ph", len(unwrapped), int(occupied.sum()))
    return spread_columns(gathered((grid,), where), unwrapped, found.network.n_columns)
