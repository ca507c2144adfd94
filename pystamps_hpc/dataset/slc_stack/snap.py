"""Stacks exported by SNAP or made with GAMMA; StaMPS ``mt_prep_snap``, ``mt_prep_gamma``."""

from collections.abc import Iterator
from pathlib import Path

from ...errors import DatasetError
from ..candidates.text import KeyFile, key_file
from ..problems import Problems
from .listing import date_of, listed, one_of, pair_of, pair_problems, require_master
from .model import SlcStack
from .raster import Raster, Sample

FORMATS: dict[str, Sample] = {"FCOMPLEX": "fcomplex", "SCOMPLEX": "scomplex"}
PAIRS = "SMALL_BASELINES"


def is_there(root: Path) -> bool:
    """Whether a directory looks like such a stack."""
    return (root / "diff0").is_dir() or any(root.glob(f"{PAIRS}/*/*.diff"))


def gamma(root: Path, master: str | None) -> SlcStack:
    """Find the files of a stack made with GAMMA; raises as :func:`snap`."""
    return _read("gamma", root, master)


def snap(root: Path, master: str | None) -> SlcStack:
    """Find the files of a stack that SNAP exported.

    Parameters
    ----------
    root : Path
        Directory with ``rslc``, ``diff0`` and ``geo``, or with ``SMALL_BASELINES`` and ``geo``.
    master : str or None
        Date of the master, where names do not tell it.

    Raises
    ------
    DatasetError
        Files are missing or contradict each other.
    """
    return _read("snap", root, master)


def _read(processor: str, root: Path, given: str | None) -> SlcStack:
    small_baselines = (root / PAIRS).is_dir()
    slcs = listed(root, f"{PAIRS}/*/*.*slc" if small_baselines else "*slc/*.*slc")
    ifgs = listed(root, f"{PAIRS}/*/*.diff" if small_baselines else "diff0/*.diff")
    found = Problems()
    pairs = [found.tried(pair_of, path.name, path) for path in ifgs]
    found.require_none()
    known = [pair for pair in pairs if pair]
    master = require_master(given, (first for first, _ in known), root)
    firsts = {first for first, _ in known}
    if not small_baselines and len(firsts) == 1 and master not in firsts:
        source = "--master-date" if given else "the name of the directory"
        raise DatasetError(
            f"{root}: {source} says the master is {master}, the interferograms have {firsts.pop()}"
        )
    parameters = key_file(_parameter_file(root, master, small_baselines))
    width, length = (_side(parameters, key) for key in ("range_samples", "azimuth_lines"))
    kind: Sample = "fcomplex" if processor == "snap" else _format(parameters)

    def raster(path: Path, sample: Sample) -> Raster:
        return Raster(path, width, length, sample)

    geo = {kind: listed(root, f"geo/*.{kind}") for kind in ("lon", "lat")}
    if not geo["lon"] and processor == "snap":
        raise DatasetError(f"{root / 'geo' / f'{master}.lon'}: file not found; export it with SNAP")
    if geo["lon"] and not geo["lat"]:
        raise DatasetError(
            f"{root / 'geo' / f'{master}.lat'}: file not found, expected beside .lon"
        )
    positions = [_of_master(geo[kind], master) for kind in ("lon", "lat")] if geo["lon"] else []
    lonlat = (raster(positions[0], "float"), raster(positions[1], "float")) if positions else None
    heights = listed(root, "geo/*dem.rdc")
    dates = tuple(map(date_of, slcs))
    named = dict(zip(ifgs, known, strict=True))
    problems = list(pair_problems(slcs, dates, ifgs)) if small_baselines else []
    _require_agreement(root, master, dates, named, small_baselines, problems)
    return SlcStack(
        processor=processor,
        root=root,
        small_baselines=small_baselines,
        master=master,
        width=width,
        length=length,
        size_from=str(parameters.path),
        slcs=tuple(raster(path, kind) for path in slcs),
        dates=dates,
        ifgs=tuple(raster(path, "fcomplex") for path in ifgs),
        lonlat=lonlat,
        heights=tuple(raster(path, "float") for path in heights),
        texts={
            "processor.txt": f"{processor}\n",
            "width.txt": f"{width}\n",
            "len.txt": f"{length}\n",
            "rsc.txt": f"{parameters.path}\n",
        },
        warnings=tuple(_remarks(root, dates, known, geo["lon"], lonlat, heights)),
    )


def _of_master(paths: list[Path], master: str) -> Path:
    """Return the file that the master names, else the first."""
    return next((path for path in paths if path.stem == master), paths[0])


def _parameter_file(root: Path, master: str, small_baselines: bool) -> Path:
    pattern = f"{PAIRS}/*/{master}.*slc.par" if small_baselines else f"*slc/{master}.*slc.par"
    found = listed(root, pattern)
    known = {date_of(path) for path in listed(root, pattern.replace(master, "*"))}
    remedy = f"the master is one of {', '.join(sorted(known))}" if known else "export it"
    return one_of(found[-1:] if small_baselines else found, str(root / pattern), remedy)


def _side(parameters: KeyFile, key: str) -> int:
    number = parameters.number(key)
    if not (number.is_integer() and 1 <= number < 2**31):
        raise DatasetError(
            f"{parameters.path}: {key} {number:g} is no number of pixels; correct it"
        )
    return int(number)


def _format(parameters: KeyFile) -> Sample:
    (name,) = parameters.words("image_format")
    if name not in FORMATS:
        raise DatasetError(
            f"{parameters.path}: image_format {name} is not known, expected FCOMPLEX or SCOMPLEX"
        )
    return FORMATS[name]


def _require_agreement(
    root: Path,
    master: str,
    dates: tuple[str, ...],
    pairs: dict[Path, tuple[str, str]],
    small_baselines: bool,
    problems: list[str],
) -> None:
    """Refuse interferograms of images that are not there, of another master, without baseline."""
    messages = [*problems] if pairs else [f"{root}: no interferogram (.diff) there; form them"]
    for path, pair in pairs.items():
        gone = sorted(set(pair) - set(dates))
        if gone:
            messages.append(
                f"{path}: is of {', '.join(gone)}, of which there is no image (.rslc); to leave an "
                "image out, move its .rslc, .par, .diff and .base away"
            )
        if not small_baselines and pair[0] != master:
            messages.append(f"{path}: has the master {pair[0]}, the others {master}")
        if not path.with_suffix(".base").exists():
            messages.append(f"{path.with_suffix('.base')}: file not found; stage 1 needs it")
    if master not in dates:
        messages.append(f"{root}: no image of the master {master}; its dates: {', '.join(dates)}")
    found = Problems()
    found.messages = messages
    found.require_none()


def _remarks(
    root: Path,
    dates: tuple[str, ...],
    pairs: list[tuple[str, str]],
    lons: list[Path],
    lonlat: tuple[Raster, Raster] | None,
    heights: list[Path],
) -> Iterator[str]:
    used = {date for pair in pairs for date in pair}
    twice = sorted({date for date in dates if dates.count(date) > 1})
    if twice and not any((root / PAIRS).glob("*")):
        yield f"there as two images, which both count: {', '.join(twice)}"
    if len(lons) > 1 and lonlat is not None:
        yield f"{root / 'geo'}: {len(lons)} files *.lon; {lonlat[0].path.name} is used"
    if " " in str(root):
        yield f"{root}: has a blank in its path, with which StaMPS itself cannot go on"
    alone = sorted(set(dates) - used)
    if alone:
        yield f"in no interferogram, used for the choice of candidates only: {', '.join(alone)}"
    if lonlat is None:
        yield f"{root / 'geo'}: no .lon and .lat; stage 1 needs pscands.1.ll of every patch"
    if not heights:
        yield f"{root / 'geo'}: no *dem.rdc; heights are 0"
    if len(heights) > 1:
        yield f"{root / 'geo'}: {len(heights)} files *dem.rdc; {heights[0].name} is used"
