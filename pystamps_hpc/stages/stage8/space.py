"""Kriging in space: the low-pass of every image from the nearest points of each point."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pystamps_kernels.reference.kriging import REACH

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ...parallel.context import Context
from ..shared import ramps
from ..shared.ifgs import one_based
from .arcs import trend_terms
from .inputs import CommonInputs
from .variograms import IN_SPACE, sample

N_NEAR = 50
"""Neighbours of a point, itself among them."""

MORE = 14
"""Points that are looked at beside them, since the order of nearly equal distances is single."""

ROWS = 4096
"""Points whose neighbours are sought at a time."""

_SINGLE = 1e-6  # by which a distance in single may be off


@dataclass(frozen=True)
class Noise:
    """Fields of the outputs; rows are PS."""

    scn: Rows  # (n_ps, n_col) float64 [rad]
    noise_res: Rows  # (n_ps, n_col) float64 [rad]
    noise_std: Rows  # (n_ps,) float64 [rad]


def kriged_noise(
    high_pass: FloatArray,
    planes: ramps.Ramps,
    inputs: CommonInputs,
    used: IntArray,
    ctx: Context,
) -> Noise:
    """Low-pass the high-passed phase in space.

    Parameters
    ----------
    high_pass : (n_ps, n_use) float32
        Phase, high-passed in time [rad].
    planes : Ramps
        Planes of the used columns, which are noise as well.
    inputs : CommonInputs
        Positions, and a single-master network.
    used : (n_use,) int64
        Columns that were filtered.
    ctx : Context
        Work over PS.

    Notes
    -----
    docs/science/scn.md, Kriging. Relative to the first point; what is left of the phase counts the
    planes twice, as in StaMPS.
    """
    xy = np.ascontiguousarray(inputs.xy, np.float32)
    chosen = ctx.on_root(lambda: sample(len(xy), ctx.config.output.krig_seed))
    trend = _trend(xy, high_pass, chosen, used, ctx)

    def detrended(rows: slice) -> AnyArray:
        return (high_pass[rows] - trend.at(rows)).astype(np.float32)

    piece = ctx.config.runtime.stage7_chunk_ps
    values = np.ascontiguousarray(ctx.share(ctx.map_rows(detrended, len(xy), "trends", piece)))
    models = fitted_models(xy[chosen], values[chosen], used, ctx)
    return krig_points(values, models, high_pass, (trend, planes), inputs, used, ctx)


def _trend(
    xy: FloatArray, high_pass: FloatArray, chosen: IntArray, used: IntArray, ctx: Context
) -> ramps.Ramps:
    """Fit trends of the second degree to the sample."""
    terms = trend_terms(xy, xy)
    fitted = ramps.fit_ramps(terms[chosen], high_pass[chosen], used, ctx)
    return ramps.Ramps(terms, fitted.coefficients)


def fitted_models(xy: FloatArray, values: FloatArray, used: IntArray, ctx: Context) -> FloatArray:
    """Fit a variogram in space to every column.

    Parameters
    ----------
    xy : (n, 2) float32
        Positions of the sample [m].
    values : (n, n_use) float32
        Its values [rad].
    used : (n_use,) int64
        What the columns are, for messages.
    ctx : Context
        Sums over points.

    Returns
    -------
    (n_use, 3) float64
        Range [m], sill and nugget [rad^2].
    """
    xy, values = np.ascontiguousarray(xy), np.ascontiguousarray(values)

    def sums(rows: slice) -> AnyArray:
        squares, pairs = ctx.kernels.stage8_spatial_variogram(
            xy, values, IN_SPACE.width, IN_SPACE.n, rows.start, rows.stop
        )
        return np.column_stack((pairs, squares))

    total = ctx.sum_rows(sums, len(xy), "variograms of images")
    pairs, squares = total[:, 0].astype(np.int64), total[:, 1:]
    bins = IN_SPACE.kept(pairs)
    if not len(bins):
        ctx.warn("kriging: no two PS are near enough for a variogram; the noise is their mean")
        return np.tile([IN_SPACE.start, 0.0, 0.0], (values.shape[1], 1))
    semivariance = np.ascontiguousarray((squares[bins] / (2 * pairs[bins, None])).T)
    lags = IN_SPACE.lags(bins)
    models: FloatArray = ctx.on_root(
        lambda: ctx.kernels.stage8_fit_variograms(lags, semivariance, IN_SPACE.start)[0]
    )
    flat = models[:, 1] <= 0
    if flat.any():
        ctx.note(f"images {one_based(used[flat])} have no variogram that rises: means in space")
    ctx.fact("krig_range_m", np.median(models[:, 0]))
    return models


def krig_points(
    values: FloatArray,
    models: FloatArray,
    high_pass: FloatArray,
    added: tuple[ramps.Ramps, ...],
    inputs: CommonInputs,
    used: IntArray,
    ctx: Context,
) -> Noise:
    """Krige every image at every point, and put back what was taken off.

    Parameters
    ----------
    values : (n_ps, n_use) float32
        High-passed phase without trends [rad].
    models : (n_use, 3) float64
        Range [m], sill, nugget [rad^2].
    high_pass : (n_ps, n_use) float32
        High-passed phase [rad].
    added : tuple of Ramps
        Trends and planes.
    inputs, used, ctx : CommonInputs, (n_use,) int64, Context
        See :func:`kriged_noise`.

    Notes
    -----
    The neighbours are those within reach of the first column, as in StaMPS; a column with a shorter
    range takes fewer of them.
    """
    from scipy.spatial import cKDTree

    xy = np.ascontiguousarray(inputs.xy, np.float32)
    tree, reach = cKDTree(xy.astype(np.float64)), REACH * models[0, 0]
    n_columns, kept = inputs.ifgs.n_columns, np.isin(used, inputs.ifgs.columns)

    def smoothed(rows: slice) -> FloatArray:
        targets = np.arange(rows.start, rows.stop)
        near = nearest(tree, xy, targets, reach, ctx.threads)
        kriged = ctx.kernels.stage8_krig_space(values, xy, models, targets, near)
        for part in added:
            kriged = kriged + part.at(rows)
        return kriged

    origin = smoothed(slice(0, 1))[0]

    def noise(rows: slice) -> Noise:
        found = smoothed(rows) - origin
        scn, left = np.zeros((2, len(found), n_columns))
        scn[:, used[kept]] = found[:, kept]
        left[:, used] = high_pass[rows] - found
        return Noise(scn, left, left[:, used].std(axis=1, ddof=1))

    return ctx.map_rows(noise, len(xy), "kriging in space", ROWS)


def nearest(
    tree: Any, xy: FloatArray, targets: IntArray, reach: float, threads: int, more: int = MORE
) -> IntArray:
    """Return the nearest points of some points.

    Parameters
    ----------
    tree : scipy.spatial.cKDTree
        Of all points, in double.
    xy : (n, 2) float32
        All points [m].
    targets : (n_row,) int64
        Points whose neighbours are sought.
    reach : float
        Distance that they are closer than [m].
    threads : int
        Threads of the search.
    more : int
        Points that are looked at beside the nearest ones.

    Returns
    -------
    (n_row, n_near) int64
        Points by their distance in single, then by number; -1 beyond reach.
    """
    count = min(N_NEAR, len(xy))
    looked_at = min(count + more, len(xy))
    away, found = tree.query(xy[targets], np.arange(1, looked_at + 1), workers=threads)
    found = np.sort(found, axis=1)
    dx, dy = (xy[targets, None, axis] - xy[found, axis] for axis in (0, 1))
    distance = np.sqrt(dx * dx + dy * dy)
    order = np.argsort(distance, axis=1, kind="stable")[:, :count]
    distance = np.take_along_axis(distance, order, axis=1)
    near: IntArray = np.where(distance < reach, np.take_along_axis(found, order, axis=1), -1)
    # as far away as the last may be others, which the search has left out
    open_ = distance[:, -1] * (1 + _SINGLE) >= away[:, -1]
    if looked_at < len(xy) and open_.any():
        near[open_] = nearest(tree, xy, targets[open_], reach, threads, 4 * more)
    return np.ascontiguousarray(near, np.int64)
