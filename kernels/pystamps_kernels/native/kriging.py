"""Variograms, and ordinary kriging in time and in space."""

import math
from typing import Any

import numpy as np
from numba import float64, int64, prange

from ..reference.kriging import BISECTIONS, GAIN, HIGHEST, LEAST_NUGGET, LOWEST, REACH, STEP
from .compile import inline, kernel

SERIES = 16  # series, or points, that share their room
ROWS = 32  # points whose pairs are added up together; fixed, so that threads change no sum


@kernel
def series_variograms(series: Any, first: Any, second: Any, starts: Any) -> Any:
    """Native twin of :func:`reference.kriging.series_variograms`."""
    n, n_lag = series.shape[0], starts.shape[0] - 1
    semivariance = np.empty((n, n_lag))
    for row in prange(n):
        for lag in range(n_lag):
            total = 0.0
            for pair in range(starts[lag], starts[lag + 1]):
                away = float64(series[row, first[pair]] - series[row, second[pair]])
                total += away * away
            semivariance[row, lag] = total / (2 * (starts[lag + 1] - starts[lag]))
    return semivariance


@kernel
def spatial_variogram(xy: Any, values: Any, width: float, n_bin: int, first: int, stop: int) -> Any:
    """Native twin of :func:`reference.kriging.spatial_variogram`; sums by blocks of points."""
    n, n_use = values.shape
    n_block = (stop - first + ROWS - 1) // ROWS
    sums, counts = np.zeros((n_block, n_bin, n_use)), np.zeros((n_block, n_bin), np.int64)
    for block in prange(n_block):
        for lower in range(first + block * ROWS, min(first + (block + 1) * ROWS, stop)):
            for upper in range(lower + 1, n):
                dx, dy = xy[lower, 0] - xy[upper, 0], xy[lower, 1] - xy[upper, 1]
                number = int64(float64(np.sqrt(dx * dx + dy * dy)) / width)
                if number < n_bin:
                    counts[block, number] += 1
                    total, one, other = sums[block, number], values[lower], values[upper]
                    for k in range(n_use):
                        away = float64(one[k] - other[k])
                        total[k] += away * away
    squares, pairs = np.zeros((n_bin, n_use)), np.zeros(n_bin, np.int64)
    for block in range(n_block):
        squares += sums[block]
        pairs += counts[block]
    return squares, pairs


@inline
def _linear_part(shape: Any, values: Any, mean: float) -> Any:
    """Return the best sill and nugget that are not negative."""
    level, square, alone = 0.0, 0.0, 0.0
    for i in range(shape.shape[0]):
        level += shape[i]
        square += shape[i] * shape[i]
        alone += shape[i] * values[i]
    level /= shape.shape[0]
    spread, product = 0.0, 0.0
    for i in range(shape.shape[0]):
        away = shape[i] - level
        spread += away * away
        product += away * (values[i] - mean)
    sill = max(product / spread, 0.0) if spread > 0.0 else 0.0
    nugget = mean - sill * level
    return (alone / square, 0.0) if nugget < 0.0 else (sill, nugget)


@inline
def _uphill(shape: Any, decay: Any, values: Any, mean: float) -> Any:
    """Whether the objective does not fall with the range; `decay` is the shape's derivative."""
    sill, nugget = _linear_part(shape, values, mean)
    slope = 0.0
    for i in range(shape.shape[0]):
        slope += (values[i] - nugget - sill * shape[i]) * decay[i]
    return sill * slope >= 0.0


@inline
def _shape_at(span: float, lags: Any, shape: Any, decay: Any) -> None:
    """Write the variogram of sill one, and its derivative by the logarithm of the range."""
    for i in range(lags.shape[0]):
        scaled = lags[i] / span
        shape[i] = -math.expm1(-scaled)
        decay[i] = scaled * math.exp(-scaled)


@kernel
def fit_variograms(lags: Any, semivariance: Any, indifferent: float) -> Any:
    """Native twin of :func:`reference.kriging.fit_variograms`."""
    n, n_lag = semivariance.shape
    low, high = math.log(LOWEST * lags[0]), math.log(HIGHEST * lags[n_lag - 1])
    n_step = int64(math.ceil((high - low) / STEP))
    ranges = np.empty(n_step + 1)
    shapes, decays = np.empty((n_step + 1, n_lag)), np.empty((n_step + 1, n_lag))
    for step in range(n_step + 1):
        ranges[step] = math.exp(low + (high - low) / n_step * step)
        _shape_at(ranges[step], lags, shapes[step], decays[step])
    model, objective = np.empty((n, 3)), np.empty(n)
    for block in prange((n + SERIES - 1) // SERIES):
        shape, decay = np.empty(n_lag), np.empty(n_lag)
        for row in range(block * SERIES, min((block + 1) * SERIES, n)):
            values = semivariance[row]
            mean, least = 0.0, 0.0
            for i in range(n_lag):
                mean += values[i]
            mean /= n_lag
            for i in range(n_lag):
                least += (values[i] - mean) ** 2
            model[row, 0], model[row, 1], model[row, 2] = indifferent, 0.0, mean
            objective[row] = least
            least *= 1.0 - GAIN
            falling = True
            for place in range(n_step + 2):
                rising = place > n_step or _uphill(shapes[place], decays[place], values, mean)
                if rising and falling:
                    lower = ranges[place - 1] if place > 0 else ranges[0]
                    upper = ranges[place] if place <= n_step else ranges[n_step]
                    for _ in range(BISECTIONS):
                        middle = math.sqrt(lower * upper)
                        _shape_at(middle, lags, shape, decay)
                        if _uphill(shape, decay, values, mean):
                            upper = middle
                        else:
                            lower = middle
                    span = math.sqrt(lower * upper)
                    _shape_at(span, lags, shape, decay)
                    sill, nugget = _linear_part(shape, values, mean)
                    total = 0.0
                    for i in range(n_lag):
                        total += (values[i] - nugget - sill * shape[i]) ** 2
                    if total < least:
                        model[row, 0], model[row, 1], model[row, 2] = span, sill, nugget
                        objective[row] = least = total
                falling = not rising
    return model, objective


@inline
def _kriged(system: Any, count: int, mean: float) -> Any:
    """Return the prediction of a system, which is used up, without solving for its weights.

    `system` holds above its diagonal the covariances of the neighbours, and beside them, in three
    more columns, those with the prediction, ones, and the values less `mean`. Elimination turns
    products with the inverse into those of these columns.
    """
    last = count + 3
    for k in range(count):
        pivot = system[k]
        root = math.sqrt(pivot[k])
        for j in range(k, last):
            pivot[j] /= root
        for i in range(k + 1, count):
            row, factor = system[i], pivot[i]
            for j in range(i, last):
                row[j] -= factor * pivot[j]
    simple, border, ones, lack = 0.0, 0.0, 0.0, 1.0
    for k in range(count):
        reach, one, value = system[k, count], system[k, count + 1], system[k, count + 2]
        simple += value * reach
        border += value * one
        ones += one * one
        lack -= one * reach
    return simple + border * lack / ones + mean


@inline
def _predicted(
    decay: Any, target: int, near: Any, count: int, values: Any, sill: float, nugget: float,
    system: Any,
) -> Any:  # fmt: skip
    """Predict one series at the epoch `target` from its first `count` epochs `near`."""
    mean = 0.0
    for i in range(count):
        mean += values[near[i]]
    mean /= count
    if not sill > 0.0:
        return mean
    for i in range(count):
        row, own = system[i], decay[near[i]]
        for j in range(i, count):
            row[j] = sill * own[near[j]]
        row[i] += max(nugget, LEAST_NUGGET * sill)
        row[count] = sill * own[target]
        row[count + 1] = 1.0
        row[count + 2] = values[near[i]] - mean
    return _kriged(system, count, mean)


@kernel
def krig_time(series: Any, model: Any, distance: Any, order: Any, n_most: int) -> Any:
    """Native twin of :func:`reference.kriging.krig_time`."""
    n, n_use = series.shape
    low_pass, others = np.full((n, n_use), np.nan), np.full((n, n_use), np.nan)
    other, n_other = np.empty((n_use, n_use), np.int64), np.zeros(n_use, np.int64)
    for target in range(n_use):
        for epoch in order[target]:
            if distance[target, epoch] > 0.0:
                other[target, n_other[target]] = epoch
                n_other[target] += 1
    for block in prange((n + SERIES - 1) // SERIES):
        decay, system = np.empty((n_use, n_use)), np.empty((n_most, n_most + 3))
        for row in range(block * SERIES, min((block + 1) * SERIES, n)):
            span, sill, nugget = model[row]
            for one in range(n_use):
                for two in range(one + 1):
                    value = math.exp(-distance[one, two] / span)
                    decay[one, two] = value
                    decay[two, one] = value
            for target in range(n_use):
                for chosen in range(2):
                    near = order[target] if chosen == 0 else other[target]
                    most = min(n_use if chosen == 0 else n_other[target], n_most)
                    count = 0
                    while count < most and distance[target, near[count]] < REACH * span:
                        count += 1
                    if count == 0:
                        continue
                    value = _predicted(
                        decay, target, near, count, series[row], sill, nugget, system
                    )
                    if chosen == 0:
                        low_pass[row, target] = value
                    else:
                        others[row, target] = value
    return low_pass, others


@inline
def _apart(xy: Any, one: int, other: int) -> Any:
    """Return the distance of two points, decided in single."""
    dx, dy = xy[one, 0] - xy[other, 0], xy[one, 1] - xy[other, 1]
    return float64(np.sqrt(dx * dx + dy * dy))


@kernel
def krig_space(values: Any, xy: Any, model: Any, targets: Any, neighbours: Any) -> Any:
    """Native twin of :func:`reference.kriging.krig_space`."""
    n_row, most = neighbours.shape
    n_use = values.shape[1]
    kriged = np.zeros((n_row, n_use))
    for block in prange((n_row + SERIES - 1) // SERIES):
        apart, system = np.empty((most, most)), np.empty((most, most + 3))
        reach = np.empty(most)
        for row in range(block * SERIES, min((block + 1) * SERIES, n_row)):
            near, n_near = neighbours[row], 0
            while n_near < most and near[n_near] >= 0:
                reach[n_near] = _apart(xy, targets[row], near[n_near])
                for other in range(n_near):
                    apart[other, n_near] = _apart(xy, near[other], near[n_near])
                n_near += 1
            for column in range(n_use):
                span, sill, nugget = model[column]
                count, mean = 0, 0.0
                while count < n_near and reach[count] < REACH * span:
                    mean += values[near[count], column]
                    count += 1
                if count == 0:
                    continue
                mean /= count
                if not sill > 0.0:
                    kriged[row, column] = mean
                    continue
                for i in range(count):
                    equation, away = system[i], apart[i]
                    equation[i] = sill + max(nugget, LEAST_NUGGET * sill)
                    for j in range(i + 1, count):
                        equation[j] = sill * math.exp(-away[j] / span)
                    equation[count] = sill * math.exp(-reach[i] / span)
                    equation[count + 1] = 1.0
                    equation[count + 2] = float64(values[near[i], column]) - mean
                kriged[row, column] = _kriged(system, count, mean)
    return kriged
