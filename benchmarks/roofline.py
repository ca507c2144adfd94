"""What one thread of this machine can do at most per second: bytes, products, roots, sines."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.case import Case
from pystamps_kernels.native.turn import cos_sin

Array = NDArray[Any]

STREAM_LENGTH = 1 << 23
LANES = (56, 64)
"""Independent values, of which the faster counts: with too few the sums wait for each other, with
too many they do not fit into the registers."""
ROUNDS = 1 << 18
REPEAT = 5


@dataclass(frozen=True)
class Peaks:
    """Measured peaks of one thread.

    Parameters
    ----------
    stream : float
        Bytes per second of ``a = b + s c`` on arrays far larger than the caches.
    flops : float
        Flop per second of independent double multiply-adds, two per multiply-add.
    sincos : float
        Cosine and sine pairs per second, by the vectorised polynomial of the kernels.
    libm : float
        The same by the C library, one pair after the other.
    roots : float
        Square roots per second, of independent doubles.
    single_flops, single_roots : float
        Flop and roots per second in single precision.
    """

    stream: float
    flops: float
    sincos: float
    libm: float
    roots: float
    single_flops: float
    single_roots: float

    def seconds(self, case: Case, traffic: float, threads: int) -> tuple[float, str]:
        """Return the least time of some work on ideal threads, and what bounds it.

        Parameters
        ----------
        case : Case
            The work; angles and roots that are not taken in lanes count as pairs.
        traffic : float
            Bytes that must move.
        threads : int
            Threads; they share the memory, so `stream` does not grow with them.
        """
        double = case.flops / self.flops + case.roots / self.roots
        single = case.single_flops / self.single_flops + case.single_roots / self.single_roots
        arithmetic = double + single + case.pairs / self.sincos
        bounds = {"memory": traffic / self.stream, "arithmetic": arithmetic / threads}
        limit = max(bounds, key=lambda name: bounds[name])
        return bounds[limit], limit


@njit(fastmath=True)
def _triad(a: Array, b: Array, c: Array, scale: float) -> None:
    for i in range(a.size):
        a[i] = b[i] + scale * c[i]


def _multiply_adds(lanes: int) -> Any:
    @njit(fastmath=True)
    def loop(values: Array, factor: float, rounds: int) -> None:
        for _ in range(rounds):
            for i in range(lanes):
                values[i] = values[i] * factor + factor

    return loop


def _square_roots(lanes: int) -> Any:
    @njit
    def loop(values: Array, added: float, rounds: int) -> None:
        for _ in range(rounds):
            for i in range(lanes):
                values[i] = math.sqrt(values[i]) + added

    return loop


@njit
def _polynomial(cycles: Array, cos: Array, sin: Array) -> None:
    for i in range(cycles.size):
        cos[i], sin[i] = cos_sin(cycles[i])


@njit
def _library(phase: Array, cos: Array, sin: Array) -> None:
    for i in range(phase.size):
        cos[i], sin[i] = math.cos(phase[i]), math.sin(phase[i])


def fastest(act: Callable[[], Any], repeat: int = REPEAT) -> float:
    """Return the least processor time of `repeat` calls after one that compiles [s]."""
    act()
    times = []
    for _ in range(repeat):
        began = time.process_time()
        act()
        times.append(time.process_time() - began)
    return max(min(times), 1e-9)


def measure() -> Peaks:
    """Measure the peaks of this machine; a second or two."""
    a, b, c = (np.full(STREAM_LENGTH, 1.0) for _ in range(3))
    stream = 3 * a.nbytes / fastest(lambda: _triad(a, b, c, 0.5))

    def per_second(made: Callable[[int], Any], kind: Any) -> float:
        def once(lanes: int) -> float:
            values = np.full(lanes, 0.1, kind)
            return lanes * ROUNDS / fastest(partial(made(lanes), values, kind(0.3), ROUNDS))

        return max(map(once, LANES))

    phase = np.random.default_rng(0).uniform(-3, 3, 4096)
    cos, sin = np.empty(4096), np.empty(4096)

    def many(kernel: Any) -> Callable[[], Any]:
        return lambda: [kernel(phase, cos, sin) for _ in range(256)]

    pairs = 256 * phase.size
    return Peaks(
        stream=stream,
        flops=2 * per_second(_multiply_adds, np.float64),
        sincos=pairs / fastest(many(_polynomial)),
        libm=pairs / fastest(many(_library)),
        roots=per_second(_square_roots, np.float64),
        single_flops=2 * per_second(_multiply_adds, np.float32),
        single_roots=per_second(_square_roots, np.float32),
    )
