"""What the native CLAP filter does for a window, counted by running its source on counting lanes.

The filter is written in lanes (:mod:`pystamps_kernels.native.lanes`). Here the same
functions run in Python, with lanes that hold no values and count what is done to them. An addition,
a multiplication, a comparison and a choice count as one operation for each lane, a fused product
as two, roots by themselves. Of the median, whose passes depend on the values, the least is counted:
one pass that counts and one that looks for the neighbours.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pystamps_kernels.clap_windows import corners, window_starts
from pystamps_kernels.native import clap_response, fourier, median
from pystamps_kernels.native.clap import lanes_of


@dataclass(frozen=True)
class Work:
    """Operations, and square roots beside them."""

    flops: float = 0.0
    roots: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.flops + other.flops, self.roots + other.roots)

    def __rmul__(self, times: float) -> "Work":
        return Work(times * self.flops, times * self.roots)


class _Tally:
    """Counts what functions of a kernel do to registers of `width` lanes."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.flops = self.roots = 0
        self.operations: dict[str, Callable[..., Any]] = {
            "lanes_in": lambda values: width,
            "load": lambda *_: _Lanes(self),
            "load_as": lambda *_: _Lanes(self),
            "filled": lambda *_: _Lanes(self),
            "no_counts": lambda *_: _Lanes(self),
            "store": lambda *_: None,
            "fused": lambda *_: self.done(2),
            "fused_less": lambda *_: self.done(2),
            "count_below": lambda *_: self.done(2),
            "larger": lambda *_: self.done(1),
            "smaller": lambda *_: self.done(1),
            "where_below": lambda *_: self.done(1),
            "root": self._root,
            "total": lambda *_: 0.0,
        }

    def done(self, operations: int) -> "_Lanes":
        self.flops += operations * self.width
        return _Lanes(self)

    def _root(self, _: Any) -> "_Lanes":
        self.roots += self.width
        return _Lanes(self)

    def run(self, kernel: Any, *arguments: Any) -> None:
        """Run a function of a kernel, and those that it calls, in Python."""
        self._counting(kernel)(*arguments)

    def _counting(self, kernel: Any) -> Callable[..., Any]:
        source = kernel.py_func
        scope = dict(source.__globals__)
        for name in source.__code__.co_names:
            if name in self.operations:
                scope[name] = self.operations[name]
            elif hasattr(scope.get(name), "py_func"):
                scope[name] = self._counting(scope[name])
        return FunctionType(source.__code__, scope)


class _Lanes:
    """A register whose values nobody knows."""

    def __init__(self, tally: _Tally) -> None:
        self._tally = tally

    def __add__(self, other: "_Lanes") -> "_Lanes":
        return self._tally.done(1)

    __sub__ = __mul__ = __add__


class _Flat:
    """Values in memory: whatever is read of them is 1."""

    def __getitem__(self, place: int) -> float:
        return 1.0

    def __setitem__(self, place: int, value: float) -> None:
        pass


@cache
def counted(kernel: Any, n: int) -> Work:
    """Return what a function of the filter does with a window of n x n cells, all its lanes.

    Parameters
    ----------
    kernel : native function
        One of the functions below.
    n : int
        Cells of a side.
    """
    lanes, flat = lanes_of(n), _Flat()
    tally = _Tally(fourier.BLOCK)
    at, wave = np.arange(n) * fourier.ROW, np.ones(n)
    arguments: dict[Any, tuple[Any, ...]] = {
        fourier.transform: (flat, at, n * fourier.ROW, flat, at, wave, wave, n, lanes),
        clap_response.smooth_moduli: (flat, at, flat, flat, n, lanes),
        clap_response.respond: (flat, flat, 1.0, 1.0, flat, n * lanes),
        clap_response.sample: (flat, flat, 1.0, 1.0, flat, flat, flat, n, lanes),
        clap_response.add_rows: (flat, at, wave, 1, n, lanes // fourier.BLOCK, flat, flat, 0, n),
        clap_response.join_rows: (flat, flat, 0, n, lanes // fourier.BLOCK, 1.0, flat),
    }
    if kernel is median.median:
        # four registers at a time, two registers at a time: whole numbers of those of one lane
        tally = _Tally(1)
        tally.run(median._count, flat, n * lanes, _Lanes(tally))
        tally.run(median._nearest, flat, n * lanes, 1.0, 1.0, flat)
    else:
        tally.run(kernel, *arguments[kernel])
    return Work(tally.flops, tally.roots)


def _response(n: int) -> Work:
    return counted(clap_response.smooth_moduli, n) + counted(median.median, n)


def _column(n: int) -> Work:
    """Return the transform of one column, a lane of as many as a window has."""
    return (1 / lanes_of(n)) * counted(fourier.transform, n)


def cells_work(cells: NDArray[Any], shape: tuple[int, int], n: int, m: int) -> Work:
    """Return the work of ``clap_cells`` on some cells of a grid in m interferograms.

    A window is transformed along its rows; its columns are those of its strip, but for its own.
    """
    strips = len(np.unique(corners(cells, shape, n)[:, 0]))
    columns = math.ceil(shape[1] / lanes_of(n)) * lanes_of(n)
    window = counted(fourier.transform, n) + _response(n) + counted(clap_response.sample, n)
    return m * ((strips * columns) * _column(n) + len(cells) * (window + _column(n)))


def grid_work(shape: tuple[int, int], n_win: int, n: int, m: int) -> tuple[Work, Work]:
    """Return the work of ``clap_grid`` on a grid in m interferograms, no window of it empty.

    The second part is that of the response, by smoothing and median.

    A window is transformed along its rows and back; columns are transformed once and, added up with
    and without their taper, back.
    """
    rows, across = (window_starts(length, n_win)[0].size for length in shape)
    columns = math.ceil(shape[1] / lanes_of(n)) * lanes_of(n)
    added, joined = counted(clap_response.add_rows, n), counted(clap_response.join_rows, n)
    window = 2 * counted(fourier.transform, n)
    window += counted(clap_response.respond, n) + n_win * added
    strip = columns * (3 * _column(n) + (n_win / lanes_of(n)) * joined)
    windows = m * rows * across
    return windows * window + (m * rows) * strip, windows * _response(n)
