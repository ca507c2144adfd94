"""Stacks made with DORIS; StaMPS ``mt_prep`` and ``mt_extract_info``.

``INSAR_yyyymmdd`` with ``master.res`` and a directory per image is a single-master dataset, its
``SMALL_BASELINES`` one of pairs.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ..candidates.text import dates_in, day_text
from ..problems import Problems, refuse
from ..text import lines_of, read_text, shown
from .listing import listed, pair_of, pair_problems
from .model import SlcStack
from .raster import Raster, Sample

IFG = "cint.minrefdem.raw"
GRID = "bperp_{date}.1.in"


def is_there(root: Path) -> bool:
    """Whether a directory looks like such a stack."""
    return any(root.glob(f"*/{IFG}"))


def doris(root: Path, master: str | None) -> SlcStack:
    """Find the files of a stack made with DORIS.

    Parameters
    ----------
    root : Path
        ``INSAR_yyyymmdd``, or its ``SMALL_BASELINES``.
    master : str or None
        Date that the master has to have.

    Raises
    ------
    DatasetError
        Files are missing or contradict each other.
    """
    small_baselines = any(root.glob(f"[0-9]*_[0-9]*/{IFG}"))
    top = root.parent if small_baselines else root
    crop = _crop(top)
    date = next(dates_in(crop.file.name), None)
    if date is None:
        raise DatasetError(f"{top / 'master.res'}: no date in the name of the image {crop.file}")
    found = day_text(date)
    if master not in (None, found):
        raise DatasetError(f"--master-date {master}: {top / 'master.res'} is of {found}")

    def raster(path: Path, sample: Sample) -> Raster:
        return Raster(path, crop.width, crop.length, sample, "little")

    ifgs = listed(root, f"*/{IFG}")
    converted = {}
    if small_baselines:
        slcs = listed(root, "*/*filtrg.slc")
        pairs = [pair_of(path.parent.name, path) for path in ifgs]
    else:
        master_image = crop.file
        if crop.short:
            master_image = crop.file.with_name(f"{crop.file.name}.cr4")
            converted[master_image] = raster(crop.file, "scomplex")
        slcs = [master_image, *listed(root, "*/slave_res.slc")]
        pairs = []
    dates = tuple(_date(path, found) for path in slcs)
    if small_baselines:
        refuse(list(pair_problems(slcs, dates, ifgs)))
    else:
        refuse([f"{path}: is of an image of which there is no slave_res.slc" for path in ifgs
                if path.parent not in {slc.parent for slc in slcs}])  # fmt: skip
    alone = sorted({slc.parent.name for slc in slcs[1:]} - {ifg.parent.name for ifg in ifgs})
    warnings = (f"in no interferogram, used for the choice of candidates only: {', '.join(alone)}",)
    texts = _texts(top, root, crop, found, pairs)
    return SlcStack(
        processor="doris",
        root=root,
        small_baselines=small_baselines,
        master=found,
        width=crop.width,
        length=crop.length,
        size_from="master.res",
        slcs=tuple(raster(path, "fcomplex") for path in slcs),
        dates=dates,
        ifgs=tuple(raster(path, "fcomplex") for path in ifgs),
        lonlat=(raster(_above(root, "lon.raw"), "float"), raster(_above(root, "lat.raw"), "float")),
        heights=tuple(
            raster(path, "float")
            for path in (root / "dem_radar_i.raw", top / "dem_radar_i.raw")
            if path.exists()
        )[:1],
        texts=texts,
        added=("processor.txt",),
        converted=converted,
        sorted_patches=True,
        warnings=warnings if alone and not small_baselines else (),
    )


def _above(root: Path, name: str) -> Path:
    return next((top / name for top in (root, root.parent) if (top / name).exists()), root / name)


def _date(path: Path, master: str) -> str:
    days = [next(dates_in(name), None) for name in (path.name, path.parent.name)]
    found = next((day for day in days if day is not None), None)
    return master if found is None else day_text(found)


class _Crop:
    """The master's image as ``master.res`` describes it."""

    def __init__(self, results: Path) -> None:
        lines = read_text(results).splitlines()
        self.oversampling = 1.0
        section = _section(lines, "oversample")
        if section:
            looks = float(_entry(section, "Multilookfactor_range_direction", results))
            if not looks > 0:
                raise DatasetError(f"{results}: Multilookfactor_range_direction {looks:g}")
            self.oversampling = 1 / looks
        section = section or _section(lines, "crop")
        if not section:
            raise DatasetError(f"{results}: no section crop; is the master cropped?")
        self.file = results.parent / Path(_entry(section, "Data_output_file", results)).name
        self.short = "short" in _entry(section, "Data_output_format", results).lower()
        sides = []
        for name in ("line", "pixel"):
            ends = [float(_entry(section, f"{end}_{name}", results)) for end in ("First", "Last")]
            side = ends[1] - ends[0] + 1
            if not (side.is_integer() and 1 <= side < 2**31):
                raise DatasetError(f"{results}: {name}s {ends[0]:g} to {ends[1]:g} are no image")
            sides.append(int(side))
        self.length, self.width = sides


def _crop(top: Path) -> _Crop:
    results = top / "master.res"
    if not results.exists():
        raise DatasetError(f"{results}: file not found; a DORIS stack has it")
    try:
        return _Crop(results)
    except ValueError as error:
        raise DatasetError(f"{results}: {shown(str(error), 120)}") from None


def _section(lines: list[str], name: str) -> list[str]:
    """Return the lines of a section of a result file; empty if there is none."""
    for start, line in enumerate(lines):
        if re.match(rf"\*_Start_{name}:", line):
            rest = lines[start + 1 :]
            stop = next((k for k, line in enumerate(rest) if "_NORMAL" in line), len(rest))
            return rest[:stop]
    return []


def _entry(section: list[str], key: str, results: Path) -> str:
    for line in section:
        name, _, value = line.partition(":")
        if name.partition("(")[0].split() == [key] and value.split():
            return value.split()[0]
    raise DatasetError(f"{results}: no entry {key} in the section of the master's image")


def _texts(
    top: Path, root: Path, crop: _Crop, master: str, pairs: list[tuple[str, str]]
) -> dict[str, str]:
    """Return the text files of DORIS that stage 1 reads."""
    folders = [path.parent for path in listed(top, f"[0-9]*/{IFG}") if "_" not in path.parent.name]
    folders = folders or [p.parent for p in listed(top, "[0-9]*/interferogram.out")]
    days = [folder.name for folder in folders]
    found = Problems()
    bperp = [found.tried(_bperp, folder / "interferogram.out") for folder in folders]
    heading = found.tried(_last_word, sorted(top.glob("*.slc.rsc")), "HEADING", top / "*.slc.rsc")
    results = [top / "master.res"]
    wavelength = found.tried(_last_word, results, "Radar_wavelength", results[0])
    grids = {
        day: found.tried(_grid, folder, "Bpar, Bperp")
        for day, folder in zip(days, folders, strict=True)
    }
    angles = found.tried(_grid, folders[-1], "Look angle") if folders else None
    if not folders:
        found.messages.append(f"{top}: no interferogram */{IFG} there; form them")
    images = {day for pair in pairs for day in pair} - {master}
    for day in sorted(images - set(days)):
        found.messages.append(f"{top / day}: not found, but a pair is of {day}")
    found.require_none()
    factor = f"{crop.oversampling:g}\n"
    above = "" if root == top else "../"
    texts = {
        "processor.txt": "doris\n",
        "width.txt": f"{crop.width}\n",
        "len.txt": f"{crop.length}\n",
        "day.1.in": "".join(f"{day}\n" for day in days),
        "bperp.1.in": "".join(f"{value}\n" for value in bperp),
        "master_day.1.in": f"{master}\n",
        "heading.1.in": f"{heading}\n",
        "lambda.1.in": f"{wavelength}\n",
        "look_angle.1.in": angles or "",
        f"{above}slc_osfactor.1.in": factor,
        **{GRID.format(date=day): grid or "" for day, grid in grids.items()},
    }
    if pairs:
        texts["ifgday.1.in"] = "".join(f"{first} {second}\n" for first, second in pairs)
    if (top / "dem.dorisin").exists():
        texts["demparms.in"] = _dem(top / "dem.dorisin")
    return texts


def _bperp(path: Path) -> str:
    """Return the perpendicular baseline [m] in a result file of an interferogram, as written."""
    for line in lines_of(path):
        found = re.match(r"Bperp\s+\[m\]:\s*(\S+)", line)
        if found:
            return found[1]
    raise DatasetError(f"{path}: no line 'Bperp [m]:'; form the interferogram again")


def _last_word(paths: list[Path], key: str, where: Path) -> str:
    """Return the value of the last line that begins with a key."""
    found = [line for path in paths for line in lines_of(path) if line.startswith(key)]
    if not found:
        raise DatasetError(f"{where}: no line {key} there; put it there")
    return found[-1].split()[-1]


def _grid(folder: Path, what: str) -> str:
    """Return a grid of values that DORIS printed, one per line."""
    for name in ("step_coarse.log", "make_orbits.log"):
        path = folder / name
        values = list(_printed(path, what)) if path.exists() else []
        if values:
            _require_numbers(path, values)
            return "".join(f"{value}\n" for value in values)
    raise DatasetError(
        f"{folder / 'step_coarse.log'}: no lines '{what}', nor in make_orbits.log; run the coarse "
        "step of DORIS again"
    )


def _printed(path: Path, what: str) -> Iterator[str]:
    for line in lines_of(path):
        if what in line:
            yield " ".join(line.split()[5:6])


def _require_numbers(path: Path, values: list[str]) -> None:
    try:
        bad = not np.isfinite(np.array(values, np.float64)).all()
    except ValueError:
        bad = True
    if bad:
        raise DatasetError(f"{path}: holds a value that is no number; run DORIS again")


def _dem(path: Path) -> str:
    """Return ``demparms.in``: file, width, length, longitude, latitude and format of the DEM."""
    values = {line.split()[0]: line.split()[1:] for line in lines_of(path)}
    try:
        (file,), (form,) = values["CRD_IN_DEM"][:1], values["CRD_IN_FORMAT"][:1]
        size, corner = values["CRD_IN_SIZE"], values["CRD_IN_UL"]
        lines = (file, size[1], size[0], corner[1], corner[0], form)
    except (KeyError, ValueError, IndexError):
        raise DatasetError(f"{path}: not the settings of a DEM (CRD_IN_...); correct it") from None
    return "".join(f"{line}\n" for line in lines)
