"""Fourier transforms of short columns side by side, for windows that stay in the cache.

Columns stand in lanes, the innermost dimension of flat arrays. Real and imaginary parts are apart.
The first step takes its rows from wherever they are, the others work in place.
"""

from typing import Any

from .compile import inline
from .lanes import filled, fused, lanes_in, load, store

Flat = Any  # see lanes.flat

HALF_ROOT = 0.7071067811865476  # cosine of an eighth of a cycle


@inline
def transform(
    from_re: Flat, from_im: Flat, at: Flat, re: Flat, im: Flat, rows: Flat,
    cos: Flat, sin: Flat, n: int, lanes: int,
) -> None:  # fmt: skip
    """Transform columns; frequency k ends in row ``places[k]`` of `re` and `im`.

    Parameters
    ----------
    from_re, from_im : flat
        What is transformed; may be `re` and `im` if `at` is `rows`.
    at, rows : flat int64
        Where each of the n rows begins there, and in `re` and `im`.
    re, im : flat
        Transforms, n rows of lanes; as many after them are room.
    cos, sin : flat
        Those of :func:`pystamps_kernels.transforms.turns`.
    n, lanes : int
        Rows, and their lanes, a multiple of those of a register.

    Notes
    -----
    With real and imaginary parts exchanged this is the inverse transform times n.
    """
    length = n
    if length == 8:
        _eight(from_re, from_im, at, re, im, n, lanes)
        return
    if length % 4 == 0:
        _quarter(from_re, from_im, at, re, im, cos, sin, n, lanes, length)
        length //= 4
    elif length % 2 == 0:
        _halve(from_re, from_im, at, re, im, cos, sin, n, lanes, length)
        length //= 2
    else:
        _odd(from_re, from_im, at, re, im, cos, sin, n, lanes, length)
        length = 1
    while length % 4 == 0 and length != 8:
        _quarter(re, im, rows, re, im, cos, sin, n, lanes, length)
        length //= 4
    if length == 8:
        _eight(re, im, rows, re, im, n, lanes)
        length = 1
    if length % 2 == 0:
        _halve(re, im, rows, re, im, cos, sin, n, lanes, length)
        length //= 2
    if length > 1:
        _odd(re, im, rows, re, im, cos, sin, n, lanes, length)


@inline
def _quarter(
    from_re: Flat, from_im: Flat, at: Flat, re: Flat, im: Flat, cos: Flat, sin: Flat,
    n: int, lanes: int, length: int,
) -> None:  # fmt: skip
    """Split each block of `length` rows into four transforms of a quarter of the length."""
    quarter, step = length // 4, n // length
    for first in range(0, n, length):
        for k in range(first, first + quarter):
            turn = (k - first) * step
            c1, s1, m1 = filled(re, cos[turn]), filled(re, sin[turn]), filled(re, -sin[turn])
            c2, s2 = filled(re, cos[2 * turn]), filled(re, sin[2 * turn])
            c3, s3 = filled(re, cos[3 * turn]), filled(re, sin[3 * turn])
            m2, m3 = filled(re, -sin[2 * turn]), filled(re, -sin[3 * turn])
            at_a, at_b, at_c, at_d = (
                at[k], at[k + quarter], at[k + 2 * quarter], at[k + 3 * quarter]
            )  # fmt: skip
            to_a, to_b = k * lanes, (k + quarter) * lanes
            to_c, to_d = (k + 2 * quarter) * lanes, (k + 3 * quarter) * lanes
            for u in range(0, lanes, lanes_in(re)):
                a, b, c, d = (
                    load(from_re, at_a + u), load(from_re, at_b + u),
                    load(from_re, at_c + u), load(from_re, at_d + u),
                )  # fmt: skip
                p_re, q_re, r_re, t_im = a + c, a - c, b + d, d - b
                a, b, c, d = (
                    load(from_im, at_a + u), load(from_im, at_b + u),
                    load(from_im, at_c + u), load(from_im, at_d + u),
                )  # fmt: skip
                p_im, q_im, r_im, t_re = a + c, a - c, b + d, b - d
                store(re, to_a + u, p_re + r_re)
                store(im, to_a + u, p_im + r_im)
                if turn == 0:
                    store(re, to_b + u, q_re + t_re)
                    store(im, to_b + u, q_im + t_im)
                    store(re, to_c + u, p_re - r_re)
                    store(im, to_c + u, p_im - r_im)
                    store(re, to_d + u, q_re - t_re)
                    store(im, to_d + u, q_im - t_im)
                else:
                    x, y = q_re + t_re, q_im + t_im
                    store(re, to_b + u, fused(x, c1, y * m1))
                    store(im, to_b + u, fused(x, s1, y * c1))
                    x, y = p_re - r_re, p_im - r_im
                    store(re, to_c + u, fused(x, c2, y * m2))
                    store(im, to_c + u, fused(x, s2, y * c2))
                    x, y = q_re - t_re, q_im - t_im
                    store(re, to_d + u, fused(x, c3, y * m3))
                    store(im, to_d + u, fused(x, s3, y * c3))


@inline
def _eight(from_re: Flat, from_im: Flat, at: Flat, re: Flat, im: Flat, n: int, lanes: int) -> None:
    """Transform each block of eight rows, as a step of four and one of two leave it."""
    turn, back = filled(re, HALF_ROOT), filled(re, -HALF_ROOT)
    for first in range(0, n, 8):
        at_0, at_1, at_2, at_3 = at[first], at[first + 1], at[first + 2], at[first + 3]
        at_4, at_5, at_6, at_7 = at[first + 4], at[first + 5], at[first + 6], at[first + 7]
        to = first * lanes
        for u in range(0, lanes, lanes_in(re)):
            x, y = load(from_re, at_0 + u), load(from_re, at_4 + u)
            a, b = x + y, x - y
            x, y = load(from_re, at_2 + u), load(from_re, at_6 + u)
            c, d = x + y, x - y
            p0_re, p2_re, q_re, t_im = a + c, a - c, b, d
            x, y = load(from_im, at_0 + u), load(from_im, at_4 + u)
            a, b = x + y, x - y
            x, y = load(from_im, at_2 + u), load(from_im, at_6 + u)
            c, d = x + y, x - y
            p0_im, p2_im = a + c, a - c
            p1_re, p3_re, p1_im, p3_im = q_re + d, q_re - d, b - t_im, b + t_im
            x, y = load(from_re, at_1 + u), load(from_re, at_5 + u)
            a, b = x + y, x - y
            x, y = load(from_re, at_3 + u), load(from_re, at_7 + u)
            c, d = x + y, x - y
            r0_re, r2_re, q_re, t_im = a + c, a - c, b, d
            x, y = load(from_im, at_1 + u), load(from_im, at_5 + u)
            a, b = x + y, x - y
            x, y = load(from_im, at_3 + u), load(from_im, at_7 + u)
            c, d = x + y, x - y
            r0_im, r2_im = a + c, a - c
            r1_re, r3_re, r1_im, r3_im = q_re + d, q_re - d, b - t_im, b + t_im
            store(re, to + u, p0_re + r0_re)
            store(im, to + u, p0_im + r0_im)
            store(re, to + lanes + u, p0_re - r0_re)
            store(im, to + lanes + u, p0_im - r0_im)
            x, y = r1_re + r1_im, r1_im - r1_re
            store(re, to + 2 * lanes + u, fused(x, turn, p1_re))
            store(im, to + 2 * lanes + u, fused(y, turn, p1_im))
            store(re, to + 3 * lanes + u, fused(x, back, p1_re))
            store(im, to + 3 * lanes + u, fused(y, back, p1_im))
            store(re, to + 4 * lanes + u, p2_re + r2_im)
            store(im, to + 4 * lanes + u, p2_im - r2_re)
            store(re, to + 5 * lanes + u, p2_re - r2_im)
            store(im, to + 5 * lanes + u, p2_im + r2_re)
            x, y = r3_im - r3_re, r3_re + r3_im
            store(re, to + 6 * lanes + u, fused(x, turn, p3_re))
            store(im, to + 6 * lanes + u, fused(y, back, p3_im))
            store(re, to + 7 * lanes + u, fused(x, back, p3_re))
            store(im, to + 7 * lanes + u, fused(y, turn, p3_im))


@inline
def _halve(
    from_re: Flat, from_im: Flat, at: Flat, re: Flat, im: Flat, cos: Flat, sin: Flat,
    n: int, lanes: int, length: int,
) -> None:  # fmt: skip
    """Split each block of `length` rows into two transforms of half the length."""
    half, step = length // 2, n // length
    for first in range(0, n, length):
        for k in range(first, first + half):
            turn = (k - first) * step
            c, s, m = filled(re, cos[turn]), filled(re, sin[turn]), filled(re, -sin[turn])
            for u in range(0, lanes, lanes_in(re)):
                a, b = load(from_re, at[k] + u), load(from_re, at[k + half] + u)
                p, q = load(from_im, at[k] + u), load(from_im, at[k + half] + u)
                x, y = a - b, p - q
                store(re, k * lanes + u, a + b)
                store(im, k * lanes + u, p + q)
                store(re, (k + half) * lanes + u, fused(x, c, y * m))
                store(im, (k + half) * lanes + u, fused(x, s, y * c))


@inline
def _odd(
    from_re: Flat, from_im: Flat, at: Flat, re: Flat, im: Flat, cos: Flat, sin: Flat,
    n: int, lanes: int, length: int,
) -> None:  # fmt: skip
    """Transform each block of `length` rows by the definition."""
    width, step, room = lanes_in(re), n // length, n * lanes
    for first in range(0, n, length):
        for u in range(0, lanes, width):
            for k in range(length):
                x, y = filled(re, 0.0), filled(re, 0.0)
                for j in range(length):
                    turn = k * j % length * step
                    c, s, m = filled(re, cos[turn]), filled(re, sin[turn]), filled(re, -sin[turn])
                    a, b = load(from_re, at[first + j] + u), load(from_im, at[first + j] + u)
                    x, y = fused(a, c, fused(b, m, x)), fused(a, s, fused(b, c, y))
                store(re, room + k * width, x)
                store(im, room + k * width, y)
            for k in range(length):
                store(re, (first + k) * lanes + u, load(re, room + k * width))
                store(im, (first + k) * lanes + u, load(im, room + k * width))
