"""Pages of maps: one large map, or a panel of small ones that share their colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...dataset.rows import FloatArray, IntArray
from .colours import Scale
from .frame import Frame, degrees
from .furniture import colour_bar, directions, graticule, mark_reference, outline, scale_bar
from .hillshade import draw_ground
from .page import INK, Captions, new_figure, write_captions
from .points import Maps, draw_points

LEFT, RIGHT, TOP, BOTTOM = 0.95, 1.45, 1.15, 0.95
"""Margins of a page with one map [inch]."""

PANEL_LEFT, PANEL_BOTTOM = 0.3, 0.75
PANEL_WIDTH, PANEL_HEIGHT = 12.0, 8.0
"""Room for the maps of a panel [inch]; where they would be too small the page grows."""

LEAST_WIDTH = 1.05
GAP, LABEL = 0.09, 0.19
"""Between the maps of a panel; a line above each map [inch]."""


@dataclass(frozen=True)
class Scene:
    """What the points of a map are, whatever value they have.

    Parameters
    ----------
    lonlat : (n, 2) float64
        Longitude, latitude [deg].
    reference : (n_ref,) int64 or None
        Rows of the reference area.
    heading : float
        Flight direction, clockwise from north [deg]; NaN where unknown.
    ground : (n_rows, n_columns) float64, optional
        Brightness of the ground under the points.
    """

    lonlat: FloatArray
    reference: IntArray | None
    heading: float
    ground: FloatArray | None = None


def map_page(maps: Maps, scale: Scale, scene: Scene, captions: Captions) -> Any:
    """Draw one map on a page of its own; return the figure.

    Parameters
    ----------
    maps : Maps
        Values of one map.
    scale : Scale
        Colours.
    scene : Scene
        Points, reference area, ground.
    captions : Captions
        What is written.
    """
    frame = maps.frame
    figure = new_figure((LEFT + frame.width + RIGHT, BOTTOM + frame.height + TOP), "a map")
    axes = _axes(figure, LEFT, BOTTOM, frame)
    if scene.ground is not None:
        draw_ground(axes, scene.ground, frame)
    drawn = draw_points(axes, maps, 0, scale)
    graticule(axes, frame)
    mark_reference(axes, frame, scene.lonlat, scene.reference)
    scale_bar(axes, frame)
    height = max(1.6, frame.height - 1.5)
    right = LEFT + frame.width
    colour_bar(figure, drawn, scale, (right + 0.3, BOTTOM + frame.height - height, 0.17, height))
    directions(figure, scene.heading, right + 0.18, BOTTOM - 0.05)
    write_captions(figure, captions, LEFT, BOTTOM + frame.height + 0.12, 0.47)
    return figure


@dataclass(frozen=True)
class Panel:
    """How maps stand in a panel."""

    frame: Frame
    n_columns: int
    n_rows: int
    lines: int

    @classmethod
    def of(cls, frame: Frame, count: int, lines: int) -> "Panel":
        """Choose the number of columns with which maps are largest.

        Parameters
        ----------
        frame : Frame
            What each shows.
        count : int
            Number of maps.
        lines : int
            Lines of text above each.
        """
        ratio, above = frame.height / frame.width, lines * LABEL
        widths = {}
        for n_columns in range(1, count + 1):
            n_rows = -(-count // n_columns)
            wide = (PANEL_WIDTH + GAP) / n_columns - GAP
            high = (PANEL_HEIGHT + GAP) / n_rows - GAP - above
            widths[n_columns] = min(wide, high / ratio)
        best = max(widths, key=lambda n: widths[n])
        width = max(widths[best], LEAST_WIDTH)
        return cls(frame.of_width(width), best, -(-count // best), lines)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all maps [inch]."""
        across, down = self.step
        return self.n_columns * across - GAP, self.n_rows * down - GAP

    @property
    def step(self) -> tuple[float, float]:
        """From one map to the next [inch]."""
        return self.frame.width + GAP, self.frame.height + self.lines * LABEL + GAP

    def corner(self, number: int) -> tuple[float, float]:
        """Return the lower left corner of a map, from that of the panel [inch]."""
        row, column = divmod(number, self.n_columns)
        across, down = self.step
        return column * across, self.size[1] - (row + 1) * down + GAP


def panel_page(
    maps: Maps,
    panel: Panel,
    labels: Sequence[str],
    scale: Scale,
    scene: Scene,
    captions: Captions,
) -> Any:
    """Draw a panel of maps with one scale of colours; return the figure.

    Parameters
    ----------
    maps : Maps
        Values of all maps, in the frame of the panel.
    panel : Panel
        How they stand.
    labels : sequence of str
        What is written above each.
    scale : Scale
        Colours.
    scene : Scene
        Points, reference area, ground.
    captions : Captions
        What is written on the page.
    """
    width, height = panel.size
    bar = min(height, 4.0)
    page = PANEL_LEFT + max(width, 4.6) + RIGHT, PANEL_BOTTOM + max(height, 1.6) + TOP
    figure = new_figure(page, "a panel of maps")
    lower = page[1] - TOP - height
    size = min(8.0, 8.0 * panel.frame.width / 1.35)
    for number, label in enumerate(labels):
        left, bottom = panel.corner(number)
        axes = _axes(figure, PANEL_LEFT + left, lower + bottom, panel.frame)
        axes.set(xlim=panel.frame.extent[:2], ylim=panel.frame.extent[2:], xticks=[], yticks=[])
        outline(axes)
        if scene.ground is not None:
            draw_ground(axes, scene.ground, panel.frame)
        drawn = draw_points(axes, maps, number, scale)
        mark_reference(axes, panel.frame, scene.lonlat, scene.reference, named=False)
        axes.set_title(label, fontsize=size, color=INK, pad=3, linespacing=1.1)
        if number == 0:
            scale_bar(axes, panel.frame, 6.5, 0.5)
    colour_bar(figure, drawn, scale,
               (PANEL_LEFT + width + 0.25, lower + height - bar - LABEL, 0.17, bar))  # fmt: skip
    write_captions(figure, captions, PANEL_LEFT, lower + height + 0.12, 0.5)
    return figure


def extent_text(frame: Frame) -> str:
    """Say what a map without degrees at its edges shows."""
    decimals = max(0, 1 - math.floor(math.log10(frame.north - frame.south)))
    west, east = (degrees(value, "EW", decimals) for value in (frame.west, frame.east))
    south, north = (degrees(value, "NS", decimals) for value in (frame.south, frame.north))
    return f"Maps from {west} to {east}, {south} to {north}"


def _axes(figure: Any, left: float, lower: float, frame: Frame) -> Any:
    page = figure.get_size_inches()
    return figure.add_axes(
        (left / page[0], lower / page[1], frame.width / page[0], frame.height / page[1])
    )
