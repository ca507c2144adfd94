"""The frame of a map: which part of the earth it shows, how large, and where things lie in it."""

import math
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray

LONGEST = 8.0
"""Longer side of a map that has a page of its own [inch]."""


@dataclass(frozen=True)
class Frame:
    """Size of a map [inch] and what it shows [deg]."""

    width: float
    height: float
    west: float
    east: float
    south: float
    north: float

    @classmethod
    def around(cls, lonlat: FloatArray) -> "Frame":
        """Choose a frame around points, (n, 2) [deg], whose longest side fills the page."""
        west, south = lonlat.min(axis=0).tolist()
        east, north = lonlat.max(axis=0).tolist()
        squeeze = math.cos(math.radians((south + north) / 2))
        margin = 0.03 * max((east - west) * squeeze, north - south, 1e-3)
        wide, high = (east - west) * squeeze + 2 * margin, north - south + 2 * margin
        # very long scenes get a wider frame instead of an unreadable strip
        extra_wide, extra_high = max(0, 0.55 * high - wide) / 2, max(0, 0.5 * wide - high) / 2
        scale = LONGEST / max(wide, high)
        return cls(
            (wide + 2 * extra_wide) * scale,
            (high + 2 * extra_high) * scale,
            west - (margin + extra_wide) / squeeze,
            east + (margin + extra_wide) / squeeze,
            south - margin - extra_high,
            north + margin + extra_high,
        )

    def of_width(self, width: float) -> "Frame":
        """Return the same part of the earth in another size [inch]."""
        height = self.height * width / self.width
        return Frame(width, height, self.west, self.east, self.south, self.north)

    @property
    def kilometre(self) -> float:
        """One kilometre in the middle of the map, in degrees of longitude."""
        return 1 / (111.32 * math.cos(math.radians((self.south + self.north) / 2)))

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south, north."""
        return self.west, self.east, self.south, self.north

    def shape(self, side: float) -> tuple[int, int]:
        """Return how many cells of a side [inch] cover the map, rows and columns."""
        return max(round(self.height / side), 1), max(round(self.width / side), 1)

    def cells(self, lonlat: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """Return the cell of each point, (n,) int64, counted from the north-west by rows.

        Parameters
        ----------
        lonlat : (n, 2) float
            Longitude, latitude [deg], within the frame.
        shape : (int, int)
            Rows and columns of cells.
        """
        n_rows, n_columns = shape
        across = (lonlat[:, 0] - self.west) * (n_columns / (self.east - self.west))
        down = (self.north - lonlat[:, 1]) * (n_rows / (self.north - self.south))
        column = np.clip(across.astype(np.int64), 0, n_columns - 1)
        return np.asarray(np.clip(down.astype(np.int64), 0, n_rows - 1) * n_columns + column)


def degrees(value: float, sides: str, decimals: int) -> str:
    """Write an angle with the letter of its side: ``degrees(-3.5, "EW", 1)`` is 3.5°W."""
    if abs(value) > 180:
        value -= 360 * round(value / 360)
    return f"{abs(value):.{decimals}f}°{sides[int(value < 0)]}"
