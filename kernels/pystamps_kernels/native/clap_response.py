"""What is done to one window of the CLAP filter, all in lanes.

A spectrum is rows of column frequencies, as :func:`.fourier.transform` leaves them, with the row
frequencies in lanes, in centred order. Smoothing takes both in centred order; ``turns`` says where
the row of each column frequency begins.
"""

from typing import Any

import numpy as np

from ..clap_windows import GAUSSIAN
from .compile import inline
from .lanes import after, filled, fused, lanes_in, larger, load, root, store, total, turn_square
from .median import median

Flat = Any  # see lanes.flat

# Weights of the neighbours one, two and three away; that of the middle is 1.
NEAR = (float(GAUSSIAN[4]), float(GAUSSIAN[5]), float(GAUSSIAN[6]))
MARGIN = 8  # lanes of a register, at most


@inline
def fill(values: Flat, first: int, stop: int, value: float) -> None:
    """Set values from `first` to `stop`."""
    for k in range(first, stop):
        values[k] = value


@inline
def turn(values: Flat, at: Flat, shift: int, lanes: int, to: Flat, first: int) -> None:
    """Make columns of `lanes` rows, which begin at ``at[k] + shift``."""
    width = lanes_in(values)
    for k in range(0, lanes, width):
        for u in range(0, lanes, width):
            turn_square(values, after(at, k), shift + u, to, first + u * lanes + k, lanes)


@inline
def _modulus(re: Flat, im: Flat, k: int) -> Any:
    x, y = load(re, k), load(im, k)
    return root(fused(x, x, y * y))


@inline
def smooth_moduli(
    re: Flat, im: Flat, turns: Flat, line: Flat, smooth: Flat, n: int, lanes: int
) -> None:
    """Smooth the moduli of a spectrum; `smooth` has its rows in the order of the spectrum.

    `line` (n rows with margins) is room with zeros in the margins.
    """
    width, wide, nothing = lanes_in(re), lanes + 2 * MARGIN, filled(re, 0.0)
    one, two, three = filled(re, NEAR[0]), filled(re, NEAR[1]), filled(re, NEAR[2])
    for u in range(0, lanes, width):
        a, b, c, d, e, f = nothing, nothing, nothing, nothing, nothing, nothing
        for v in range(n + 3):
            g = _modulus(re, im, turns[v] + u) if v < n else nothing
            if v >= 3:
                value = fused(three, a + g, fused(two, b + f, fused(one, c + e, d)))
                store(line, (v - 3) * wide + MARGIN + u, value)
            a, b, c, d, e, f = b, c, d, e, f, g
    for v in range(n):
        for u in range(0, lanes, width):
            at = v * wide + MARGIN + u
            c, d, e = load(line, at - 1), load(line, at), load(line, at + 1)
            value = fused(one, c + e, d)
            b, f = load(line, at - 2), load(line, at + 2)
            value = fused(two, b + f, value)
            a, g = load(line, at - 3), load(line, at + 3)
            store(smooth, turns[v] + u, fused(three, a + g, value))


@inline
def scale_to_median(smooth: Flat, n: int, lanes: int, alpha: float, middle: Flat) -> Any:
    """Return by what smoothed moduli are multiplied to be the adaptive response plus one.

    With an exponent other than 1 they are made that, and the factor is 1. What lies beyond the n
    rows is infinite and stays so; `middle` is that of :func:`.median.median`.
    """
    _fill_lanes(smooth, n, lanes, np.inf)
    there = -(-n * lanes // (4 * MARGIN)) * 4 * MARGIN
    level = median(smooth, there, n * n, middle)
    _fill_lanes(smooth, n, lanes, 0.0)
    scale = 1 / level if level != 0 else 1.0
    if alpha == 1:
        return scale
    for k in range(n * lanes):
        smooth[k] = (smooth[k] * scale) ** alpha
    return 1.0


@inline
def _fill_lanes(values: Flat, n: int, lanes: int, value: float) -> None:
    """Set the lanes without a frequency."""
    if lanes > n:
        for row in range(0, n * lanes, lanes):
            fill(values, row + n, row + lanes, value)


@inline
def _response(smooth: Flat, k: int, factor: Any, weight: Any, low_pass: Flat) -> Any:
    """Adaptive and low-pass response."""
    excess = fused(load(smooth, k), factor, filled(smooth, -1.0))
    return fused(weight, larger(excess, filled(smooth, 0.0)), load(low_pass, k))


@inline
def sample(
    re: Flat, im: Flat, smooth: Flat, scale: float, beta: float, low_pass: Flat,
    back_re: Flat, back_im: Flat, n: int, lanes: int,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the first sample along the rows of a filtered window.

    `back` (lanes,) transforms the row frequencies back at one sample.
    """
    factor, weight = filled(re, scale), filled(re, beta)
    real, imaginary = filled(re, 0.0), filled(re, 0.0)
    for u in range(0, lanes, lanes_in(re)):
        x, y = filled(re, 0.0), filled(re, 0.0)
        for k in range(u, n * lanes, lanes):
            response = _response(smooth, k, factor, weight, low_pass)
            x, y = fused(response, load(re, k), x), fused(response, load(im, k), y)
        c, s = load(back_re, u), load(back_im, u)
        real = real + (x * c - y * s)
        imaginary = imaginary + (x * s + y * c)
    return total(real), total(imaginary)


@inline
def respond(
    re: Flat, im: Flat, smooth: Flat, scale: float, beta: float, low_pass: Flat, size: int
) -> None:
    """Multiply a spectrum by the response."""
    factor, weight = filled(re, scale), filled(re, beta)
    for k in range(0, size, lanes_in(re)):
        response = _response(smooth, k, factor, weight, low_pass)
        store(re, k, response * load(re, k))
        store(im, k, response * load(im, k))


@inline
def add_times(values: Flat, row: int, lanes: int, weight: float, sums: Flat, to: int) -> None:
    """Add a row times a weight to one of the sums."""
    factor = filled(values, weight)
    for u in range(0, lanes, lanes_in(values)):
        store(sums, to + u, fused(load(values, row + u), factor, load(sums, to + u)))
