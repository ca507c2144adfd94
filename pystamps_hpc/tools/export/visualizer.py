"""The table that StaMPS-Visualizer loads: velocities and displacements below a line of dates."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...dataset.rows import FloatArray
from ..products.files import product_file
from ..products.fixed_point import table_text
from ..products.points import Points

COLUMNS = ()
"""Columns of the table of points that it needs besides those that are always known."""

DEGREES, MILLIMETRES = 7, 4
"""Decimals."""


def write_visualizer_csv(points: Points, path: Path) -> None:
    """Write the table of StaMPS-Visualizer.

    A line of names, ``export_res_1`` and so on. A line that gives longitude and latitude of the
    reference, NaN, and the date of each column (days since the year 0). Then a line per PS:
    longitude, latitude, velocity [mm/yr], and the displacement [mm] at every date but the master's.
    Points without a value are left out: what loads the table knows numbers only.

    Parameters
    ----------
    points : Points
        Type of a velocity of images.
    path : Path
        The file; replaced atomically.

    Raises
    ------
    PublishError
        It cannot be written.

    Notes
    -----
    With ``compat.exports: reference`` numbers have seven digits, no point is left out, and the
    place of the reference is that of ``ref_centre_lonlat``, as in the published steps from StaMPS'
    plotting to this table.
    """
    series, position = points.series, points.found.points["lonlat"]
    velocity = points.velocities.velocity
    days = series.ifgs.day[series.fitted] - 1
    reference = points.found.ctx.config.compat.exports == "reference"
    centre: Sequence[float] = points.velocities.reference_centre.round(DEGREES).tolist()
    if reference:
        centre = points.found.parameters.value("ref_centre_lonlat")
    names = ",".join(f"export_res_{k + 1}" for k in range(3 + len(days)))
    place = ",".join(map(str, centre)).replace("nan", "NaN")
    dates = ",".join(f"{day:.0f}" for day in days)
    write = _seven_digits if reference else _decimals
    with product_file(path) as temporary, temporary.open("wb") as file:
        file.write(f"{names}\n{place},NaN,{dates}\n".encode())
        for rows, moved in _without_master(points):
            file.write(write((position[rows], velocity[rows, None], moved)))


def _without_master(points: Points) -> Iterator[tuple[slice, FloatArray]]:
    """Yield the displacements of the dates that have one of their own."""
    master = points.dates.index(points.velocities.master)
    for block in points.blocks():
        yield block.rows, np.delete(block.displacement, master, axis=1)


_Columns = tuple[FloatArray, FloatArray, FloatArray]


def _decimals(columns: _Columns) -> bytes:
    known = np.logical_and.reduce([np.isfinite(each).all(axis=1) for each in columns])
    kept = (DEGREES, MILLIMETRES, MILLIMETRES)
    return table_text([(each[known], n) for each, n in zip(columns, kept, strict=True)])


def _seven_digits(columns: _Columns) -> bytes:
    """Write numbers of single precision, as StaMPS' plotting has them."""
    table = np.concatenate(columns, axis=1)
    line = ",".join(["%.7g"] * table.shape[1]) + "\n"
    return (line * len(table) % tuple(table.ravel().tolist())).replace("nan", "NaN").encode()
