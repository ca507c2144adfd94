"""The table of points as Arrow batches, with geometry, which the libraries of GIS take."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...dataset.publish import write_error
from ...dataset.rows import AnyArray, FloatArray
from ...errors import PublishError
from ..products.point_facts import CRS
from ..products.points import Block, Column, Points

GEOMETRY = "geometry"

_POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("lonlat", "<f8", 2)])
"""A point in WKB, little-endian."""


def schema_of(columns: Sequence[Column], types: Sequence[Any] | None = None) -> Any:
    """Return the Arrow schema of geometry and columns, with their units and meanings.

    Parameters
    ----------
    columns : sequence of Column
        Columns behind the geometry.
    types : sequence of pyarrow.DataType, optional
        Their types; by default those that they declare.
    """
    import pyarrow as pa

    known = types or [pa.from_numpy_dtype(np.dtype(column.dtype)) for column in columns]
    told = [f"{column.meaning} [{column.unit}]" if column.unit else column.meaning
            for column in columns]  # fmt: skip
    return pa.schema(
        [
            pa.field(GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "ogc.wkb"}),
            *(
                pa.field(column.name, kind, metadata={
                    "unit": column.unit, "meaning": column.meaning, "GDAL:OGR:comment": text,
                })
                for column, kind, text in zip(columns, known, told, strict=True)
            ),
        ]
    )  # fmt: skip


def batches_of(
    points: Points,
    schema: Any,
    arrays_of: Callable[[Block], Sequence[Any]] = lambda block: block.arrays,
    n_rows: int = 1 << 13,
) -> Iterator[Any]:
    """Yield the rows of a table; NaN becomes null, as does a point without a position."""
    import pyarrow as pa

    for block in points.blocks(n_rows):
        columns = [
            pa.array(values, field.type, from_pandas=True)
            for values, field in zip(arrays_of(block), list(schema)[1:], strict=True)
        ]
        place = (points.known[name][block.rows] for name in ("longitude", "latitude"))
        geometry = _geometry(np.column_stack(tuple(place)))
        yield pa.record_batch([geometry, *columns], schema=schema)


def _geometry(lonlat: FloatArray) -> Any:
    import pyarrow as pa

    texts = np.empty(len(lonlat), _POINT)
    texts["order"], texts["kind"], texts["lonlat"] = 1, 1, lonlat
    wkb: AnyArray = texts.view(f"V{_POINT.itemsize}")
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(_POINT.itemsize), len(wkb), [None, pa.py_buffer(wkb.tobytes())]
    )
    here = pa.array(np.isfinite(lonlat).all(axis=1))
    return pa.compute.if_else(here, fixed, None).cast(pa.binary())


def write_with_gdal(
    batches: Iterator[Any], schema: Any, path: Path, driver: str, told: str, **options: Any
) -> None:
    """Write batches with a driver of GDAL.

    Parameters
    ----------
    batches : iterator of pyarrow.RecordBatch
        Rows.
    schema : pyarrow.Schema
        Of all of them.
    path : Path
        File to write.
    driver : str
        GDAL's name of the format.
    told : str
        What errors call the file.
    **options
        Of :func:`pyogrio.write_arrow`.

    Raises
    ------
    PublishError
        GDAL cannot write it. What reading the rows raised comes through as it is.
    """
    import pyarrow as pa
    import pyogrio

    failures: list[Exception] = []

    def watched() -> Iterator[Any]:
        # a library in between would turn an error of ours into one of its own
        try:
            yield from batches
        except Exception as error:
            failures.append(error)
            raise

    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, watched()),
            path,
            driver=driver,
            geometry_name=GEOMETRY,
            geometry_type="Point",
            crs=CRS,
            **options,
        )
    except OSError as error:
        raise write_error(Path(told), error) from error
    except Exception as error:
        if failures:
            raise failures[0] from None
        if isinstance(error, RuntimeError | ValueError):
            raise PublishError(
                f"cannot publish {told}: {error}; check space and file system"
            ) from error
        raise
