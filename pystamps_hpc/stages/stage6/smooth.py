"""Stage 6: temporal smoothing of arc phases, along stars or through the whole network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import ComplexArray, FloatArray
from ...parallel.context import Context
from ..shared.ifgs import Ifgs
from .stars import Star, complete_stars, gaussian_weights, line_intercepts, star


@dataclass(frozen=True)
class Arcs:
    """A stretch of edges.

    Parameters
    ----------
    rows : slice
        Which edges.
    phasors : (n, n_u) complex64
        Unit phasors without the look-angle error.
    look_angle : (n, n_u) float32 or None
        Look-angle error that was taken off [rad].
    """

    rows: slice
    phasors: ComplexArray
    look_angle: FloatArray | None


Smoother = Callable[[Arcs], FloatArray]
"""Gives the smooth phase of a stretch of edges, (n, n_u) float32 [rad]."""

PhasorRows = Callable[[slice], ComplexArray]


def network_smoother(network: Ifgs, time_win: float, ctx: Context) -> Smoother:
    """Invert the network by least squares, smooth the images in time, and difference them again.

    The phase of the first used image is 0; a disconnected network gets the minimum-norm solution.
    docs/science/unwrapping.md, Smoothing through the network.
    """
    design = network.design

    def smoothed_images() -> FloatArray:
        images = np.zeros((len(network.day), design.shape[0]))
        images[1:] = np.linalg.pinv(design[:, 1:])
        return gaussian_weights(network.elapsed, time_win) @ images

    operator = ctx.on_root(smoothed_images)
    single = design.astype(np.float32)
    return lambda arcs: ctx.kernels.stage6_network_smooth(arcs.phasors, operator, single)


@dataclass(frozen=True)
class StarPlan:
    """A star, its weights, and the dates next to its centre."""

    star: Star
    weights: FloatArray
    intercepts: FloatArray
    first: int
    last: int

    def smooth(self, phasors: ComplexArray, ctx: Context) -> FloatArray:
        """Return the smooth phase (n, k) of the star's interferograms.

        The series is in order of date while signs and columns are in order of the interferograms,
        as in the reference; the two agree when the interferograms are listed by date.
        """
        series = np.take(phasors, self.star.ifgs, axis=1)
        series[:, self.star.backward] = np.conj(series[:, self.star.backward])
        phase = ctx.kernels.stage6_star_smooth(
            np.take(series, self.star.order, axis=1),
            self.weights,
            self.intercepts,
            self.first,
            self.last,
        )
        return phase * self.star.sign


def star_plan(network: Ifgs, image: int, time_win: float) -> StarPlan:
    """Prepare the smoothing along the star of an image."""
    around = star(network, image)
    day = network.elapsed[around.other[around.order]]
    weights = gaussian_weights(day, time_win)
    later = np.flatnonzero(around.other > image)
    last = int(later[0]) if later.size else day.size - 1
    first = max(last - 1, 0) if later.size else last
    return StarPlan(around, weights, line_intercepts(day, weights), first, last)


def star_smoother(
    network: Ifgs, time_win: float, phasors: PhasorRows, n_edge: int, ctx: Context
) -> Smoother:
    """Smooth along every nearly complete star; in PS mode that of the master.

    An interferogram of several stars takes the one with the smallest residuals over all edges, the
    last of equals. docs/science/unwrapping.md, Smoothing along a star.

    Parameters
    ----------
    network : Ifgs
        Interferograms.
    time_win : float
        Standard deviation of the weights [days].
    phasors : callable
        Unit phasors of a stretch of edges, to choose between stars.
    n_edge : int
        Number of edges.
    ctx : Context
        Kernels and sums.
    """
    plans = ctx.on_root(
        lambda: [star_plan(network, image, time_win) for image in complete_stars(network)]
    )
    owner = np.zeros(len(network), np.int64)
    if len(plans) > 1:
        spread = np.full((len(plans), owner.size), np.inf)
        for number, plan in enumerate(plans):
            spread[number, plan.star.ifgs] = _residual_spread(plan, phasors, n_edge, ctx)
        owner = len(plans) - 1 - np.argmin(spread[::-1], axis=0)

    def smooth(arcs: Arcs) -> FloatArray:
        phase = np.empty(arcs.phasors.shape, np.float32)
        for number, plan in enumerate(plans):
            taken = owner[plan.star.ifgs] == number
            phase[:, plan.star.ifgs[taken]] = plan.smooth(arcs.phasors, ctx)[:, taken]
        return phase

    return smooth


def _residual_spread(plan: StarPlan, phasors: PhasorRows, n_edge: int, ctx: Context) -> FloatArray:
    """Take the standard deviation over all edges of what the star leaves, per interferogram."""

    def moments(rows: slice) -> FloatArray:
        arcs = phasors(rows)
        smooth = plan.smooth(arcs, ctx)
        own = np.take(arcs, plan.star.ifgs, axis=1)
        rest = np.angle(ctx.kernels.stage6_subtract_phase(own, smooth)).astype(np.float64)
        return np.stack([rest.sum(axis=0), (rest**2).sum(axis=0)])

    total, squares = ctx.sum_rows(moments, n_edge, "stars")
    return np.asarray(np.sqrt((squares - total**2 / n_edge) / (n_edge - 1)))
