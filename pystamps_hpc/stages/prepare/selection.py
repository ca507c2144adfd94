"""Candidates: pixels whose amplitude hardly varies from image to image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import AnyArray, BoolArray

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable

Read = Callable[[int], tuple[AnyArray, bool]]
"""``read(k)`` returns the samples of image k as words, and whether their bytes are swapped."""


@dataclass(frozen=True)
class Chosen:
    """What is known of a piece of the scene.

    Parameters
    ----------
    total : (n,) float32
        Sum over the images of the calibrated amplitude.
    dispersion : (n,) float32
        Amplitude dispersion; NaN where rounding leaves a negative variance and none is cut off.
    taken : (n,) bool
        Pixels that are candidates.
    low : (n,) bool
        Pixels that would be, but were nearly zero in an image.
    """

    total: NDArray[np.float32]
    dispersion: NDArray[np.float32]
    taken: BoolArray
    low: BoolArray


def choose(
    read: Read,
    constants: Sequence[float],
    excluded: BoolArray,
    threshold: float,
    kernels: "KernelTable",
) -> Chosen:
    """Choose candidates of a single master by the dispersion of their amplitude.

    Parameters
    ----------
    read : callable
        Reads the piece in one image after the other.
    constants : sequence of float
        Calibration constant of each image.
    excluded : (n,) bool
        Pixels that the mask leaves out.
    threshold : float
        Dispersion that a candidate stays below; a negative one is that it reaches.
    kernels : KernelTable
        Kernels.

    Notes
    -----
    StaMPS ``selpsc_patch``; docs/science/preparation.md, Candidates of a single master.
    """
    n = len(excluded)
    total, square, low = np.zeros(n, np.float32), np.zeros(n, np.float32), np.zeros(n, bool)
    for k, constant in enumerate(constants):
        words, swapped = read(k)
        total, square, low = kernels.prep_add_amplitudes(
            words, swapped, constant, total, square, low
        )
    count, limit = np.float32(len(constants)), np.float32(threshold)
    with np.errstate(all="ignore"):
        variance = count * square / (total * total) - np.float32(1)
        wanted = variance < limit * limit if threshold >= 0 else variance >= limit * limit
        wanted &= (total > 0) & ~excluded
        dispersion = np.sqrt(variance)
    return Chosen(total, dispersion, wanted & ~low, wanted & low)


def choose_of_pairs(
    read: Read,
    constants: Sequence[float],
    excluded: BoolArray,
    threshold: float,
    kernels: "KernelTable",
) -> Chosen:
    """Choose candidates of small baselines by the differences inside the pairs.

    Parameters
    ----------
    read, constants, excluded, threshold, kernels
        As :func:`choose`; images 0 and 1 are a pair, 2 and 3, and so on.

    Notes
    -----
    StaMPS ``selsbc_patch``; docs/science/preparation.md, Candidates of small baselines.
    """
    n, pairs = len(excluded), len(constants) // 2
    total, square = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for k in range(0, 2 * pairs, 2):
        (first, swapped), (second, _) = read(k), read(k + 1)
        total, square = kernels.prep_add_pair(
            first, second, swapped, constants[k], constants[k + 1], total, square
        )
    with np.errstate(all="ignore"):
        spread = np.sqrt(square / np.float32(pairs))
        dispersion = spread / (total / np.float32(len(constants)))
        taken = (total > 0) & ~excluded
        if threshold >= 0:
            taken &= dispersion < np.float32(threshold)
    return Chosen(total, dispersion, taken, np.zeros(n, bool))
