"""Simulated annealing of noisy arcs: rate and two harmonics over the stack.

Random numbers are a function of the number of the arc and of a counter, so that an arc has the same
ones wherever and beside whatever it is worked on.
"""

import numpy as np
from numpy.typing import NDArray

from ..numerics import row_sums
from .phasors import angle

Phasors = NDArray[np.complex64]
Phases = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

N_RUN = 15
N_START = 100
SWEEPS = np.array([1, 2, 4, 6, 10, 6, 4, 2, 1])
"""Sweeps at each temperature, which falls from ten times to a tenth of the critical one."""
COOLNESS = np.linspace(2, 3, N_RUN)
"""Decades of the critical temperature of each run below the mean energy of its first models."""
STEPS = np.array([0.5, 0.25, 0.125, 0.0625, 0.0, -0.5, -0.25, -0.125, -0.0625])
"""Candidates beside the current value, in half widths of the bounds."""
BOUNDS = np.array([np.pi / 2, np.pi / 4, np.pi, np.pi / 4, np.pi])
"""Of rate, amplitude and phase of the first harmonic, and of the second; from minus to plus."""
ROUGHNESS = 0.2
"""Weight of the sum of all steps from image to image in the energy."""
TEMPERATURES = np.repeat(np.logspace(1, -1, len(SWEEPS)), SWEEPS)
"""Temperature of each sweep, relative to the critical one."""

GOLDEN, MIX_1, MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Constants of SplitMix64 (Steele et al. 2014)."""


def anneal(
    phasors: Phasors, edge: Ints, pairs: Ints, day: Doubles, whitener: Doubles
) -> Phases:  # fmt: skip
    """Fit rate and two harmonics to the wrapped phase of every arc.

    Parameters
    ----------
    phasors : (n, m) complex64
        Unit phasors.
    edge : (n,) int64
        Number of each arc, which seeds its random numbers.
    pairs : (m, 2) int64
        First and second image of each interferogram, from 0.
    day : (n_image,) float64
        Acquisition of each image, ascending [days].
    whitener : (m, m) float64
        Upper triangular matrix that gives noise the unit covariance [1/rad].

    Returns
    -------
    (n, m) float32
        Smooth phase [rad].

    Notes
    -----
    StaMPS ``uw_sb_smooth_unwrap``; docs/science/unwrapping.md, Annealing.
    """
    basis = time_basis(day)
    problem = _Problem(angle(phasors).astype(np.float64), pairs, basis, whitener, edge)
    images = problem.series(problem.best()).astype(np.float32)
    return np.asarray(images[:, pairs[:, 1]] - images[:, pairs[:, 0]])


def time_basis(day: Doubles) -> Doubles:
    """Time from 0 to n_image - 1, then cosine and sine of the first and of the second harmonic.

    Returns
    -------
    (5, n_image) float64
        The harmonics are times n_image / 2.
    """
    n = len(day)
    time = (day - day[0]) * (n - 1) / (day[-1] - day[0])
    turn = 2 * np.pi * time / n
    waves = [np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)]
    return np.stack([time, *(n / 2 * wave for wave in waves)])


class _Problem:
    """All arcs side by side; every one takes its own way with its own random numbers."""

    def __init__(
        self, wrapped: Doubles, pairs: Ints, basis: Doubles, whitener: Doubles, edge: Ints
    ) -> None:
        self.wrapped, self.pairs, self.basis, self.whitener = wrapped, pairs, basis, whitener
        self.key = mixed((edge + 1).astype(np.uint64) * np.uint64(GOLDEN))
        self.count = 0

    def uniform(self) -> Doubles:
        """Return the next random number of every arc, in [0, 1)."""
        self.count += 1
        word = mixed(self.key + np.uint64(self.count * GOLDEN % 2**64))
        return (word >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def series(self, model: Doubles) -> Doubles:
        """Phase of the images, (n, n_image), for models (n, 5)."""
        rate, size_1, turn_1, size_2, turn_2 = (column[:, None] for column in model.T)
        time, cos_1, sin_1, cos_2, sin_2 = self.basis
        first = size_1 * (sin_1 * np.cos(turn_1) - cos_1 * np.sin(turn_1))
        second = size_2 * (sin_2 * np.cos(turn_2) - cos_2 * np.sin(turn_2))
        return np.asarray(rate * time + first + second)

    def energy(self, model: Doubles) -> Doubles:
        """Whitened misfit of the wrapped phase, and roughness; (n,)."""
        images = self.series(model)
        predicted = images[:, self.pairs[:, 1]] - images[:, self.pairs[:, 0]]
        cycles = (self.wrapped - predicted) / (2 * np.pi)
        rest = cycles - np.rint(cycles)
        white = np.zeros_like(rest)
        for column, weights in zip(rest.T, self.whitener.T, strict=True):
            white += column[:, None] * weights
        misfit = row_sums(np.abs(white))
        steps = row_sums(np.abs(np.diff(images, axis=1)))
        return np.asarray(2 * np.pi * misfit + ROUGHNESS * steps)

    def best(self) -> Doubles:
        """Return the model of lowest energy that any run comes to, (n, 5)."""
        n = len(self.wrapped)
        lowest, model = np.full(n, np.inf), np.zeros((n, 5))
        for coolness in COOLNESS:
            current, critical = self._start(coolness)
            for temperature in TEMPERATURES:
                for parameter in range(5):
                    energy = self._step(current, parameter, critical * temperature)
                better = energy < lowest
                lowest[better], model[better] = energy[better], current[better]
        return model

    def _start(self, coolness: float) -> tuple[Doubles, Doubles]:
        """Return the best of some random models, and the critical temperature."""
        n = len(self.wrapped)
        total, lowest, start = np.zeros(n), np.full(n, np.inf), np.zeros((n, 5))
        for _ in range(N_START):
            model = np.stack([(2 * self.uniform() - 1) * bound for bound in BOUNDS], axis=1)
            energy = self.energy(model)
            total += energy
            better = energy < lowest
            lowest[better], start[better] = energy[better], model[better]
        return start, 10 ** (np.log10(total / N_START) - coolness)

    def _step(self, current: Doubles, parameter: int, temperature: Doubles) -> Doubles:
        """Draw a new value of one parameter by its energies; change `current`, return energies."""
        bound = BOUNDS[parameter]
        values = current[:, parameter, None] + bound * STEPS
        energies = np.empty_like(values)
        trial = current.copy()
        for k in range(len(STEPS)):
            trial[:, parameter] = values[:, k]
            energies[:, k] = self.energy(trial)
        energies[np.abs(values) > bound] = np.inf
        least = energies.min(axis=1)
        chance = np.exp((least[:, None] - energies) / temperature[:, None])
        total = np.add.accumulate(chance, axis=1)
        drawn = np.argmax(total >= (self.uniform() * total[:, -1])[:, None], axis=1)
        each = np.arange(len(current))
        current[:, parameter] = values[each, drawn]
        return np.asarray(energies[each, drawn])


def mixed(word: Words) -> Words:
    """Mix the bits of 64-bit words."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(MIX_1)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(MIX_2)
    return np.asarray(word ^ (word >> np.uint64(31)))
