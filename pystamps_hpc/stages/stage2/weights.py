"""Weights of the candidates in the filter of stage 2: by dispersion, probability, or signal."""

import numpy as np

from pystamps_kernels.clap_windows import GAUSSIAN
from pystamps_kernels.numerics import round_half_away

from ...dataset.rows import FloatArray, Rows
from ...parallel.context import Context
from ..shared.coherence import RandomCoherence

INTERPOLATION = 10


def initial_weights(dispersion: FloatArray | None, n_ps: int, ctx: Context) -> FloatArray:
    """Weight candidates by the inverse of their amplitude dispersion; 0 where it is unusable."""
    if dispersion is None:
        return np.ones(n_ps)
    usable = np.isfinite(dispersion) & (dispersion > 0)
    if not usable.all():
        ctx.warn(f"da1.mat: D_A of {int((~usable).sum())} candidates is not positive; weight 0")
    return np.divide(1.0, dispersion, out=np.zeros(n_ps), where=usable)


def snr_weights(phase: Rows, residual: FloatArray, ctx: Context) -> FloatArray:
    """Weight candidates by their signal over noise, in single.

    Parameters
    ----------
    phase : (n_ps, n_ifg) complex64
        Observed phasors.
    residual : (n_ps, n_ifg) float32
        Residual phase [rad].
    ctx : Context
        Work over candidates.

    Returns
    -------
    (n_ps,) float64
        Weights.

    Notes
    -----
    docs/science/gamma.md, Weights; the offset is not taken off the residual, and a weight may be
    negative. Rounding can make the variance of the noise slightly negative; it then counts as zero.
    """

    def weigh(rows: slice) -> FloatArray:
        amplitude = np.abs(phase[rows])
        amplitude[amplitude == 0] = 1
        signal = (amplitude * np.cos(residual[rows])).mean(axis=1)
        variance = np.float32(0.5) * (np.square(amplitude).mean(axis=1) - np.square(signal))
        noise = np.sqrt(np.maximum(variance, 0))
        weight: FloatArray = np.zeros(signal.size)
        np.divide(signal, noise, out=weight, where=noise > 0)
        return weight

    weights: FloatArray = ctx.map_rows(weigh, len(residual))
    return weights


def p_square_weights(
    coherence: FloatArray, random: RandomCoherence, candidates: FloatArray
) -> FloatArray:
    """Weight candidates by the square of the probability of not being random.

    Parameters
    ----------
    coherence : (n,) float64
        Coherence of each candidate.
    random : RandomCoherence
        Histogram of random samples.
    candidates : (100,) float64
        Counts of candidates.

    Returns
    -------
    (n,) float64
        Weights.

    Notes
    -----
    StaMPS ``ps_est_gamma_quick``; docs/science/gamma.md, Weights. The smoothing is
    causal, which shifts the curve by three bins.
    """
    probability = random.scaled(candidates) / np.where(candidates == 0, 1, candidates)
    probability[: random.low_bins] = 1
    probability[random.last_bin :] = 0
    probability = np.minimum(probability, 1)
    padded = np.concatenate((np.ones(GAUSSIAN.size - 1), probability))
    smooth = np.convolve(padded, GAUSSIAN, "valid") / GAUSSIAN.sum()
    curve = interpolated(np.concatenate(([1.0], smooth)))[: -(INTERPOLATION - 1)]
    place = round_half_away(1000 * coherence).astype(np.int64)
    weights: FloatArray = (1 - curve[np.clip(place, 0, curve.size - 1)]) ** 2
    return weights


def interpolated(samples: FloatArray) -> FloatArray:
    """Interpolate by ten with the mean-square optimal band-limited filter.

    Parameters
    ----------
    samples : (n,) float64
        At least nine.

    Returns
    -------
    (10 n,) float64
        Every tenth value is a sample; the ends are continued by point reflection.

    Notes
    -----
    MATLAB ``interp`` with half-length 4 and cut-off 1/2; Oetken, Parks and Schuessler (1975);
    docs/science/gamma.md, Interpolation.
    """
    taps = np.arange(-4, 4)
    fraction = np.arange(INTERPOLATION)[:, np.newaxis] / INTERPOLATION
    system = np.sinc(0.5 * (taps[:, np.newaxis] - taps))
    coefficients = np.linalg.solve(system, np.sinc(0.5 * (taps + fraction)).T)
    coefficients[:, 0] = taps == 0
    n = samples.size
    before = 2 * samples[0] - samples[3:0:-1]
    after = 2 * samples[-1] - samples[-2:-6:-1]
    extended = np.concatenate((before, samples, after))
    shifted = np.stack([extended[3 - tap : 3 - tap + n] for tap in taps], axis=1)
    return (shifted @ coefficients).reshape(-1)
