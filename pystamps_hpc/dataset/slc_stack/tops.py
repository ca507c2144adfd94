"""Stacks of ISCE's ``topsStack``: the directory ``merged`` that its workflow ``slc`` leaves.

What ``make_single_reference_stack_isce`` and its helpers would make of ``merged`` is written beside
it; interferograms are formed while candidates are extracted. Nothing in ``merged`` is changed.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ..candidates.isce import read_raster
from ..candidates.text import number_of, plausible_wavelength
from ..problems import Problems, refuse
from ..raster_headers import Header, headers_of, isce_header_text, isce_properties
from ..rows import FloatArray
from ..text import read_text
from . import virtual
from .listing import require_master
from .model import SlcStack
from .raster import Raster, Sample, require_sizes
from .virtual import Formed, flat_or_virtual

MERGED = "merged"
IFG = "isce_minrefdem.int"
NAMES = (".slc.full", ".slc")
"""Ends of the names of an image: in full resolution, and where no looks were taken."""

LOOKED_AT = 64  # lines whose heading is averaged


def is_there(root: Path) -> bool:
    """Whether a directory holds such a stack."""
    return (root / MERGED / "SLC").is_dir()


def tops(root: Path, given: str | None) -> SlcStack:
    """Find the files of a stack that ``topsStack`` merged.

    Parameters
    ----------
    root : Path
        Directory with ``merged``, which may be a link.
    given : str or None
        Date of the master, any of the images; else the date in ``INSAR_yyyymmdd``, else the
        reference of the stack.

    Raises
    ------
    DatasetError
        Files are missing or contradict each other.
    """
    merged = root / MERGED
    images = _images(merged / "SLC")
    grids = _baselines(merged / "baselines", images)
    zero = [date for date, grid in grids.items() if not grid.any()]
    master = require_master(given, zero, root)
    if master not in images:
        dates = ", ".join(images)
        raise DatasetError(f"{merged / 'SLC'}: no image of the master {master}; its dates: {dates}")
    header = _header(images[master])
    width, length = header.width, header.length
    slcs = {date: flat_or_virtual(path, width, length, "fcomplex") for date, path in images.items()}
    others = [date for date in images if date != master]
    geometry = _geometry(merged / "geom_reference", width, length)
    relative = {date: grids[date] - grids[master] for date in others}
    made = {root / f"{name}.raw": source for name, source in geometry.items() if name != "azimuth"}

    def raster(name: str) -> Raster:
        return Raster(root / name, width, length, "float", "little")

    def interferogram(date: str) -> Raster:
        path = root / date / IFG
        pair = (slcs[master], slcs[date])
        return Formed(path, width, length, "fcomplex", "little", images=pair)

    texts = {
        **_texts(root, master, relative),
        "width.txt": f"{width}\n",
        "len.txt": f"{length}\n",
        "heading.1.in": f"{_heading(geometry['azimuth'], str(header.path)):.6f}\n",
        **{f"{path.name}.xml": isce_header_text(width, length, "f4") for path in made},
    }
    return SlcStack(
        processor="isce",
        root=root,
        small_baselines=False,
        master=master,
        width=width,
        length=length,
        size_from=str(header.path),
        slcs=tuple(slcs[date] for date in (master, *others)),
        dates=(master, *others),
        ifgs=tuple(map(interferogram, others)),
        lonlat=(raster("lon.raw"), raster("lat.raw")),
        heights=(raster("dem.raw"),),
        texts=texts,
        added=("master_day.1.in",),
        grids={f"baselineGRID_{date}": grid for date, grid in relative.items()},
        converted=made,
        sorted_patches=True,
        mask_calibrates=False,
    )


def _texts(root: Path, master: str, relative: Mapping[str, FloatArray]) -> dict[str, str]:
    """Return the text files that need no raster of the scene; baselines are to the master."""
    mean = {date: float(np.mean(grid, dtype=np.float64)) for date, grid in relative.items()}
    headers = {
        f"baselineGRID_{date}.xml": isce_header_text(grid.shape[1], grid.shape[0], "f4")
        for date, grid in relative.items()
    }
    return {
        "processor.txt": "isce\n",
        "day.1.in": "".join(f"{date}\n" for date in relative),
        "bperp.1.in": "".join(f"{mean[date]:.2f}\n" for date in relative),
        "reference_day.1.in": f"{master}\n",
        "master_day.1.in": f"{master}\n",
        "slc_osfactor.1.in": "1\n",
        "lambda.1.in": _wavelength(root),
        **headers,
    }


def _images(folder: Path) -> dict[str, Path]:
    """Return date -> image, of all directories that have a date for a name."""
    found = {}
    for place in sorted(folder.glob("[0-9]" * 8)):
        found[place.name] = _first([place / f"{place.name}{end}" for end in NAMES])
    if not found:
        raise DatasetError(f"{folder}: no yyyymmdd/yyyymmdd.slc.full there; run topsStack -W slc")
    return found


def _first(paths: list[Path]) -> Path:
    """Return the first that is there, else the first."""
    return next(filter(virtual.is_there, paths), paths[0])


def _header(image: Path) -> Header:
    """Return a header of an image, which tells the size of the scene."""
    found = next(headers_of(image), None)
    if found is None:
        raise DatasetError(
            f"{image}.xml: file not found, nor .vrt or .hdr; one of them tells the size of the "
            f"scene. Make it with gdal2isce_xml.py -i {image}"
        )
    return found


def _baselines(folder: Path, images: dict[str, Path]) -> dict[str, FloatArray]:
    """Read the grid of perpendicular baselines [m] of every image, to the stack's reference."""
    problems = Problems()
    grids = {}
    for date in images:
        grid = problems.tried(_grid, folder / date / date)
        if grid is not None:
            grids[date] = grid
    shapes = {grid.shape for grid in grids.values()}
    if len(shapes) > 1:
        told = ", ".join(f"{date} {grid.shape}" for date, grid in grids.items())
        problems.messages.append(f"{folder}: grids of different sizes ({told}); make them again")
    problems.require_none()
    return grids


def _grid(path: Path) -> FloatArray:
    if not path.exists():
        raise DatasetError(f"{path}: file not found; run topsStack's grid of baselines for it")
    grid = np.array(read_raster(path), np.float32)
    if not np.isfinite(grid).all():
        raise DatasetError(f"{path}: holds a baseline that is no number; make it again")
    return grid


def _geometry(folder: Path, width: int, length: int) -> dict[str, Raster]:
    """Return lon, lat, dem, incidence angle and azimuth of the line of sight, by StaMPS' names."""

    def raster(name: str, bands: int = 1, band: int = 0) -> Raster:
        path = _first([folder / f"{name}.rdr.full", folder / f"{name}.rdr"])
        sample: Sample = "float" if bands == 2 or _is_single(path) else "double"
        return flat_or_virtual(path, width, length, sample, bands, band)

    return {
        "lon": raster("lon"),
        "lat": raster("lat"),
        "dem": raster("hgt"),
        "inc_angle": raster("los", 2, 0),
        "azimuth": raster("los", 2, 1),
    }


def _is_single(path: Path) -> bool:
    """Whether the header says single precision; ISCE writes positions and heights in double."""
    found = next(headers_of(path), None)
    return found is not None and found.kind == "f4"


def _heading(azimuth: Raster, source: str) -> float:
    """Return the mean heading [deg] of lines spread over the scene; where it is 0 nothing is known.

    Raises
    ------
    DatasetError
        It is known nowhere; the raster is of another size, which `source` tells.
    """
    refuse(require_sizes([azimuth], source))
    step = max(azimuth.length // LOOKED_AT, 1)
    places = range(step // 2, azimuth.length, step)
    lines = [azimuth.read(slice(i, i + 1)).view(azimuth.numbers) for i in places]
    values = np.concatenate(lines).astype(np.float64)
    known = values[np.isfinite(values) & (values != 0)]
    if not len(known):
        raise DatasetError(f"{azimuth.path}: no line of sight in it; make the geometry again")
    return float(np.mean(-known - 270))


def _wavelength(root: Path) -> str:
    """Return the radar wavelength [m]: that in the root, else that of the stack's reference."""
    own = root / "lambda.1.in"
    if own.exists():
        plausible_wavelength(number_of(own), own)
        return read_text(own)
    above = (root / MERGED).resolve().parent
    for path in sorted([*above.glob("reference/IW*.xml"), *above.glob("master/IW*.xml")]):
        text = isce_properties(path).get("radarwavelength")
        if text is not None:
            try:
                return f"{plausible_wavelength(float(text), path):.10g}\n"
            except ValueError:
                raise DatasetError(f"{path}: radarwavelength is no number; correct it") from None
    raise DatasetError(
        f"{own}: file not found, nor reference/IW*.xml beside {MERGED}; write the radar wavelength "
        "[m] there (Sentinel-1: 0.05546576)"
    )
