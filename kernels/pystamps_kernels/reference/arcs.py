"""Arcs between neighbours: phase, look-angle error, smoothing in time, noise."""

import numpy as np
from numpy.typing import NDArray

from ..numerics import ordered_product, row_sums
from .phasors import angle, join, product, subtract_phase, unit
from .phasors import deviation as turned_back

Phasors = NDArray[np.complex64]
Phases = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

# Limits of the look-angle search: lead of the best trial over the next peak, and coherence.
CLEAR_LEAD = 0.1
LEAST_COHERENCE = 0.31
BLOCK = 4096

NOISE_SHARE = np.float32(0.5)
"""Share of the deviation from the row mean that :func:`edge_noise` calls noise (a convention)."""


def arc_phasors(phase: Phasors, low: Ints, high: Ints) -> Phasors:
    """Return the unit phasors of the arcs, high minus low.

    Parameters
    ----------
    phase : (n_node, m) complex64
        Phasors of the nodes.
    low, high : (n,) int64
        End nodes of each arc.

    Returns
    -------
    (n, m) complex64
        Unit phasors, NaN where a node is zero.

    Notes
    -----
    docs/science/unwrapping.md, Arcs in time.

    Examples
    --------
    >>> nodes = np.exp(1j * np.array([[0.5], [1.5]])).astype(np.complex64)
    >>> np.angle(arc_phasors(nodes, np.array([0]), np.array([1]))).round(4).tolist()
    [[1.0]]
    """
    return unit(turned_back(phase[high], phase[low]), zero=np.nan)


def phase_steps(phasors: Phasors) -> Phasors:
    """Return the unit phasors of the steps from column to column.

    Parameters
    ----------
    phasors : (n, m) complex64
        A series of each arc.

    Returns
    -------
    (n, m - 1) complex64
        Unit phasors of column k + 1 minus column k.

    Examples
    --------
    >>> series = np.exp(1j * np.array([[0.0, 1.0, 1.5]])).astype(np.complex64)
    >>> np.angle(phase_steps(series)).round(4).tolist()
    [[1.0, 0.5]]
    """
    return unit(turned_back(phasors[:, 1:], phasors[:, :-1]), zero=np.nan)


def look_angle(phasors: Phasors, baseline: Doubles, n_trial: int) -> Phases:
    """Find the look-angle error of each arc by a periodogram over trial slopes.

    Parameters
    ----------
    phasors : (n, m) complex64
        Unit phasors.
    baseline : (m,) float64
        Perpendicular baseline of each column [m]; not all equal.
    n_trial : int
        Trials on each side of zero; each turns the phase by pi/4 over the range of `baseline`.

    Returns
    -------
    (n,) float32
        Slope [rad/m]; 0 for an arc without clear peak, with low coherence or with NaN.

    Notes
    -----
    The best trial must lead every other peak by 0.1; its slope is refined by a linear fit without
    intercept. StaMPS ``uw_sb_unwrap_space_time``; docs/science/unwrapping.md, Look-angle
    search.

    Examples
    --------
    >>> baseline = np.array([-150.0, -80.0, -33.0, 0.0, 33.0, 80.0, 150.0])
    >>> phasors = np.exp(0.0123j * baseline[None]).astype(np.complex64)
    >>> look_angle(phasors, baseline, 16).round(4)
    array([0.0123], dtype=float32)
    """
    step = trial_step(baseline)
    cosine, sine = trial_table(baseline, n_trial)
    slope = np.empty(phasors.shape[0], np.float32)
    for start in range(0, slope.size, BLOCK):
        rows = slice(start, start + BLOCK)
        z = phasors[rows].astype(np.complex128)
        weight = _modulus(z)
        trial = _best_trial(_coherences(z, weight.sum(axis=1), cosine, sine))
        slope[rows] = _refine(z, weight, baseline, step * (trial - n_trial).astype(np.float64))
        slope[rows][trial < 0] = 0
    return slope


def trial_step(baseline: Doubles) -> float:
    """Slope between two trials: pi/4 over the range of `baseline` [rad/m]."""
    return float(np.pi / 4 / (baseline.max() - baseline.min()))


def trial_table(baseline: Doubles, n_trial: int) -> tuple[Doubles, Doubles]:
    """Cosine and sine of the trial phases k theta, k = 0..n_trial; two (m, n_trial + 1) arrays."""
    theta = (baseline / (baseline.max() - baseline.min()) * np.pi / 4).astype(np.float32)
    angle = (theta[:, None] * np.arange(n_trial + 1, dtype=np.float32)).astype(np.float64)
    return np.cos(angle), np.sin(angle)


def _modulus(z: NDArray[np.complex128]) -> Doubles:
    return np.asarray(np.sqrt(z.real * z.real + z.imag * z.imag))


def _coherences(
    z: NDArray[np.complex128], total: Doubles, cosine: Doubles, sine: Doubles
) -> Phases:
    """Coherence of every trial -n_trial..n_trial; one cosine and sine serve both signs."""
    rc, rs, ic, is_ = (
        ordered_product(part, table) for part in (z.real, z.imag) for table in (cosine, sine)
    )
    plus = np.sqrt((rc + is_) * (rc + is_) + (ic - rs) * (ic - rs))
    minus = np.sqrt((rc - is_) * (rc - is_) + (ic + rs) * (ic + rs))
    sums = np.concatenate([minus[:, :0:-1], plus], axis=1)
    return (sums / total[:, None]).astype(np.float32)


def _best_trial(coherence: Phases) -> Ints:
    """Index of the first maximum, -1 unless it leads all other peaks clearly."""
    n_trial = coherence.shape[1]
    index = np.arange(n_trial)
    best = np.argmax(coherence, axis=1)
    step = np.diff(coherence, axis=1)
    left = np.where((step < 0) & (index[:-1] < best[:, None]), index[1:], 0).max(axis=1, initial=0)
    rising = (step > 0) & (index[:-1] >= best[:, None])
    right = np.where(rising, index[:-1], n_trial - 1).min(axis=1, initial=n_trial - 1)
    peak = (index >= left[:, None]) & (index <= right[:, None])
    lead = coherence.max(axis=1) - np.where(peak, np.float32(0), coherence).max(axis=1)
    return np.where(lead > np.float32(CLEAR_LEAD), best, -1)


def _turned(
    z: NDArray[np.complex128], baseline: Doubles, slope: Doubles
) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Turn z back by slope times baseline; parts of each column, and of their sum in order."""
    turn = slope[:, None] * baseline
    real = z.real * np.cos(turn) + z.imag * np.sin(turn)
    imag = z.imag * np.cos(turn) - z.real * np.sin(turn)
    return real, imag, row_sums(real), row_sums(imag)


def _refine(
    z: NDArray[np.complex128], weight: Doubles, baseline: Doubles, slope: Doubles
) -> Phases:
    real, imag, sum_real, sum_imag = _turned(z, baseline, slope)
    rest = np.arctan2(
        imag * sum_real[:, None] - real * sum_imag[:, None],
        real * sum_real[:, None] + imag * sum_imag[:, None],
    )
    squared = weight * weight
    upper = row_sums(squared * baseline * rest)
    lower = row_sums(squared * baseline * baseline)
    fitted = (slope + upper / lower).astype(np.float32)
    _, _, sum_real, sum_imag = _turned(z, baseline, fitted.astype(np.float64))
    coherence = np.sqrt(sum_real * sum_real + sum_imag * sum_imag) / row_sums(weight)
    return np.asarray(np.where(coherence >= LEAST_COHERENCE, fitted, np.float32(0)))


def star_smooth(
    phasors: Phasors, weights: Doubles, intercepts: Doubles, first: int, last: int
) -> Phases:
    """Smooth arc phases of a star of interferograms by local straight lines in time.

    Parameters
    ----------
    phasors : (n, m) complex64
        Unit phasors, centre of the star minus date k, in order of date.
    weights : (m, m) float64
        Row k holds the weights of the dates around date k; rows sum to one.
    intercepts : (m, m) float64
        Row k maps the phases at the dates to the intercept of a weighted line at date k.
    first, last : int
        Dates next to the centre; the mean of their smooth phase stays within a cycle.

    Returns
    -------
    (n, m) float32
        Unwrapped smooth phase [rad].

    Notes
    -----
    Around each date the phases are taken relative to their weighted mean phasor, so the line is
    fitted to small numbers; successive dates are then joined by their shortest step. StaMPS
    ``uw_sb_unwrap_space_time`` (3D_FULL); docs/science/unwrapping.md, Smoothing along a star.
    """
    single = np.float32
    n, m = phasors.shape
    pi, cycle = single(np.pi), single(2 * np.pi)
    angles = angle(phasors)
    means = [
        ordered_product(part, weights.T).astype(single) for part in (phasors.real, phasors.imag)
    ]
    smooth = np.empty((n, m), single)
    before = np.ones(n, np.complex64)
    phase = np.zeros(n, single)
    for k, mean in enumerate(join(*means).T):
        rest = angles - angle(mean)[:, None] + pi
        rest = np.where(rest < 0, rest + cycle, rest)
        rest = np.where(rest >= cycle, rest - cycle, rest)
        turn = ordered_product(rest - pi, intercepts[k, :, None])[:, 0].astype(single)
        here = product(mean, np.cos(turn), np.sin(turn))
        phase = phase + angle(turned_back(here, before))
        smooth[:, k] = phase
        before = here
    centre = (smooth[:, first] + smooth[:, last]) / single(2)
    smooth -= (centre - np.arctan2(np.sin(centre), np.cos(centre)))[:, None]
    return smooth


def network_smooth(phasors: Phasors, operator: Doubles, design: Phases) -> Phases:
    """Smooth arc phases in time through the inverted network of interferograms.

    Parameters
    ----------
    phasors : (n, m) complex64
        Unit phasors.
    operator : (n_image, m) float64
        Wrapped interferogram phases to smoothed image phases.
    design : (m, n_image) float32
        Image phases to interferograms.

    Returns
    -------
    (n, m) float32
        Smooth phase [rad].

    Notes
    -----
    StaMPS ``uw_sb_unwrap_space_time`` (3D_QUICK); docs/science/unwrapping.md, Smoothing through
    the network.
    """
    images = ordered_product(angle(phasors), operator.T).astype(np.float32)
    smooth = np.zeros(phasors.shape, np.float32)
    for image, column in zip(images.T, design.T, strict=True):
        smooth += image[:, None] * column
    return smooth


def arc_noise(phasors: Phasors, smooth: Phases, limit: float) -> Phases:
    """Return what is left of the arc phases after the smooth part.

    Parameters
    ----------
    phasors : (n, m) complex64
        Unit phasors.
    smooth : (n, m) float32
        Smooth phase [rad].
    limit : float
        Rows with a larger standard deviation over the interferograms become NaN [rad].

    Returns
    -------
    (n, m) float32
        Noise [rad].
    """
    noise = angle(subtract_phase(phasors, smooth))
    above = ~(spread(noise) <= np.float32(limit))
    noise[above] = np.nan
    return noise


def arc_variance(noise: Phases) -> Phases:
    """Noise variance of each arc over the interferograms, divisor m - 1.

    Parameters
    ----------
    noise : (n, m) float32
        Noise [rad].

    Returns
    -------
    (n,) float32
        Variance [cycles^2]; NaN where any noise is NaN; docs/science/unwrapping.md, Costs.

    Examples
    --------
    >>> arc_variance(np.array([[0.1, -0.1], [0.1, np.nan]], np.float32)).round(6)
    array([0.000507,      nan], dtype=float32)
    """
    cycles = spread(noise) / np.float32(2) / np.float32(np.pi)
    return cycles * cycles


def spread(noise: Phases) -> Phases:
    """Take the standard deviation of each row, summed in double in order, rounded once."""
    m = noise.shape[1]
    values = noise.astype(np.float64)
    rest = values - (row_sums(values) / m)[:, None]
    return np.asarray(np.sqrt(row_sums(rest * rest) / (m - 1)), np.float32)


def edge_noise(uw_ph: Phasors, node_a: Ints, node_b: Ints) -> tuple[Phases, Phases]:
    """Return phase and noise of every arc.

    Parameters
    ----------
    uw_ph : (n_node, n_ifg) complex64
        Phasors of the nodes.
    node_a, node_b : (n_edge,) int64
        Ends of each arc, 0-based.

    Returns
    -------
    dph_space_uw : (n_edge, n_ifg) float32
        Phase of node b minus that of node a [rad]; 0 where a phasor is 0.
    dph_noise : (n_edge, n_ifg) float32
        Half the deviation from the mean over interferograms [rad].

    Raises
    ------
    ValueError
        A node outside the rows of `uw_ph`.

    Notes
    -----
    docs/science/scn.md, Noise of the arcs.
    """
    check_nodes(uw_ph, node_a, node_b)
    between = turned_back(uw_ph[node_b], uw_ph[node_a])
    arc = np.where(between == 0, np.float32(0), angle(between))
    if not arc.size:
        return arc, arc.copy()
    total = np.cumsum(arc, axis=1, dtype=np.float64)[:, -1:]
    mean = (total / arc.shape[1]).astype(np.float32)
    return arc, NOISE_SHARE * (arc - mean)


def check_nodes(uw_ph: Phasors, node_a: Ints, node_b: Ints) -> None:
    """Raise ``ValueError`` unless every arc ends at nodes that exist."""
    for name, nodes in (("node_a", node_a), ("node_b", node_b)):
        if len(nodes) and not 0 <= nodes.min() <= nodes.max() < len(uw_ph):
            raise ValueError(
                f"stage8_edge_noise: argument '{name}' holds {nodes.min()} to {nodes.max()}, "
                f"expected 0 to {len(uw_ph) - 1}"
            )
