"""A raster of velocities for GIS: one GeoTIFF, whose bands say what they are."""

from pathlib import Path

import numpy as np

from ..products.files import product_file
from ..products.point_facts import CRS
from ..products.points import Points
from .raster import Grid

COLUMNS = ("height", "coherence", "velocity_deviation")
"""Columns of the table of points that it needs."""


def write_geotiff(points: Points, path: Path, resolution: float | None = None) -> None:
    """Write a band each of velocity, its deviation, coherence, height and number of PS.

    Parameters
    ----------
    points : Points
        With ``COLUMNS``. A cell holds the mean of its PS, NaN without one.
    path : Path
        The file; replaced atomically.
    resolution : float, optional
        Side of a cell [deg]; by default see :meth:`.raster.Grid.around`.

    Raises
    ------
    ConfigError
        The resolution is none.
    PublishError
        The file cannot be written.
    """
    import rasterio

    velocities = points.velocities
    grid = Grid.around(velocities.lonlat, resolution)
    cells = grid.cells_of(velocities.lonlat)
    deviation = np.concatenate([block.values["velocity_deviation"] for block in points.blocks()])
    bands = (
        ("velocity", "mm/yr", velocities.velocity),
        ("velocity_deviation", "mm/yr", deviation),
        ("coherence", "", points.known["coherence"]),
        ("height", "m", points.known["height"]),
    )
    profile = {
        "driver": "GTiff", "height": grid.shape[0], "width": grid.shape[1],
        "count": len(bands) + 1, "dtype": "float32", "nodata": np.nan, "crs": CRS,
        "transform": rasterio.Affine(grid.step, 0, grid.west, 0, -grid.step, grid.north),
        "tiled": True, "compress": "deflate", "predictor": 3, "interleave": "band",
        "bigtiff": "if_safer",
    }  # fmt: skip
    with product_file(path) as temporary, rasterio.open(temporary, "w", **profile) as file:
        file.update_tags(
            sign="positive: towards the satellite",
            reference=f"relative to {velocities.reference_text}",
            value_type=velocities.value_type,
            first_date=str(velocities.dates[0]),
            last_date=str(velocities.dates[-1]),
        )
        for number, (name, unit, values) in enumerate(bands, 1):
            file.write(grid.means(values, cells), number)
            file.set_band_description(number, name)
            file.set_band_unit(number, unit)
        file.write(grid.counts(cells).astype(np.float32), len(bands) + 1)
        file.set_band_description(len(bands) + 1, "points")
