"""Noise of the arcs of a network, of its nodes and of the interferograms."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.edge_stats import NoiseVarianceError
from ..numerics import wrap

CHUNK = 4096  # edges; sums over edges are taken per chunk and added in order
CANCELS = 0.99  # own weight from which the others are summed, not what is left of the whole

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]
Phasors = NDArray[np.complexfloating]
Statistics = tuple[Floats, Floats, Floats, Floats, Floats, Floats]
PairStatistics = tuple[Floats, Floats, Floats, Floats, Phasors, Floats]


def edge_stats(
    phase: Phasors, node_a: Ints, node_b: Ints, bperp: Floats, day: Floats, time_win: float
) -> Statistics:
    """Estimate the noise of arcs and nodes from what a local line in time leaves over.

    Parameters
    ----------
    phase : (n_node, n_use) complex64 or complex128
        Unit phasors of the used interferograms, look-angle error removed.
    node_a, node_b : (n_edge,) int64
        End points from 0, in the direction of the arc, which is ``node_b`` minus ``node_a``.
    bperp : (n_use,) float64
        Perpendicular baseline [m].
    day : (n_use,) float64
        Acquisition [day].
    time_win : float
        Standard deviation of the temporal Gaussian [day], positive.

    Returns
    -------
    ps_std, ps_max : (n_node,) float64
        Least standard deviation and least maximum of the arcs of each node [rad]; inf for a node
        without arcs.
    edge_std, edge_max : (n_edge,) float64
        Standard deviation and largest absolute value of the arc noise [rad].
    k_edge : (n_edge,) float64
        Look-angle error slope of each arc, removed from its noise [rad/m].
    ifg_var : (n_use,) float64
        Noise variance of each interferogram [rad^2].

    Raises
    ------
    NoiseVarianceError
        A variance is zero or not finite.
    ValueError
        A phase is not finite.

    Notes
    -----
    StaMPS ``ps_weed``; docs/science/weeding.md, Noise of an arc. Angle form: with the arc's angle
    ``delta`` the phasors need no exponential, and taking an angle is a wrap.

    Examples
    --------
    A steady motion is no noise; a node without arcs has none to compare.

    >>> day = np.array([0.0, 12.0, 24.0, 36.0])
    >>> phase = np.exp(1j * np.outer([0.0, 0.02, 0.05], day))
    >>> node_a, node_b, bperp = np.array([0]), np.array([1]), np.array([10.0, -40.0, 90.0, 5.0])
    >>> ps_std, *_ = edge_stats(phase, node_a, node_b, bperp, day, 100.0)
    >>> ps_std.round(6).tolist()
    [0.0, 0.0, inf]
    """
    noise, total, squares = _arc_noise(phase, node_a, node_b, day, time_win)
    return statistics(noise, mean_free_variance(total, squares, len(noise)), node_a, node_b,
                      bperp, len(phase))  # fmt: skip


def edge_stats_undirected(
    phase: Phasors, node_a: Ints, node_b: Ints, bperp: Floats, day: Floats, time_win: float
) -> Statistics:
    """Estimate the noise as :func:`edge_stats` does, with ``ifg_var`` about zero.

    The variance about the mean depends on the direction of the single arcs, which only Triangle's
    edge list shares with the reference. This form does not; docs/science/weeding.md, Network.
    """
    noise, _, squares = _arc_noise(phase, node_a, node_b, day, time_win)
    return statistics(noise, zero_mean_variance(squares, len(noise)), node_a, node_b,
                      bperp, len(phase))  # fmt: skip


def pair_edge_stats(phase: Phasors, node_a: Ints, node_b: Ints, bperp: Floats) -> PairStatistics:
    """Estimate the noise of arcs and nodes of small baselines from what a slope leaves over.

    Parameters
    ----------
    phase, node_a, node_b, bperp
        As those of :func:`edge_stats`; interferograms are pairs of images.

    Returns
    -------
    ps_std, ps_max, edge_std, edge_max
        As those of :func:`edge_stats`.
    k_edge : (n_edge,) complex128
        Slope of each arc's phasor against the baseline, removed from it [1/m].
    ifg_var : (n_use,) float64
        Variance of the phasors of each interferogram over the arcs, about their mean.

    Raises
    ------
    NoiseVarianceError
        A variance is zero or not finite.
    ValueError
        A phase is not finite.

    Notes
    -----
    StaMPS ``ps_weed``; docs/science/weeding.md, Noise of an arc with small baselines.

    Examples
    --------
    Without a slope the noise is the phase of the arc. The variance of a single one counts as 1.

    >>> phase = np.exp(1j * np.array([[0.0, 0.0, 0.0], [0.1, -0.1, 0.1]]))
    >>> _, ps_max, *_ = pair_edge_stats(phase, np.array([0]), np.array([1]), np.zeros(3))
    >>> ps_max.round(6).tolist()
    [0.1, 0.1]
    """
    total, squares = _pair_sums(phase, node_a, node_b)
    variance = pair_variance(total, squares, len(node_a))
    return _pair_statistics(phase, node_a, node_b, bperp, variance)


def pair_edge_stats_undirected(
    phase: Phasors, node_a: Ints, node_b: Ints, bperp: Floats
) -> PairStatistics:
    """Estimate the noise as :func:`pair_edge_stats` does, about the mean of both directions.

    An arc that is reversed is conjugate, so that the mean of it and its reverse is real.
    """
    total, squares = _pair_sums(phase, node_a, node_b)
    variance = pair_variance(total.real, squares, len(node_a))
    return _pair_statistics(phase, node_a, node_b, bperp, variance)


def local_lines(day: Floats, time_win: float) -> tuple[Floats, Floats, Floats]:
    """Return the weights of the epochs around each epoch and the fit of a line with them.

    Parameters
    ----------
    day : (n_use,) float64
        Acquisition [day].
    time_win : float
        Standard deviation of the Gaussian [day].

    Returns
    -------
    weights, intercept, slope : (n_use, n_use) float64
        Row i belongs to epoch i: the weights, of sum one, and the two rows that applied to values
        give the weighted least squares line at epoch i and per day *before* it. The slope is zero
        where all days are equal.
    """
    time = day[:, None] - day
    weights = np.exp(-(time**2) / (2 * time_win**2))
    weights /= weights.sum(axis=1, keepdims=True)
    middle = (weights * time).sum(axis=1, keepdims=True)
    spread = (weights * (time - middle) ** 2).sum(axis=1, keepdims=True)
    slope = np.divide(weights * (time - middle), spread, out=np.zeros_like(weights),
                      where=spread > 0)  # fmt: skip
    return weights, weights - middle * slope, slope


def _arc_noise(
    phase: Phasors, node_a: Ints, node_b: Ints, day: Floats, time_win: float
) -> tuple[NDArray[np.float32], Floats, Floats]:
    """Return the noise of the arcs, and sums over arcs of what each epoch's others do not predict.

    Returns
    -------
    noise : (n_edge, n_use) float32
        Deviation from the local line [rad].
    total, squares : (n_use,) float64
        Sums over arcs of the deviation from the weighted mean of the *other* epochs, and of its
        square.
    """
    check_finite(phase)
    n_use = len(day)
    lines = local_lines(day, time_win)
    noise = np.empty((len(node_a), n_use), np.float32)
    total, squares = np.zeros(n_use), np.zeros(n_use)
    for start in range(0, len(node_a), CHUNK):
        edges = slice(start, start + CHUNK)
        arcs = phase[node_b[edges]].astype(np.complex128) * phase[node_a[edges]].conj()
        angles = np.angle(arcs)
        for epoch in range(n_use):
            noise[edges, epoch], left_out = _epoch_noise(arcs, angles, epoch, day, lines)
            total[epoch] += left_out.sum()
            squares[epoch] += (left_out**2).sum()
    return noise, total, squares


def _epoch_noise(
    arcs: NDArray[np.complex128],
    angles: Floats,
    epoch: int,
    day: Floats,
    lines: tuple[Floats, Floats, Floats],
) -> tuple[Floats, Floats]:
    weights, intercept, slope = (rows[epoch] for rows in lines)
    mean = (arcs * weights).sum(axis=1)
    residue = wrap(angles - np.angle(mean)[:, None])
    line, rate = (residue * intercept).sum(axis=1), (residue * slope).sum(axis=1)
    residue = wrap(residue - line[:, None] - rate[:, None] * (day[epoch] - day))
    line += (residue * intercept).sum(axis=1)
    if weights[epoch] > CANCELS:
        others = (arcs * np.where(np.arange(len(day)) == epoch, 0, weights)).sum(axis=1)
    else:
        others = mean - weights[epoch] * arcs[:, epoch]
    deviation = wrap(angles[:, epoch] - np.angle(mean) - line)
    left_out = np.where(others == 0, 0.0, wrap(angles[:, epoch] - np.angle(others)))
    return deviation, left_out


def check_finite(phase: Phasors) -> None:
    """Raise ``ValueError`` if a phasor is not finite."""
    if not np.isfinite(phase).all():
        raise ValueError("stage4_edge_stats: argument 'phase' has values that are not finite")


def mean_free_variance(total: Floats, squares: Floats, n_edge: int) -> Floats:
    """Return the variance over arcs about their mean; one for a single arc or epoch."""
    if n_edge <= 1 or len(total) <= 1:
        return np.ones(len(total))
    return _checked((squares - total**2 / n_edge) / (n_edge - 1))


def pair_variance(total: NDArray[Any], squares: Floats, n_edge: int) -> Floats:
    """Return the variance of phasors over arcs about their mean; one for a single arc."""
    if n_edge <= 1:
        return np.ones(len(total))
    return _checked((squares - np.abs(total) ** 2 / n_edge) / (n_edge - 1))


def zero_mean_variance(squares: Floats, n_edge: int) -> Floats:
    """Return the variance over arcs about zero; one for a single arc or epoch."""
    if n_edge <= 1 or len(squares) <= 1:
        return np.ones(len(squares))
    return _checked(squares / (n_edge - 1))


def _checked(variance: Floats) -> Floats:
    for column, value in enumerate(variance):
        if not (np.isfinite(value) and value > 0):
            raise NoiseVarianceError(column, float(value))
    return variance


def statistics(
    noise: NDArray[np.float32],
    variance: Floats,
    node_a: Ints,
    node_b: Ints,
    bperp: Floats,
    n_node: int,
) -> Statistics:
    """Remove each arc's look-angle error slope and collect the least noise of each node."""
    weight = slope_weights(bperp, variance)
    n_edge, n_use = noise.shape
    edge_std, edge_max, k_edge = np.zeros(n_edge), np.zeros(n_edge), np.zeros(n_edge)
    for start in range(0, n_edge, CHUNK):
        edges = slice(start, start + CHUNK)
        values = noise[edges].astype(np.float64)
        k_edge[edges] = (values * weight).sum(axis=1)
        values -= k_edge[edges, None] * bperp
        if n_use > 1:
            edge_std[edges] = values.std(axis=1, ddof=1)
        edge_max[edges] = np.abs(values).max(axis=1, initial=0)
    if n_use == 0:
        edge_std, edge_max = np.full(n_edge, np.inf), np.full(n_edge, np.inf)
    ps_std = _least_of_node(edge_std, node_a, node_b, n_node)
    ps_max = _least_of_node(edge_max, node_a, node_b, n_node)
    return ps_std, ps_max, edge_std, edge_max, k_edge, variance


def _pair_arcs(phase: Phasors, node_a: Ints, node_b: Ints) -> Iterator[tuple[slice, Phasors]]:
    """Yield stretches of the edges with their arcs, complex128."""
    for start in range(0, len(node_a), CHUNK):
        edges = slice(start, start + CHUNK)
        yield edges, phase[node_b[edges]].astype(np.complex128) * phase[node_a[edges]].conj()


def _pair_sums(phase: Phasors, node_a: Ints, node_b: Ints) -> tuple[Phasors, Floats]:
    """Return the sums over arcs of the phasors and of their squared moduli, (n_use,) each."""
    check_finite(phase)
    total, squares = np.zeros(phase.shape[1], np.complex128), np.zeros(phase.shape[1])
    for _, arcs in _pair_arcs(phase, node_a, node_b):
        total += arcs.sum(axis=0)
        squares += (arcs.real**2 + arcs.imag**2).sum(axis=0)
    return total, squares


def _pair_statistics(
    phase: Phasors, node_a: Ints, node_b: Ints, bperp: Floats, variance: Floats
) -> PairStatistics:
    weight = slope_weights(bperp, variance)
    n_edge, (n_node, n_use) = len(node_a), phase.shape
    least = 0.0 if n_use else np.inf
    edge_std, edge_max = np.full(n_edge, least), np.full(n_edge, least)
    k_edge = np.zeros(n_edge, np.complex128)
    for edges, arcs in _pair_arcs(phase, node_a, node_b):
        k_edge[edges] = (arcs * weight).sum(axis=1)
        noise = np.angle(arcs - k_edge[edges, None] * bperp)
        if n_use > 1:
            edge_std[edges] = noise.std(axis=1, ddof=1)
        edge_max[edges] = np.abs(noise).max(axis=1, initial=least)
    ps_std = _least_of_node(edge_std, node_a, node_b, n_node)
    ps_max = _least_of_node(edge_max, node_a, node_b, n_node)
    return ps_std, ps_max, edge_std, edge_max, k_edge, variance


def slope_weights(bperp: Floats, variance: Floats) -> Floats:
    """Return the row that applied to an arc's noise gives its look-angle error slope [1/m]."""
    scale = (bperp**2 / variance).sum()
    return bperp / variance / scale if scale > 0 else np.zeros(len(bperp))


def _least_of_node(edge: Floats, node_a: Ints, node_b: Ints, n_node: int) -> Floats:
    least = np.full(n_node, np.inf)
    np.fmin.at(least, node_a, edge)
    np.fmin.at(least, node_b, edge)
    return least
