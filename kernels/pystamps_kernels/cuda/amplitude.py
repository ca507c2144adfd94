"""Amplitudes of complex images, added up in the order of the images; ``sources/geometry.cu``."""

from collections.abc import Sequence

import numpy as np

from ..reference.amplitude import NEARLY_ZERO
from .device import Array, Device, OnDevice
from .pieces import by_rows
from .samples import start
from .sources import of_classes


def add_amplitudes(
    words: Array, swapped: bool, constants: Array, total: Array, square: Array, low: Array
) -> tuple[Array, Array, Array]:
    """CUDA twin of :func:`reference.amplitude.add_amplitudes`."""
    sums = (total, square, low)
    total, square, low = _added("add_amplitudes", words, swapped, constants, sums, NEARLY_ZERO)
    return total, square, low


def add_pairs(
    words: Array, swapped: bool, constants: Array, total: Array, square: Array
) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.amplitude.add_pairs`."""
    total, square = _added("add_pairs", words, swapped, constants, (total, square))
    return total, square


def _added(
    kernel: str, words: Array, swapped: bool, constants: Array, sums: Sequence[Array], *least: float
) -> tuple[Array, ...]:
    results = tuple(np.empty_like(each) for each in sums)

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        stack, count = given[-1], given[-1].shape[1]
        found = [device.empty((count,), each.dtype) for each in sums]
        arguments = (*given, count, len(constants), int(swapped), *least, *found)
        start(device, "geometry", of_classes(kernel, stack), count, *arguments)
        return found

    by_rows(run, sums, results, (constants,), stacks=(words,))
    return results
