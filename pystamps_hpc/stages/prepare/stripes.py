"""The stripes that StaMPS makes of 16-bit images whose bytes it swaps."""

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import AnyArray, BoolArray
from .selection import Chosen, Images, choose

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable

EXCHANGED = np.float32(256)
"""Amplitude of a master that is 1 with its two bytes exchanged."""


def choose_in_stripes(
    images: Images,
    constants: NDArray[np.float32],
    excluded: BoolArray,
    threshold: float,
    kernels: "KernelTable",
    odd: BoolArray,
) -> Chosen:
    """Choose candidates of a single master as StaMPS does with 16-bit images.

    Parameters
    ----------
    images, constants, excluded, threshold, kernels
        As :func:`choose`.
    odd : (n,) bool
        Pixels of every other line of the patch, which StaMPS divides by exchanged bytes.

    Notes
    -----
    StaMPS ``selpsc_patch``; docs/science/preparation.md, Candidates of a single master.
    """
    even, other = (
        choose(_some_of(images, pixels), constants * scale, excluded[pixels], threshold, kernels)
        for pixels, scale in ((~odd, np.float32(1)), (odd, EXCHANGED))
    )

    def joined(name: str) -> AnyArray:
        first, second = getattr(even, name), getattr(other, name)
        whole = np.empty(len(odd), first.dtype)
        whole[~odd], whole[odd] = first, second
        return whole

    return Chosen(**{each.name: joined(each.name) for each in fields(Chosen)})


def _some_of(images: Images, pixels: BoolArray) -> Images:
    return replace(images, read=lambda some: np.ascontiguousarray(images.read(some)[:, pixels]))
