"""What is done to one window of the CLAP filter, all in lanes.

A spectrum is blocks of rows, as :func:`.fourier.transform` leaves them: rows of column frequencies,
with the row frequencies in lanes, in centred order. Smoothing takes both in centred order;
``turns`` says where the row of each column frequency begins. Moduli and responses are blocks of
rows of half the length, for they are real; they may be of a shorter class than spectra.
"""

from typing import Any

import numpy as np

from ..clap_windows import GAUSSIAN
from .compile import inline
from .fourier import BLOCK, ROW
from .lanes import (
    after,
    filled,
    fused,
    lanes_in,
    larger,
    load,
    load_as,
    root,
    store,
    total,
)
from .median import median
from .transpose import turn_square

Flat = Any  # see lanes.flat

# Weights of the neighbours one, two and three away; that of the middle is 1.
NEAR = (float(GAUSSIAN[4]), float(GAUSSIAN[5]), float(GAUSSIAN[6]))


@inline
def fill(values: Flat, first: int, stop: int, value: float) -> None:
    """Set values from `first` to `stop`."""
    for k in range(first, stop):
        values[k] = value


@inline
def turn(
    values: Flat, at: Flat, shift: int, ahead: int, rows: int,
    to: Flat, first: int, beyond: int, columns: int,
) -> None:  # fmt: skip
    """Make columns of `rows` rows, which begin at ``at[k] + shift`` in the first block.

    Blocks are `ahead` apart, and `beyond` those of the columns, which begin at `first`. Of columns
    in excess of those that a block has room for, the next block is written over, before its own.
    """
    width = lanes_in(values)
    for k in range(0, rows, width):
        to_block = first + k // BLOCK * beyond + k % BLOCK
        for u in range(0, columns, width):
            block = shift + u // BLOCK * ahead + u % BLOCK
            for part in range(0, ROW, BLOCK):
                turn_square(values, after(at, k), block + part, to, to_block + u * ROW + part, ROW)


@inline
def _modulus(like: Any, spectrum: Flat, k: int) -> Any:
    x, y = load_as(like, spectrum, k), load_as(like, spectrum, k + BLOCK)
    return root(fused(x, x, y * y))


@inline
def smooth_moduli(
    spectrum: Flat, turns: Flat, line: Flat, smooth: Flat, n: int, lanes: int
) -> None:
    """Smooth the moduli of a spectrum; `smooth` has its rows in the order of the spectrum.

    `line` (n rows with margins of a block) is room with zeros in the margins. Moduli are of the
    class of `smooth`.
    """
    width, wide, nothing = lanes_in(smooth), lanes + 2 * BLOCK, filled(smooth, 0.0)
    one, two, three = (
        filled(smooth, NEAR[0]), filled(smooth, NEAR[1]), filled(smooth, NEAR[2])
    )  # fmt: skip
    for u in range(0, lanes, width):
        a, b, c, d, e, f = nothing, nothing, nothing, nothing, nothing, nothing
        block = u // BLOCK * n * ROW + u % BLOCK
        for v in range(n + 3):
            g = _modulus(nothing, spectrum, block + turns[v]) if v < n else nothing
            if v >= 3:
                value = fused(three, a + g, fused(two, b + f, fused(one, c + e, d)))
                store(line, (v - 3) * wide + BLOCK + u, value)
            a, b, c, d, e, f = b, c, d, e, f, g
    for v in range(n):
        row = turns[v] // 2
        for u in range(0, lanes, width):
            at = v * wide + BLOCK + u
            c, d, e = load(line, at - 1), load(line, at), load(line, at + 1)
            value = fused(one, c + e, d)
            b, f = load(line, at - 2), load(line, at + 2)
            value = fused(two, b + f, value)
            a, g = load(line, at - 3), load(line, at + 3)
            to = row + u // BLOCK * n * BLOCK + u % BLOCK
            store(smooth, to, fused(three, a + g, value))


@inline
def scale_to_median(smooth: Flat, n: int, lanes: int, alpha: float, middle: Flat) -> Any:
    """Return by what smoothed moduli are multiplied to be the adaptive response plus one.

    With an exponent other than 1 they are made that, and the factor is 1. What lies beyond the
    blocks is infinite and stays so; `middle` is that of :func:`.median.median`.
    """
    _fill_lanes(smooth, n, lanes, np.inf)
    there = -(-n * lanes // (4 * BLOCK)) * 4 * BLOCK
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
    """Set the lanes without a frequency, which are in the last block."""
    if lanes > n:
        for end in range((lanes // BLOCK - 1) * n * BLOCK + BLOCK, n * lanes + 1, BLOCK):
            fill(values, end - (lanes - n), end, value)


@inline
def sample(
    spectrum: Flat, smooth: Flat, scale: float, beta: float, low_pass: Flat,
    back_re: Flat, back_im: Flat, n: int, lanes: int,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the first sample along the rows of a filtered window.

    `back` (lanes,) transforms the row frequencies back at one sample.
    """
    factor, weight, minus = filled(spectrum, scale), filled(spectrum, beta), filled(spectrum, -1.0)
    nothing = filled(spectrum, 0.0)
    real, imaginary = nothing, nothing
    for u in range(0, lanes, lanes_in(spectrum)):
        x, y = nothing, nothing
        first = u // BLOCK * n * BLOCK + u % BLOCK
        for k in range(first, first + n * BLOCK, BLOCK):
            excess = larger(fused(load_as(factor, smooth, k), factor, minus), nothing)
            response = fused(weight, excess, load_as(factor, low_pass, k))
            part = k + k - u % BLOCK
            x = fused(response, load(spectrum, part), x)
            y = fused(response, load(spectrum, part + BLOCK), y)
        c, s = load(back_re, u), load(back_im, u)
        real = real + (x * c - y * s)
        imaginary = imaginary + (x * s + y * c)
    return total(real), total(imaginary)


@inline
def respond(
    spectrum: Flat, smooth: Flat, scale: float, beta: float, low_pass: Flat, size: int
) -> None:
    """Multiply a spectrum by the response to its `size` values; exchange its parts."""
    factor, weight, minus = filled(spectrum, scale), filled(spectrum, beta), filled(spectrum, -1.0)
    nothing = filled(spectrum, 0.0)
    for block in range(0, size, BLOCK):
        for u in range(0, BLOCK, lanes_in(spectrum)):
            excess = larger(fused(load_as(factor, smooth, block + u), factor, minus), nothing)
            response = fused(weight, excess, load_as(factor, low_pass, block + u))
            at = 2 * block + u
            x, y = response * load(spectrum, at), response * load(spectrum, at + BLOCK)
            store(spectrum, at, y)
            store(spectrum, at + BLOCK, x)


@inline
def add_rows(
    values: Flat, at: Flat, weights: Flat, count: int, ahead: int, blocks: int,
    plain: Flat, tapered: Flat, to: int, beyond: int,
) -> None:  # fmt: skip
    """Add some rows, and the same times their weights; blocks are `ahead` and `beyond` apart."""
    nothing, width = filled(values, 0.0), lanes_in(values)
    for block in range(blocks):
        for u in range(0, ROW, 2 * width):
            a, b, c, d = nothing, nothing, nothing, nothing
            for k in range(count):
                place, weight = at[k] + block * ahead + u, filled(values, weights[k])
                x, y = load(values, place), load(values, place + width)
                a, b, c, d = a + x, b + y, fused(x, weight, c), fused(y, weight, d)
            sums = to + block * beyond + u
            store(plain, sums, a)
            store(plain, sums + width, b)
            store(tapered, sums, c)
            store(tapered, sums + width, d)


@inline
def join_rows(
    plain: Flat, tapered: Flat, row: int, ahead: int, blocks: int, weight: float, to: Flat
) -> None:
    """Add a row times a weight and the same row that has been weighted already."""
    factor = filled(plain, weight)
    for block in range(blocks):
        for u in range(0, ROW, lanes_in(plain)):
            at = row + block * ahead + u
            store(to, block * ROW + u, load(plain, at) * factor + load(tapered, at))
