"""GeoParquet: the table of points in columns, compressed, with its facts as key and value."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...pipeline.documents import json_ready
from ...stages.shared.projection import within_half_turn
from ..products.files import product_file
from ..products.point_facts import CRS, facts_of
from ..products.points import Points
from .arrow import GEOMETRY, batches_of, schema_of
from .geopackage import DATE

ROWS = 1 << 16
"""Rows of a group."""

FACTS = "pystamps_hpc"
"""Key of the facts, a JSON document."""


def write_parquet(points: Points, path: Path) -> None:
    """Write a GeoParquet file, version 1.1.

    Parameters
    ----------
    points : Points
        The table; written in groups of rows.
    path : Path
        The file; replaced atomically.

    Raises
    ------
    PublishError
        It cannot be written.
    """
    from pyarrow import parquet

    columns = [*points.columns, *points.date_columns(DATE)]
    schema = schema_of(columns)
    schema = schema.with_metadata({
        "geo": _json(_geo(points)), FACTS: _json(facts_of(points, columns)),
    })  # fmt: skip
    with (
        product_file(path) as temporary,
        parquet.ParquetWriter(temporary, schema, compression="zstd") as file,
    ):
        for batch in batches_of(points, schema, n_rows=ROWS):
            file.write_batch(batch)


def _geo(points: Points) -> dict[str, Any]:
    """Return the metadata of the geometry that the specification of GeoParquet wants."""
    from pyproj import CRS as ReferenceSystem

    lonlat = points.velocities.lonlat
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "crs": ReferenceSystem(CRS).to_json_dict(),
    }
    if np.isfinite(lonlat).any():
        (west, south), (east, north) = np.nanmin(lonlat, axis=0), np.nanmax(lonlat, axis=0)
        west, east = within_half_turn(np.array([west, east]))  # west > east: over the date line
        column["bbox"] = [west, south, east, north]
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def _json(document: Any) -> str:
    return json.dumps(json_ready(document), allow_nan=False)
