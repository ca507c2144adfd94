"""The phase of a value type: stacks with what is taken off, series that lines are fitted to."""

from dataclasses import replace
from typing import Any

import numpy as np

from ...dataset.rows import (
    AnyArray,
    ComputedRows,
    FloatArray,
    IntArray,
    Rows,
    block,
    spread_columns,
)
from ...parallel.context import Context
from ...stages.shared.corrected_phase import Stack, corrected
from ...stages.shared.value_types import ValueType
from ...stages.shared.velocity import DAYS_PER_YEAR, PhaseSeries, reference_of
from .artifacts import MergedArtifacts

_OF_CORRECTIONS = {
    "a": "a", "asb": "a", "i": "i", "isb": "i", "t": "t", "tsb": "t", "vi": "i", "vt": "t",
}  # fmt: skip
"""Bases that show a correction -> its letter."""

_DRIFTING = ("u", "usb", "v", "vdrop")
"""Bases from which StaMPS takes the drift of Envisat's oscillator."""

DRIFT = 7.8 * 3.87e-7
"""Drift of the oscillator of Envisat [m/yr] from one pixel in range to the next."""


def series_type(value_type: str) -> str:
    """Return StaMPS' name of a value type of the images of small baselines: ``v`` is of pairs."""
    return value_type.capitalize()


def stack_of(found: MergedArtifacts, kind: ValueType, drift: bool = True) -> Stack:
    """Return the phase that a value type shows, and what it takes off; stacks stay on disk.

    Parameters
    ----------
    found : MergedArtifacts
        Dataset.
    kind : ValueType
        Type of unwrapped phase, of a correction, or of a velocity.
    drift : bool
        Whether the drift of Envisat's oscillator is taken off unwrapped phase.

    Raises
    ------
    DatasetError, MatError, StageError
        An artifact is missing or does not fit the others.
    """
    pairs, base = kind.of_pairs, kind.base.name
    ifgs = found.ifgs(pairs)
    phase: Rows
    if base in _OF_CORRECTIONS:
        phase = found.external(_OF_CORRECTIONS[base], pairs)
    else:
        phase = found.stack("phuw_sb2.ph_uw" if pairs else "phuw2.ph_uw", ifgs.n_columns)
    if base == "rsb":
        used, predicted = found.used(pairs), found.stack("phuw_sb_res2.ph_res", len(ifgs))
        phase = spread_columns(corrected(phase, used, predicted), used, len(ifgs))
    elif drift and base in _DRIFTING and found.of_envisat:
        phase = corrected(phase, np.arange(ifgs.n_columns), oscillator_drift(found, pairs))
    taken_off = found.taken_off(kind.operations, pairs)
    return Stack(phase, taken_off, found.points["xy"], ifgs, found.deramp_degree)


def oscillator_drift(found: MergedArtifacts, of_pairs: bool) -> Rows:
    """Return the phase of the drift of Envisat's oscillator, (n_ps, n_col) float64 [rad].

    Notes
    -----
    StaMPS ``env_oscilator_corr``; it grows with range and with time.
    """
    rate = -4 * np.pi / found.wavelength * DRIFT * found.points["ij"][:, 2]
    years = found.ifgs(of_pairs).spans / DAYS_PER_YEAR

    def drift(rows: Any, columns: Any) -> FloatArray:
        values: FloatArray = rate[rows][:, None] * years[columns]
        return values

    return ComputedRows((found.n_ps, len(years)), np.dtype(np.float64), drift)


def phase_series(
    found: MergedArtifacts,
    kind: ValueType,
    ref_ps: IntArray | None,
    fitted: IntArray | None = None,
    drift: bool = True,
) -> PhaseSeries:
    """Return what a velocity is fitted to.

    Parameters
    ----------
    found : MergedArtifacts
        Dataset processed through stage 6.
    kind : ValueType
        Type of a velocity.
    ref_ps : (n_ref,) int64 or None
        Rows of the reference area.
    fitted : (n_fit,) int64, optional
        Columns of the fit; by default those that ``drop_ifg_index`` leaves.
    drift : bool
        See :func:`stack_of`.
    """
    if fitted is None:
        fitted = found.fitted(kind.of_pairs)
    covariance = found.covariance(kind.of_pairs, fitted)
    stack = stack_of(found, kind, drift)
    if not kind.of_pairs and found.has("scla2"):
        master_phase = found.taken_off("m", of_pairs=False)
        stack = replace(stack, taken_off={**stack.taken_off, **master_phase})
    return PhaseSeries(**vars(stack), fitted=fitted, covariance=covariance, ref_ps=ref_ps)


def displacements(
    operations: str, series: PhaseSeries, wavelength: float, ctx: Context
) -> ComputedRows:
    """Return the displacement of the columns of a series, without the phase of the master.

    Parameters
    ----------
    operations : str
        What is done to the phase before.
    series : PhaseSeries
        Phase, columns and reference.
    wavelength : float
        Radar wavelength [m].
    ctx : Context
        Means over PS.

    Returns
    -------
    ComputedRows, (n_ps, n_fit) float32
        Displacement [mm] towards the satellite, relative to the reference area.
    """
    if "m" in series.taken_off and "m" not in operations:
        operations += "m"
    return in_millimetres(operations, series, wavelength, ctx)


def in_millimetres(
    operations: str, series: PhaseSeries, wavelength: float, ctx: Context
) -> ComputedRows:
    """Return referenced phase of the fitted columns as displacement; see :func:`displacements`."""
    phase = series.corrected(operations, series.fitted, ctx)
    reference = reference_of(phase, series.ref_ps, ctx)
    scale = -wavelength * 1000 / (4 * np.pi)

    def moved(rows: Any, columns: Any) -> AnyArray:
        values: AnyArray = (block(phase, rows, columns) - reference[columns]) * scale
        return values

    return ComputedRows(phase.shape, phase.dtype, moved)
