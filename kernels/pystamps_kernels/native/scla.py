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
def _neighbour_range(values: Any, edges: Any) -> Any:
    """Return lowest and highest neighbour of every PS in single; NaN neighbours are left out."""
    lowest = np.full(values.shape[0], np.inf, np.float32)
    highest = np.full(values.shape[0], -np.inf, np.float32)
    for edge in range(edges.shape[0]):
        for side in range(2):
            own = edges[edge, side]
            value = np.float32(values[edges[edge, 1 - side]])
            if value < lowest[own]:
                lowest[own] = value
            if value > highest[own]:
                highest[own] = value
    return lowest, highest


@kernel
def scla_smooth(slope: Any, offset: Any, edges: Any) -> Any:
    """Native twin of :func:`reference.scla.scla_smooth`."""
    slope_low, slope_high = _neighbour_range(slope, edges)
    offset_low, offset_high = _neighbour_range(offset, edges)
    new_slope = slope.copy()
    new_offset = offset.copy()
    for point in prange(slope.shape[0]):
        if slope_low[point] <= slope_high[point]:
            if slope[point] > slope_high[point]:
                new_slope[point] = slope_high[point]
            if slope[point] < slope_low[point]:
                new_slope[point] = slope_low[point]
        if offset_low[point] <= offset_high[point]:
            if offset[point] > offset_high[point]:
                new_offset[point] = offset_high[point]
            if offset[point] < offset_low[point]:
                new_offset[point] = offset_low[point]
    return new_slope, new_offset
