"""Coherence threshold of stage 3: where random phases become as rare as the user asks."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dataset.rows import FloatArray
from ...parallel.context import Context
from ..shared.coherence import COHERENCE_BINS, RandomCoherence

FEW_CANDIDATES = 10_000
MANY_CANDIDATES = 50_000
DEFAULT_THRESHOLD = 0.3
FLAT_DISPERSION = 0.35


@dataclass(frozen=True)
class Limit:
    """Accepted random points of a bin: a count (single), or a percentage of the candidates."""

    value: Any
    percent: bool


@dataclass(frozen=True)
class Threshold:
    """One coherence for all, or a line over amplitude dispersion."""

    level: float
    coeffs: FloatArray | None = None  # slope, intercept

    def at(self, dispersion: FloatArray) -> FloatArray:
        """Return the threshold, (1,), or one for each dispersion; never negative."""
        if self.coeffs is None:
            return np.array([max(self.level, 0.0)])
        line: FloatArray = np.maximum(self.coeffs[0] * dispersion + self.coeffs[1], 0.0)
        return line


def dispersion_edges(dispersion: FloatArray | None, n_ps: int) -> tuple[FloatArray, FloatArray]:
    """Cut candidates into bins of amplitude dispersion.

    Returns
    -------
    edges : (n_bins + 1,) float64
        A bin holds the dispersions above its first and up to its second edge.
    dispersion : (n_ps,) float64
        Ones where one bin holds all candidates.
    """
    if dispersion is None or n_ps < FEW_CANDIDATES:
        return np.array([0.0, 1.0]), np.ones(n_ps)
    size = 10_000 if n_ps >= MANY_CANDIDATES else 2_000
    ordered = np.sort(dispersion[np.isfinite(dispersion)])
    inner = ordered[np.arange(size, ordered.size - size + 1, size) - 1]
    return np.concatenate(([0.0], inner, ordered[-1:])), dispersion


def coherence_threshold(
    coherence: FloatArray,
    dispersion: FloatArray,
    edges: FloatArray,
    random: RandomCoherence,
    limit: Limit,
    ctx: Context,
) -> Threshold:
    """Find the coherence above which the limit of random points holds.

    Parameters
    ----------
    coherence, dispersion : (n_ps,) float64
        Of each candidate; a coherence of 0 or NaN is not counted.
    edges : (n_bins + 1,) float64
        Edges of the bins of dispersion.
    random : RandomCoherence
        Histogram of random phases.
    limit : Limit
        Accepted random points of each bin.
    ctx : Context
        Kernels and messages.

    Notes
    -----
    StaMPS ``ps_select``; docs/science/selection.md, Threshold.
    """
    order = np.argsort(dispersion, kind="stable")
    cuts = np.searchsorted(dispersion[order], edges, side="right")
    levels, means = [], []
    for number in range(edges.size - 1):
        members = order[cuts[number] : cuts[number + 1]]
        level = bin_threshold(coherence[members], random, limit, number + 1, ctx)
        if not np.isnan(level):
            levels.append(level)
            means.append(dispersion[members].mean())
    if not levels:
        ctx.warn(f"not enough random-phase candidates; threshold {DEFAULT_THRESHOLD} used")
        return Threshold(DEFAULT_THRESHOLD)
    if len(levels) == 1:
        return Threshold(levels[0])
    slope, intercept = np.polyfit(means, levels, 1)
    if slope > 0:
        return Threshold(np.nan, np.array([slope, intercept]))
    return Threshold(float(slope * FLAT_DISPERSION + intercept))


def bin_threshold(
    coherence: FloatArray, random: RandomCoherence, limit: Limit, number: int, ctx: Context
) -> float:
    """Return the threshold of one bin of dispersion; NaN if random phases are too rare for it.

    Notes
    -----
    The tail of the scaled random histogram is inverted by a cubic through the bins around the
    limit, on the upper edge of each bin, which is one bin conservative.
    """
    counted = coherence[coherence != 0]
    candidates = ctx.kernels.stage2_histogram(counted, COHERENCE_BINS)
    tail = np.cumsum(random.scaled(candidates)[::-1])[::-1]
    if limit.percent:
        tail = 100 * tail / np.cumsum(np.where(candidates == 0, 1, candidates)[::-1])[::-1]
    below = np.flatnonzero(tail < limit.value)
    if not below.size:
        return 1.0
    crossing = int(below[0])
    if crossing < 3:
        return float("nan")
    bins = np.arange(crossing - 3, min(crossing + 3, tail.size))
    distinct = np.unique(tail[bins]).size
    if distinct < 4:
        ctx.warn(
            f"dispersion bin {number}: {distinct} distinct values around bin {crossing + 1}; "
            f"polynomial of degree {distinct - 1} used"
        )
    return inverted(tail[bins], 0.01 * (bins + 1), min(3, distinct - 1), limit.value)


def inverted(x: FloatArray, y: FloatArray, degree: int, place: Any) -> float:
    """Fit a polynomial y(x), x standardised, and evaluate it at `place` in the class of `place`."""
    mean, deviation = x.mean(), x.std(ddof=1)
    powers = np.vander((x - mean) / deviation, degree + 1)
    coefficients = np.linalg.lstsq(powers, y, rcond=None)[0]
    real = place.dtype.type
    at = (place - real(mean)) / real(deviation)
    value = real(0)
    for coefficient in coefficients:
        value = value * at + real(coefficient)
    return float(value)
