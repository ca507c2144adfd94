"""Files of MintPy: time series, velocity, geometry and masks on a regular grid, in HDF5."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray
from ..network.picture import image_baselines
from ..products.files import product_folder
from ..products.points import Points
from ..products.sight import EARTH_RADIUS
from .raster import Grid

COLUMNS = ("height", "coherence", "velocity_deviation", "incidence", "look_east", "look_north",
           "dem_error")  # fmt: skip
"""Columns of the table of points that the files need."""


PIECE = 256
"""Side of the pieces in which a raster is stored [cells]."""

Attributes = dict[str, str]


def write_mintpy(points: Points, folder: Path, resolution: float | None = None) -> None:
    """Write what MintPy makes of a stack, from the points.

    ``timeseries.h5`` [m], ``velocity.h5`` [m/year] with its deviation, ``geometryGeo.h5`` (height,
    incidence, azimuth of the satellite), ``temporalCoherence.h5``, ``demErr.h5``,
    ``maskTempCoh.h5`` (cells with PS) and ``numPS.h5``, their number. A cell holds the mean of its
    PS, NaN without one.

    Parameters
    ----------
    points : Points
        With ``COLUMNS``.
    folder : Path
        Directory for the files.
    resolution : float, optional
        Side of a cell [deg]; by default see :meth:`.raster.Grid.around`.

    Raises
    ------
    ConfigError
        The resolution is none.
    PublishError
        A file cannot be written.

    Notes
    -----
    MintPy's documents, data structure and attributes. Signs are the same: positive is towards the
    satellite. One date is in memory at a time.
    """
    velocities, known = points.velocities, points.known
    grid = Grid.around(velocities.lonlat, resolution)
    cells = grid.cells_of(velocities.lonlat)
    count = grid.counts(cells)
    common = _attributes(points, grid, count)

    def means(values: FloatArray) -> FloatArray:
        return grid.means(values, cells)

    east, north = known["look_east"], known["look_north"]
    azimuth = np.degrees(np.arctan2(-east, north))
    layers: dict[tuple[str, str, str], dict[str, AnyArray]] = {
        ("velocity.h5", "velocity", "m/year"): {
            "velocity": means(velocities.velocity / 1000),
            "velocityStd": means(_deviation(points) / 1000),
        },
        ("geometryGeo.h5", "geometry", ""): {
            "height": means(known["height"]),
            "incidenceAngle": means(known["incidence"]),
            "azimuthAngle": means(azimuth),
        },
        ("temporalCoherence.h5", "temporalCoherence", "1"): {
            "temporalCoherence": means(known["coherence"])
        },
        ("demErr.h5", "dem", "m"): {"dem": means(known["dem_error"])},
        ("maskTempCoh.h5", "mask", "1"): {"mask": count > 0},
        ("numPS.h5", "mask", "1"): {"mask": count.astype(np.float32)},
    }
    with product_folder(folder) as new:
        _write_series(new / "timeseries.h5", points, means, common)
        for (name, kind, unit), rasters in layers.items():
            _write_layers(new / name, rasters, common | {"FILE_TYPE": kind, "UNIT": unit})


def _write_series(
    path: Path, points: Points, means: Callable[[FloatArray], FloatArray], common: Attributes
) -> None:
    """Write the displacements, a date at a time."""
    baselines = image_baselines(points.found.network)
    of_date = dict(zip(points.velocities.days, baselines, strict=True))
    shape = len(points.dates), int(common["LENGTH"]), int(common["WIDTH"])
    with _file(path, common | {"FILE_TYPE": "timeseries", "UNIT": "m"}) as file:
        file["date"] = np.array([f"{day:%Y%m%d}" for day in points.dates], "S8")
        file["bperp"] = np.array([of_date[day] for day in points.dates], np.float32)
        file.create_dataset("timeseries", shape, np.float32, **_packed(shape))
        for k in range(len(points.dates)):
            file["timeseries"][k] = means(points.displacement[:, k] / 1000)


def _write_layers(path: Path, layers: Mapping[str, AnyArray], attributes: Attributes) -> None:
    with _file(path, attributes) as file:
        for name, values in layers.items():
            file.create_dataset(name, data=values, **_packed(values.shape))


@contextmanager
def _file(path: Path, attributes: Attributes) -> Iterator[Any]:
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        yield file


def _packed(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return how a raster is stored: in square pieces, packed."""
    sides = (min(PIECE, side) for side in shape[-2:])
    return {"chunks": (*(1,) * (len(shape) - 2), *sides), "compression": "lzf"}


def _deviation(points: Points) -> FloatArray:
    return np.concatenate([block.values["velocity_deviation"] for block in points.blocks()])


def _attributes(points: Points, grid: Grid, count: IntArray) -> Attributes:
    """Return what MintPy asks of every file, all as text."""
    velocities, found = points.velocities, points.found
    length, width = grid.shape
    attributes = {
        "LENGTH": length,
        "WIDTH": width,
        "X_FIRST": grid.west,
        "Y_FIRST": grid.north,
        "X_STEP": grid.step,
        "Y_STEP": -grid.step,
        "X_UNIT": "degrees",
        "Y_UNIT": "degrees",
        "EPSG": 4326,
        "WAVELENGTH": velocities.wavelength,
        "ANTENNA_SIDE": -1,  # to the right
        "EARTH_RADIUS": EARTH_RADIUS,
        "PLATFORM": found.parameters.value("platform") or "unknown",
        "PROCESSOR": "pystamps-hpc",
        "DATA_TYPE": "float32",
        "NO_DATA_VALUE": "nan",
        "START_DATE": f"{points.dates[0]:%Y%m%d}",
        "END_DATE": f"{points.dates[-1]:%Y%m%d}",
        "REF_DATE": f"{velocities.master:%Y%m%d}",
        **_reference(points, grid, count),
    }
    if np.isfinite(velocities.heading):
        northward = np.cos(np.radians(velocities.heading)) > 0
        attributes["HEADING"] = velocities.heading
        attributes["ORBIT_DIRECTION"] = "ASCENDING" if northward else "DESCENDING"
    return {name: str(value) for name, value in attributes.items()}


def _reference(points: Points, grid: Grid, count: IntArray) -> dict[str, Any]:
    """Return the cell with PS that is nearest to the centre of the reference area.

    MintPy knows a single cell as reference; what the values are relative to is an area, so that
    this cell need not be zero.
    """
    if points.velocities.reference is None:
        return {}
    centre = points.velocities.reference_centre
    filled = np.argwhere(count > 0)
    middle = np.array([grid.north, grid.west]) + (filled + 0.5) * [-grid.step, grid.step]
    nearest = int(np.argmin(((middle - centre[::-1]) ** 2).sum(axis=1)))
    row, column = filled[nearest].tolist()
    latitude, longitude = middle[nearest].tolist()
    return {"REF_Y": row, "REF_X": column, "REF_LAT": latitude, "REF_LON": longitude}
