"""The table of points as text: velocities and displacement series, one line per PS."""

import os
from collections.abc import Iterator
from pathlib import Path

from ...pipeline.documents import json_text
from .files import product_files
from .fixed_point import table_text
from .point_facts import facts_of
from .points import Points, read_points
from .result import USUAL_TYPE

SHOWN = ("id", "longitude", "latitude", "height", "coherence", "velocity", "velocity_deviation")
"""Columns of the table that a run leaves, without those of the dates."""

SIDE_FILES = (".csvt", ".prj", ".json")
"""What lies beside the table: types for GDAL and QGIS, the reference system, the meaning."""

_OF_GDAL = {"id": "Integer", "longitude": "CoordX", "latitude": "CoordY"}
"""Column -> its type for GDAL where that is not Real."""

_WGS84 = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]\n'
)


def velocity_csv(
    root: str | os.PathLike[str], path: str | os.PathLike[str], value_type: str = USUAL_TYPE
) -> Path:
    """Write number, position, height, coherence, velocity and displacements of every PS.

    Columns: those of ``SHOWN``, and one displacement [mm] per image that is used and for the
    master, whose displacement is 0; positive is towards the satellite; see :func:`write_csv`.

    Parameters
    ----------
    root : path
        Dataset processed through stage 8.
    path : path
        The file to write; it and its side files are replaced when all are whole.
    value_type : str
        How the phase is corrected where no ``mean_v.mat`` says it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DatasetError, MatError, StageError
        An artifact of stages 5 to 8 is missing or does not fit the others.
    PublishError
        The file cannot be written.

    Notes
    -----
    The phase is corrected as for the velocities and referenced, and the master's own phase is
    taken off (StaMPS ``ps_plot`` with ``ts``; docs/science/velocity.md, Time series). Memory does
    not grow with the number of interferograms times PS: the phase is read in blocks of rows.
    """
    return write_csv(read_points(root, columns=SHOWN, usual=value_type), Path(path))


def write_csv(points: Points, path: Path) -> Path:
    """Write a table of points that spreadsheets, pandas, GDAL and QGIS read as it is.

    A line of names, then a line per PS; a value that does not exist is left empty. What the numbers
    mean and refer to is in the ``.json`` beside it; the ``.csvt`` and the ``.prj`` tell GDAL and
    QGIS types and reference system.

    Parameters
    ----------
    points : Points
        The table.
    path : Path
        The file to write; it and its side files are replaced when all are whole.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    PublishError
        It cannot be written.
    """
    columns = [*points.columns, *points.date_columns()]
    types = ",".join(_OF_GDAL.get(column.name, "Real") for column in columns)
    texts = (types + "\n", _WGS84, json_text(facts_of(points, columns)))
    with product_files(path) as staged:
        for suffix, text in zip(SIDE_FILES, texts, strict=True):
            staged.with_suffix(suffix).write_text(text, encoding="utf-8")
        with staged.open("wb") as file:
            file.write((",".join(column.name for column in columns) + "\n").encode())
            file.writelines(_lines(points))
    return path


def _lines(points: Points) -> Iterator[bytes]:
    """Yield the rows of the table in pieces."""
    decimals = [column.decimals for column in points.columns]
    for block in points.blocks():
        yield table_text(
            [
                *((values[:, None], digits)
                  for values, digits in zip(block.values.values(), decimals, strict=True)),
                (block.displacement, 2),
            ]
        )  # fmt: skip
