"""The points of a map: markers where there are few, means of small cells where there are many.

A marker per point takes matplotlib seconds for each million, and hides others. The cells are made
here, before matplotlib: a sum per cell is one product with a sparse matrix for all columns.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from ...dataset.rows import AnyArray, BoolArray, FloatArray, IntArray, Rows
from .colours import Scale, Tails
from .frame import Frame
from .page import DPI

MOST_MARKERS = 20_000
"""Points above which a map is of cells; also markers of a page above which they are an image."""

MOST_ON_PAGE = 400_000
"""Markers of a page above which its maps are of cells."""

FILLED = 1.6
"""Area of a cell, in that which each point has on average: four cells of five are filled."""

COUNTED = 6.0
"""Points for each cell of those that are counted to find out where there are points."""

LARGEST = 0.06
"""Side of a cell at most [inch]."""

ROWS = 1 << 15
"""Rows that are in memory at a time."""


@dataclass(frozen=True)
class Maps:
    """Values of points, ready to be drawn in one or several maps.

    Attributes
    ----------
    frame : Frame
        Their frame.
    lonlat : (n, 2) float64
        The points that are drawn [deg]; of cells none.
    values : (k, n) or (k, n_rows, n_columns) float
        Values of markers, or means of cells from the north-west; NaN where there is none.
    tails : Tails
        Of the values of all points.
    known : (k,) int64
        Points with a value in each map.
    n_points : int
        Points that there are.
    """

    frame: Frame
    lonlat: FloatArray
    values: FloatArray
    tails: Tails
    known: IntArray
    n_points: int

    @property
    def in_cells(self) -> bool:
        """Whether the maps are of cells."""
        return self.values.ndim == 3


def maps_of(values: Rows, lonlat: FloatArray, frame: Frame) -> Maps:
    """Make maps of the columns of values; rows are read once.

    Parameters
    ----------
    values : Rows, (n, k)
        Values of points, or phasors, of which the phase is shown.
    lonlat : (n, 2) float64
        Longitude, latitude [deg]; a point with NaN is nowhere.
    frame : Frame
        In the size that each map will have.
    """
    n_points, n_maps = values.shape
    placed: BoolArray = np.asarray(np.isfinite(lonlat).all(axis=1))
    means = None
    if n_points > MOST_MARKERS or n_points * n_maps > MOST_ON_PAGE:
        means = _Means(frame, cell_side(area_of_point(lonlat[placed], frame)), values)
    tails, known, read = Tails(n_points * n_maps), np.zeros(n_maps, np.int64), []
    for first in range(0, n_points, ROWS):
        rows = slice(first, min(first + ROWS, n_points))
        block = values[rows]
        if not placed[rows].all():
            block = np.where(placed[rows][:, None], block, np.nan)
        shown = phase_of(block) if np.iscomplexobj(block) else block
        tails.add(shown)
        known += np.isfinite(shown).sum(axis=0)
        if means is None:
            read.append(shown)
        else:
            means.add(np.where(placed[rows, None], lonlat[rows], 0), block)
    if means is not None:
        return Maps(frame, np.empty((0, 2)), means.values(), tails, known, n_points)
    return Maps(frame, lonlat, np.concatenate(read).T, tails, known, n_points)


def phase_of(phasors: AnyArray) -> FloatArray:
    """Return the phase of phasors [rad]; NaN of a phasor of length zero, which has none."""
    return np.where(phasors == 0, np.nan, np.angle(phasors))


def area_of_point(lonlat: FloatArray, frame: Frame) -> float:
    """Return the area that each point has on average where there are points [inch^2]."""
    side = math.sqrt(COUNTED * frame.width * frame.height / max(len(lonlat), 1))
    shape = frame.shape(side)
    occupied = np.unique(frame.cells(lonlat, shape)).size if len(lonlat) else 1
    covered = occupied / (shape[0] * shape[1]) * frame.width * frame.height
    return float(covered / max(len(lonlat), 1))


def cell_side(area: float) -> float:
    """Return the side of the cells of points with an area [inch], whole pixels of the page."""
    return min(max(round(math.sqrt(FILLED * area) * DPI), 1) / DPI, LARGEST)


class _Means:
    """Means of cells, which grow block by block."""

    def __init__(self, frame: Frame, side: float, values: Rows) -> None:
        self.frame, self.shape = frame, frame.shape(side)
        n_cells, n_maps = self.shape[0] * self.shape[1], values.shape[1]
        self.complex = values.dtype.kind == "c"
        self.total = np.zeros((n_cells, n_maps), np.complex128 if self.complex else np.float64)
        self.count = np.zeros((n_cells, n_maps), np.int32)

    def add(self, lonlat: FloatArray, block: AnyArray) -> None:
        """Add the values of some points; NaN does not count."""
        cell = self.frame.cells(lonlat, self.shape)
        occupied, where = np.unique(cell, return_inverse=True)
        ones = np.ones(len(cell), np.float32)
        summing = scipy.sparse.csr_array(
            (ones, (where, np.arange(len(cell)))), (len(occupied), len(cell))
        )
        known = np.isfinite(block)
        self.count[occupied] += (summing @ known.astype(np.float32)).astype(np.int32)
        self.total[occupied] += summing @ np.where(known, block, 0).astype(self.total.dtype)

    def values(self) -> FloatArray:
        """Return the means, (k, n_rows, n_columns)."""
        with np.errstate(invalid="ignore"):
            mean = self.total / np.where(self.count, self.count, np.nan)
        shown: FloatArray = phase_of(mean) if self.complex else np.real(mean)
        return np.ascontiguousarray(shown.T).reshape(-1, *self.shape)


def draw_points(axes: Any, maps: Maps, number: int, scale: Scale) -> Any:
    """Draw the points of one map.

    Parameters
    ----------
    axes : Axes
        Axes of the map.
    maps : Maps
        Values.
    number : int
        Which map, from 0.
    scale : Scale
        Colours.

    Returns
    -------
    ScalarMappable
        What a colour bar is made for.
    """
    values, frame = maps.values[number], maps.frame
    style = {"cmap": scale.colour_map(), "vmin": scale.low, "vmax": scale.high, "zorder": 2}
    if maps.in_cells:
        return axes.imshow(np.ma.masked_invalid(values), extent=frame.extent, aspect="auto",
                           interpolation="nearest", **style)  # fmt: skip
    shown = np.flatnonzero(np.isfinite(values))
    # a fixed shuffle: neither row order nor strong motion decides who covers whom
    order = shown[np.random.default_rng(0).permutation(len(shown))]
    return axes.scatter(
        *maps.lonlat[order].T,
        c=values[order],
        s=marker_area(maps.lonlat[shown], frame),
        linewidths=0,
        rasterized=int(maps.known.sum()) > MOST_MARKERS,
        **style,
    )


def marker_area(lonlat: FloatArray, frame: Frame) -> float:
    """Return the marker area [pt^2] at which points nearly touch without hiding others."""
    largest = 5.0 * math.sqrt(frame.width * frame.height)
    return float(np.clip(1.1 * 72**2 * area_of_point(lonlat, frame), 0.8, min(largest, 40.0)))
