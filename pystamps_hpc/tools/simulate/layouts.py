"""Where the rasters of a stack lie, and the text files beside them; one function per processor."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...dataset.raster_headers import isce_header_text
from ...dataset.rows import IntArray
from ...dataset.slc_stack.raster import Order, Raster, Sample
from .geometry import Acquisitions, Scene
from .snap import names_of, write_texts


@dataclass(frozen=True)
class StackFiles:
    """The rasters of a stack.

    Attributes
    ----------
    dataset : Path
        What ``prep`` is called with.
    slcs, ifgs : list of Raster
        One per image, one per pair.
    lonlat : (Raster, Raster)
        Longitude and latitude [deg].
    height : Raster
        Height [m].
    incidence : Raster or None
        Incidence angle [deg].
    """

    dataset: Path
    slcs: list[Raster]
    ifgs: list[Raster]
    lonlat: tuple[Raster, Raster]
    height: Raster
    incidence: Raster | None = None


def snap(root: Path, scene: Scene, images: Acquisitions, pairs: IntArray) -> StackFiles:
    """Lay out an export of SNAP: big-endian, complex of singles."""
    return _snap(root, scene, images, pairs, "fcomplex")


def gamma(root: Path, scene: Scene, images: Acquisitions, pairs: IntArray) -> StackFiles:
    """Lay out a stack of GAMMA: as SNAP's, but images are complex of 16-bit integers."""
    return _snap(root, scene, images, pairs, "scomplex")


def _snap(
    root: Path, scene: Scene, images: Acquisitions, pairs: IntArray, sample: Sample
) -> StackFiles:
    write_texts(root, scene, images, pairs, sample.upper())
    raster = _rasters(root, scene, "big")
    names = names_of(scene, images, pairs)
    slcs = [raster(f"rslc/{date}.rslc", sample) for date in images.dates]
    if scene.options.small_baseline:
        for k, name in names.slcs:
            _link(root / name, slcs[k].path)
    place = f"geo/{images.dates[images.master]}"
    return StackFiles(
        root,
        slcs,
        [raster(f"{name}.diff", "fcomplex") for name in names.ifgs],
        (raster(f"{place}.lon", "float"), raster(f"{place}.lat", "float")),
        raster("geo/elevation_dem.rdc", "float"),
    )


def isce(root: Path, scene: Scene, images: Acquisitions, pairs: IntArray) -> StackFiles:
    """Lay out what ISCE's preparation for StaMPS leaves: little-endian, complex of singles."""
    dates = images.dates
    raster = _rasters(root, scene, "little")
    names = [f"{date}/secondary.slc" for date in dates]
    names[images.master] = "reference/reference.slc"
    slcs = [raster(name, "fcomplex") for name in names]
    for slc, date, bperp in zip(slcs, dates, images.bperp, strict=True):
        slc.path.with_name("baseline").write_text(f"{date} {bperp:.4f} \n")
    dataset, folders = root, [dates[k] for _, k in pairs.tolist()]
    if scene.options.small_baseline:
        dataset = root / "SMALL_BASELINES"
        folders = [f"{dataset.name}/{dates[i]}_{dates[k]}" for i, k in pairs.tolist()]
        for pair, folder in zip(pairs.tolist(), folders, strict=True):
            for k, name in zip(pair, ("reference.slc", "secondary.slc"), strict=True):
                _link(root / folder / name, slcs[k].path)
    for name, text in (
        ("width.txt", f"{scene.width}"),
        ("len.txt", f"{scene.length}"),
        ("lambda.1.in", f"{scene.wavelength!r}\n"),
        ("heading.1.in", f"{scene.options.heading!r}\n"),
        ("reference_day.1.in", f"{dates[images.master]}\n"),
        ("inc_angle.raw.xml", isce_header_text(scene.width, scene.length, "f4")),
    ):
        (root / name).write_text(text)
    return StackFiles(
        dataset,
        slcs,
        [raster(f"{folder}/isce_minrefdem.int", "fcomplex") for folder in folders],
        (raster("lon.raw", "float"), raster("lat.raw", "float")),
        raster("dem.raw", "float"),
        raster("inc_angle.raw", "float"),
    )


LAYOUTS = {"snap": snap, "gamma": gamma, "isce": isce}
"""Name of a processor -> what lays out its stack."""


def _rasters(root: Path, scene: Scene, order: Order) -> Callable[[str, Sample], Raster]:
    """Return what names a raster and makes its folder."""

    def raster(name: str, sample: Sample) -> Raster:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return Raster(path, scene.width, scene.length, sample, order)

    return raster


def _link(path: Path, image: Path) -> None:
    """Name an image a second time, as a relative link."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(image, path.parent))
