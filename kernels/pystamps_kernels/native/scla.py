"""Spatially correlated look-angle error and master atmosphere, threaded over PS."""

from typing import Any

import numpy as np
from numba import float64, prange

from .compile import inline, kernel


@inline
def _correct(
    point: int,
    slope: float,
    phase: Any,
    bperp: Any,
    reference: Any,
    fitted: Any,
    offset_operator: Any,
    look_angle: Any,
) -> Any:
    """Write the look-angle error phase of one PS; return its master phase."""
    single = np.float32(slope)
    for ifg in range(phase.shape[1]):
        look_angle[point, ifg] = single * bperp[point, ifg]
    total = 0.0
    for k in range(fitted.shape[0]):
        ifg = fitted[k]
        rest = (phase[point, ifg] - reference[ifg]) - look_angle[point, ifg]
        total += offset_operator[k] * float64(rest)
    return np.float32(total)


@kernel
def _scla(
    phase: Any,
    bperp: Any,
    reference: Any,
    sequence: Any,
    slope_operator: Any,
    fitted: Any,
    offset_operator: Any,
) -> Any:
    n_ps, n_ifg = phase.shape
    slope = np.empty(n_ps, np.float64)
    offset = np.empty(n_ps, np.float32)
    look_angle = np.empty((n_ps, n_ifg), np.float32)
    for point in prange(n_ps):
        total = 0.0
        before = phase[point, sequence[0]] - reference[sequence[0]]
        for k in range(slope_operator.shape[0]):
            after = phase[point, sequence[k + 1]] - reference[sequence[k + 1]]
            total += slope_operator[k] * float64(after - before)
            before = after
        slope[point] = total
        offset[point] = _correct(
            point, total, phase, bperp, reference, fitted, offset_operator, look_angle
        )
    return slope, offset, look_angle


def scla(
    phase: Any,
    bperp: Any,
    reference: Any,
    sequence: Any,
    slope_operator: Any,
    fitted: Any,
    offset_operator: Any,
) -> Any:
    """Native twin of :func:`reference.scla.scla`; one pass over each PS."""
    if len(slope_operator) != len(sequence) - 1:
        raise ValueError("stage7_scla: argument 'slope_operator' needs n_seq - 1 weights")
    return _scla(phase, bperp, reference, sequence, slope_operator, fitted, offset_operator)


@kernel
def scla_of_slope(
    phase: Any, bperp: Any, reference: Any, slope: Any, fitted: Any, offset_operator: Any
) -> Any:
    """Native twin of :func:`reference.scla.scla_of_slope`."""
    n_ps, n_ifg = phase.shape
    offset = np.empty(n_ps, np.float32)
    look_angle = np.empty((n_ps, n_ifg), np.float32)
    for point in prange(n_ps):
        offset[point] = _correct(
            point, slope[point], phase, bperp, reference, fitted, offset_operator, look_angle
        )
    return offset, look_angle


@kernel
def _scla_of_pairs(phase: Any, bperp: Any, reference: Any, pairs: Any, slope_operator: Any) -> Any:
    n_ps, n_ifg = phase.shape
    slope = np.empty(n_ps, np.float64)
    look_angle = np.empty((n_ps, n_ifg), np.float32)
    for point in prange(n_ps):
        total = 0.0
        for k in range(pairs.shape[0]):
            ifg = pairs[k]
            total += slope_operator[k] * float64(phase[point, ifg] - reference[ifg])
        slope[point] = total
        single = np.float32(total)
        for ifg in range(n_ifg):
            look_angle[point, ifg] = single * bperp[point, ifg]
    return slope, look_angle


def scla_of_pairs(phase: Any, bperp: Any, reference: Any, pairs: Any, slope_operator: Any) -> Any:
    """Native twin of :func:`reference.scla.scla_of_pairs`."""
    if len(slope_operator) != len(pairs):
        raise ValueError("stage7_scla_of_pairs: argument 'slope_operator' needs n_fit weights")
    return _scla_of_pairs(phase, bperp, reference, pairs, slope_operator)


@kernel
def image_baselines(operator: Any, bperp: Any) -> Any:
    """Native twin of :func:`reference.scla.image_baselines`."""
    n_ps, n_ifg = bperp.shape
    weights = np.ascontiguousarray(operator.T)
    n_fit = weights.shape[1]
    images = np.zeros((n_ps, n_fit), np.float64)
    for point in prange(n_ps):
        for ifg in range(n_ifg):
            value = float64(bperp[point, ifg])
            for image in range(n_fit):
                images[point, image] += value * weights[ifg, image]
    return images.astype(np.float32)


@inline
def _widen(own: Any, slope: Any, offset: Any) -> None:
    """Take a neighbour into the ranges of a PS, without a branch; a NaN changes nothing."""
    own[0] = slope if slope < own[0] else own[0]
    own[1] = slope if slope > own[1] else own[1]
    own[2] = offset if offset < own[2] else own[2]
    own[3] = offset if offset > own[3] else own[3]


@inline
def _clamped(value: Any, lowest: Any, highest: Any) -> Any:
    """Return a value between two; as it is where there are none."""
    if lowest <= highest and value > highest:
        return highest
    return lowest if lowest <= highest and value < lowest else value


@kernel
def scla_smooth(slope: Any, offset: Any, edges: Any) -> Any:
    """Native twin of :func:`reference.scla.scla_smooth`; what a PS needs lies side by side."""
    n_ps = slope.shape[0]
    values = np.empty((n_ps, 2), np.float32)
    ranges = np.empty((n_ps, 4), np.float32)
    for point in prange(n_ps):
        values[point, 0], values[point, 1] = slope[point], offset[point]
        ranges[point, 0] = ranges[point, 2] = np.inf
        ranges[point, 1] = ranges[point, 3] = -np.inf
    for edge in range(edges.shape[0]):
        a, b = edges[edge, 0], edges[edge, 1]
        _widen(ranges[a], values[b, 0], values[b, 1])
        _widen(ranges[b], values[a, 0], values[a, 1])
    new_slope = np.empty_like(slope)
    new_offset = np.empty_like(offset)
    for point in prange(n_ps):
        low, high = ranges[point, 0], ranges[point, 1]
        new_slope[point] = _clamped(slope[point], float64(low), float64(high))
        new_offset[point] = _clamped(offset[point], ranges[point, 2], ranges[point, 3])
    return new_slope, new_offset
