"""Points as time series of stations: NetCDF after the CF conventions."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..products.files import product_file
from ..products.point_facts import facts_of
from ..products.points import ALL, Column, Points

COLUMNS = ALL
"""Columns of the table of points that it needs."""

CONVENTIONS = "CF-1.11"

PIECE = 1 << 13
"""Points in one piece of a variable on disk."""

_UNITS = {"": "1", "degrees": "degree", "mm/yr": "mm year-1", "mm/yr^2": "mm year-2"}
"""Units of the table -> as UDUNITS writes them."""

_OF_PLACE = {
    "id": {"cf_role": "timeseries_id"},
    "longitude": {"standard_name": "longitude", "units": "degrees_east", "axis": "X"},
    "latitude": {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"},
    "height": {"positive": "up", "axis": "Z"},
}
"""What the convention asks of the variables that say where a point is."""

_CRS = {
    "grid_mapping_name": "latitude_longitude",
    "semi_major_axis": 6378137.0,
    "inverse_flattening": 298.257223563,
    "longitude_of_prime_meridian": 0.0,
    "geographic_crs_name": "WGS 84",
    "reference_ellipsoid_name": "WGS 84",
    "prime_meridian_name": "Greenwich",
    "horizontal_datum_name": "World Geodetic System 1984",
}


def write_netcdf(points: Points, path: Path) -> None:
    """Write all that is known of the points.

    Dimensions ``point`` and ``time``; a variable for every column of the table, and
    ``displacement`` of both (``featureType`` ``timeSeries``).

    Parameters
    ----------
    points : Points
        With ``COLUMNS``; written in blocks of rows.
    path : Path
        The file; replaced atomically.

    Raises
    ------
    PublishError
        The file cannot be written.
    """
    import h5netcdf

    with product_file(path) as temporary, h5netcdf.File(temporary, "w") as file:
        file.dimensions = {"point": len(points), "time": len(points.dates)}
        file.attrs.update(_facts(points))
        file.create_variable("crs", (), np.int32).attrs.update(_CRS)
        _write_time(file, points)
        for column in points.columns:
            attributes = _attributes(column)
            _create(file, column.name, ("point",), (PIECE,), column.dtype, attributes)
        moved = {
            "units": "mm",
            "long_name": "displacement towards the satellite since the master date",
            "grid_mapping": "crs",
            "coordinates": "longitude latitude height",
        }
        pieces = (PIECE, 1)
        _create(file, "displacement", ("point", "time"), pieces, "float32", moved)
        for block in points.blocks(PIECE):
            for name, values in block.values.items():
                file[name][block.rows] = values
            file["displacement"][block.rows] = block.displacement


def _facts(points: Points) -> dict[str, Any]:
    """Return what holds for the whole file; what is not a number or a text is JSON."""
    facts = facts_of(points, points.columns)
    left_out = ("schema", "columns", "points", "images")
    return {
        "Conventions": CONVENTIONS,
        "featureType": "timeSeries",
        "history": f"written by {facts['made_by']} export netcdf",
        **{
            name: value if isinstance(value, str | int | float) else json.dumps(value)
            for name, value in facts.items()
            if name not in left_out
        },
    }


def _write_time(file: Any, points: Points) -> None:
    epoch = np.datetime64("1970-01-01")
    days = (np.array(points.dates, "datetime64[D]") - epoch).astype(np.int32)
    time = file.create_variable("time", ("time",), np.int32, data=days)
    time.attrs.update(
        {
            "standard_name": "time",
            "long_name": "acquisition",
            "units": "days since 1970-01-01",
            "units_metadata": "leap_seconds: none",
            "calendar": "standard",
            "axis": "T",
        }
    )


def _attributes(column: Column) -> dict[str, Any]:
    known: dict[str, Any] = {"long_name": column.meaning}
    if column.name != "id":
        known["units"] = _UNITS.get(column.unit, column.unit)
    if column.name not in _OF_PLACE:
        known |= {"grid_mapping": "crs", "coordinates": "longitude latitude height"}
    return known | _OF_PLACE.get(column.name, {})


def _create(
    file: Any,
    name: str,
    dimensions: tuple[str, ...],
    pieces: tuple[int, ...],
    dtype: str,
    attributes: dict[str, Any],
) -> None:
    sizes = [file.dimensions[dimension].size for dimension in dimensions]
    variable = file.create_variable(
        name,
        dimensions,
        dtype,
        chunks=tuple(min(pair) for pair in zip(pieces, sizes, strict=True)),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fillvalue=np.nan if dtype.startswith("float") else None,
    )
    variable.attrs.update(attributes)
