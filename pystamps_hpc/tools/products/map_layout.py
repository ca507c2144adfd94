"""The page of a map: what lies where, and which part of the earth it shows."""

import math
from dataclasses import dataclass

from ...dataset.rows import FloatArray


@dataclass(frozen=True)
class Layout:
    """Sizes in inches and the frame of the map in degrees."""

    width: float
    height: float
    west: float
    east: float
    south: float
    north: float

    LONGEST = 8.0
    LEFT, RIGHT, TOP, BOTTOM = 0.95, 1.45, 1.15, 0.95

    @classmethod
    def around(cls, lonlat: FloatArray) -> "Layout":
        """Choose a frame around points whose longest side fills the page."""
        west, south = lonlat.min(axis=0)
        east, north = lonlat.max(axis=0)
        squeeze = math.cos(math.radians((south + north) / 2))
        margin = 0.03 * max((east - west) * squeeze, north - south, 1e-3)
        wide, high = (east - west) * squeeze + 2 * margin, north - south + 2 * margin
        # very long scenes get a wider frame instead of an unreadable strip
        extra_wide, extra_high = max(0, 0.55 * high - wide) / 2, max(0, 0.5 * wide - high) / 2
        scale = cls.LONGEST / max(wide, high)
        return cls(
            (wide + 2 * extra_wide) * scale,
            (high + 2 * extra_high) * scale,
            west - (margin + extra_wide) / squeeze,
            east + (margin + extra_wide) / squeeze,
            south - margin - extra_high,
            north + margin + extra_high,
        )

    @property
    def page(self) -> tuple[float, float]:
        """Size of the figure."""
        return self.LEFT + self.width + self.RIGHT, self.BOTTOM + self.height + self.TOP

    @property
    def kilometre(self) -> float:
        """One kilometre in the middle of the map, in degrees of longitude."""
        return 1 / (111.32 * math.cos(math.radians((self.south + self.north) / 2)))

    def box(
        self, left: float, bottom: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        """Turn inches from the lower left corner of the map into parts of the page."""
        page = self.page
        return (
            (self.LEFT + left) / page[0],
            (self.BOTTOM + bottom) / page[1],
            width / page[0],
            height / page[1],
        )
