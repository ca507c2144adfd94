"""Where the points of a dataset are: sorted by cells, so that a view touches its own alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import FloatArray, IntArray
from ...errors import ConfigError, DatasetError
from ...stages.shared.projection import local_coordinates, within_half_turn

CELLS = 256
"""Cells along either side of a scene."""

METRE = 1 / 111_320
"""One metre northwards [deg]."""


@dataclass(frozen=True)
class Box:
    """A part of the earth [deg]; longitudes may go on beyond 180."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        bounds = np.array([self.west, self.south, self.east, self.north])
        if not np.isfinite(bounds).all() or self.west >= self.east or self.south >= self.north:
            raise ConfigError(
                f"west, south, east, north {' '.join(f'{bound:g}' for bound in bounds)}: must be "
                "four numbers, west below east and south below north"
            )

    @classmethod
    def of(cls, bounds: Sequence[float | None]) -> "Box":
        """Return the box of west, south, east, north; ConfigError if one is missing."""
        known = [bound for bound in bounds if bound is not None]
        if len(known) != len(bounds):
            raise ConfigError("west, south, east, north: all four are needed, or none")
        return cls(*known)

    @classmethod
    def around(cls, longitude: float, latitude: float, radius: float) -> "Box":
        """Return the box that holds a circle with a radius [m]."""
        up = 1.01 * radius * METRE
        across = up / max(np.cos(np.radians(min(abs(latitude) + up, 89.0))), 0.01)
        return cls(longitude - across, latitude - up, longitude + across, latitude + up)


def require_place(longitude: float, latitude: float) -> None:
    """Refuse what is no place on the earth; ConfigError."""
    if not (np.isfinite([longitude, latitude]).all() and abs(latitude) <= 90):
        raise ConfigError(f"longitude {longitude:g}, latitude {latitude:g}: is no place")


@dataclass(frozen=True)
class Places:
    """Points by the cell they lie in.

    Attributes
    ----------
    longitude, latitude : (n,) float64
        Positions [deg], sorted by cells; points without a position are left out.
    order : (n,) int32
        Their rows in ``ps2``, 0-based.
    place : (n_ps,) int32
        Where each row of ``ps2`` is among them; -1 of one without a position.
    starts : (CELLS * CELLS + 1,) int64
        Where each cell begins; cells run from the south-west eastwards.
    box : Box
        What holds all points.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    order: NDArray[np.int32]
    place: NDArray[np.int32]
    starts: IntArray
    box: Box

    @classmethod
    def of(cls, lonlat: FloatArray) -> "Places":
        """Sort points, (n_ps, 2) [deg]; DatasetError if none has a position."""
        placed = np.flatnonzero(np.isfinite(lonlat).all(axis=1))
        if not len(placed):
            raise DatasetError("no PS has a position; there is no map of them")
        longitude, latitude = lonlat[placed].astype(np.float64).T
        margin = 1e-6  # a scene of one point has an extent, too
        box = Box(
            float(longitude.min()) - margin, float(latitude.min()) - margin,
            float(longitude.max()) + margin, float(latitude.max()) + margin,
        )  # fmt: skip
        column = _cells(longitude, box.west, box.east)
        cell = _cells(latitude, box.south, box.north) * CELLS + column
        cell = cell.astype(np.uint16)  # which is sorted without comparing
        order = np.argsort(cell, kind="stable")
        counts = np.bincount(cell, minlength=CELLS * CELLS)
        rows = placed[order].astype(np.int32)
        place = np.full(len(lonlat), -1, np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        starts = np.concatenate(([0], np.cumsum(counts)))
        return cls(longitude[order], latitude[order], rows, place, starts, box)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        parts = (self.longitude, self.latitude, self.order, self.place, self.starts)
        return sum(part.nbytes for part in parts)

    def near(self, box: Box) -> slice | IntArray:
        """Return which of the sorted points lie in the cells that a box meets."""
        west, east = _cells(np.array([box.west, box.east]), self.box.west, self.box.east)
        south, north = _cells(np.array([box.south, box.north]), self.box.south, self.box.north)
        if (west, east) == (0, CELLS - 1):
            return slice(int(self.starts[south * CELLS]), int(self.starts[(north + 1) * CELLS]))
        rows = np.arange(south, north + 1) * CELLS
        first, last = self.starts[rows + west], self.starts[rows + east + 1]
        return np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])

    def within(self, box: Box) -> IntArray:
        """Return which of the sorted points lie in a box."""
        some = self.near(box)
        chosen = np.arange(len(self))[some]
        x, y = self.longitude[some], self.latitude[some]
        inside = (x >= box.west) & (x <= box.east) & (y >= box.south) & (y <= box.north)
        return np.asarray(chosen[inside])

    def around(self, longitude: float, latitude: float, radius: float) -> IntArray:
        """Return which of the sorted points lie within a radius [m] of a place, nearest first."""
        longitude = self.turned(longitude)
        chosen = self.within(Box.around(longitude, latitude, radius))
        distance = self.distance(chosen, longitude, latitude)
        ascending = np.argsort(distance, kind="stable")
        return np.asarray(chosen[ascending][distance[ascending] <= radius])

    def nearest(self, longitude: float, latitude: float, reach: float) -> int | None:
        """Return the sorted point nearest to a place, None without one in reach [m].

        Raises
        ------
        ConfigError
            It is no place, or the reach not positive.
        """
        require_place(longitude, latitude)
        if not 0 < reach < np.inf:
            raise ConfigError(f"within {reach:g}: must be a positive number of metres")
        radius = min(reach, 50.0)
        while True:
            found = self.around(longitude, latitude, radius)
            if len(found):
                return int(found[0])
            if radius >= reach:
                return None
            radius = min(4 * radius, reach)

    def distance(self, chosen: IntArray, longitude: float, latitude: float) -> FloatArray:
        """Return how far sorted points are from a place [m]."""
        if not len(chosen):
            return np.empty(0)
        lonlat = np.column_stack((self.longitude[chosen], self.latitude[chosen]))
        away = local_coordinates(lonlat, np.array([self.turned(longitude), latitude]))
        return np.asarray(np.hypot(*away.T))

    def turned(self, longitude: float) -> float:
        """Return a longitude as the scene writes those near it."""
        middle = (self.box.west + self.box.east) / 2
        return longitude + 360 * round((middle - longitude) / 360)

    def lonlat(self, point: int) -> tuple[float, float]:
        """Return where a sorted point is, longitude from -180 to 180 [deg]."""
        longitude = float(within_half_turn(self.longitude[point]))
        return longitude, float(self.latitude[point])

    def sorted_from(self, rows: IntArray) -> IntArray:
        """Return the sorted points of rows of ``ps2``; DatasetError for one without a position."""
        places = self.place[rows]
        if (places < 0).any():
            raise DatasetError(f"PS {int(rows[places < 0][0]) + 1}: has no position")
        return np.asarray(places)


def _cells(values: FloatArray, low: float, high: float) -> IntArray:
    cells = np.floor((values - low) * (CELLS / (high - low)))
    return np.asarray(np.clip(cells, 0, CELLS - 1).astype(np.int64))
