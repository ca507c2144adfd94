"""The loops of :mod:`.clap`: windows of one strip of the grid share their column transforms.

A window is held as (column, row frequency), the frequencies in lanes: the columns of a strip are
transformed once, each window takes its own and is transformed along its rows. A filtered window is
needed at one sample (cells), or is added to others before the columns are transformed back (grid).

Spectra are smoothed with frequency zero in the middle. Row frequencies are kept in that centred
order; of column frequencies, ``turns`` says where the row of a transform begins.
"""

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .clap_response import (
    add_rows,
    fill,
    join_rows,
    respond,
    sample,
    scale_to_median,
    smooth_moduli,
    turn,
)
from .compile import inline, kernel
from .fourier import BLOCK, ROW, transform
from .lanes import flat

Array = NDArray[Any]
Flat = Any  # see lanes.flat

SPARE = 6 * BLOCK  # values after the moduli of a window: infinity, and room of the median


@inline
def room_of(n: int, lanes: int) -> int:
    """Return how many values a spectrum takes: its own, room of its transform, rows of zeros."""
    return 4 * n * lanes + (n + 1) * ROW


@inline
def slot_of(n: int, lanes: int) -> int:
    """Return how many values a spectrum takes without the rows of zeros."""
    return 2 * n * lanes + n * ROW


@inline
def moduli_of(n: int, lanes: int) -> int:
    """Return how many values the moduli of a window take: lines with margins, and smoothed."""
    return 2 * n * (lanes + BLOCK) + SPARE


@kernel
def filter_cells(
    planes: Array, n_i: int, cells: Array, corner: Array, order: Array, strips: Array, reach: Array,
    back: Array, first: int, filtered: Array, adaptive: Array, low_pass: Array, cos: Array,
    sin: Array, turns: Array,
) -> None:  # fmt: skip
    """Filter the windows of all cells: one item for each strip of each plane.

    `back` (2, n, lanes) transforms row frequencies back at each sample; results of the planes stand
    in `filtered` from `first` on.
    """
    n, n_planes, n_strips = cos.size, len(planes), strips.size - 1
    lanes, n_columns = low_pass.size // n, planes.shape[1] // (n_i + 1) // 2
    for item in prange(n_strips * n_planes):
        k, strip = item // n_strips, item % n_strips
        members = order[strips[strip] : strips[strip + 1]]
        own_lanes = -(-members.size * (2 * reach[k] - 1) // lanes) * lanes
        _filter_cells_of_strip(
            planes[k], n_columns, cells, corner, members, reach[k], adaptive, low_pass, cos, sin,
            turns, back, np.empty(2 * lanes * (n_columns + own_lanes), cos.dtype),
            np.zeros(room_of(n, lanes), cos.dtype), np.zeros(moduli_of(n, lanes), low_pass.dtype),
            np.arange(2 * n) * ROW, filtered[:, first + k],
        )  # fmt: skip


@inline
def _filter_cells_of_strip(
    plane: Array, n_columns: int, cells: Array, corner: Array, members: Array, reach: int,
    adaptive: Array, low_pass: Array, cos: Array, sin: Array, turns: Array, back: Array,
    turned: Array, room: Array, moduli: Array, at: Array, filtered: Array,
) -> None:  # fmt: skip
    """Filter the windows of cells that begin in one row.

    `turned` gets the columns of the strip and after them those of each cell without the cell;
    `at` begins with where the rows of a window begin.
    """
    n, top, span = cos.size, corner[members[0], 0], 2 * reach - 1
    lanes = low_pass.size // n
    ahead = turned.size // lanes * BLOCK
    spectrum, line, gain = flat(room, 0), flat(moduli, 0), flat(moduli, n * (lanes + 2 * BLOCK))
    middle = flat(moduli, moduli.size - 2 * BLOCK)
    rows, to, spread, low = flat(at, 0), flat(at, n), flat(turns, 0), flat(low_pass, 0)
    wave_re, wave_im = flat(cos, 0), flat(sin, 0)
    of_plane, of_strip = flat(plane, 0), flat(turned, 0)
    fill(gain, n * lanes, n * lanes + SPARE - 2 * BLOCK, np.inf)
    middle[0] = 1.0
    for a in range(n):
        to[a] = (top + a) * 2 * n_columns
    _transform_columns(
        of_plane, to, n_columns, spectrum, rows, spread, wave_re, wave_im, n, lanes, of_strip, ahead
    )
    for own in range(0, members.size * span, lanes):
        _load_own_columns(
            of_plane, n_columns, cells, corner, members, reach, own, n, lanes, spectrum
        )
        transform(spectrum, rows, n * ROW, spectrum, rows, wave_re, wave_im, n, lanes)
        turn(spectrum, spread, 0, n * ROW, lanes, of_strip, (n_columns + own) * ROW, ahead, lanes)
    for window in range(members.size):
        cell = members[window]
        p, q, left = cells[cell, 0] - top, cells[cell, 1] - corner[cell, 1], corner[cell, 1]
        # begun at the own column, so that the sample there is a plain sum
        for b in range(n):
            to[b - q if b >= q else b - q + n] = (left + b) * ROW
        for away in range(1 - reach, reach):
            if 0 <= q + away < n:
                to[away % n] = (n_columns + window * span + away + reach - 1) * ROW
        transform(of_strip, to, ahead, spectrum, rows, wave_re, wave_im, n, lanes)
        smooth_moduli(spectrum, spread, line, gain, n, lanes)
        scale = scale_to_median(gain, n, lanes, adaptive[0], middle)
        real, imaginary = sample(
            spectrum, gain, scale, adaptive[1], low,
            flat(back, p * lanes), flat(back, (n + p) * lanes), n, lanes,
        )  # fmt: skip
        filtered[cell] = complex(real, imaginary)


@inline
def _transform_columns(
    plane: Flat, at: Flat, n_columns: int, spectrum: Flat, rows: Flat, spread: Flat, cos: Flat,
    sin: Flat, n: int, lanes: int, turned: Flat, ahead: int,
) -> None:  # fmt: skip
    """Transform the columns of rows that begin at `at`, which moves on; each becomes a row."""
    for j in range(0, n_columns, lanes):
        there = min(lanes, n_columns - j)
        transform(plane, at, ROW, spectrum, rows, cos, sin, n, there)
        turn(spectrum, spread, 0, n * ROW, lanes, turned, j * ROW, ahead, there)
        for a in range(n):
            at[a] += 2 * lanes


@inline
def _load_own_columns(
    plane: Flat, n_columns: int, cells: Array, corner: Array, members: Array, reach: int,
    first: int, n: int, lanes: int, spectrum: Flat,
) -> None:  # fmt: skip
    """Copy some columns around the cells of a strip, the cell and what is near it left out."""
    span, top = 2 * reach - 1, corner[members[0], 0]
    fill(spectrum, 0, 2 * n * lanes, 0.0)
    for lane in range(min(lanes, members.size * span - first)):
        cell = members[(first + lane) // span]
        p, q = cells[cell, 0] - top, cells[cell, 1] - reach + 1 + (first + lane) % span
        if corner[cell, 1] <= q < corner[cell, 1] + n:
            from_column, to = q // BLOCK * ROW + q % BLOCK, lane // BLOCK * n * ROW + lane % BLOCK
            for a in range(n):
                if abs(a - p) >= reach:
                    at = (top + a) * 2 * n_columns + from_column
                    spectrum[to + a * ROW] = plane[at]
                    spectrum[to + a * ROW + BLOCK] = plane[at + BLOCK]


@kernel
def filter_strips(
    planes: Array, n_i: int, row_start: Array, row_ramp: Array, column_start: Array,
    column_ramp: Array, adaptive: Array, low_pass: Array, cos: Array, sin: Array, turns: Array,
    strips: Array,
) -> None:  # fmt: skip
    """Filter the windows of each strip of each plane and add them, from left to right.

    `strips` (n_planes, n_strips, n_win * 2 * columns) gets rows as those of the planes, but with
    the imaginary parts of a block before the real ones.
    """
    n, n_planes, n_strips, n_win = cos.size, len(planes), row_start.size, row_ramp.shape[1]
    lanes, n_columns = low_pass.size // n, planes.shape[1] // (n_i + 1) // 2
    deep = 1  # windows over a column, at most
    for window in range(column_start.size):
        while window >= deep and column_start[window - deep] + n_win > column_start[window]:
            deep += 1
    for item in prange(n_planes * n_strips):
        k, strip = item // n_strips, item % n_strips
        at = np.arange(4 * n + deep + column_start.size) * ROW
        for a in range(n):
            at[2 * n + a] = (row_start[strip] + a if a < n_win else n_i) * 2 * n_columns
        turned = np.empty((3, 2 * lanes * (n_columns + 1)), cos.dtype)
        _filter_strip(
            planes[k], n_columns, row_ramp[strip], column_start, column_ramp, adaptive, low_pass,
            cos, sin, turns, turned, np.zeros(room_of(n, lanes), cos.dtype),
            np.empty(max(deep, 2) * slot_of(n, lanes) + deep, cos.dtype),
            np.zeros(moduli_of(n, lanes), low_pass.dtype), at, strips[k, strip],
        )  # fmt: skip


@inline
def _filter_strip(
    plane: Array, n_columns: int, row_ramp: Array, column_start: Array, column_ramp: Array,
    adaptive: Array, low_pass: Array, cos: Array, sin: Array, turns: Array, turned: Array,
    room: Array, ring: Array, moduli: Array, at: Array, strip: Array,
) -> None:  # fmt: skip
    """Filter the windows of one strip.

    The taper of a window is the sum of a ramp along its rows and one along its columns, so the
    windows of a strip are added twice, as they are and times their ramp, before the columns are
    transformed back. `turned` gets the columns of the strip, the sums, and the tapered sums; `ring`
    the last windows, which are added as soon as all that lie over a column are there, and has room
    for as many weights. `at` begins with where 2 n rows of a window and those of the plane begin.
    """
    n, n_win = cos.size, row_ramp.size
    lanes, half, ahead = low_pass.size // n, n - n // 2, (n_columns + 1) * ROW
    slot, deep = slot_of(n, lanes), at.size - 4 * n - column_start.size
    spectrum, line, gain = flat(room, 0), flat(moduli, 0), flat(moduli, n * (lanes + 2 * BLOCK))
    middle = flat(moduli, moduli.size - 2 * BLOCK)
    rows, to, natural, held = flat(at, 0), flat(at, 2 * n), flat(at, 3 * n), flat(at, 4 * n)
    spots = flat(at, 4 * n + column_start.size)
    weights = flat(ring, ring.size - deep)
    spread, low, wave_re, wave_im = flat(turns, 0), flat(low_pass, 0), flat(cos, 0), flat(sin, 0)
    of_strip, plain, tapered = flat(turned[0], 0), flat(turned[1], 0), flat(turned[2], 0)
    fill(gain, n * lanes, n * lanes + SPARE - 2 * BLOCK, np.inf)
    middle[0] = 1.0
    for f in range(n):
        natural[(f + half) % n] = spread[f]
    _transform_columns(
        flat(plane, 0), to, n_columns, spectrum, rows, spread, wave_re, wave_im, n, lanes,
        of_strip, ahead,
    )  # fmt: skip
    for block in range(lanes // BLOCK):
        fill(of_strip, block * ahead + n_columns * ROW, (block + 1) * ahead, 0.0)
    first = 0
    for window in range(column_start.size):
        left, last = column_start[window], window + 1 == column_start.size
        held[window] = -1
        if _any(of_strip, left * ROW, (left + n_win) * ROW, ahead, lanes):
            held[window] = window % deep * slot
            for b in range(n):
                to[b] = (left + b if b < n_win else n_columns) * ROW
            transform(of_strip, to, ahead, spectrum, rows, wave_re, wave_im, n, lanes)
            smooth_moduli(spectrum, spread, line, gain, n, lanes)
            scale = scale_to_median(gain, n, lanes, adaptive[0], middle)
            respond(spectrum, gain, scale, adaptive[1], low, n * lanes)
            transform(
                spectrum, natural, n * ROW, flat(ring, held[window]), rows,
                wave_re, wave_im, n, lanes,
            )  # fmt: skip
        stop = n_columns if last else column_start[window + 1]
        first = _add_finished(
            flat(ring, 0), weights, held, spots, natural, column_start, column_ramp, first, window,
            stop, plain, tapered, n, n_columns, lanes,
        )  # fmt: skip
    for f in range(n):
        to[(f + half) % n] = f * ROW
    _transform_back(
        plain, tapered, to, n_columns, spectrum, flat(ring, 0), flat(ring, slot), rows, natural,
        wave_re, wave_im, n, lanes, row_ramp, strip,
    )  # fmt: skip


@inline
def _add_finished(
    ring: Flat, weights: Flat, held: Flat, spots: Flat, natural: Flat, column_start: Array,
    column_ramp: Array, first: int, window: int, stop: int, plain: Flat, tapered: Flat,
    n: int, n_columns: int, lanes: int,
) -> int:  # fmt: skip
    """Add windows over the columns of `window` up to `stop`, where the next window begins.

    `held` says where each window begins in the ring, -1 where it is empty; `weights` and `spots`
    are room. Returns the first window that lies over the last column, given one that lies over the
    first or before it.
    """
    n_win = column_ramp.shape[1]
    for column in range(column_start[window], stop):
        count = 0
        while column_start[first] + n_win <= column and first < window:
            first += 1
        for k in range(first, window + 1):
            b = column - column_start[k]
            if held[k] >= 0 and b < n_win and column_ramp[k, b] >= 0:
                spots[count] = held[k] + natural[b]
                weights[count] = column_ramp[k, b]
                count += 1
        add_rows(
            ring, spots, weights, count, n * ROW, lanes // BLOCK,
            plain, tapered, column * ROW, (n_columns + 1) * ROW,
        )  # fmt: skip
    return first


@inline
def _transform_back(
    plain: Flat, tapered: Flat, to: Flat, n_columns: int, spectrum: Flat, own: Flat, other: Flat,
    rows: Flat, natural: Flat, cos: Flat, sin: Flat, n: int, lanes: int, row_ramp: Array,
    strip: Array,
) -> None:  # fmt: skip
    """Transform the sums of columns back, and add both with the weights of their rows."""
    ahead = (n_columns + 1) * ROW
    for j in range(0, n_columns, lanes):
        wide = min(lanes, n_columns - j)
        turn(plain, rows, j * ROW, ahead, wide, spectrum, 0, n * ROW, lanes)
        transform(spectrum, to, n * ROW, own, rows, cos, sin, n, wide)
        turn(tapered, rows, j * ROW, ahead, wide, spectrum, 0, n * ROW, lanes)
        transform(spectrum, to, n * ROW, other, rows, cos, sin, n, wide)
        for a in range(row_ramp.size):
            join_rows(
                own, other, natural[a], n * ROW, wide // BLOCK, max(row_ramp[a], 0.0) + 1e-6,
                flat(strip, 2 * (a * n_columns + j)),
            )  # fmt: skip


@inline
def _any(turned: Flat, first: int, stop: int, ahead: int, lanes: int) -> bool:
    """Tell whether anything but zero is in some columns."""
    for block in range(lanes // BLOCK):
        for k in range(block * ahead + first, block * ahead + stop):
            if turned[k] != 0:
                return True
    return False


@kernel
def add_strips(
    strips: Array, row_start: Array, row_ramp: Array, samples: int, first: int, filtered: Array
) -> None:
    """Add the strips of planes, from `first` on, top to bottom; divide by a window's samples."""
    n_planes, n_strips, n_win = len(strips), len(row_start), row_ramp.shape[1]
    n_j, length = filtered.shape[1], strips.shape[2] // n_win
    for i in prange(filtered.shape[0]):
        row = np.empty(length)
        for k in range(n_planes):
            row[:] = 0.0
            for strip in range(n_strips):
                a = i - row_start[strip]
                if 0 <= a < n_win and row_ramp[strip, a] >= 0:
                    for j in range(length):
                        row[j] += strips[k, strip, a * length + j]
            for j in range(length):
                row[j] /= samples
            for j in range(n_j):
                at = j // BLOCK * ROW + j % BLOCK
                filtered[i, j, first + k] = complex(row[at + BLOCK], row[at])
