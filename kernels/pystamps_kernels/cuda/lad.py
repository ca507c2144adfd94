"""Least absolute deviations by a simplex search; ``sources/lad.cu``."""

from collections.abc import Sequence

import numpy as np

from .device import Array, Device, OnDevice, current
from .pieces import ROOM_THREADS, by_rows, rooms_for

DOUBLE = np.dtype(np.float64).itemsize

JITTER = 1e-10
"""Largest shift of an observation while the basis is sought, as in the native form."""
GOLDEN_PART = 0.6180339887498949


def lad_fit(design: Array, values: Array, start: Array) -> Array:
    """CUDA twin of :func:`reference.lad.lad_fit`, by the search of the native form."""
    n_obs, n_par = design.shape
    fit = np.empty((len(values), n_par))
    scale = np.abs(design).max(axis=0)
    jitter = JITTER * (((np.arange(n_obs) + 1) * GOLDEN_PART) % 1.0)
    doubles = 2 * (n_obs + n_par + n_par**2)
    blocks, rooms = rooms_for(current(), len(values), doubles)

    def run(device: Device, *given: OnDevice) -> Sequence[OnDevice]:
        count = given[-1].shape[0]
        out = device.empty((count, n_par), np.float64)
        room = device.empty((rooms,), np.float64)
        arguments = (*given, count, n_obs, n_par, room, out)
        device.launch("lad", "lad_fit", blocks, ROOM_THREADS, *arguments)
        return (out,)

    shared = (design / scale, jitter, scale, design)
    by_rows(run, (values, start), (fit,), shared, fixed=rooms * DOUBLE)
    return fit
