"""The table of velocities and displacement series, one line per PS, and what it means."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...pipeline.documents import json_text
from ...stages.shared.value_types import ValueType
from ...stages.shared.value_types import value_type as value_type_of
from ...stages.shared.velocity import PhaseSeries
from .artifacts import MergedArtifacts
from .deviation import deviation_of_residuals
from .files import in_blocks, product_file
from .fixed_point import table_text
from .origin import made_elsewhere
from .result import USUAL_TYPE, Velocities, fitted_columns, read_velocities, series_of
from .series import displacements, series_type

Column = tuple[str, str, str, str]
"""Name, type for GDAL, unit, meaning."""

COLUMNS: tuple[Column, ...] = (
    ("id", "Integer", "", "number of the point, row of ps2"),
    ("longitude", "CoordX", "degrees", "longitude, WGS 84"),
    ("latitude", "CoordY", "degrees", "latitude, WGS 84"),
    ("height", "Real", "m", "height of the DEM that the interferograms were made with"),
    ("coherence", "Real", "", "temporal coherence of the phase residual, coh_ps of pm2 or merge2"),
    ("velocity", "Real", "mm/yr", "line-of-sight velocity"),
    ("velocity_deviation", "Real", "mm/yr", "standard deviation of the velocity, from the "
     "residuals of the weighted straight line through the displacements"),
)  # fmt: skip

SIDE_FILES = (".csvt", ".prj", ".json")
"""What lies beside the table: types for GDAL and QGIS, the reference system, the meaning."""

_WGS84 = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]\n'
)


def velocity_csv(
    root: str | os.PathLike[str], path: str | os.PathLike[str], value_type: str = USUAL_TYPE
) -> Path:
    """Write number, position, height, coherence, velocity and displacements of every PS.

    A table that spreadsheets, pandas, GDAL and QGIS read as it is: a line of names, then a line per
    PS. Columns: those of ``COLUMNS``, and one displacement [mm] per image that is used and for the
    master, whose displacement is 0; positive is towards the satellite. A value that does
    not exist is left empty. What the numbers mean and refer to is in the ``.json`` beside it; the
    ``.csvt`` and the ``.prj`` tell GDAL and QGIS types and reference system.

    Parameters
    ----------
    root : path
        Dataset processed through stage 8.
    path : path
        The file to write; it and its side files are replaced, each atomically.
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
    found = MergedArtifacts(root)
    result = read_velocities(root, value_type)
    kind = value_type_of(series_type(result.value_type), found.small_baselines)
    series = series_of(found, kind.name, result.reference)
    assert series.ifgs.master is not None
    master = int(np.searchsorted(series.fitted, series.ifgs.master))
    dates = [str(result.days[k]) for k in np.insert(series.fitted, master, series.ifgs.master)]
    target = Path(path)
    with product_file(target) as temporary, temporary.open("wb") as file:
        file.write((",".join([*(column[0] for column in COLUMNS), *dates]) + "\n").encode())
        file.writelines(_lines(found, result, kind, series, master))
    types = ",".join([*(column[1] for column in COLUMNS), *["Real"] * len(dates)])
    texts = (types + "\n", _WGS84, json_text(_meaning(found, result, kind, dates)))
    for suffix, text in zip(SIDE_FILES, texts, strict=True):
        with product_file(target.with_suffix(suffix)) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return target


def _lines(
    found: MergedArtifacts, result: Velocities, kind: ValueType, series: PhaseSeries, master: int
) -> Iterator[bytes]:
    """Yield the rows of the table in pieces; the master's displacement is zero."""
    height = found.of_points("hgt2.hgt")
    coherence = found.of_points("merge2.coh_ps" if found.has("merge2") else "pm2.coh_ps")
    moved = displacements(kind.operations, series, result.wavelength, found.ctx)
    design, covariance = series.design, series.covariance
    for rows, displacement in in_blocks(moved):
        yield table_text(
            [
                (np.arange(rows.start + 1, rows.stop + 1)[:, None], 0),
                (result.lonlat[rows], 7),
                (height[rows, None], 1),
                (coherence[rows, None], 3),
                (result.velocity[rows, None], 3),
                (deviation_of_residuals(displacement, design, covariance)[:, None], 3),
                (np.insert(displacement, master, 0, axis=1), 2),
            ]
        )


def _meaning(
    found: MergedArtifacts, result: Velocities, kind: ValueType, dates: list[str]
) -> dict[str, Any]:
    """Say units, signs, corrections and reference of the table."""
    used = fitted_columns(found, of_pairs=found.small_baselines)
    columns = [
        {"name": name, "unit": unit, "meaning": meaning} for name, _, unit, meaning in COLUMNS
    ]
    return {
        "schema": "pystamps-hpc/velocity-table/1",
        "title": "Line-of-sight velocity and displacement of "
        f"{result.kind}",
        "points": len(result.velocity),
        "columns": [*columns, *({"name": date, "unit": "mm", "meaning": "displacement"}
                                for date in dates)],
        "sign": "positive: towards the satellite; negative: away from it",
        "reference": f"relative to {result.reference_text} and to the master date {result.master}",
        "master": str(result.master),
        "value_type": result.value_type,
        "displacement_type": kind.name,
        "corrections": f"{result.correction_text}; displacements also without the master's "
        "atmosphere and noise",
        "wavelength_m": result.wavelength,
        "crs": "EPSG:4326",
        "images": len(dates),
        "interferograms": len(used),
        "interferogram_numbers": (used + 1).tolist(),
        "made_elsewhere": made_elsewhere(found.root),
    }  # fmt: skip
