"""Points for Google Earth, one placemark each, coloured by their velocity."""

import math
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...errors import ConfigError, DatasetError
from ..products.files import product_file
from ..products.points import Points
from .colours import ColourSteps, Limits, steps_of, steps_of_stamps

COLUMNS = ()
"""Columns of the table of points that it needs besides those that are always known."""

MOST_POINTS = 100_000
"""Placemarks that Google Earth still moves."""

ICON = "http://maps.google.com/mapfiles/kml/shapes/shaded_dot.png"


def write_kml(
    points: Points,
    path: Path,
    limits: Limits | None = None,
    opacity: float = 0.4,
    thinning: float = 1,
) -> None:
    """Write a placemark per PS that has a velocity.

    Parameters
    ----------
    points : Points
        Velocities and positions.
    path : Path
        The file; replaced atomically.
    limits : (float, float), optional
        Ends of the colours [mm/yr]; by default see :func:`.colours.steps_of`.
    opacity : float
        From 0 to 1.
    thinning : float
        One PS of so many is written, a random choice that is always the same.

    Raises
    ------
    ConfigError
        Limits, opacity or thinning are none.
    DatasetError
        More than ``MOST_POINTS`` are left, or none.
    PublishError
        The file cannot be written.

    Notes
    -----
    StaMPS ``ps_gescatter``, whose colours are taken with ``compat.exports: reference``.
    """
    if not 0 < opacity <= 1:
        raise ConfigError(f"opacity {opacity:g}: must be above 0 and at most 1")
    if not 1 <= thinning < math.inf:
        raise ConfigError(f"thinning {thinning:g}: must be 1 or more")
    velocity = points.velocities.velocity
    reference = points.found.ctx.config.compat.exports == "reference"
    scale = (steps_of_stamps if reference else steps_of)(velocity, limits)
    chosen = _chosen(points, thinning)
    size = 0.2 if reference and limits is None else 0.4
    with product_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(_head(points, path.stem))
        file.writelines(_styles(scale, np.unique(scale.of(velocity[chosen])), opacity, size))
        file.writelines(_placemarks(points, chosen, scale))
        file.write("</Document></kml>\n")


def _chosen(points: Points, thinning: float) -> IntArray:
    """Return the rows of the points that are written."""
    lonlat, velocity = points.velocities.lonlat, points.velocities.velocity
    known = np.flatnonzero(np.isfinite(velocity) & np.isfinite(lonlat).all(axis=1))
    kept = math.ceil(len(known) / thinning)
    if not kept:
        raise DatasetError(f"{points.found.root}: no PS has a velocity; nothing can be drawn")
    if kept > MOST_POINTS:
        raise DatasetError(
            f"{kept:,} points are too many for kml, which takes {MOST_POINTS:,}: export kmz draws "
            f"them all; --thinning {math.ceil(len(known) / MOST_POINTS)} leaves few enough"
        )
    if thinning == 1:
        return known
    return np.sort(np.random.default_rng(0).choice(known, kept, replace=False))


def _head(points: Points, name: str) -> str:
    velocities = points.velocities
    meaning = (
        f"Line-of-sight velocity ({velocities.value_type}) in mm/yr, positive towards the "
        f"satellite, relative to {velocities.reference_text}"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n'
        f"<name>{escape(name)}</name>\n<description>{escape(meaning)}</description>\n"
        "<styleUrl>#points</styleUrl>\n"
        '<Style id="points"><ListStyle><listItemType>checkHideChildren</listItemType></ListStyle>'
        "</Style>\n"
    )


def _styles(scale: ColourSteps, used: IntArray, opacity: float, size: float) -> Iterator[str]:
    """Yield a style for each colour that is used."""
    alpha = math.floor(255 * opacity)
    for number in used:
        red, green, blue = scale.bytes[number]
        yield (
            f'<Style id="c{number}"><IconStyle>'
            f"<color>{alpha:02X}{blue:02X}{green:02X}{red:02X}</color><scale>{size}</scale>"
            f"<Icon><href>{ICON}</href></Icon></IconStyle></Style>\n"
        )


def _placemarks(points: Points, chosen: IntArray, scale: ColourSteps) -> Iterator[str]:
    velocity: FloatArray = points.velocities.velocity[chosen]
    lon_lat = (points.known[name][chosen].tolist() for name in ("longitude", "latitude"))
    for number, lon, lat, value, colour in zip(
        chosen + 1, *lon_lat, velocity.tolist(), scale.of(velocity), strict=True
    ):
        yield (
            f"<Placemark><description>PS {number}: {value:.1f} mm/yr</description>"
            f"<styleUrl>#c{colour}</styleUrl><Point><coordinates>{lon:.6f},{lat:.6f},{value:.2f}"
            "</coordinates></Point></Placemark>\n"
        )
