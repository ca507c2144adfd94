"""Variograms, and ordinary kriging in time and in space; ``sources/kriging.cu``."""

import math
from collections.abc import Sequence

import numpy as np

from ..reference.kriging import HIGHEST, LOWEST, STEP
from .device import Array, Device, OnDevice, current, fetched
from .means import add_columns
from .pieces import (
    ROOM_THREADS,
    blocks_for,
    by_rows,
    require_room,
    rooms_for,
    rows_in_block,
)
from .samples import start

COLUMNS, GROUPS = 32, 4
"""Columns of a block of the variogram in space, and groups of as many threads; as in the source."""
MOST_PARTS = 512
"""Of the points of a variogram in space; each has sums of its own, which are added in order."""
DOUBLE = np.dtype(np.float64).itemsize


def series_variograms(series: Array, first: Array, second: Array, starts: Array) -> Array:
    """CUDA twin of :func:`reference.kriging.series_variograms`."""
    (n, m), n_lag = series.shape, len(starts) - 1
    semivariance = np.empty((n, n_lag))

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        count = given[-1].shape[0]
        out = device.empty((count, n_lag), np.float64)
        arguments = (*given, count, m, n_lag, out)
        start(device, "kriging", "series_variograms", count * n_lag, *arguments)
        return (out,)

    by_rows(run, (series,), (semivariance,), (first, second, starts))
    return semivariance


def spatial_variogram(
    xy: Array, values: Array, width: float, n_bin: int, first: int, stop: int
) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.kriging.spatial_variogram`."""
    device, (n, n_use) = current(), values.shape
    parts, tiles = max(min(stop - first, MOST_PARTS), 0), max(blocks_for(n_use, COLUMNS), 1)
    threads = COLUMNS * GROUPS
    room = (n_bin * (GROUPS * COLUMNS + 1) + threads) * DOUBLE
    rows_in_block(device, room, 1, "stage8_spatial_variogram")
    require_room(xy.nbytes + values.nbytes + parts * n_bin * (n_use + 1) * DOUBLE)
    with device.active():
        points = device.upload(xy), device.upload(values)
        squares = device.empty((parts, n_bin * n_use), np.float64)
        pairs = device.empty((parts, n_bin), np.uint64)
        arguments = (*points, n, n_use, float(width), n_bin, first, stop, parts, squares, pairs)
        device.launch(
            "kriging", "spatial_variogram", parts * tiles, threads, *arguments, shared=room
        )
        total = device.zeros((n_bin * n_use,), np.float64)
        add_columns(device, squares, total)
        counts = fetched(device, pairs).sum(axis=0).astype(np.int64)
        return fetched(device, total).reshape(n_bin, n_use), counts


def fit_variograms(lags: Array, semivariance: Array, indifferent: float) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.kriging.fit_variograms`."""
    n, n_lag = semivariance.shape
    low, high = math.log(LOWEST * lags[0]), math.log(HIGHEST * lags[-1])
    n_step = math.ceil((high - low) / STEP)
    ranges = np.exp(low + (high - low) / n_step * np.arange(n_step + 1))
    model, objective = np.empty((n, 3)), np.empty(n)
    blocks, rooms = rooms_for(current(), n, 2 * n_lag)

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        at, steps, piece = given
        count = piece.shape[0]
        shapes = device.empty((ranges.size, 2, n_lag), np.float64)
        found = device.empty((count, 3), np.float64), device.empty((count,), np.float64)
        start(device, "kriging", "variogram_shapes", ranges.size, at, n_lag, steps, ranges.size,
              shapes)  # fmt: skip
        arguments = (at, n_lag, steps, shapes, ranges.size, piece, count, float(indifferent))
        room = device.empty((rooms,), np.float64)
        device.launch("kriging", "fit_variograms", blocks, ROOM_THREADS, *arguments, room, *found)
        return found

    fixed = (rooms + ranges.size * 2 * n_lag) * DOUBLE
    by_rows(run, (semivariance,), (model, objective), (lags, ranges), fixed=fixed)
    return model, objective


def krig_time(
    series: Array, model: Array, distance: Array, order: Array, n_most: int
) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.kriging.krig_time`."""
    n, m = series.shape
    most = min(int(n_most), m)
    apart = np.take_along_axis(distance, order, axis=1) > 0
    others = np.zeros_like(order)
    for target, other in enumerate(apart):
        others[target, : other.sum()] = order[target, other]
    near = np.stack((order, others))
    n_near = np.stack((np.full(m, m), apart.sum(axis=1)))
    blocks, rooms = rooms_for(current(), n * m * 2, most * (most + 3))
    predicted = np.empty((n, m, 2))

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        *epochs, values, models = given
        count = values.shape[0]
        out = device.empty((count, m, 2), np.float64)
        room = device.empty((rooms,), np.float64)
        arguments = (*epochs, most, values, models, count, m, room, out)
        device.launch("kriging", "krig_time", blocks, ROOM_THREADS, *arguments)
        return (out,)

    fixed = rooms * DOUBLE
    by_rows(run, (series, model), (predicted,), (distance, near, n_near), fixed=fixed)
    low_pass, other = np.moveaxis(predicted, -1, 0)
    return np.ascontiguousarray(low_pass), np.ascontiguousarray(other)


def krig_space(values: Array, xy: Array, model: Array, targets: Array, neighbours: Array) -> Array:
    """CUDA twin of :func:`reference.kriging.krig_space`."""
    (n, most), n_use = neighbours.shape, values.shape[1]
    blocks, rooms = rooms_for(current(), n * n_use, most * (most + 3))
    predicted = np.empty((n, n_use))

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        points, places, models, chosen, near = given
        count = chosen.shape[0]
        out = device.empty((count, n_use), np.float64)
        room = device.empty((rooms,), np.float64)
        arguments = (points, places, models, n_use, chosen, near, count, most, room, out)
        device.launch("kriging", "krig_space", blocks, ROOM_THREADS, *arguments)
        return (out,)

    fixed = rooms * DOUBLE
    by_rows(run, (targets, neighbours), (predicted,), (values, xy, model), fixed=fixed)
    return predicted
