"""The look-angle error of points, taken off their phase and put back; ``sources/samples.cu``."""

import numpy as np

from .device import Array
from .samples import by_samples
from .sources import of_classes


def ph_weight(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """CUDA twin of :func:`reference.correction.ph_weight`."""
    kernel = of_classes("ph_weight", bperp)
    arguments = (ph, bperp, slope, weight)
    return by_samples(kernel, arguments, ph.shape, np.complex64, per_row=True)


def ph_weight_single(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """CUDA twin of :func:`reference.correction.ph_weight_single`."""
    kernel = of_classes("ph_weight_single", bperp)
    arguments = (ph, bperp, slope, weight)
    return by_samples(kernel, arguments, ph.shape, np.complex64, per_row=True)


def wrapped_phase(phase: Array, bperp: Array, slope: Array) -> Array:
    """CUDA twin of :func:`reference.correction.wrapped_phase`."""
    arguments = (phase, bperp, slope)
    return by_samples("wrapped_phase", arguments, phase.shape, np.complex64, per_row=True)
