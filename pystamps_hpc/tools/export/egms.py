"""The text table of the European Ground Motion Service, level 2a, which its tools read."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...pipeline.documents import json_text
from ..products.files import product_files
from ..products.fixed_point import table_text
from ..products.point_facts import CRS, facts_of
from ..products.points import COLUMNS as TABLE
from ..products.points import Column, Points

_LAYOUT = """
pid                  | id                           | 0 |         | number of the point, row of ps2
mp_type              |                              | 0 |         | kind of point: 0, a point scatterer
latitude             | latitude                     | 7 |         |
longitude            | longitude                    | 7 |         |
easting              |                              | 2 | m       | easting, EPSG:3035
northing             |                              | 2 | m       | northing, EPSG:3035
height               | height                       | 1 |         |
height_wgs84         |                              | 1 | m       | ellipsoidal height; empty, what the heights of the DEM refer to is not known
line                 |                              | 0 |         | azimuth line in the images
pixel                |                              | 0 |         | range sample in the images
rmse                 | rmse                         | 2 |         |
temporal_coherence   | coherence                    | 3 |         |
amplitude_dispersion |                              | 3 |         | empty: the merged points have none
incidence_angle      | incidence                    | 3 |         |
track_angle          |                              | 3 | degrees | flight direction, clockwise from north
los_east             | look_east                    | 5 |         |
los_north            | look_north                   | 5 |         |
los_up               | look_up                      | 5 |         |
mean_velocity        | velocity                     | 2 |         |
mean_velocity_std    | velocity_deviation           | 2 |         |
acceleration         | acceleration                 | 3 |         |
acceleration_std     | acceleration_deviation       | 3 |         |
seasonality          | seasonal_amplitude           | 2 |         |
seasonality_std      | seasonal_amplitude_deviation | 2 |         |
"""  # noqa: E501
"""``name | column of the table of points | decimals | unit | meaning``."""

EUROPE = "EPSG:3035"
"""Reference system of easting and northing: ETRS89, Lambert's azimuthal equal-area projection."""


def _parse() -> list[tuple[Column, str]]:
    table, found = {column.name: column for column in TABLE}, []
    for line in _LAYOUT.strip().splitlines():
        name, source, decimals, unit, meaning = (part.strip() for part in line.split("|"))
        column = table.get(source, Column(name, "float64", 0, unit, meaning))
        column = replace(column, name=name, decimals=int(decimals))
        found.append((replace(column, meaning=meaning or column.meaning), source))
    return found


LAYOUT = _parse()
"""Columns of the file, and the column of the table of points behind each."""

COLUMNS = tuple(source for _, source in LAYOUT if source)


def write_egms(points: Points, path: Path) -> None:
    """Write the table, and what it means as ``.json`` beside it.

    Parameters
    ----------
    points : Points
        The table; written in blocks of rows.
    path : Path
        The file; it and its side file are replaced when both are whole.

    Raises
    ------
    PublishError
        It cannot be written.
    """
    columns = [*(column for column, _ in LAYOUT), *points.date_columns("%Y%m%d")]
    text = json_text(facts_of(points, columns))
    with product_files(path) as staged:
        staged.with_suffix(".json").write_text(text, encoding="utf-8")
        with staged.open("wb") as file:
            file.write((",".join(column.name for column in columns) + "\n").encode())
            file.writelines(_lines(points))


def _lines(points: Points) -> Iterator[bytes]:
    """Yield the rows in pieces."""
    from pyproj import Transformer

    to_europe = Transformer.from_crs(CRS, EUROPE, always_xy=True)
    pixels, heading = points.found.points["ij"][:, 1:], points.velocities.heading
    for block in points.blocks():
        count = len(block.displacement)
        easting, northing = to_europe.transform(*points.velocities.lonlat[block.rows].T)
        line, pixel = pixels[block.rows].T
        unknown = np.full(count, np.nan)
        own = {
            "mp_type": np.zeros(count), "easting": easting, "northing": northing,
            "height_wgs84": unknown, "line": line, "pixel": pixel,
            "amplitude_dispersion": unknown, "track_angle": np.full(count, heading % 360),
        }  # fmt: skip
        fields = [
            ((block.values[source] if source else own[column.name])[:, None], column.decimals)
            for column, source in LAYOUT
        ]
        yield table_text([*fields, (block.displacement, 2)])
