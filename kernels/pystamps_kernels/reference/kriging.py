"""Variograms, and ordinary kriging in time and in space."""

import math

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Index = NDArray[np.int64]

LOWEST, HIGHEST = 0.05, 1000.0
"""Bounds of a range, in smallest and largest lags."""

STEP = 0.1
"""Step of the search for ranges, in natural logarithms."""

BISECTIONS = 42
"""Halvings of a bracket of one step: the range is then known to 2e-14."""

GAIN = 1e-9
"""Share of the objective that a sill has to gain, else there is none."""

REACH = 4.0
"""Neighbours are closer than so many ranges."""

LEAST_NUGGET = 1e-12
"""Nugget in sills that keeps the systems of points at one place regular."""

_BLOCK = 4_000_000


def series_variograms(series: Single, first: Index, second: Index, starts: Index) -> Double:
    """Return the empirical variogram of every series.

    Parameters
    ----------
    series : (n, n_use) float32
        Values.
    first, second : (n_pair,) int64
        Epochs of the pairs, sorted by lag.
    starts : (n_lag + 1,) int64
        First pair of each lag, and the end; none is empty.

    Returns
    -------
    (n, n_lag) float64
        Half the mean squared difference.

    Notes
    -----
    StaMPS ``ps_fit_vario``; docs/science/scn.md, Variograms. Differences are single, as there.

    Examples
    --------
    >>> series = np.array([[0, 1, 3]], np.float32)
    >>> pairs = np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([0, 2, 3])
    >>> series_variograms(series, *pairs).tolist()
    [[1.25, 4.5]]
    """
    squares = (series[:, first] - series[:, second]).astype(np.float64) ** 2
    return np.asarray(np.add.reduceat(squares, starts[:-1], axis=1) / (2 * np.diff(starts)))


def spatial_variogram(
    xy: Single, values: Single, width: float, n_bin: int, first: int, stop: int
) -> tuple[Double, Index]:
    """Add up the squared differences of pairs of points by their distance.

    Parameters
    ----------
    xy : (n, 2) float32
        Positions [m].
    values : (n, n_use) float32
        Values.
    width : float
        Width of a bin [m]; a bin contains its lower bound.
    n_bin : int
        Number of bins.
    first, stop : int
        The lower point of the pairs that are looked at.

    Returns
    -------
    squares : (n_bin, n_use) float64
        Squared differences, summed over pairs.
    pairs : (n_bin,) int64
        Number of pairs.

    Notes
    -----
    StaMPS ``ps_fit_vario``; docs/science/scn.md, Variograms. Distances and differences are single.

    Examples
    --------
    >>> xy, values = np.array([[0, 0], [3, 4]], np.float32), np.array([[0], [2]], np.float32)
    >>> squares, pairs = spatial_variogram(xy, values, 5.0, 2, 0, 2)
    >>> squares.tolist(), pairs.tolist()
    ([[0.0], [4.0]], [0, 1])
    """
    n, n_use = values.shape
    squares, pairs = np.zeros((n_bin, n_use)), np.zeros(n_bin, np.int64)
    step = max(_BLOCK // (n * n_use), 1)
    for begin in range(first, stop, step):
        some = np.arange(begin, min(begin + step, stop))
        dx, dy = (xy[some, None, axis] - xy[:, axis] for axis in (0, 1))
        number = (np.sqrt(dx * dx + dy * dy).astype(np.float64) / width).astype(np.int64)
        number[np.arange(n) <= some[:, None]] = n_bin
        for each in range(n_bin):
            lower, upper = np.nonzero(number == each)
            away = (values[some[lower]] - values[upper]).astype(np.float64)
            squares[each] += (away**2).sum(axis=0)
            pairs[each] += len(lower)
    return squares, pairs


def fit_variograms(lags: Double, semivariance: Double, indifferent: float) -> tuple[Double, Double]:
    """Fit ``nugget + sill (1 - exp(-lag / range))`` to empirical variograms.

    Parameters
    ----------
    lags : (n_lag,) float64
        Lags, ascending.
    semivariance : (n, n_lag) float64
        Semivariance at the lags, not negative.
    indifferent : float
        Range of a variogram that a constant describes as well.

    Returns
    -------
    model : (n, 3) float64
        Range, sill and nugget, none negative.
    objective : (n,) float64
        Sum of squared deviations.

    Notes
    -----
    docs/science/scn.md, Variograms. For a given range sill and nugget are linear, so that ranges
    alone are sought: steps of :data:`STEP` find where the objective begins to rise, bisection of
    its derivative finds each minimum, the lowest is taken. It does not depend on start values.

    Examples
    --------
    >>> lags = np.arange(1.0, 9.0)
    >>> model, objective = fit_variograms(lags, 1 + 2 * (1 - np.exp(-lags[None] / 3)), 1.0)
    >>> model.round(6).tolist()
    [[3.0, 2.0, 1.0]]
    """
    low, high = math.log(LOWEST * lags[0]), math.log(HIGHEST * lags[-1])
    n_step = math.ceil((high - low) / STEP)
    ranges = np.exp(low + (high - low) / n_step * np.arange(n_step + 1))
    rising = np.stack(
        [_slope(np.full(len(semivariance), each), lags, semivariance) >= 0 for each in ranges]
    )
    above = np.concatenate((rising, np.ones_like(rising[:1])))
    below = np.concatenate((np.zeros_like(rising[:1]), rising))
    place, row = np.nonzero(above & ~below)
    lower, upper = ranges[np.maximum(place - 1, 0)], ranges[np.minimum(place, n_step)]
    for _ in range(BISECTIONS):
        middle = np.sqrt(lower * upper)
        uphill = _slope(middle, lags, semivariance[row]) >= 0
        lower, upper = np.where(uphill, lower, middle), np.where(uphill, middle, upper)
    found = np.sqrt(lower * upper)
    sill, nugget, deviation = _linear_part(found, lags, semivariance[row])
    deviations = (deviation**2).sum(axis=1)

    mean = semivariance.mean(axis=1)
    model = np.stack((np.full_like(mean, indifferent), np.zeros_like(mean), mean), axis=1)
    objective = ((semivariance - mean[:, None]) ** 2).sum(axis=1)
    least = objective * (1 - GAIN)
    for candidate, own in enumerate(row):
        if deviations[candidate] < least[own]:
            model[own] = found[candidate], sill[candidate], nugget[candidate]
            objective[own] = least[own] = deviations[candidate]
    return model, objective


def _linear_part(ranges: Double, lags: Double, semivariance: Double) -> tuple[Double, ...]:
    """Return the best sills and nuggets that are not negative, and the deviations that they leave.

    Where one would be negative the best has it zero, and the other is then not negative.
    """
    shape = -np.expm1(-lags / ranges[:, None])
    level, mean = shape.mean(axis=1), semivariance.mean(axis=1)
    away = shape - level[:, None]
    spread = (away**2).sum(axis=1)
    product = (away * (semivariance - mean[:, None])).sum(axis=1)
    sill = np.maximum(product / np.where(spread > 0, spread, np.inf), 0)
    nugget = mean - sill * level
    alone = (shape * semivariance).sum(axis=1) / (shape**2).sum(axis=1)
    sill, nugget = np.where(nugget < 0, alone, sill), np.maximum(nugget, 0)
    return sill, nugget, semivariance - nugget[:, None] - sill[:, None] * shape


def _slope(ranges: Double, lags: Double, semivariance: Double) -> Double:
    """Return half the derivative of the objective by the logarithm of the range."""
    sill, _, deviation = _linear_part(ranges, lags, semivariance)
    scaled = lags / ranges[:, None]
    return np.asarray(sill * (deviation * scaled * np.exp(-scaled)).sum(axis=1))


def krig_time(
    series: Single, model: Double, distance: Double, order: Index, n_most: int
) -> tuple[Double, Double]:
    """Predict every series at its own epochs.

    Parameters
    ----------
    series : (n, n_use) float32
        Values.
    model : (n, 3) float64
        Range, sill and nugget of each series.
    distance : (n_use, n_use) float64
        Between epochs, in the unit of the range.
    order : (n_use, n_use) int64
        Row k holds the epochs by their distance from epoch k.
    n_most : int
        Neighbours that are used at most.

    Returns
    -------
    low_pass : (n, n_use) float64
        Predicted by all epochs, the own one among them; its noise is filtered.
    others : (n, n_use) float64
        Predicted by epochs of other times alone, NaN where none is near enough.

    Notes
    -----
    StaMPS ``ps_kriging``; docs/science/scn.md, Kriging.

    Examples
    --------
    Three epochs without nugget: the own value is met, the middle is the mean of its neighbours.

    >>> distance = np.abs(np.subtract.outer([0.0, 1, 2], [0.0, 1, 2]))
    >>> order = np.argsort(distance, axis=1, kind="stable")
    >>> series, model = np.array([[1, 5, 3]], np.float32), np.array([[1.0, 1, 0]])
    >>> low_pass, others = krig_time(series, model, distance, order, 3)
    >>> low_pass.round(6).tolist(), round(float(others[0, 1]), 6)
    ([[1.0, 5.0, 3.0]], 2.0)
    """
    n, n_use = series.shape
    low_pass, others = np.full((n, n_use), np.nan), np.full((n, n_use), np.nan)
    for target in range(n_use):
        near = order[target]
        other = near[distance[target, near] > 0]
        for result, chosen in ((low_pass, near[:n_most]), (others, other[:n_most])):
            reach = distance[target, chosen]
            counts = np.searchsorted(reach, REACH * model[:, 0])
            for count in np.unique(counts[counts > 0]):
                rows, used = np.flatnonzero(counts == count), chosen[:count]
                apart = distance[np.ix_(used, used)]
                step = max(_BLOCK // count**2, 1)
                for begin in range(0, len(rows), step):
                    some = rows[begin : begin + step]
                    values = series[np.ix_(some, used)].astype(np.float64)
                    result[some, target] = _kriged(apart, reach[:count], values, model[some])
    return low_pass, others


def krig_space(
    values: Single, xy: Single, model: Double, targets: Index, neighbours: Index
) -> Double:
    """Predict all columns at points from their neighbours.

    Parameters
    ----------
    values : (n, n_use) float32
        Values of all points.
    xy : (n, 2) float32
        Positions of all points [m].
    model : (n_use, 3) float64
        Range [m], sill and nugget of each column.
    targets : (n_row,) int64
        Points that are predicted.
    neighbours : (n_row, n_near) int64
        Their neighbours by distance, then -1. A column uses those within its own reach.

    Returns
    -------
    (n_row, n_use) float64
        Values without noise; 0 where no neighbour is near enough.

    Notes
    -----
    StaMPS ``ps_kriging``; docs/science/scn.md, Kriging. Distances are single.

    Examples
    --------
    Without a sill the prediction is the mean of the neighbours.

    >>> values, xy = np.array([[1], [3]], np.float32), np.array([[0, 0], [1, 0]], np.float32)
    >>> krig_space(values, xy, np.array([[9.0, 0, 1]]), np.array([0]), np.array([[0, 1]])).tolist()
    [[2.0]]
    """
    kriged = np.zeros((len(targets), values.shape[1]))
    for row, (target, near) in enumerate(zip(targets, neighbours, strict=True)):
        near = near[near >= 0]
        reach = _distances(xy[target], xy[near])
        apart = _distances(xy[near, None], xy[near])
        counts = np.searchsorted(reach, REACH * model[:, 0])
        for count in np.unique(counts[counts > 0]):
            columns = np.flatnonzero(counts == count)
            some = values[np.ix_(near[:count], columns)].T.astype(np.float64)
            system = apart[:count, :count], reach[:count]
            kriged[row, columns] = _kriged(*system, some, model[columns])
    return kriged


def _distances(one: Single, other: Single) -> Double:
    """Return distances, decided in single."""
    dx, dy = one[..., 0] - other[..., 0], one[..., 1] - other[..., 1]
    return np.asarray(np.sqrt(dx * dx + dy * dy), np.float64)


def _kriged(apart: Double, reach: Double, values: Double, model: Double) -> Double:
    """Solve the bordered system for several series at the same places.

    Parameters
    ----------
    apart : (n_near, n_near) float64
        Distances between the neighbours.
    reach : (n_near,) float64
        Their distances from the place of the prediction.
    values : (n, n_near) float64
        Values of the series there.
    model : (n, 3) float64
        Range, sill, nugget of each series; without a sill the prediction is the mean.
    """
    n, n_near = values.shape
    span, sill, nugget = (model[:, i, None] for i in range(3))
    sill, nugget = np.where(sill > 0, sill, 0), np.where(sill > 0, nugget, 1)
    bordered = np.ones((n, n_near + 1, n_near + 1))
    bordered[:, -1, -1] = 0
    bordered[:, :-1, :-1] = sill[..., None] * np.exp(-apart / span[..., None])
    diagonal = np.arange(n_near)
    bordered[:, diagonal, diagonal] += np.maximum(nugget, LEAST_NUGGET * sill)
    right = np.ones((n, n_near + 1, 1))
    right[:, :-1, 0] = sill * np.exp(-reach / span)
    weights = np.linalg.solve(bordered, right)[:, :-1, 0]
    mean = values.mean(axis=1)
    return np.asarray((weights * (values - mean[:, None])).sum(axis=1) + mean)
