"""Fourier transforms of short columns side by side, for windows that stay in the cache.

Columns stand in lanes, in blocks of eight: a row of a block is eight real parts and, after them,
eight imaginary ones, and the next row follows. What a step loads and stores then lies at fixed
distances, which instructions hold in themselves. The first step takes its rows from wherever they
are, the others work in place.
"""

from typing import Any

from .compile import inline
from .lanes import filled, fused, fused_less, lanes_in, load, store

Flat = Any  # see lanes.flat

BLOCK = 8  # lanes of a block; those of a register, at most
ROW = 2 * BLOCK  # values of a row of a block
HALF_ROOT = 0.7071067811865476  # cosine of an eighth of a cycle


@inline
def transform(
    source: Flat, at: Flat, ahead: int, spectrum: Flat, rows: Flat, cos: Flat, sin: Flat,
    n: int, lanes: int,
) -> None:  # fmt: skip
    """Transform columns; frequency k ends in row ``places[k]`` of each block of `spectrum`.

    Parameters
    ----------
    source : flat
        What is transformed. It is left as it is, or it is `spectrum`, `at` being `rows`: then the
        transforms take its place.
    at : flat int64
        Where each of the n rows begins there, in the first block.
    ahead : int
        How far on the next block begins there.
    spectrum : flat
        Transforms, blocks of n rows; as many values as a block has are room after them.
    rows : flat int64
        Where each row begins in the first block of `spectrum`.
    cos, sin : flat
        Those of :func:`pystamps_kernels.transforms.turns`.
    n, lanes : int
        Rows, and their lanes, a multiple of those of a block.

    Notes
    -----
    With real and imaginary parts exchanged this is the inverse transform times n, parts exchanged.
    """
    length, own = n, n * ROW
    if length % 4 == 0:
        _quarter(source, at, ahead, spectrum, cos, sin, n, lanes, length)
        length //= 4
    elif length % 2 == 0:
        _halve(source, at, ahead, spectrum, cos, sin, n, lanes, length)
        length //= 2
    else:
        _odd(source, at, ahead, spectrum, cos, sin, n, lanes, length)
        length = 1
    while length % 4 == 0 and length != 8:
        _quarter(spectrum, rows, own, spectrum, cos, sin, n, lanes, length)
        length //= 4
    if length == 8:
        _eight(spectrum, 2 * n * lanes)
        length = 1
    if length % 2 == 0:
        _halve(spectrum, rows, own, spectrum, cos, sin, n, lanes, length)
        length //= 2
    if length > 1:
        _odd(spectrum, rows, own, spectrum, cos, sin, n, lanes, length)


@inline
def _quarter(
    source: Flat, at: Flat, ahead: int, spectrum: Flat, cos: Flat, sin: Flat,
    n: int, lanes: int, length: int,
) -> None:  # fmt: skip
    """Split each `length` rows into four transforms of a quarter of the length."""
    quarter, step = length // 4, n // length
    for row in range(0, n * (lanes // BLOCK), length):
        block = row // n
        first = row - block * n
        for k in range(first, first + quarter):
            turn = (k - first) * step
            c1, s1 = filled(source, cos[turn]), filled(source, sin[turn])
            c2, s2 = filled(source, cos[2 * turn]), filled(source, sin[2 * turn])
            c3, s3 = filled(source, cos[3 * turn]), filled(source, sin[3 * turn])
            at_a, at_b, at_c, at_d = (
                at[k], at[k + quarter], at[k + 2 * quarter], at[k + 3 * quarter]
            )  # fmt: skip
            for u in range(0, BLOCK, lanes_in(source)):
                on = block * ahead + u
                a, b, c, d = (
                    load(source, at_a + on), load(source, at_b + on),
                    load(source, at_c + on), load(source, at_d + on),
                )  # fmt: skip
                p_re, q_re, r_re, t_im = a + c, a - c, b + d, d - b
                on += BLOCK
                a, b, c, d = (
                    load(source, at_a + on), load(source, at_b + on),
                    load(source, at_c + on), load(source, at_d + on),
                )  # fmt: skip
                p_im, q_im, r_im, t_re = a + c, a - c, b + d, b - d
                to_a = (row + k - first) * ROW + u
                to_b = to_a + quarter * ROW
                to_c, to_d = to_b + quarter * ROW, to_b + 2 * quarter * ROW
                store(spectrum, to_a, p_re + r_re)
                store(spectrum, to_a + BLOCK, p_im + r_im)
                if turn == 0:
                    store(spectrum, to_b, q_re + t_re)
                    store(spectrum, to_b + BLOCK, q_im + t_im)
                    store(spectrum, to_c, p_re - r_re)
                    store(spectrum, to_c + BLOCK, p_im - r_im)
                    store(spectrum, to_d, q_re - t_re)
                    store(spectrum, to_d + BLOCK, q_im - t_im)
                else:
                    x, y = q_re + t_re, q_im + t_im
                    store(spectrum, to_b, fused_less(x, c1, y * s1))
                    store(spectrum, to_b + BLOCK, fused(x, s1, y * c1))
                    x, y = p_re - r_re, p_im - r_im
                    store(spectrum, to_c, fused_less(x, c2, y * s2))
                    store(spectrum, to_c + BLOCK, fused(x, s2, y * c2))
                    x, y = q_re - t_re, q_im - t_im
                    store(spectrum, to_d, fused_less(x, c3, y * s3))
                    store(spectrum, to_d + BLOCK, fused(x, s3, y * c3))


@inline
def _eight(spectrum: Flat, size: int) -> None:
    """Transform each eight rows, as a step of four and one of two leave them."""
    turn, back = filled(spectrum, HALF_ROOT), filled(spectrum, -HALF_ROOT)
    for first in range(0, size, 8 * ROW):
        for u in range(first, first + BLOCK, lanes_in(spectrum)):
            x, y = load(spectrum, u), load(spectrum, u + 4 * ROW)
            a, b = x + y, x - y
            x, y = load(spectrum, u + 2 * ROW), load(spectrum, u + 6 * ROW)
            c, d = x + y, x - y
            p0_re, p2_re, q_re, t_im = a + c, a - c, b, d
            v = u + BLOCK
            x, y = load(spectrum, v), load(spectrum, v + 4 * ROW)
            a, b = x + y, x - y
            x, y = load(spectrum, v + 2 * ROW), load(spectrum, v + 6 * ROW)
            c, d = x + y, x - y
            p0_im, p2_im = a + c, a - c
            p1_re, p3_re, p1_im, p3_im = q_re + d, q_re - d, b - t_im, b + t_im
            x, y = load(spectrum, u + ROW), load(spectrum, u + 5 * ROW)
            a, b = x + y, x - y
            x, y = load(spectrum, u + 3 * ROW), load(spectrum, u + 7 * ROW)
            c, d = x + y, x - y
            r0_re, r2_re, q_re, t_im = a + c, a - c, b, d
            x, y = load(spectrum, v + ROW), load(spectrum, v + 5 * ROW)
            a, b = x + y, x - y
            x, y = load(spectrum, v + 3 * ROW), load(spectrum, v + 7 * ROW)
            c, d = x + y, x - y
            r0_im, r2_im = a + c, a - c
            r1_re, r3_re, r1_im, r3_im = q_re + d, q_re - d, b - t_im, b + t_im
            store(spectrum, u, p0_re + r0_re)
            store(spectrum, v, p0_im + r0_im)
            store(spectrum, u + ROW, p0_re - r0_re)
            store(spectrum, v + ROW, p0_im - r0_im)
            x, y = r1_re + r1_im, r1_im - r1_re
            store(spectrum, u + 2 * ROW, fused(x, turn, p1_re))
            store(spectrum, v + 2 * ROW, fused(y, turn, p1_im))
            store(spectrum, u + 3 * ROW, fused(x, back, p1_re))
            store(spectrum, v + 3 * ROW, fused(y, back, p1_im))
            store(spectrum, u + 4 * ROW, p2_re + r2_im)
            store(spectrum, v + 4 * ROW, p2_im - r2_re)
            store(spectrum, u + 5 * ROW, p2_re - r2_im)
            store(spectrum, v + 5 * ROW, p2_im + r2_re)
            x, y = r3_im - r3_re, r3_re + r3_im
            store(spectrum, u + 6 * ROW, fused(x, turn, p3_re))
            store(spectrum, v + 6 * ROW, fused(y, back, p3_im))
            store(spectrum, u + 7 * ROW, fused(x, back, p3_re))
            store(spectrum, v + 7 * ROW, fused(y, turn, p3_im))


@inline
def _halve(
    source: Flat, at: Flat, ahead: int, spectrum: Flat, cos: Flat, sin: Flat,
    n: int, lanes: int, length: int,
) -> None:  # fmt: skip
    """Split each `length` rows into two transforms of half the length."""
    half, step = length // 2, n // length
    for first in range(0, n, length):
        for k in range(first, first + half):
            turn = (k - first) * step
            c, s = filled(source, cos[turn]), filled(source, sin[turn])
            for block in range(lanes // BLOCK):
                for u in range(0, BLOCK, lanes_in(source)):
                    on, to = block * ahead + u, (block * n + k) * ROW + u
                    beyond = to + half * ROW
                    a, b = load(source, at[k] + on), load(source, at[k + half] + on)
                    on += BLOCK
                    p, q = load(source, at[k] + on), load(source, at[k + half] + on)
                    x, y = a - b, p - q
                    store(spectrum, to, a + b)
                    store(spectrum, to + BLOCK, p + q)
                    store(spectrum, beyond, fused_less(x, c, y * s))
                    store(spectrum, beyond + BLOCK, fused(x, s, y * c))


@inline
def _odd(
    source: Flat, at: Flat, ahead: int, spectrum: Flat, cos: Flat, sin: Flat,
    n: int, lanes: int, length: int,
) -> None:  # fmt: skip
    """Transform each `length` rows by the definition."""
    width, step, room = lanes_in(source), n // length, 2 * n * lanes
    for block in range(lanes // BLOCK):
        for first in range(0, n, length):
            for u in range(0, BLOCK, width):
                on, to = block * ahead + u, (block * n + first) * ROW + u
                for k in range(length):
                    x, y = filled(source, 0.0), filled(source, 0.0)
                    for j in range(length):
                        turn = k * j % length * step
                        c, s = filled(source, cos[turn]), filled(source, sin[turn])
                        m = filled(source, -sin[turn])
                        a = load(source, at[first + j] + on)
                        b = load(source, at[first + j] + on + BLOCK)
                        x, y = fused(a, c, fused(b, m, x)), fused(a, s, fused(b, c, y))
                    store(spectrum, room + k * ROW, x)
                    store(spectrum, room + k * ROW + BLOCK, y)
                for k in range(length):
                    for part in range(0, ROW, BLOCK):
                        store(spectrum, to + k * ROW + part, load(spectrum, room + k * ROW + part))
