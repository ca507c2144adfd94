"""Candidates made with ISCE, single master: day files as DORIS, rasters with XML headers."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ..parameters import Parameters
from ..rows import AnyArray, IntArray
from . import doris
from .doris import assemble, read_bperp, read_calibration, read_days
from .model import Candidates, Grid, GridGeometry
from .text import day_text, locate, locate_optional, number_of

TYPES = {
    "float": "f4", "cfloat": "c8", "double": "f8", "byte": "u1", "short": "i2",
}  # fmt: skip

_PROPERTY = re.compile(
    r'<property\s+name\s*=\s*"([^"]+)"\s*>.*?<value>\s*([^<]*?)\s*</value>', re.DOTALL
)
_COMPONENT = re.compile(r"<component\b.*?</component>", re.DOTALL)


def read(patch: Path, parameters: Parameters) -> Candidates:
    """Read the candidates of a patch; StaMPS ``ps_load_initial_isce``, specification B.4.

    Raises
    ------
    DatasetError
        Files are missing, contradict each other, or do not hold what they should.
    """
    above = (patch, patch.parent, patch.parent.parent)
    master, days = read_days(patch)
    calibration, uncalibrated = read_calibration(patch, days)
    width = int(number_of(locate("width.txt", patch, patch.parent)))
    length = int(number_of(locate("len.txt", patch, patch.parent)))
    incidence = locate_optional("inc_angle.raw", *above)
    look_angle = locate_optional("look_angle.raw", *above)
    return assemble(
        patch,
        "isce",
        master,
        days,
        GridGeometry(
            width=width,
            length=length,
            bperp=read_bperp(patch, len(days)),
            baselines=_baseline_grids(days, above[1:]),
            look_angle=_grid(look_angle) if look_angle and not incidence else None,
            incidence=_whole_scene(incidence, length, width) if incidence else None,
            calibration=calibration,
        ),
        uncalibrated,
    )


def sensor_values(root: Path, patches: Sequence[Path] = ()) -> dict[str, str | float]:
    """Read heading [deg] and wavelength [m].

    Raises
    ------
    DatasetError
        A file is missing or empty.
    """
    places = (root, *patches)
    return {
        "heading": number_of(locate("heading.1.in", *places)),
        "lambda": number_of(locate("lambda.1.in", *places)),
    }


def scene_files(patch: Path) -> Iterator[Path]:
    """Yield the files of the scene that :func:`read` may use."""
    yield from doris.scene_files(patch)
    for directory in (patch, patch.parent, patch.parent.parent):
        for pattern in ("inc_angle.raw*", "look_angle.raw*", "baselineGRID_*"):
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
    if not header.is_file():
        raise DatasetError(f"{header}: file not found; it describes {path.name}")
    text = header.read_text(encoding="utf-8", errors="replace")
    properties = {
        name.lower(): value
        for part in (text, _COMPONENT.sub("", text))  # those of the image count more
        for name, value in _PROPERTY.findall(part)
    }
    try:
        width, length = int(properties["width"]), int(properties["length"])
        bands = int(properties.get("number_bands", "1"))
        dtype = np.dtype(TYPES[properties["data_type"].lower()])
        scheme = properties.get("scheme", "BIL").upper()
    except (KeyError, ValueError) as error:
        raise DatasetError(f"{header}: property {error} is missing or unknown") from None
    expected = width * length * bands * dtype.itemsize
    if path.stat().st_size != expected:
        raise DatasetError(
            f"{path}: {path.stat().st_size:,} bytes, expected {expected:,} "
            f"({width} x {length} x {bands} bands x {dtype.itemsize}, from {header.name})"
        )
    values: AnyArray = np.memmap(path, dtype, "r")
    band: AnyArray
    if scheme == "BIP":
        band = values.reshape(length, width, bands)[:, :, 0]
    elif scheme == "BSQ":
        band = values.reshape(bands, length, width)[0]
    else:
        band = values.reshape(length, bands, width)[:, 0]
    return band


def _whole_scene(path: Path, length: int, width: int) -> AnyArray:
    raster = read_raster(path)
    if raster.shape != (length, width):
        raise DatasetError(
            f"{path}: {raster.shape[0]} lines x {raster.shape[1]} samples, expected {length} x "
            f"{width} (len.txt, width.txt)"
        )
    return raster


def _baseline_grids(days: IntArray, directories: tuple[Path, ...]) -> tuple[Grid, ...] | None:
    """Read ``baselineGRID_<yyyymmdd>`` of every image; None if there are none."""
    names = [f"baselineGRID_{day_text(day)}" for day in days]
    if not any(locate_optional(name, *directories) for name in names):
        return None
    return tuple(_grid(locate(name, *directories)) for name in names)


def _grid(path: Path) -> Grid:
    return Grid(read_raster(path))
