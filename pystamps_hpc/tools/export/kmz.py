"""A raster of velocities for Google Earth: tiles that are loaded where one looks, and a legend."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

from ...dataset.rows import AnyArray, FloatArray
from ...errors import ConfigError
from ..products.files import product_file
from ..products.points import Points
from .colours import ColourSteps, Limits, steps_of
from .raster import Grid, filled, halved, tiles

COLUMNS = ()
"""Columns of the table of points that it needs besides those that are always known."""

TILE = 256
"""Side of a tile [pixels]."""

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">'


def write_kmz(
    points: Points,
    path: Path,
    resolution: float | None = None,
    gap: int = 1,
    limits: Limits | None = None,
    opacity: float = 0.8,
) -> None:
    """Write a picture of the velocities that lies on the ground.

    A cell shows the mean of its PS; one without PS the nearest mean that is at most `gap` cells
    away, or nothing. Below the finest tiles lie coarser ones, each a mean of four cells.

    Parameters
    ----------
    points : Points
        Velocities and positions.
    path : Path
        The file; replaced atomically.
    resolution : float, optional
        Side of a cell [deg]; by default see :meth:`.raster.Grid.around`.
    gap : int
        How far a mean reaches [cells].
    limits : (float, float), optional
        Ends of the colours [mm/yr]; by default see :func:`.colours.steps_of`.
    opacity : float
        From 0 to 1.

    Raises
    ------
    ConfigError
        Resolution, limits or opacity are none.
    DatasetError
        No PS has a velocity.
    PublishError
        The file cannot be written.
    """
    if not 0 < opacity <= 1:
        raise ConfigError(f"opacity {opacity:g}: must be above 0 and at most 1")
    velocities = points.velocities
    scale = steps_of(velocities.velocity, limits)
    grid = Grid.around(velocities.lonlat, resolution)
    raster = grid.means(velocities.velocity, grid.cells_of(velocities.lonlat))
    levels = [filled(raster, gap)]
    while max(levels[0].shape) > TILE:
        levels.insert(0, halved(levels[0]))
    colours = np.append(scale.bytes, np.full((len(scale.colours), 1), 255 * opacity), axis=1)
    with product_file(path) as temporary, ZipFile(temporary, "w") as archive:
        first = _Tile(grid, len(levels) - 1, 0, 0, 0)
        archive.writestr("doc.kml", _document(points, path.stem, first), ZIP_DEFLATED)
        archive.writestr("legend.png", _legend(scale), ZIP_STORED)
        for level, means in enumerate(levels):
            finest = level == len(levels) - 1
            below = set() if finest else _places(levels[level + 1])
            for row, column, values in tiles(means, TILE):
                tile = _Tile(grid, len(levels) - 1, level, row, column)
                archive.writestr(f"{tile.name}.png", _picture(values, scale, colours), ZIP_STORED)
                children = [child for child in tile.children if child.place in below]
                archive.writestr(f"{tile.name}.kml", _tile_text(tile, children), ZIP_DEFLATED)


@dataclass(frozen=True)
class _Tile:
    """A tile of a level, of which 0 is the coarsest and `finest` that of the cells."""

    grid: Grid
    finest: int
    level: int
    row: int
    column: int

    @property
    def place(self) -> tuple[int, int]:
        return self.row, self.column

    @property
    def name(self) -> str:
        return f"tiles/{self.level}_{self.row}_{self.column}"

    @property
    def box(self) -> str:
        side = self.grid.step * TILE * 2 ** (self.finest - self.level)
        north, west = self.grid.north - self.row * side, self.grid.west + self.column * side
        edges = {"north": north, "south": north - side, "east": west + side, "west": west}
        return "".join(f"<{name}>{value:.9f}</{name}>" for name, value in edges.items())

    def region(self, most: int) -> str:
        """Say at which size on the screen [pixels] something is shown; -1 is any."""
        least = 0 if self.level == 0 else TILE // 2
        return (
            f"<Region><LatLonAltBox>{self.box}</LatLonAltBox><Lod><minLodPixels>{least}"
            f"</minLodPixels><maxLodPixels>{most}</maxLodPixels></Lod></Region>"
        )

    @property
    def children(self) -> Iterator["_Tile"]:
        for row in (2 * self.row, 2 * self.row + 1):
            for column in (2 * self.column, 2 * self.column + 1):
                yield _Tile(self.grid, self.finest, self.level + 1, row, column)


def _places(raster: FloatArray) -> set[tuple[int, int]]:
    return {(row, column) for row, column, _ in tiles(raster, TILE)}


def _tile_text(tile: _Tile, children: list[_Tile]) -> str:
    """Return the KML of a tile; it hands over to its children at twice their least size."""
    here = Path(tile.name).name
    links = "".join(_link(child, Path(child.name).name) for child in children)
    most = TILE if children else -1
    return (
        f"{_HEAD}<Document>{tile.region(most)}<GroundOverlay><drawOrder>{tile.level}</drawOrder>"
        f"<Icon><href>{here}.png</href></Icon><LatLonBox>{tile.box}</LatLonBox></GroundOverlay>"
        f"{links}</Document></kml>\n"
    )


def _link(tile: _Tile, name: str) -> str:
    return (
        f"<NetworkLink>{tile.region(-1)}<Link><href>{name}.kml</href>"
        "<viewRefreshMode>onRegion</viewRefreshMode></Link></NetworkLink>"
    )


def _document(points: Points, name: str, first: _Tile) -> str:
    velocities = points.velocities
    meaning = (
        f"Line-of-sight velocity ({velocities.value_type}) in mm/yr, positive towards the "
        f"satellite, relative to {velocities.reference_text}; "
        f"{velocities.dates[0]} to {velocities.dates[-1]}; means of cells of "
        f"{first.grid.step:g} degrees"
    )
    return (
        f"{_HEAD}<Document><name>{escape(name)}</name><description>{escape(meaning)}"
        f"</description>{_link(first, first.name)}<ScreenOverlay><name>Legend</name>"
        '<Icon><href>legend.png</href></Icon><overlayXY x="0" y="0" xunits="fraction" '
        'yunits="fraction"/><screenXY x="0.02" y="0.06" xunits="fraction" yunits="fraction"/>'
        "</ScreenOverlay></Document></kml>\n"
    )


def _picture(values: FloatArray, scale: ColourSteps, colours: AnyArray) -> bytes:
    """Return a tile as PNG; where there is no value it is transparent."""
    from matplotlib.image import imsave

    known = np.isfinite(values)
    pixels = np.zeros((*values.shape, 4), np.uint8)
    pixels[known] = colours[scale.of(values[known])]
    file = BytesIO()
    imsave(file, pixels, format="png")
    return file.getvalue()


def _legend(scale: ColourSteps) -> bytes:
    """Draw the colours and what they mean."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.6, 0.75))
    axes = figure.add_axes((0.08, 0.62, 0.84, 0.2))
    mapped = ScalarMappable(Normalize(*scale.limits), ListedColormap(scale.colours))
    bar = figure.colorbar(mapped, cax=axes, orientation="horizontal")
    bar.set_ticks(np.linspace(*scale.limits, 5).tolist())
    bar.ax.tick_params(labelsize=7)
    bar.set_label("mm/yr, positive towards the satellite", fontsize=7)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=120, facecolor="white")
    return file.getvalue()
