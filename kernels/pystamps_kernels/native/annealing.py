"""Simulated annealing of noisy arcs, threaded over arcs."""

import math
from typing import Any

import numpy as np
from numba import prange

from ..reference.annealing import (
    BOUNDS,
    COOLNESS,
    GOLDEN,
    MIX_1,
    MIX_2,
    N_START,
    ROUGHNESS,
    STEPS,
    TEMPERATURES,
    time_basis,
)
from .compile import inline, kernel

TURN = 2 * math.pi
STEP_OF_COUNT, FIRST, SECOND = np.uint64(GOLDEN), np.uint64(MIX_1), np.uint64(MIX_2)
ONE, BITS_11, BITS_27, BITS_30, BITS_31 = (np.uint64(bits) for bits in (1, 11, 27, 30, 31))


def anneal(phasors: Any, edge: Any, pairs: Any, day: Any, whitener: Any) -> Any:
    """Native twin of :func:`reference.annealing.anneal`."""
    return _anneal(phasors, edge, pairs, time_basis(day), np.ascontiguousarray(whitener.T))


@inline
def _mixed(word: Any) -> Any:
    word = (word ^ (word >> BITS_30)) * FIRST
    word = (word ^ (word >> BITS_27)) * SECOND
    return word ^ (word >> BITS_31)


@inline
def _uniform(key: Any, count: Any) -> Any:
    return (_mixed(key + count * STEP_OF_COUNT) >> BITS_11) * 2.0**-53


@inline
def _series(model: Any, basis: Any, images: Any) -> None:
    cosine_1, sine_1 = math.cos(model[2]), math.sin(model[2])
    cosine_2, sine_2 = math.cos(model[4]), math.sin(model[4])
    for k in range(images.size):
        first = model[1] * (basis[2, k] * cosine_1 - basis[1, k] * sine_1)
        second = model[3] * (basis[4, k] * cosine_2 - basis[3, k] * sine_2)
        images[k] = model[0] * basis[0, k] + first + second


@inline
def _energy(
    model: Any, wrapped: Any, pairs: Any, basis: Any, columns: Any, images: Any, white: Any
) -> Any:
    """Whitened misfit and roughness; `columns` are those of the upper triangle."""
    _series(model, basis, images)
    white[:] = 0
    for j in range(wrapped.size):
        predicted = images[pairs[j, 1]] - images[pairs[j, 0]]
        cycles = (wrapped[j] - predicted) / TURN
        rest = cycles - np.rint(cycles)
        for i in range(j + 1):
            white[i] += rest * columns[j, i]
    misfit = 0.0
    for j in range(white.size):
        misfit += abs(white[j])
    steps = 0.0
    for k in range(images.size - 1):
        steps += abs(images[k + 1] - images[k])
    return TURN * misfit + ROUGHNESS * steps


@kernel
def _anneal(phasors: Any, edge: Any, pairs: Any, basis: Any, columns: Any) -> Any:
    n, m = phasors.shape
    n_image = basis.shape[1]
    smooth = np.empty((n, m), np.float32)
    for e in prange(n):
        wrapped, images, white = np.empty(m), np.empty(n_image), np.empty(m)
        for j in range(m):
            wrapped[j] = np.float32(math.atan2(phasors[e, j].imag, phasors[e, j].real))
        key = _mixed((np.uint64(edge[e]) + ONE) * STEP_OF_COUNT)
        best, current, start = np.zeros(5), np.zeros(5), np.zeros(5)
        energies, chance = np.empty(STEPS.size), np.empty(STEPS.size)
        count, lowest = np.uint64(0), np.inf
        for run in range(COOLNESS.size):
            total, least = 0.0, np.inf
            for _ in range(N_START):
                for p in range(5):
                    count += ONE
                    current[p] = (2 * _uniform(key, count) - 1) * BOUNDS[p]
                energy = _energy(current, wrapped, pairs, basis, columns, images, white)
                total += energy
                if energy < least:
                    least = energy
                    start[:] = current
            critical = 10 ** (math.log10(total / N_START) - COOLNESS[run])
            current[:] = start
            for sweep in range(TEMPERATURES.size):
                energy = np.inf
                for p in range(5):
                    count += ONE
                    middle, least = current[p], np.inf
                    for k in range(STEPS.size):
                        current[p] = middle + BOUNDS[p] * STEPS[k]
                        energies[k] = np.inf
                        if abs(current[p]) <= BOUNDS[p]:
                            energies[k] = _energy(
                                current, wrapped, pairs, basis, columns, images, white
                            )
                        least = min(least, energies[k])
                    total = 0.0
                    for k in range(STEPS.size):
                        total += math.exp((least - energies[k]) / (critical * TEMPERATURES[sweep]))
                        chance[k] = total
                    drawn = 0
                    while chance[drawn] < _uniform(key, count) * total:
                        drawn += 1
                    current[p] = middle + BOUNDS[p] * STEPS[drawn]
                    energy = energies[drawn]
                if energy < lowest:
                    lowest = energy
                    best[:] = current
        _series(best, basis, images)
        for j in range(m):
            smooth[e, j] = np.float32(images[pairs[j, 1]]) - np.float32(images[pairs[j, 0]])
    return smooth
