"""Candidates made with ISCE: day files as DORIS, rasters with XML headers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ..files import opened
from ..problems import Problems
from ..raster_headers import isce_header
from ..rows import AnyArray, IntArray
from . import doris
from .model import Grid, GridGeometry, Scene
from .text import day_text, locate, locate_optional

BYTE_ORDER = doris.BYTE_ORDER
_RASTERS = ("inc_angle.raw*", "look_angle.raw*", "baselineGRID_*")
SCENE_NAMES: tuple[str, ...] = (*doris.SCENE_NAMES, *_RASTERS)


def scene(patch: Path) -> Scene:
    """Read what patches with a single master share; StaMPS ``ps_load_initial_isce``.

    See docs/science/loading.md, Processors.

    Raises
    ------
    DatasetError
        Files are missing, contradict each other, or do not hold what they should.
    """
    return _scene(patch, doris.SINGLE_MASTER)


def scene_sb(patch: Path) -> Scene:
    """Read what patches with small baselines share, as :func:`scene`; ``sb_load_initial_isce``."""
    return _scene(patch, doris.SMALL_BASELINES)


def _scene(patch: Path, mode: doris.Mode) -> Scene:
    above = (patch, patch.parent, patch.parent.parent)
    found = Problems()
    incidence = locate_optional("inc_angle.raw", *above)
    look_angle = locate_optional("look_angle.raw", *above)
    raster = None if incidence is None else found.tried(read_raster, incidence)
    grid = found.tried(_grid, look_angle) if look_angle and not incidence else None
    known = incidence or look_angle
    joined = doris.assemble(
        patch,
        mode,
        found,
        lambda days: _baseline_grids(days, above[1:]),
        look_angle=grid,
        incidence=raster,
        warnings=() if known else (doris.without_angles("inc_angle.raw and look_angle.raw"),),
    )
    assert isinstance(joined.geometry, GridGeometry)
    if incidence is not None and raster is not None:
        _require_whole_scene(incidence, raster.shape, joined.geometry)
    return joined


def scene_files(patch: Path) -> Iterator[Path]:
    """Yield the files of the scene that :func:`read` may use."""
    yield from doris.scene_files(patch)
    for directory in (patch, patch.parent, patch.parent.parent):
        for pattern in _RASTERS:
            yield from sorted(directory.glob(pattern))


def read_raster(path: Path) -> AnyArray:
    """Map the first band of an ISCE raster into memory.

    Parameters
    ----------
    path : Path
        Raster; its header is ``<path>.xml``.

    Returns
    -------
    (length, width) array
        Rows are azimuth lines, columns range samples.

    Raises
    ------
    DatasetError
        Header without a property, unknown type, or a size that does not fit.
    """
    header = path.with_name(f"{path.name}.xml")
    if not header.exists():
        raise DatasetError(f"{header}: file not found; it describes {path.name}")
    found = isce_header(header)
    width, length, bands, dtype = found.width, found.length, found.bands, np.dtype(found.kind)
    expected = width * length * bands * dtype.itemsize
    if path.stat().st_size != expected:
        raise DatasetError(
            f"{path}: {path.stat().st_size:,} bytes, expected {expected:,} "
            f"({width} x {length} x {bands} bands x {dtype.itemsize}, from {header.name})"
        )
    with opened(path) as file:
        values: AnyArray = np.memmap(file, dtype, "r")
    band: AnyArray
    if found.scheme == "BIP":
        band = values.reshape(length, width, bands)[:, :, 0]
    elif found.scheme == "BSQ":
        band = values.reshape(bands, length, width)[0]
    else:
        band = values.reshape(length, bands, width)[:, 0]
    return band


def _require_whole_scene(path: Path, shape: tuple[int, ...], geometry: GridGeometry) -> None:
    if shape != (geometry.length, geometry.width):
        raise DatasetError(
            f"{path}: {shape[0]} lines x {shape[1]} samples, expected {geometry.length} x "
            f"{geometry.width} (len.txt, width.txt)"
        )


def _baseline_grids(days: IntArray, directories: tuple[Path, ...]) -> tuple[Grid, ...] | None:
    """Read ``baselineGRID_<yyyymmdd>`` of every image; None if there are none."""
    names = [f"baselineGRID_{day_text(day)}" for day in days]
    if not any(locate_optional(name, *directories) for name in names):
        return None
    return tuple(_grid(locate(name, *directories)) for name in names)


def _grid(path: Path) -> Grid:
    return Grid(read_raster(path))
