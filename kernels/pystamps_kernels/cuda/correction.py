"""The look-angle error of points, taken off their phase and put back; ``sources/samples.cu``."""

from collections.abc import Sequence

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import by_rows
from .samples import by_samples, start
from .sources import of_classes


def ph_weight(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """CUDA twin of :func:`reference.correction.ph_weight`."""
    return _weighted("ph_weight", ph, bperp, slope, weight)


def ph_weight_single(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """CUDA twin of :func:`reference.correction.ph_weight_single`."""
    return _weighted("ph_weight_single", ph, bperp, slope, weight)


def _weighted(kernel: str, ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    weighted, m = np.empty(ph.shape, np.complex64), ph.shape[1]

    def run(device: Device, *pieces: OnDevice) -> Sequence[OnDevice]:
        phasors, base, *rates = pieces
        n = phasors.shape[0]
        out = device.empty((n, m), np.complex64)
        arguments = (phasors, base, m, *rates, n, m, out)
        start(device, "samples", of_classes(kernel, base), n * m, *arguments)
        return (out,)

    by_rows(run, (ph, bperp, slope, weight), (weighted,))
    return weighted


def wrapped_phase(phase: Array, bperp: Array, slope: Array) -> Array:
    """CUDA twin of :func:`reference.correction.wrapped_phase`."""
    arguments = (phase, bperp, slope)
    return by_samples("wrapped_phase", arguments, phase.shape, np.complex64, per_row=True)
