"""Fit of look-angle error slope and offset to the phasors of one point (StaMPS ``ps_topofit``).

Trial slopes, a quarter of pi of phase over the baseline range apart, are searched for the largest
coherence; the best one is refined by least squares through the origin. Two arithmetics: double,
and the mixed single of the reference, operation by operation.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics import row_sums, trial_steps
from .phasors import length

Array = NDArray[Any]
Fit = tuple[Array, Array, Array, Array]

BLOCK_SAMPLES = 1 << 20

ROUGH = 1e-5
"""How far a rough coherence may be off; single precision is off by 2e-7."""
TIE, NEARLY_HALF, WEAK = 4e-6, 0.49998, 0.02
"""A rough fit stays open where the power of two trials differs by less than `TIE`, or a deviation
is more than `NEARLY_HALF` of a cycle, or the best trial adds up to less than `WEAK`; power and sum
are those of one phasor of length 1 for each interferogram."""


def topofit(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Fit phase = slope * bperp + offset to each row of phasors.

    Parameters
    ----------
    cpxphase : (n, m) complex64 or complex128
        Phasors; zeros are no data.
    bperp : (n, m) float32 or float64
        Perpendicular baselines [m], finite.
    n_trial_wraps : float
        Cycles over the baseline range of the largest slope that is searched.

    Returns
    -------
    slope, offset, coherence : (n,) float64
        Slope [rad/m], offset [rad] and coherence; NaN without a baseline range. Slope is rounded to
        single if `bperp` is single, the others if either argument is.
    residual : (n, m) complex64
        Phasors without the slope; the offset is still in them.

    Notes
    -----
    StaMPS ``ps_topofit``; docs/science/gamma.md, Fit of one point. The first of equally
    coherent trials is taken.

    Examples
    --------
    >>> bperp = np.array([[-200.0, -50.0, 100.0, 150.0]])
    >>> slope, offset, coherence, _ = topofit(np.exp(1j * (0.01 * bperp + 0.5)), bperp, 1.0)
    >>> np.concatenate([slope, offset, coherence]).round(6).tolist()
    [0.01, 0.5, 1.0]
    """
    return rounded(_in_blocks(_fit_double, cpxphase, bperp, n_trial_wraps), cpxphase, bperp)


def topofit_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Fit as :func:`topofit` does, rounding each operation as the reference does.

    Complex double phasors with double baselines are double throughout.
    """
    if cpxphase.dtype == np.complex128 and bperp.dtype == np.float64:
        return topofit(cpxphase, bperp, n_trial_wraps)
    return _in_blocks(_fit_single, cpxphase, bperp, n_trial_wraps)


def topofit_row_invariant(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Fit as :func:`topofit` does with baselines `bperp` (m,) that all rows share."""
    return topofit(cpxphase, np.broadcast_to(bperp, cpxphase.shape), n_trial_wraps)


def topofit_row_invariant_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Fit:
    """Fit as :func:`topofit_single` does with baselines `bperp` (m,) that all rows share."""
    return topofit_single(cpxphase, np.broadcast_to(bperp, cpxphase.shape), n_trial_wraps)


def topofit_coh_row_invariant(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """Return the coherence of :func:`topofit_row_invariant`, (n,) of the class of `bperp`.

    Examples
    --------
    >>> noise = np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 2.0, -2.0, 0.5]])
    >>> bperp = np.array([-200.0, -50.0, 100.0, 150.0])
    >>> topofit_coh_row_invariant(np.exp(1j * noise), bperp, 0.1).round(2).tolist()
    [1.0, 0.26]
    """
    return topofit_row_invariant(cpxphase, bperp, n_trial_wraps)[2].astype(bperp.dtype)


def topofit_coh_row_invariant_single(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """Return the coherence of :func:`topofit_row_invariant_single`, of the class of `bperp`."""
    return topofit_row_invariant_single(cpxphase, bperp, n_trial_wraps)[2].astype(bperp.dtype)


def topofit_coh_rough(cpxphase: Array, bperp: Array, n_trial_wraps: float) -> Array:
    """Return the coherence of unit phasors to few digits, where the fit cannot turn out otherwise.

    Parameters
    ----------
    cpxphase : (n, m) complex128
        Unit phasors.
    bperp : (m,) float32 or float64
        Perpendicular baselines [m] of all rows.
    n_trial_wraps : float
        As of :func:`topofit`.

    Returns
    -------
    (n,) float32
        Coherence within `ROUGH` of every form of :func:`topofit_coh_row_invariant`. NaN where
        another rounding might choose another trial or take a deviation for one to the other side,
        and without a baseline range.
    """
    n, m = cpxphase.shape
    steps = trial_steps(n_trial_wraps)
    coherence = np.empty(n, np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        for rows in _blocks(n, m * (2 * steps + 1)):
            z = cpxphase[rows]
            b = np.broadcast_to(bperp.astype(np.float64), z.shape)
            power, _, deviation = _trials(z, b, steps)
            second, first = np.sort(np.column_stack([power, -np.ones(len(z))]), axis=1)[:, -2:].T
            clear = (first - second > TIE * m**2) & (first > (WEAK * m) ** 2)
            clear &= (np.abs(deviation) < 2 * np.pi * NEARLY_HALF).all(axis=1)
            coherence[rows] = np.where(clear, _fit_double(z, b, steps)[2], np.nan)
    return coherence


def _blocks(n: int, row_samples: int) -> Iterator[slice]:
    step = max(1, BLOCK_SAMPLES // max(row_samples, 1))
    for first in range(0, n, step):
        yield slice(first, min(first + step, n))


def _in_blocks(
    fit: Callable[[Array, Array, int], Fit], cpxphase: Array, bperp: Array, n_trial_wraps: float
) -> Fit:
    n, m = cpxphase.shape
    steps = trial_steps(n_trial_wraps)
    slope, offset, coherence = np.empty(n), np.empty(n), np.empty(n)
    residual = np.empty((n, m), np.complex64)
    with np.errstate(divide="ignore", invalid="ignore"):
        for rows in _blocks(n, m * (2 * steps + 1)):
            slope[rows], offset[rows], coherence[rows], residual[rows] = fit(
                cpxphase[rows], bperp[rows], steps
            )
    residual[np.isnan(slope)] = 0
    return slope, offset, coherence, residual


def rounded(fit: Fit, cpxphase: Array, bperp: Array) -> Fit:
    """Round a fit in double to the classes that the arguments have in the reference."""
    slope, offset, coherence, residual = fit
    if bperp.dtype == np.float32:
        slope = slope.astype(np.float32).astype(np.float64)
    if bperp.dtype == np.float32 or cpxphase.dtype == np.complex64:
        offset = offset.astype(np.float32).astype(np.float64)
        coherence = coherence.astype(np.float32).astype(np.float64)
    return slope, offset, coherence, residual


def _baseline_range(cpxphase: Array, bperp: Array) -> Array:
    """Return the range of the baselines with data, (n, 1) of their class; NaN where it is zero."""
    kept = cpxphase != 0
    infinity = bperp.dtype.type(np.inf)
    largest = np.where(kept, bperp, -infinity).max(axis=1, keepdims=True)
    spread: Array = largest - np.where(kept, bperp, infinity).min(axis=1, keepdims=True)
    spread[~(spread > 0)] = np.nan
    return spread


def _fit_double(cpxphase: Array, bperp: Array, steps: int) -> Fit:
    z = cpxphase.astype(np.complex128)
    b = bperp.astype(np.float64)
    magnitude = np.abs(z)
    _, coarse, deviation = _trials(z, b, steps)
    weighted = magnitude * b
    refinement = (weighted * magnitude * deviation).sum(axis=1) / (weighted**2).sum(axis=1)

    slope = coarse[:, 0] + refinement
    residual = z * np.exp(-1j * slope[:, np.newaxis] * b)
    total = residual.sum(axis=1)
    coherence = np.abs(total) / np.abs(residual).sum(axis=1)
    return slope, np.angle(total), coherence, residual.astype(np.complex64)


def _trials(z: Array, b: Array, steps: int) -> tuple[Array, Array, Array]:
    """Return power (n, 2 steps + 1) of all trials, slope (n, 1) and deviations (n, m) of the best.

    Deviations [rad] are from the phase of the sum of what the slope leaves.
    """
    spread = _baseline_range(z, b)
    trials = np.arange(-steps, steps + 1)
    basis = np.exp(-1j * (b / spread * np.pi / 4)[:, :, np.newaxis] * trials)
    length = np.abs(np.einsum("nk,nkt->nt", z, basis))
    best = trials[np.argmax(length, axis=1)][:, np.newaxis]
    coarse = np.pi / 4 / spread * best
    residual = z * np.exp(-1j * coarse * b)
    deviation = np.angle(residual * residual.sum(axis=1, keepdims=True).conj())
    return length**2, coarse, deviation


def _fit_single(cpxphase: Array, bperp: Array, steps: int) -> Fit:
    """Fit in the classes of the reference; sums run over interferograms in ascending order."""
    real = bperp.dtype.type
    magnitude = length(cpxphase.real, cpxphase.imag)
    re, im = cpxphase.real.astype(np.float32), cpxphase.imag.astype(np.float32)
    spread = _baseline_range(cpxphase, bperp)
    trials = np.arange(-steps, steps + 1)

    unit_step = bperp / spread * real(np.pi) / real(4)
    turned = _turned(
        re[:, :, np.newaxis], im[:, :, np.newaxis], unit_step[:, :, np.newaxis] * real(trials)
    )
    trial_coherence = (
        length(row_sums(turned[0]), row_sums(turned[1])) / row_sums(magnitude)[:, None]
    )
    best = trials[np.argmax(trial_coherence, axis=1)][:, np.newaxis]

    coarse = real(np.pi / 4) / spread * real(best)
    res_re, res_im = _turned(re, im, coarse * bperp)
    off_re, off_im = row_sums(res_re)[:, np.newaxis], row_sums(res_im)[:, np.newaxis]
    deviation = np.arctan2(res_im * off_re - res_re * off_im, res_re * off_re + res_im * off_im)
    weighted = (magnitude * bperp.astype(np.float32)).astype(np.float64)
    deviation = (magnitude * deviation).astype(np.float64)
    refinement = row_sums(weighted * deviation) / row_sums(weighted * weighted)

    slope = coarse[:, 0] + refinement.astype(bperp.dtype)
    res_re, res_im = _turned(re, im, slope[:, np.newaxis] * bperp)
    total_re, total_im = row_sums(res_re), row_sums(res_im)
    coherence = length(total_re, total_im) / row_sums(length(res_re, res_im))
    residual = np.empty(res_re.shape, np.complex64)
    residual.real, residual.imag = res_re, res_im
    offset = np.arctan2(total_im, total_re)
    return slope.astype(np.float64), offset.astype(np.float64), coherence, residual


def _turned(re: Array, im: Array, phase: Array) -> tuple[Array, Array]:
    """Multiply phasors by exp(-i phase), rounded to single before the product."""
    cos, sin = np.cos(phase).astype(np.float32), -np.sin(phase).astype(np.float32)
    return re * cos - im * sin, re * sin + im * cos
