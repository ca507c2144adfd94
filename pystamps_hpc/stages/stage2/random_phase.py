"""Coherence of pure noise: what random phases score in the fit of stage 2."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pystamps_kernels.numerics import trial_steps
from pystamps_kernels.reference.topofit import ROUGH

from ...dataset.rows import ComplexArray, FloatArray, IntArray
from ...parallel.keeping import KEPT, fits
from ..shared.coherence import COHERENCE_BINS
from ..shared.ifgs import Ifgs
from .random_streams import Stream, column_streams

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable

N_RANDOM = 300_000
BLOCK = 1 << 14
LARGEST_PHASE = 30.0
"""Phase of a slope [rad] up to which the full fit in single is good to a tenth of ``ROUGH``."""


@dataclass(frozen=True)
class Noise:
    """Where the noise of each interferogram comes from.

    Parameters
    ----------
    n_source : int
        Independent sources.
    pairs : tuple of (int, int)
        Sources that each interferogram joins, its noise being that of the second less that of the
        first; empty where each has a source of its own.
    """

    n_source: int
    pairs: tuple[tuple[int, int], ...] = ()

    def of_ifgs(self, sources: FloatArray) -> FloatArray:
        """Return the noise of the interferograms, (n_ifg, n), from (n_source, n)."""
        if not self.pairs:
            return sources
        first, second = np.transpose(self.pairs)
        ifgs: FloatArray = sources[second] - sources[first]
        return ifgs


def noise_of(ifgs: Ifgs) -> Noise:
    """Return the noise of a network.

    Small baselines share that of their images; the master's, in all interferograms, is an offset.
    """
    if ifgs.master is None:
        return Noise(len(ifgs.day), tuple((first, second) for first, second in ifgs.pairs.tolist()))
    return Noise(len(ifgs))


def random_phasors(
    columns: tuple[Stream, ...], n: int, noise: Noise, kernels: "KernelTable"
) -> Iterator[ComplexArray]:
    """Yield unit phasors of random phase in blocks of rows; memory is one block.

    Parameters
    ----------
    columns : tuple of Stream
        The numbers of each source.
    n : int
        Number of rows.
    noise : Noise
        From sources to interferograms.
    kernels : KernelTable
        Bound kernels.

    Yields
    ------
    (rows, n_ifg) complex128
        Consecutive rows.
    """
    columns = tuple(column.fork() for column in columns)
    for first in range(0, n, BLOCK):
        n_rows = min(BLOCK, n - first)
        draws = np.stack([column.draw(n_rows) for column in columns])
        phasors = kernels.stage2_phasors_of_cycles(noise.of_ifgs(draws))
        yield phasors


def random_histogram(
    ifgs: Ifgs, n_trial_wraps: float, generator: str, kernels: "KernelTable", room: float = math.inf
) -> FloatArray:
    """Histogram of the coherence of random phases.

    Parameters
    ----------
    ifgs : Ifgs
        The network; the class of its baselines is the arithmetic of the fit in the single form,
        and of the histogram.
    n_trial_wraps : float
        Cycles of the largest slope searched over the baseline range.
    generator : {"matlab", "octave"}
        Sequence of random numbers.
    kernels : KernelTable
        Bound kernels.
    room : float
        Memory of the task [bytes], of which the random phasors may take a share: patches of one
        process have them in common.

    Returns
    -------
    (100,) float64
        Counts of 300 000 samples.

    Notes
    -----
    StaMPS ``ps_est_gamma_quick``; docs/science/gamma.md, Random phases.
    """
    steps = trial_steps(n_trial_wraps)
    bperp, noise = ifgs.bperp, noise_of(ifgs)
    keep = fits(N_RANDOM * len(ifgs) * np.dtype(np.complex128).itemsize, room)
    return _histogram(
        bperp.tobytes(), bperp.dtype.str, noise, steps, generator, kernels, N_RANDOM, keep
    ).copy()


@lru_cache(maxsize=4)
def _histogram(
    baselines: bytes,
    dtype: str,
    noise: Noise,
    steps: int,
    generator: str,
    kernels: "KernelTable",
    n_random: int,
    keep: bool,
) -> FloatArray:
    """Compute the histogram; patches whose baselines, noise and trials are equal share it."""
    bperp = np.frombuffer(baselines, dtype)

    def drawn() -> Iterator[ComplexArray]:
        columns = column_streams(generator, n_random, noise.n_source, kernels)
        return random_phasors(columns, n_random, noise, kernels)

    blocks: Iterable[ComplexArray] = drawn()
    if keep:
        blocks = KEPT.pieces(("random phasors", generator, noise, kernels, n_random), drawn)
    return coherence_counts(blocks, bperp, steps / 8, kernels)


def coherence_counts(
    blocks: Iterable[ComplexArray],
    bperp: FloatArray,
    n_trial_wraps: float,
    kernels: "KernelTable",
) -> FloatArray:
    """Count the coherence of rows in bins.

    Few digits tell the bin of nearly every row; the full fit is done where its rounding could
    decide, so that the counts are those of the full fit. The few such rows of many blocks are
    fitted together: a call for each block would take longer than their fit.

    Parameters
    ----------
    blocks : iterable of (n, n_ifg) complex128
        Unit phasors.
    bperp : (n_ifg,) float32 or float64
        Baselines [m].
    n_trial_wraps : float
        Cycles of the largest slope searched over the baseline range.
    kernels : KernelTable
        Bound kernels.

    Returns
    -------
    (100,) float64
        Counts.
    """
    counts = np.zeros(COHERENCE_BINS.size)
    few = few_digits_do(bperp, n_trial_wraps, kernels)
    left: list[ComplexArray] = []
    for phasors in blocks:
        unclear = phasors
        if few:
            clear, unclear = _clear_counts(phasors, bperp, n_trial_wraps, kernels)
            counts += clear
        left.append(unclear)
        if sum(map(len, left)) >= BLOCK:
            counts += _full_counts(left, bperp, n_trial_wraps, kernels)
            left = []
    return counts + _full_counts(left, bperp, n_trial_wraps, kernels)


def _clear_counts(
    phasors: ComplexArray, bperp: FloatArray, n_trial_wraps: float, kernels: "KernelTable"
) -> tuple[IntArray, ComplexArray]:
    """Count the rows whose bin few digits tell, and return the others."""
    place = COHERENCE_BINS.size * kernels.stage2_topofit_coh_rough(phasors, bperp, n_trial_wraps)
    clear = np.abs(place - np.rint(place)) > COHERENCE_BINS.size * ROUGH
    counts = np.bincount(place[clear].astype(np.int64), minlength=COHERENCE_BINS.size)
    return counts, phasors[~clear]


def _full_counts(
    parts: list[ComplexArray], bperp: FloatArray, n_trial_wraps: float, kernels: "KernelTable"
) -> FloatArray:
    """Count rows by the full fit."""
    if not sum(map(len, parts)):
        return np.zeros(COHERENCE_BINS.size)
    rows = np.concatenate(parts) if len(parts) > 1 else parts[0]
    coherence = kernels.stage2_topofit_coh_row_invariant(rows, bperp, n_trial_wraps)
    return kernels.stage2_histogram(coherence, COHERENCE_BINS)


def few_digits_do(bperp: FloatArray, n_trial_wraps: float, kernels: "KernelTable") -> bool:
    """Whether few digits of the coherence save time, and the full fit has more of them.

    The reference has no faster ones, and a GPU does the full fit as soon. In single, phases of
    trial slopes at all baselines are off by a part of themselves, as where the baselines lie far
    from zero.
    """
    fits = ("stage2_topofit_coh_rough", "stage2_topofit_coh_row_invariant")
    if any(kernels.backends[name] != "native" for name in fits):
        return False
    if kernels.arithmetic == "double" or bperp.dtype != np.float32:
        return True
    largest = 2 * np.pi * n_trial_wraps * np.abs(bperp).max()
    return bool(largest <= LARGEST_PHASE * np.ptp(bperp))


def unscaled(scaled: FloatArray) -> FloatArray | None:
    """Return the counts of all random samples that a scaled histogram was, None if it was not."""
    total = scaled.sum()
    if not total > 0:
        return None
    counts: FloatArray = scaled * (N_RANDOM / total)
    whole = np.rint(counts)
    return whole if whole.sum() == N_RANDOM and np.abs(counts - whole).max() < 1e-3 else None
