"""The loops of :mod:`.clap`: windows of one strip of the grid share their column transforms.

A window is held as (column, row frequency), the frequencies in lanes: the columns of a strip are
transformed once, each window takes its own and is transformed along its rows. A filtered window is
needed at one sample (cells), or is added to others before the columns are transformed back (grid).

Spectra are smoothed with frequency zero in the middle. Row frequencies are kept in that centred
order; of column frequencies, ``centred`` says in which row of a transform they stand.
"""

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .clap_response import add_times, fill, respond, sample, scale_to_median, smooth_moduli, turn
from .compile import inline, kernel
from .fourier import transform
from .lanes import flat

Array = NDArray[Any]
Flat = Any  # see lanes.flat

ROOM = 14  # windows, of a row more than they have, that a strip has room for


@kernel
def filter_cells(
    planes: Array, n_i: int, cells: Array, corner: Array, order: Array, strips: Array, reach: Array,
    back: Array, filtered: Array, adaptive: Array, low_pass: Array, cos: Array, sin: Array,
    turns: Array,
) -> None:  # fmt: skip
    """Filter the windows of all cells: one item for each strip of each plane.

    `back` (2, n, lanes) transforms row frequencies back at each sample.
    """
    n, n_planes, n_strips = cos.size, len(planes), strips.size - 1
    lanes, n_columns = low_pass.size // n, planes.shape[2] // (n_i + 1)
    for item in prange(n_strips * n_planes):
        k, strip = item // n_strips, item % n_strips
        members = order[strips[strip] : strips[strip + 1]]
        own_lanes = -(-members.size * (2 * reach[k] - 1) // lanes) * lanes
        turned = np.zeros((2, (n_columns + own_lanes) * lanes), cos.dtype)
        room, at = np.zeros(ROOM * (n + 1) * lanes, cos.dtype), np.arange(2 * n) * lanes
        _filter_cells_of_strip(
            planes[k], n_columns, cells, corner, members, reach[k], adaptive, low_pass, cos, sin,
            turns, back, turned, room, at, filtered[:, k],
        )  # fmt: skip


@inline
def _filter_cells_of_strip(
    plane: Array, n_columns: int, cells: Array, corner: Array, members: Array, reach: int,
    adaptive: Array, low_pass: Array, cos: Array, sin: Array, turns: Array, back: Array,
    turned: Array, room: Array, at: Array, filtered: Array,
) -> None:  # fmt: skip
    """Filter the windows of cells that begin in one row.

    `turned` gets the columns of the strip and after them those of each cell without the cell;
    `at` begins with where the rows of a window begin.
    """
    n, top, span = cos.size, corner[members[0], 0], 2 * reach - 1
    lanes = low_pass.size // n
    size = (n + 1) * lanes
    re, im, line = flat(room, 0), flat(room, 2 * size), flat(room, 4 * size)
    gain, middle = flat(room, 7 * size), flat(room, 9 * size)
    rows, to, spread, low = flat(at, 0), flat(at, n), flat(turns, 0), flat(low_pass, 0)
    wave_re, wave_im = flat(cos, 0), flat(sin, 0)
    turned_re, turned_im = flat(turned[0], 0), flat(turned[1], 0)
    plane_re, plane_im = flat(plane[0], 0), flat(plane[1], 0)
    fill(gain, n * lanes, 2 * n * lanes, np.inf)
    middle[0] = 1.0
    for a in range(n):
        to[a] = (top + a) * n_columns
    _transform_columns(
        plane_re, plane_im, to, n_columns, re, im, rows, spread, wave_re, wave_im, n, lanes,
        turned_re, turned_im,
    )  # fmt: skip
    for own in range(0, members.size * span, lanes):
        _load_own_columns(
            plane_re, plane_im, n_columns, cells, corner, members, reach, own, n, lanes, re, im
        )
        transform(re, im, rows, re, im, rows, wave_re, wave_im, n, lanes)
        turn(re, spread, 0, lanes, turned_re, (n_columns + own) * lanes)
        turn(im, spread, 0, lanes, turned_im, (n_columns + own) * lanes)
    for window in range(members.size):
        cell = members[window]
        p, q, left = cells[cell, 0] - top, cells[cell, 1] - corner[cell, 1], corner[cell, 1]
        # begun at the own column, so that the sample there is a plain sum
        for b in range(n):
            to[b - q if b >= q else b - q + n] = (left + b) * lanes
        for away in range(1 - reach, reach):
            if 0 <= q + away < n:
                to[away % n] = (n_columns + window * span + away + reach - 1) * lanes
        transform(turned_re, turned_im, to, re, im, rows, wave_re, wave_im, n, lanes)
        smooth_moduli(re, im, spread, line, gain, n, lanes)
        scale = scale_to_median(gain, n, lanes, adaptive[0], middle)
        real, imaginary = sample(
            re, im, gain, scale, adaptive[1], low,
            flat(back, p * lanes), flat(back, (n + p) * lanes), n, lanes,
        )  # fmt: skip
        filtered[cell] = complex(real, imaginary)


@inline
def _transform_columns(
    plane_re: Flat, plane_im: Flat, at: Flat, n_columns: int, re: Flat, im: Flat, rows: Flat,
    spread: Flat, cos: Flat, sin: Flat, n: int, lanes: int, turned_re: Flat, turned_im: Flat,
) -> None:  # fmt: skip
    """Transform the columns of rows that begin at `at`, which moves on; each becomes a row."""
    for j in range(0, n_columns, lanes):
        transform(plane_re, plane_im, at, re, im, rows, cos, sin, n, lanes)
        turn(re, spread, 0, lanes, turned_re, j * lanes)
        turn(im, spread, 0, lanes, turned_im, j * lanes)
        for a in range(n):
            at[a] += lanes


@inline
def _load_own_columns(
    plane_re: Flat, plane_im: Flat, n_columns: int, cells: Array, corner: Array, members: Array,
    reach: int, first: int, n: int, lanes: int, re: Flat, im: Flat,
) -> None:  # fmt: skip
    """Copy some columns around the cells of a strip, the cell and what is near it left out."""
    span, top = 2 * reach - 1, corner[members[0], 0]
    fill(re, 0, n * lanes, 0.0)
    fill(im, 0, n * lanes, 0.0)
    for lane in range(min(lanes, members.size * span - first)):
        cell = members[(first + lane) // span]
        p, q = cells[cell, 0] - top, cells[cell, 1] - reach + 1 + (first + lane) % span
        if corner[cell, 1] <= q < corner[cell, 1] + n:
            for a in range(n):
                if abs(a - p) >= reach:
                    re[a * lanes + lane] = plane_re[(top + a) * n_columns + q]
                    im[a * lanes + lane] = plane_im[(top + a) * n_columns + q]


@kernel
def filter_strips(
    planes: Array, n_i: int, row_start: Array, row_ramp: Array, column_start: Array,
    column_ramp: Array, adaptive: Array, low_pass: Array, cos: Array, sin: Array, turns: Array,
) -> Array:  # fmt: skip
    """Filter the windows of each strip of each plane and add them, from left to right.

    Returns (n_planes, n_strips, 2, n_win * columns), real and imaginary parts.
    """
    n, n_planes, n_strips, n_win = cos.size, len(planes), row_start.size, row_ramp.shape[1]
    lanes, n_columns = low_pass.size // n, planes.shape[2] // (n_i + 1)
    strips = np.zeros((n_planes, n_strips, 2, n_win * n_columns), cos.dtype)
    for item in prange(n_planes * n_strips):
        k, strip = item // n_strips, item % n_strips
        at = np.arange(4 * n) * lanes
        for a in range(n):
            at[2 * n + a] = (row_start[strip] + a if a < n_win else n_i) * n_columns
        _filter_strip(
            planes[k], n_columns, row_ramp[strip], column_start, column_ramp, adaptive, low_pass,
            cos, sin, turns, np.zeros((6, (n_columns + 1) * lanes), cos.dtype),
            np.zeros(ROOM * (n + 1) * lanes, cos.dtype), at, strips[k, strip],
        )  # fmt: skip
    return strips


@inline
def _filter_strip(
    plane: Array, n_columns: int, row_ramp: Array, column_start: Array, column_ramp: Array,
    adaptive: Array, low_pass: Array, cos: Array, sin: Array, turns: Array,
    turned: Array, room: Array, at: Array, strip: Array,
) -> None:  # fmt: skip
    """Filter the windows of one strip.

    The taper of a window is the sum of a ramp along its rows and one along its columns, so the
    windows of a strip are added twice, as they are and times their ramp, before the columns are
    transformed back. `turned` gets the columns of the strip, the sums, and the tapered sums, real
    and imaginary parts; `at` begins with where 2 n rows of a window and those of the plane begin.
    """
    n, n_win = cos.size, row_ramp.size
    lanes, half = low_pass.size // n, n - n // 2
    size = (n + 1) * lanes
    re, im, line = flat(room, 0), flat(room, 2 * size), flat(room, 4 * size)
    gain, middle = flat(room, 7 * size), flat(room, 9 * size)
    back_re, back_im = flat(room, 10 * size), flat(room, 12 * size)
    rows, to, natural = flat(at, 0), flat(at, 2 * n), flat(at, 3 * n)
    spread, low, wave_re, wave_im = flat(turns, 0), flat(low_pass, 0), flat(cos, 0), flat(sin, 0)
    turned_re, turned_im = flat(turned[0], 0), flat(turned[1], 0)
    plain_re, plain_im = flat(turned[2], 0), flat(turned[3], 0)
    tapered_re, tapered_im = flat(turned[4], 0), flat(turned[5], 0)
    fill(gain, n * lanes, 2 * n * lanes, np.inf)
    middle[0] = 1.0
    for f in range(n):
        natural[(f + half) % n] = spread[f]
    _transform_columns(
        flat(plane[0], 0), flat(plane[1], 0), to, n_columns, re, im, rows, spread, wave_re, wave_im,
        n, lanes, turned_re, turned_im,
    )  # fmt: skip
    for window in range(column_start.size):
        left = column_start[window]
        if not _any(turned_re, turned_im, left * lanes, (left + n_win) * lanes):
            continue
        for b in range(n):
            to[b] = (left + b if b < n_win else n_columns) * lanes
        transform(turned_re, turned_im, to, re, im, rows, wave_re, wave_im, n, lanes)
        smooth_moduli(re, im, spread, line, gain, n, lanes)
        scale = scale_to_median(gain, n, lanes, adaptive[0], middle)
        respond(re, im, gain, scale, adaptive[1], low, n * lanes)
        transform(im, re, natural, back_im, back_re, rows, wave_re, wave_im, n, lanes)
        for b in range(n_win):
            ramp, row, first = column_ramp[window, b], natural[b], (left + b) * lanes
            if ramp >= 0:
                add_times(back_re, row, lanes, 1.0, plain_re, first)
                add_times(back_im, row, lanes, 1.0, plain_im, first)
                add_times(back_re, row, lanes, ramp, tapered_re, first)
                add_times(back_im, row, lanes, ramp, tapered_im, first)
    for f in range(n):
        to[(f + half) % n] = f * lanes
    for j in range(0, n_columns, lanes):
        for tapered in range(2):
            turn(tapered_re if tapered else plain_re, rows, j * lanes, lanes, re, 0)
            turn(tapered_im if tapered else plain_im, rows, j * lanes, lanes, im, 0)
            transform(im, re, to, back_im, back_re, rows, wave_re, wave_im, n, lanes)
            for a in range(n_win):
                weight = 1.0 if tapered else max(row_ramp[a], 0.0) + 1e-6
                add_times(back_re, natural[a], lanes, weight, flat(strip[0], 0), a * n_columns + j)
                add_times(back_im, natural[a], lanes, weight, flat(strip[1], 0), a * n_columns + j)


@inline
def _any(re: Flat, im: Flat, first: int, stop: int) -> bool:
    """Tell whether anything but zero is there."""
    k = first
    while k < stop and re[k] == 0 and im[k] == 0:
        k += 1
    return k < stop


@kernel
def add_strips(
    strips: Array, row_start: Array, row_ramp: Array, samples: int, filtered: Array
) -> None:
    """Add the strips of each plane, from top to bottom; divide by the samples of a window."""
    n_planes, n_strips, n_win, n_j = (
        len(strips),
        len(row_start),
        row_ramp.shape[1],
        filtered.shape[1],
    )
    n_columns = strips.shape[3] // n_win
    for item in prange(filtered.shape[0] * n_planes):
        i, k = item // n_planes, item % n_planes
        re, im = np.zeros(n_j), np.zeros(n_j)
        for strip in range(n_strips):
            a = i - row_start[strip]
            if 0 <= a < n_win and row_ramp[strip, a] >= 0:
                for j in range(n_j):
                    re[j] += strips[k, strip, 0, a * n_columns + j]
                    im[j] += strips[k, strip, 1, a * n_columns + j]
        for j in range(n_j):
            filtered[i, j, k] = complex(re[j] / samples, im[j] / samples)
