"""GeoPackage: one layer of points, its columns described, what they mean in its metadata.

InSAR Explorer and PS Time Series Viewer know dates by names as ``D20160911``, and the former the
velocity by its name.
"""

import json
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from ...pipeline.documents import json_ready
from ..products.files import product_files
from ..products.point_facts import facts_of
from ..products.points import ALL, Points
from .arrow import batches_of, schema_of, write_with_gdal

COLUMNS = tuple(name for name in ALL if name not in ("longitude", "latitude"))
"""Columns of the table of points; the position is the geometry."""

DATE = "D%Y%m%d"
"""Names of the columns of dates."""

LAYER = "points"
"""Name of the layer; that of the file may be one that GeoPackage keeps for itself."""

VERSION = "1.3"
"""Of the format; programs of some years ago know no later one."""

MOST_COLUMNS = 2000
"""Columns that SQLite takes, with number and geometry of a row."""


def write_geopackage(points: Points, path: Path) -> None:
    """Write a GeoPackage.

    Parameters
    ----------
    points : Points
        The table; written in blocks of rows.
    path : Path
        The file; replaced atomically.

    Raises
    ------
    DatasetError
        More dates than the format takes.
    PublishError
        It cannot be written.
    """
    columns = [*points.columns, *points.date_columns(DATE)]
    if len(columns) + 2 > MOST_COLUMNS:
        raise DatasetError(
            f"{path}: {len(points.dates)} dates, a GeoPackage takes {MOST_COLUMNS} columns; "
            "export parquet takes any number"
        )
    facts = facts_of(points, columns)
    schema = schema_of(columns)
    with product_files(path) as staged:
        write_with_gdal(
            batches_of(points, schema),
            schema,
            staged,
            "GPKG",
            str(path),
            layer=LAYER,
            dataset_options={"VERSION": VERSION},
            layer_metadata=metadata_of(facts),
            layer_options={"IDENTIFIER": facts["title"], "DESCRIPTION": described(facts)},
        )


def described(facts: dict[str, Any]) -> str:
    """Say in a line what the columns show and what they are relative to."""
    return (
        f"{facts['title']} ({facts['value_type']}), {facts['sign']}; {facts['reference']}; "
        f"{facts['corrections']}"
    )


def metadata_of(facts: dict[str, Any]) -> dict[str, str]:
    """Return facts as texts; what is none is JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(json_ready(value))
        for name, value in facts.items()
    }
