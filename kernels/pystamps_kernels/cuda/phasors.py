"""Arithmetic on phasors, sample by sample; ``sources/samples.cu``."""

import numpy as np

from .device import Array
from .samples import by_samples


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
