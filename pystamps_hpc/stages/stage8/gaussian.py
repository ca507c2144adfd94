"""The Gaussian filters of stage 8: a high-pass in time, a low-pass in space."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows, applied, chosen_columns
from ...errors import StageError
from ...parallel.context import Context
from ..shared import ramps
from ..shared.corrected_phase import corrected
from ..shared.ifgs import date_of, listed_columns
from .inputs import CommonInputs, Params
from .neighbours import cell_grid

RADIUS = 4.0
"""Reach of the spatial low-pass, in standard deviations."""


@dataclass(frozen=True)
class HighPass:
    """The phase high-passed in time, and the planes that are part of it."""

    phase: Rows  # (n_ps, n_use) float32 [rad]
    planes: Rows  # (n_ps, n_deramped) float64 [rad]


def low_pass_weights(day: FloatArray, time_win: float, excluded: int) -> FloatArray:
    """Return the weights of the temporal low-pass.

    Parameters
    ----------
    day : (n_use,) float64
        Days of the images.
    time_win : float
        Standard deviation [days].
    excluded : int
        Image that contributes to none.

    Returns
    -------
    (n_use, n_use) float64
        Column k holds the weights of image k; columns sum to one.
    """
    elapsed = day[:, None] - day[None, :]
    exponent = np.asarray(-(elapsed**2) / (2 * time_win**2))
    exponent[excluded] = -np.inf
    # taking the largest off changes no weight but keeps a lonely image from 0/0
    weights = np.exp(exponent - exponent.max(axis=0))
    normalised: FloatArray = weights / weights.sum(axis=0)
    return normalised


def noise(inputs: CommonInputs, params: Params, used: IntArray, ctx: Context) -> dict[str, Any]:
    """Filter the phase of images.

    Parameters
    ----------
    inputs : CommonInputs
        With a single-master network.
    params : Params
        Parameters.
    used : (n_use,) int64
        Columns that are filtered.
    ctx : Context
        Work over PS.

    Returns
    -------
    dict
        Fields of the outputs of stage 8.
    """
    high_pass = _high_passed(inputs, params, used, ctx)
    scn = _low_passed(high_pass.phase, inputs, params, used, ctx)
    ctx.fact("time_window_days", params.scn_time_win)
    ctx.fact("filter_radius_m", params.scn_wavelength)
    return {"scn": scn, "high_pass": high_pass.phase, "planes": high_pass.planes}


def time_weights(inputs: CommonInputs, params: Params, used: IntArray, ctx: Context) -> FloatArray:
    """Return the weights of the low-pass in time of the used images, see `low_pass_weights`."""
    excluded = _excluded_image(inputs, used, ctx)
    return low_pass_weights(inputs.ifgs.day[used], params.scn_time_win, excluded)


def phase_of(inputs: CommonInputs, used: IntArray) -> Rows:
    """Return the phase that is filtered, (n_ps, n_use) float32 [rad]; NaN are zero."""
    phase = corrected(inputs.unwrapped, used, inputs.scla_phase, inputs.offset, inputs.ramp)
    return applied(_without_nan, phase, np.float32)


def _high_passed(inputs: CommonInputs, params: Params, used: IntArray, ctx: Context) -> HighPass:
    """Take off what varies slowly in time (docs/science/scn.md, High-pass in time)."""
    weights = time_weights(inputs, params, used, ctx)
    phase = phase_of(inputs, used)
    n_ps = phase.shape[0]
    deramped = _deramped(params.scn_deramp_ifg, used, inputs.ifgs.n_columns)
    terms = ramps.regressors(inputs.xy, 1)
    fitted = ramps.Ramps(terms, np.zeros((terms.shape[1], 0)))
    if len(deramped):
        columns = chosen_columns(phase, deramped)
        fitted = ramps.fit_ramps(terms, columns, used[deramped], ctx)

    def filtered(rows: slice, origin: FloatArray) -> tuple[FloatArray, FloatArray]:
        values = phase[rows]
        planes = fitted.at(rows)
        values[:, deramped] -= planes.astype(np.float32)
        high_pass = ctx.kernels.stage8_temporal_highpass(values, weights, origin)
        return high_pass, planes

    origin = filtered(slice(0, 1), np.zeros(len(used)))[0][0]

    def with_planes(rows: slice) -> HighPass:
        high_pass, planes = filtered(rows, origin)
        high_pass[:, deramped] += planes
        return HighPass(high_pass.astype(np.float32), planes)

    return ctx.map_rows(with_planes, n_ps, "temporal filter", ctx.config.runtime.stage7_chunk_ps)


def _without_nan(phase: FloatArray) -> FloatArray:
    """Return a copy in which NaN are zero."""
    return np.where(np.isnan(phase), np.float32(0), phase)


def _excluded_image(inputs: CommonInputs, used: IntArray, ctx: Context) -> int:
    """Return the column, among the used images, that contributes to no low-pass.

    StaMPS takes the number of the master although the dropped images are gone.
    """
    excluded = inputs.ifgs.master
    assert excluded is not None
    if excluded >= len(used) or len(used) < 2:
        raise StageError(
            f"temporal filter: {len(used)} images are used, the master is number {excluded + 1} of "
            f"all; StaMPS cannot filter that, drop fewer interferograms before the master"
        )
    if used[excluded] != excluded:
        ctx.warn(
            f"temporal filter: the image of {date_of(inputs.ifgs.day[used[excluded]])} is left out "
            f"instead of the master, as in StaMPS when images before the master are dropped"
        )
    return excluded


def _deramped(scn_deramp_ifg: tuple[int, ...] | str, used: IntArray, n_columns: int) -> IntArray:
    """Return which columns of the used images are deramped first."""
    if scn_deramp_ifg == "all":
        return np.arange(len(used))
    numbers = tuple(int(number) for number in scn_deramp_ifg)
    listed = listed_columns(numbers, n_columns, "scn_deramp_ifg")
    return np.flatnonzero(np.isin(used, listed)).astype(np.int64)


def _low_passed(
    high_pass: Rows, inputs: CommonInputs, params: Params, used: IntArray, ctx: Context
) -> Rows:
    """Return the high-passed phase, low-passed in space."""
    phase = np.ascontiguousarray(ctx.share(high_pass))
    xy = np.ascontiguousarray(inputs.xy, np.float32)
    grid = cell_grid(xy, RADIUS * params.scn_wavelength)

    def smoothed(rows: slice) -> AnyArray:
        return ctx.kernels.stage8_spatial_lowpass(
            phase, xy, grid.order, grid.cells, grid.starts, grid.width,
            params.scn_wavelength, rows.start, rows.stop,
        )  # fmt: skip

    origin = smoothed(slice(0, 1))[0]
    kept = np.isin(used, inputs.ifgs.columns)

    def noise(rows: slice) -> AnyArray:
        scn = np.zeros((rows.stop - rows.start, inputs.ifgs.n_columns))
        scn[:, used[kept]] = (smoothed(rows) - origin)[:, kept]
        return scn

    scn: Rows = ctx.map_rows(noise, len(xy), "spatial filter", ctx.config.runtime.stage7_chunk_ps)
    return scn
