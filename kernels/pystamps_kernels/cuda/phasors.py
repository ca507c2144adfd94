"""Arithmetic on phasors, sample by sample; ``sources/samples.cu``."""

from collections.abc import Sequence

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import by_rows
from .samples import by_samples, start


def unit_phasors(phasors: Array) -> Array:
    """CUDA twin of :func:`reference.phasors.unit_phasors`."""
    return by_samples("unit_phasors", (phasors,), phasors.shape, np.complex64)


def deviation(phasors: Array, model: Array) -> Array:
    """CUDA twin of :func:`reference.phasors.deviation`."""
    return by_samples("deviation", (phasors, model), phasors.shape, np.complex64)


def angle(phasors: Array) -> Array:
    """CUDA twin of :func:`reference.phasors.angle`."""
    return by_samples("angle", (phasors,), phasors.shape, np.float32)


def subtract_phase(phasors: Array, phase: Array) -> Array:
    """CUDA twin of :func:`reference.phasors.subtract_phase`."""
    return by_samples("subtract_phase", (phasors, phase), phasors.shape, np.complex64)


def phasors_of_cycles(cycles: Array) -> Array:
    """CUDA twin of :func:`reference.phasors.phasors_of_cycles`."""
    m, n = cycles.shape
    phasors = np.empty((n, m), np.complex128)

    def run(device: Device, piece: OnDevice) -> Sequence[OnDevice]:
        count = piece.shape[1]
        out = device.empty((count, m), np.complex128)
        start(device, "samples", "phasors_of_cycles", count * m, piece, count, m, out)
        return (out,)

    by_rows(run, (), (phasors,), stacks=(cycles,))
    return phasors
