"""Candidates: pixels whose amplitude hardly varies from image to image."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import AnyArray, BoolArray

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable


KERNELS = ("prep_amplitude_sum", "prep_add_amplitudes", "prep_add_pairs")
"""Kernels of a preparation."""


@dataclass(frozen=True)
class Images:
    """A piece of the scene in every image.

    Parameters
    ----------
    read : callable
        ``read(some)``, `some` a slice of the images, returns their samples as words, (k, n, 2)
        uint32 or uint16.
    swapped : bool
        Whether the bytes of words are in the other order than this machine's.
    at_once : int
        Images that are read at a time: an even number.
    """

    read: Callable[[slice], AnyArray]
    swapped: bool
    at_once: int

    def groups(self, count: int) -> Iterator[slice]:
        """Cut so many images into groups."""
        for first in range(0, count, self.at_once):
            yield slice(first, min(first + self.at_once, count))


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
    images: Images,
    constants: NDArray[np.float32],
    excluded: BoolArray,
    threshold: float,
    kernels: "KernelTable",
) -> Chosen:
    """Choose candidates of a single master by the dispersion of their amplitude.

    Parameters
    ----------
    images : Images
        The piece in every image.
    constants : (n_image,) float32
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
    for some in images.groups(len(constants)):
        total, square, low = kernels.prep_add_amplitudes(
            images.read(some), images.swapped, constants[some], total, square, low
        )
    count, limit = np.float32(len(constants)), np.float32(threshold)
    with np.errstate(all="ignore"):
        variance = count * square / (total * total) - np.float32(1)
        wanted = variance < limit * limit if threshold >= 0 else variance >= limit * limit
        wanted &= (total > 0) & ~excluded
        dispersion = np.sqrt(variance)
    return Chosen(total, dispersion, wanted & ~low, wanted & low)


def choose_of_pairs(
    images: Images,
    constants: NDArray[np.float32],
    excluded: BoolArray,
    threshold: float,
    kernels: "KernelTable",
) -> Chosen:
    """Choose candidates of small baselines by the differences inside the pairs.

    Parameters
    ----------
    images, constants, excluded, threshold, kernels
        As :func:`choose`; images 0 and 1 are a pair, 2 and 3, and so on.

    Notes
    -----
    StaMPS ``selsbc_patch``; docs/science/preparation.md, Candidates of small baselines.
    """
    n, pairs = len(excluded), len(constants) // 2
    total, square = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for some in images.groups(2 * pairs):
        total, square = kernels.prep_add_pairs(
            images.read(some), images.swapped, constants[some], total, square
        )
    with np.errstate(all="ignore"):
        spread = np.sqrt(square / np.float32(pairs))
        dispersion = spread / (total / np.float32(len(constants)))
        taken = (total > 0) & ~excluded
        if threshold >= 0:
            taken &= dispersion < np.float32(threshold)
    return Chosen(total, dispersion, taken, np.zeros(n, bool))
