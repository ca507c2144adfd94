"""Shapefile: names of ten letters, what they mean in the ``.json`` beside it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DatasetError
from ...pipeline.documents import json_text
from ..products.files import product_files
from ..products.point_facts import facts_of
from ..products.points import Block, Column, Points
from .arrow import batches_of, schema_of, write_with_gdal
from .geopackage import DATE

NAMES = {
    "id": "ID",
    "height": "HGT",
    "coherence": "COH",
    "velocity": "V",
    "velocity_deviation": "VSTD",
    "rmse": "RMSE",
    "dem_error": "DEM_ERR",
    "incidence": "INC",
    "look_east": "LOS_E",
    "look_north": "LOS_N",
    "look_up": "LOS_U",
    "acceleration": "ACC",
    "acceleration_deviation": "ACC_STD",
    "seasonal_amplitude": "SEAS",
    "seasonal_amplitude_deviation": "SEAS_STD",
}
"""Column of the table of points -> field."""

COLUMNS = tuple(NAMES)

VELOCITY = "VEL"
"""The velocity once more, under the name that InSAR Explorer looks for."""

MOST_FIELDS = 255
MOST_BYTES = 2**31 - 1
"""Fields and size of a ``.dbf`` that all programs read."""

DIGITS = 9
"""Digits of a number, those behind the point included."""


def write_shapefile(points: Points, path: Path) -> None:
    """Write a Shapefile: ``.shp``, ``.shx``, ``.dbf``, ``.prj``, ``.cpg`` and a ``.json``.

    Parameters
    ----------
    points : Points
        The table; written in blocks of rows.
    path : Path
        The ``.shp``; all files are replaced, each atomically.

    Raises
    ------
    DatasetError
        More fields or bytes than the format takes, or a number with more digits.
    PublishError
        It cannot be written.
    """
    import pyarrow as pa

    columns = _fields(points)
    _require_room(points, columns, path)
    types = [
        pa.int32() if column.name == "ID" else pa.decimal128(DIGITS, column.decimals)
        for column in columns
    ]
    schema = schema_of(columns, types)
    velocity = list(NAMES).index("velocity")

    def arrays(block: Block) -> list[Any]:
        values = block.arrays
        values.insert(velocity + 1, values[velocity])
        return [values[0], *(
            _decimal(each, kind, column.name, path)
            for each, kind, column in zip(values[1:], types[1:], columns[1:], strict=True)
        )]  # fmt: skip

    with product_files(path) as staged:
        write_with_gdal(
            batches_of(points, schema, arrays), schema, staged, "ESRI Shapefile", str(path),
            layer=path.stem, encoding="UTF-8",
        )  # fmt: skip
        text = json_text(facts_of(points, columns))
        staged.with_suffix(".json").write_text(text, encoding="utf-8")


def _fields(points: Points) -> list[Column]:
    """Return the columns under their names in the file, the velocity twice."""
    found = []
    for column in points.columns:
        found.append(replace(column, name=NAMES[column.name]))
        if column.name == "velocity":
            found.append(replace(column, name=VELOCITY))
    return [*found, *points.date_columns(DATE)]


def _require_room(points: Points, columns: list[Column], path: Path) -> None:
    better = "export gpkg or parquet takes them"
    if len(columns) > MOST_FIELDS:
        raise DatasetError(f"{path}: {len(columns)} fields, a .dbf takes {MOST_FIELDS}; {better}")
    # sign and point stand before and between the digits
    needed = len(points) * (1 + len(columns) * (DIGITS + 2))
    if needed > MOST_BYTES:
        raise DatasetError(
            f"{path}: {needed / 1e9:.1f} GB of fields, a .dbf takes {MOST_BYTES / 1e9:.1f} GB; "
            f"{better}"
        )


def _decimal(values: Any, kind: Any, name: str, path: Path) -> Any:
    """Return numbers with a fixed number of decimals, NaN as null."""
    import pyarrow as pa

    largest = 10.0 ** (DIGITS - kind.scale)
    if (np.abs(values) >= largest).any():
        raise DatasetError(
            f"{path}: a value of {name} has more than {DIGITS} digits; export gpkg takes it"
        )
    rounded = np.round(values.astype(np.float64), kind.scale)
    return pa.array(rounded, from_pandas=True).cast(kind, safe=False)
