"""Arcs between neighbouring points: their phase, and the variograms in time of what is noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pystamps_kernels.numerics import ordered_product

from ...dataset.rows import AnyArray, BoolArray, ComputedRows, FloatArray, IntArray
from ...parallel.context import Context
from ..shared.delaunay import edges
from .variograms import IN_TIME, sample

DAY_OF_2000 = 730486
DAYS_PER_YEAR = 365.25
ENOUGH = 50
"""Arcs that must be exceeded by those with a plausible variogram, else kriging has no model."""


@dataclass(frozen=True)
class Timeline:
    """Times of the used images, and the motion that is taken off the arcs first.

    Parameters
    ----------
    years : (n_use,) float64
        Time since 2000 [years].
    terms : (n_use, 5) float64
        Parabola and season at these times.
    operator : (n_use, 5) float64
        Phase times this are the coefficients of the terms.
    projection : (n_use, n_use) float64
        Phase times this is what the terms explain of it.
    """

    years: FloatArray
    terms: FloatArray
    operator: NDArray[np.float64]
    projection: FloatArray

    @classmethod
    def of_days(cls, days: FloatArray) -> "Timeline":
        """Return the timeline of MATLAB day numbers."""
        years = (days - DAY_OF_2000) / DAYS_PER_YEAR
        terms = _terms(years, years)
        # a parabola stays one wherever time begins; from the middle the terms are well apart
        regular = _terms(years - years.mean(), years)
        projection = regular @ np.linalg.pinv(regular)
        operator = np.ascontiguousarray(np.linalg.pinv(terms).T, np.float64)
        return cls(years, terms, operator, (projection + projection.T) / 2)

    @property
    def distance(self) -> FloatArray:
        """Time between images, (n_use, n_use) [years]; taken in single, as StaMPS does."""
        single = self.years.astype(np.float32)
        return np.asarray(np.abs(single[:, None] - single), np.float64)

    @property
    def order(self) -> IntArray:
        """Row k: images by their distance from image k, (n_use, n_use)."""
        return np.argsort(self.distance, axis=1, kind="stable")

    @property
    def n_most(self) -> int:
        """Images that a prediction uses at most; StaMPS takes it from the mean time since 2000."""
        return int(np.ceil(self.years.mean() + 2 * self.years.std(ddof=1)))


def _terms(parabola: FloatArray, season: FloatArray) -> FloatArray:
    turn = 2 * np.pi * season
    terms = (parabola**2, parabola, np.sin(turn), np.cos(turn) - 1, np.ones_like(turn))
    return np.column_stack(terms)


@dataclass(frozen=True)
class Arcs:
    """The Delaunay network and the phase of its arcs, computed when it is asked for.

    Parameters
    ----------
    ends : (n_arc, 2) int64
        Points that they join.
    xy : (n_ps, 2) float32
        Positions of the points [m].
    phase : (n_ps, n_use) float32
        Phase of the points [rad].
    timeline : Timeline
        Times of the images.
    ctx : Context
        Kernels, and work over arcs.
    """

    ends: IntArray
    xy: FloatArray
    phase: FloatArray
    timeline: Timeline
    ctx: Context

    @classmethod
    def between(cls, xy: FloatArray, phase: FloatArray, timeline: Timeline, ctx: Context) -> "Arcs":
        """Join neighbouring points; no result depends on order or sense of the arcs."""
        ends = ctx.on_root(lambda: edges(xy, "native")[0])
        return cls(ends, xy, phase, timeline, ctx)

    def __len__(self) -> int:
        """Return the number of arcs."""
        return len(self.ends)

    @property
    def middles(self) -> FloatArray:
        """Middle of every arc, (n_arc, 2) float32 [m]."""
        first, second = self.ends.T
        return np.asarray((self.xy[first] + self.xy[second]) / np.float32(2))

    def steps(self, rows: Any) -> FloatArray:
        """Return the phase of some arcs, (n, n_use) float32 [rad]."""
        first, second = self.ends[rows].T
        return np.asarray(self.phase[second] - self.phase[first])

    def residual(self, rows: Any) -> FloatArray:
        """Return what the terms do not explain of it, (n, n_use) float32 [rad]."""
        projection = self.timeline.projection
        left: FloatArray = self.ctx.kernels.stage8_temporal_highpass(
            self.steps(rows), projection, np.zeros(len(projection))
        ).astype(np.float32)
        return left

    @property
    def residuals(self) -> ComputedRows:
        """The same of all arcs."""

        def of(rows: Any, columns: Any) -> AnyArray:
            return self.residual(rows)[:, columns]

        return ComputedRows((len(self), self.phase.shape[1]), np.dtype(np.float32), of)

    @property
    def motion(self) -> ComputedRows:
        """Coefficients of the terms, (n_arc, 5) float32."""
        operator = self.timeline.operator

        def of(rows: Any, columns: Any) -> AnyArray:
            return ordered_product(self.steps(rows), operator[:, columns]).astype(np.float32)

        return ComputedRows((len(self), operator.shape[1]), np.dtype(np.float32), of)

    def mean_deviation(self) -> float:
        """Return the mean over images of the deviation of the residuals [rad]."""

        def moments(rows: slice) -> AnyArray:
            values = self.residual(rows).astype(np.float64)
            return np.stack((values.sum(axis=0), (values**2).sum(axis=0)))

        n = len(self)
        total, squares = self.ctx.sum_rows(moments, n)
        variance = np.maximum(squares - total**2 / n, 0) / max(n - 1, 1)
        return float(np.sqrt(variance).mean())


@dataclass(frozen=True)
class Models:
    """Variograms of the arcs.

    Parameters
    ----------
    found : (n_arc, 3) float32
        Range [years], sill and nugget [rad^2] of the sampled arcs; NaN of the others.
    accepted : (n_arc,) bool
        Whether these are plausible.
    deviation : float
        Mean deviation of the residuals of the arcs [rad].
    shortest : float
        Range that a plausible one exceeds [years].
    """

    found: FloatArray
    accepted: BoolArray
    deviation: float
    shortest: float

    @property
    def enough(self) -> bool:
        """Whether the plausible ones suffice for kriging."""
        return int(self.accepted.sum()) > ENOUGH

    def everywhere(self, middles: FloatArray) -> FloatArray:
        """Return the model of every arc: a trend over the plausible ones.

        Parameters
        ----------
        middles : (n_arc, 2) float32
            Middles of the arcs [m].

        Returns
        -------
        (n_arc, 3) float64
            Range, sill, nugget; the plausible mean where the trend is not.
        """
        terms = trend_terms(middles, middles)[:, [0, 2, 1, 3, 4]]
        plausible = self.found[self.accepted].astype(np.float64)
        trend = terms @ np.linalg.lstsq(terms[self.accepted], plausible, rcond=None)[0]
        least = np.array([self.shortest, self.deviation / 50, self.deviation / 50])
        return np.where(trend <= least, plausible.mean(axis=0), trend)


def trend_terms(xy: FloatArray, extent: FloatArray) -> FloatArray:
    """Return the terms of a trend in space: squares, coordinates, one.

    Parameters
    ----------
    xy : (n, 2) float32
        Positions [m].
    extent : (m, 2) float32
        Positions from which middle and scale are taken, on which no fit depends.

    Returns
    -------
    (n, 5) float64
        ``x^2, x, y^2, y, 1``.
    """
    whole = extent.astype(np.float64)
    middle = (whole.max(axis=0) + whole.min(axis=0)) / 2
    half = np.maximum((whole.max(axis=0) - whole.min(axis=0)) / 2, 1.0)
    x, y = ((xy - middle) / half).T
    return np.column_stack((x**2, x, y**2, y, np.ones_like(x)))


def fitted_models(arcs: Arcs, seed: int) -> Models:
    """Fit variograms in time to a sample of the arcs.

    Parameters
    ----------
    arcs : Arcs
        One at least.
    seed : int
        Of the sample.

    Notes
    -----
    docs/science/scn.md, Variograms. StaMPS takes the mean time since 2000 for a duration when it
    bounds the ranges.
    """
    ctx, years = arcs.ctx, arcs.timeline.years
    found = np.full((len(arcs), 3), np.nan, np.float32)
    first, second, starts, lags = _pairs_by_lag(arcs.timeline.distance)
    if len(lags):
        chosen = ctx.on_root(lambda: sample(len(arcs), seed))

        def fitted(rows: slice) -> AnyArray:
            series = arcs.residual(chosen[rows])
            semivariance = ctx.kernels.stage8_series_variograms(series, first, second, starts)
            return ctx.kernels.stage8_fit_variograms(lags, semivariance, IN_TIME.start)[0]

        found[chosen] = ctx.share(ctx.map_rows(fitted, len(chosen), "variograms of arcs"))
    deviation, mean = arcs.mean_deviation(), float(years.mean())
    low = np.array([mean / 50, deviation / 50, deviation / 50])
    high = np.array([3 * mean, 4 * deviation, 4 * deviation])
    accepted = np.asarray(((found > low) & (found < high)).all(axis=1))
    return Models(found, accepted, deviation, low[0])


def _pairs_by_lag(distance: FloatArray) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Return the pairs of images that are fitted, sorted by lag, where each begins, and the lags.

    Parameters
    ----------
    distance : (n_use, n_use) float64
        Time between images [years].
    """
    first, second = np.triu_indices(len(distance), 1)
    number = (distance[first, second] / IN_TIME.width).astype(np.int64)
    pairs = np.bincount(number[number < IN_TIME.n], minlength=IN_TIME.n)
    bins = IN_TIME.kept(pairs)
    order = np.argsort(number, kind="stable")
    order = order[np.isin(number[order], bins)]
    starts = np.concatenate(([0], np.cumsum(pairs[bins]))).astype(np.int64)
    return first[order], second[order], starts, IN_TIME.lags(bins)


def adjusted(steps: FloatArray, arcs: Arcs) -> FloatArray:
    """Return the phase of the points whose steps are nearest to those of the arcs.

    Parameters
    ----------
    steps : (n_arc, n_use) float32
        Steps along the arcs [rad], which need not close.
    arcs : Arcs
        The network.

    Returns
    -------
    (n_ps, n_use) float32
        Phase [rad], 0 at the first point and where no way leads from it.

    Notes
    -----
    Least squares, by the Laplacian of the network, which a rank factorises with its first column.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import splu

    ctx, (first, second), n = arcs.ctx, arcs.ends.T, len(arcs.phase)
    joined = coo_array((np.ones(2 * len(arcs)), (np.r_[first, second], np.r_[second, first])),
                       (n, n)).tocsr()  # fmt: skip
    _, island = connected_components(joined, directed=False)
    free = np.flatnonzero(island == island[0])[1:]
    if len(free) < n - 1:
        ctx.warn(f"{n - 1 - len(free)} PS are joined to the first PS by no arc: no noise is found")
    degree = coo_array((joined.sum(axis=1)[free], (np.arange(len(free)),) * 2)).tocsc()
    factors: list[Any] = []

    def solved(column: int) -> tuple[AnyArray, None]:
        if not factors:
            laplacian = (degree - joined[free][:, free]).tocsc()
            factors.append(splu(laplacian, "MMD_AT_PLUS_A", options={"SymmetricMode": True}))
        weight = steps[:, column].astype(np.float64)
        balance = np.bincount(second, weight, n) - np.bincount(first, weight, n)
        phase = np.zeros(n, np.float32)
        phase[free] = factors[0].solve(balance[free])
        return phase, None

    columns = range(steps.shape[1])
    return ctx.map_columns(solved, columns, (n, np.float32), label="adjustment of arcs")[0]
