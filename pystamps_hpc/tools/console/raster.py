"""A view of a map as a picture: means of the points of each pixel, in a few indexed colours."""

import io
import math
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import AnyArray, BoolArray, FloatArray, IntArray
from ...errors import ConfigError
from ..drawing.colours import Scale, palette
from .places import Box

COLOURS = 63
"""Colours of a picture; more make it larger, and the eye sees no step between them."""

MOST_PIXELS = 4 << 20
"""Of a picture."""

LONGEST_SIDE = 4096
"""Of a picture [pixel]."""

FILLED = 1.6
"""Area of a cell, in that which each point has: four cells of five are filled."""

SPARSE = 3.5
"""Pixels from point to point from which each is a disc of its own."""

LARGEST = 9
"""Diameter of a disc at most [pixel]."""

MARGIN = 8
"""Pixels around a picture whose points reach into it."""

COARSE = 16
"""Pixels of the cells by which the area with points is found."""


@dataclass(frozen=True)
class View:
    """What a picture shows, and its size [pixel]."""

    box: Box
    width: int
    height: int

    def __post_init__(self) -> None:
        sides = self.width, self.height
        if min(sides) < 1 or max(sides) > LONGEST_SIDE or math.prod(sides) > MOST_PIXELS:
            raise ConfigError(
                f"width {self.width}, height {self.height}: a picture has sides of 1 to "
                f"{LONGEST_SIDE} pixels and at most {MOST_PIXELS:,} in all"
            )

    @property
    def with_margin(self) -> Box:
        """What the picture and its margin show."""
        box = self.box
        across = MARGIN * (box.east - box.west) / self.width
        up = MARGIN * (box.north - box.south) / self.height
        return Box(box.west - across, box.south - up, box.east + across, box.north + up)

    def pixels(self, longitude: FloatArray, latitude: FloatArray) -> tuple[IntArray, IntArray]:
        """Return row and column of places; rows run southwards from the upper edge."""
        box = self.box
        column = np.floor((longitude - box.west) * (self.width / (box.east - box.west)))
        row = np.floor((box.north - latitude) * (self.height / (box.north - box.south)))
        return row.astype(np.int32), column.astype(np.int32)

    def first_pixel(self, whole: Box) -> tuple[int, int]:
        """Return how many rows and columns a view of `whole` would have before this one."""
        box = self.box
        down = (whole.north - box.north) * (self.height / (box.north - box.south))
        across = (box.west - whole.west) * (self.width / (box.east - box.west))
        return math.floor(down), math.floor(across)


def levels(
    view: View,
    longitude: FloatArray,
    latitude: FloatArray,
    values: FloatArray,
    scale: Scale,
    whole: Box,
) -> AnyArray:
    """Return the colour of every pixel of a view.

    Parameters
    ----------
    view : View
        What is shown.
    longitude, latitude : (n,) float64
        Points [deg], also some outside of the view.
    values : (n,) float
        Their values; NaN is none. Of the scale ``cycle`` phase [rad], whose mean is that of its
        phasors.
    scale : Scale
        Which value has which colour.
    whole : Box
        All points; cells of several pixels lie the same way when the view moves.

    Returns
    -------
    (height, width) uint8
        0 where there is no point, else 1 to ``COLOURS``.
    """
    row, column = view.pixels(longitude, latitude)
    inside = (row >= -MARGIN) & (row < view.height + MARGIN)
    inside &= (column >= -MARGIN) & (column < view.width + MARGIN) & np.isfinite(values)
    if not inside.all():
        row, column, values = row[inside], column[inside], values[inside]
    row, column = row + MARGIN, column + MARGIN
    shape = view.height + 2 * MARGIN, view.width + 2 * MARGIN
    apart = _distance(row, column, shape)
    side = 1 if apart >= SPARSE else max(round(math.sqrt(FILLED) * apart), 1)
    down, across = (first % side for first in view.first_pixel(whole))
    cells = (shape[0] + down) // side + 1, (shape[1] + across) // side + 1
    cell = (row + down) // side * cells[1] + (column + across) // side
    found = _means(cell, values, cells[0] * cells[1], scale).reshape(cells)
    if side > 1:
        found = found.repeat(side, axis=0).repeat(side, axis=1)
    found = found[down : down + shape[0], across : across + shape[1]]
    if apart >= SPARSE:
        found = _discs(found, min(int(0.8 * apart) | 1, LARGEST))
    return np.ascontiguousarray(found[MARGIN:-MARGIN, MARGIN:-MARGIN])


def _distance(row: IntArray, column: IntArray, shape: tuple[int, int]) -> float:
    """Return how far points are from the next one where there are some [pixel]."""
    if not len(row):
        return SPARSE
    wide = shape[1] // COARSE + 1
    counts = np.bincount(row // COARSE * wide + column // COARSE)
    return COARSE * math.sqrt(np.count_nonzero(counts) / len(row))


def _means(cell: IntArray, values: FloatArray, n_cells: int, scale: Scale) -> AnyArray:
    """Return the colour of the mean of every cell, (n_cells,) uint8."""
    count = np.bincount(cell, minlength=n_cells)
    filled = np.flatnonzero(count)
    if scale.name == "cycle":
        parts = (np.bincount(cell, part(values), n_cells)[filled] for part in (np.sin, np.cos))
        mean = np.arctan2(*parts)
    else:
        mean = np.bincount(cell, values, n_cells)[filled] / count[filled]
    place = (mean - scale.low) * (COLOURS / (scale.high - scale.low))
    found = np.zeros(n_cells, np.uint8)
    found[filled] = np.clip(np.floor(place), 0, COLOURS - 1).astype(np.uint8) + 1
    return found


def _discs(found: AnyArray, diameter: int) -> AnyArray:
    """Spread every pixel over a disc; the nearest centre wins."""
    reach = diameter // 2
    inside: BoolArray = found > 0
    inside[:reach] = inside[-reach:] = False
    inside[:, :reach] = inside[:, -reach:] = False
    row, column = np.nonzero(inside)
    centre, drawn = found[row, column], found.copy()
    places = [(a, b) for a in range(-reach, reach + 1) for b in range(-reach, reach + 1)
              if math.hypot(a, b) <= diameter / 2]  # fmt: skip
    for a, b in sorted(places, key=lambda place: -math.hypot(*place)):
        drawn[row + a, column + b] = centre
    return drawn


def png_of(found: AnyArray, scale: Scale) -> bytes:
    """Write colours of pixels, as :func:`levels` returns them, as a PNG; 0 is transparent."""
    from PIL import Image

    image = Image.frombytes("P", (found.shape[1], found.shape[0]), found.tobytes())
    colours = palette(scale.name, COLOURS)
    image.putpalette(bytes(3) + colours.astype(np.uint8).tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", transparency=0, compress_level=4)
    return file.getvalue()
