"""Spatially correlated look-angle error and master atmosphere; ``sources/series.cu``."""

from collections.abc import Sequence

import numpy as np

from .device import Array, Device, OnDevice, current, fetched
from .pieces import by_rows, require_room
from .samples import start
from .series import by_products, launch_rows
from .sources import of_classes

STEPS, VALUES, KNOWN = range(3)
"""What a slope comes from; as in the source."""

NOTHING = np.iinfo(np.int64).max, np.iinfo(np.int64).min
"""Least and largest of no neighbours."""


def scla(
    phase: Array,
    bperp: Array,
    reference: Array,
    sequence: Array,
    slope_operator: Array,
    fitted: Array,
    offset_operator: Array,
) -> tuple[Array, Array, Array]:
    """CUDA twin of :func:`reference.scla.scla`."""
    if len(slope_operator) != len(sequence) - 1:
        raise ValueError("stage7_scla: argument 'slope_operator' needs n_seq - 1 weights")
    operators = (reference, sequence, slope_operator, fitted, offset_operator)
    return _scla(STEPS, phase, bperp, None, operators)


def scla_of_slope(
    phase: Array,
    bperp: Array,
    reference: Array,
    slope: Array,
    fitted: Array,
    offset_operator: Array,
) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.scla.scla_of_slope`."""
    nothing = np.empty(0, np.int64), np.empty(0)
    operators = (reference, *nothing, fitted, offset_operator)
    return _scla(KNOWN, phase, bperp, slope, operators)[1:]


def scla_of_pairs(
    phase: Array, bperp: Array, reference: Array, pairs: Array, slope_operator: Array
) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.scla.scla_of_pairs`."""
    if len(slope_operator) != len(pairs):
        raise ValueError("stage7_scla_of_pairs: argument 'slope_operator' needs n_fit weights")
    nothing = np.empty(0, np.int64), np.empty(0)
    operators = (reference, pairs, slope_operator, *nothing)
    return _scla(VALUES, phase, bperp, None, operators)[::2]


def _scla(
    mode: int, phase: Array, bperp: Array, known: Array | None, operators: Sequence[Array]
) -> tuple[Array, Array, Array]:
    n, m = phase.shape
    given = (phase, bperp) if known is None else (phase, bperp, known)

    def run(device: Device, *arrays: OnDevice) -> Sequence[OnDevice]:
        reference, sequence, slope_operator, fitted, offset_operator, *pieces = arrays
        if known is None:
            pieces.append(device.empty((0,), np.float64))
        count = pieces[0].shape[0]
        found = (
            device.empty((count,), np.float64),
            device.empty((count,), np.float32),
            device.empty((count, m), np.float32),
        )
        launch_rows(
            device, "scla", count, m, *pieces, count, m, mode, reference, sequence,
            slope_operator.size, slope_operator, fitted, fitted.size, offset_operator, *found,
        )  # fmt: skip
        return found

    slope, offset = np.empty(n), np.empty(n, np.float32)
    look_angle = np.empty((n, m), np.float32)
    by_rows(run, given, (slope, offset, look_angle), operators)
    return slope, offset, look_angle


def image_baselines(operator: Array, bperp: Array) -> Array:
    """CUDA twin of :func:`reference.scla.image_baselines`."""
    return by_products("image_baselines", bperp, operator.T, np.float32)


def scla_smooth(slope: Array, offset: Array, edges: Array) -> tuple[Array, Array]:
    """CUDA twin of :func:`reference.scla.scla_smooth`."""
    device = current()
    require_room(edges.nbytes + slope.size * (2 * slope.itemsize + 4 + 2 * edges.itemsize))
    with device.active():
        pairs = device.upload(edges)
        return _clamped(device, slope, pairs), _clamped(device, offset, pairs)


def _clamped(device: Device, values: Array, edges: OnDevice) -> Array:
    n, n_edge = len(values), edges.shape[0]
    single, given = device.upload(values.astype(np.float32)), device.upload(values)
    ends = device.upload(np.tile(np.array(NOTHING), (n, 1)))
    neighbours = (single, edges, n_edge, ends)
    start(device, "series", "least_and_largest_neighbour", 2 * n_edge, *neighbours)
    clamped = device.empty((n,), values.dtype)
    start(device, "series", of_classes("clamp", given), n, given, ends, n, clamped)
    return fetched(device, clamped)
