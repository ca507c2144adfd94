"""What is seen on the map as a file: the exports of the table of points, of some of its rows."""

import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConfigError, DatasetError
from ..export import format_of
from ..export.geopackage import COLUMNS as OF_GEOPACKAGE
from ..export.geopackage import write_geopackage
from ..export.write import require_modules
from ..products.chosen import only, relative_to
from ..products.point_facts import facts_of
from ..products.points import Points
from ..products.velocity_csv import write_csv
from .places import Box
from .results import Area, Results
from .seen import Filters, seen_of

MOST_POINTS = 250_000
"""Of a download; ``export`` writes whole datasets."""

FORMATS: dict[str, tuple[Callable[[Points, Path], Any], tuple[str, ...] | None]] = {
    "gpkg": (write_geopackage, OF_GEOPACKAGE),
    "csv": (write_csv, None),
}
"""Suffix -> what writes it, and the columns that it takes; None: all."""

_one_by_one = threading.Lock()


def points_seen(results: Results, box: Box, filters: Filters, area: Area | None) -> Points:
    """Return the table of the points that have a velocity, lie in a box and pass the filters.

    Raises
    ------
    NotYet
        What it is made of is being computed.
    DatasetError
        There are none, or too many; no PS lies in the reference area.
    """
    layer, points, places = results.layer("velocity"), results.table(), results.places()
    seen = seen_of(results, layer, box, filters, None)
    inside = (seen.longitude >= box.west) & (seen.longitude <= box.east)
    inside &= (seen.latitude >= box.south) & (seen.latitude <= box.north)
    inside &= np.isfinite(seen.values)
    rows = np.sort(places.order[seen.chosen][inside].astype(np.int64))
    if not len(rows):
        raise DatasetError("no point is seen: there is nothing to download")
    if len(rows) > MOST_POINTS:
        raise DatasetError(
            f"{len(rows):,} points are seen, a download has at most {MOST_POINTS:,}: zoom in, or "
            f"pystamps-hpc export gpkg --dataset {results.root} writes all of them"
        )
    if area is not None:
        there = np.sort(places.order[area.sorted_points(places)].astype(np.int64))
        points = relative_to(points, there)
    return only(points, rows)


def write_seen(points: Points, form: str, name: str) -> Path:
    """Write a table into a folder of its own, which the caller removes; return the file.

    Raises
    ------
    ConfigError
        There is no such format.
    ToolMissingError
        A library is missing.
    PublishError
        There is no room.
    """
    if form not in FORMATS:
        raise ConfigError(f"format {form}: must be one of {', '.join(FORMATS)}")
    require_modules(format_of(form))
    write, columns = FORMATS[form]
    if columns is not None:
        kept = tuple(column for column in points.columns if column.name in columns)
        points = replace(points, columns=kept)
    folder = Path(tempfile.mkdtemp(prefix="pystamps-hpc-"))
    try:
        with _one_by_one:
            write(points, folder / f"{name}.{form}")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder / f"{name}.{form}"


def meaning_of(points: Points) -> dict[str, Any]:
    """Return units, signs, reference and how the numbers of a download were made."""
    return facts_of(points, [*points.columns, *points.date_columns()])
