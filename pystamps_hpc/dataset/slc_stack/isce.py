"""Stacks prepared with ISCE; ``make_single_reference_stack_isce`` and StaMPS ``mt_prep_isce``.

A single master lies in ``reference/reference.slc`` with ``yyyymmdd/secondary.slc`` and
``isce_minrefdem.int``, small baselines in ``SMALL_BASELINES/yyyymmdd_yyyymmdd``, which is the
dataset then. Older versions say master and slave.
"""

from collections.abc import Iterator
from pathlib import Path

from ...errors import DatasetError
from ..candidates.text import dates_in, day_text, locate, number_of, side_of
from ..problems import Problems
from ..text import lines_of, read_text, words_of
from . import tops
from .listing import checked_date, date_of, listed, pair_of, pair_problems
from .model import SlcStack
from .raster import Raster, Sample
from .tops import IFG

MASTERS = ("reference/reference.slc", "master/master.slc")
SECONDARIES = ("*/secondary.slc", "*/slave.slc")
COPIED = ("width.txt", "len.txt", "lambda.1.in", "heading.1.in")
"""What small baselines take from the directory above."""


def is_there(root: Path) -> bool:
    """Whether a directory looks like such a stack."""
    return _has_interferograms(root) or tops.is_there(root)


def _has_interferograms(root: Path) -> bool:
    return any(root.glob(f"*/{IFG}"))


def isce(root: Path, master: str | None) -> SlcStack:
    """Find the files of a stack prepared with ISCE.

    Parameters
    ----------
    root : Path
        Directory of the single-master stack, or ``SMALL_BASELINES``; one with ``merged`` and
        without interferograms is a stack of ``topsStack``.
    master : str or None
        Date of the master, where no file tells it.

    Raises
    ------
    DatasetError
        Files are missing or contradict each other.
    """
    if tops.is_there(root) and not _has_interferograms(root):
        return tops.tops(root, master)
    small_baselines = any(root.glob(f"[0-9]*_[0-9]*/{IFG}"))
    above = (root, root.parent)
    width, length = (side_of(locate(name, *above)) for name in ("width.txt", "len.txt"))

    def raster(path: Path, sample: Sample) -> Raster:
        return Raster(path, width, length, sample, "little")

    ifgs = listed(root, f"*/{IFG}")
    slcs = listed(root, "[0-9]*/*.slc") if small_baselines else _single_master(root)
    baselines = _baselines(root.parent if small_baselines else root)
    found = _master(root, small_baselines, master)
    if small_baselines:
        pairs = [pair_of(path.parent.name, path) for path in ifgs]
        dates = _pair_dates(slcs)
        images = {date for pair in pairs for date in pair} - {found}
        others = tuple(date for date in baselines if date in images)
    else:
        pairs = []
        dates = (found, *(date_of(path.parent) for path in slcs[1:]))
        images = {date_of(path.parent) for path in ifgs}
        others = tuple(baselines)
    if small_baselines and found not in {date for pair in pairs for date in pair}:
        raise DatasetError(f"{root}: no pair has an image of the master {found}")
    problems = list(pair_problems(slcs, dates, ifgs)) if small_baselines else []
    _require_agreement(root, images, others, dates, problems)
    texts = {
        "processor.txt": "isce\n",
        "day.1.in": "".join(f"{date}\n" for date in others),
        "bperp.1.in": "".join(f"{baselines[date]}\n" for date in others),
        "reference_day.1.in": f"{found}\n",
        "master_day.1.in": f"{found}\n",
        "slc_osfactor.1.in": "1\n",
    }
    if small_baselines:
        texts["ifgday.1.in"] = "".join(f"{first} {second}\n" for first, second in pairs)
        texts |= {name: read_text(locate(name, *above)) for name in COPIED}
    for name in ("lambda.1.in", "heading.1.in"):
        number_of(locate(name, *above))
    return SlcStack(
        processor="isce",
        root=root,
        small_baselines=small_baselines,
        master=found,
        width=width,
        length=length,
        size_from="width.txt and len.txt",
        slcs=tuple(raster(path, "fcomplex") for path in slcs),
        dates=dates,
        ifgs=tuple(raster(path, "fcomplex") for path in ifgs),
        lonlat=(
            raster(locate("lon.raw", *above), "float"),
            raster(locate("lat.raw", *above), "float"),
        ),
        heights=tuple(
            raster(path, "float") for path in _first_there([top / "dem.raw" for top in above])
        ),
        texts=texts,
        added=("master_day.1.in",),
        mask=_mask(root),
        sorted_patches=True,
        mask_calibrates=False,
    )


def _single_master(root: Path) -> list[Path]:
    masters = _first_there([root / name for name in MASTERS])
    if not masters:
        pairs = root / "SMALL_BASELINES"
        hint = f"; for small baselines: --dataset {pairs}" if pairs.is_dir() else ""
        raise DatasetError(f"{root / MASTERS[0]}: file not found; make the stack again{hint}")
    found = [path for pattern in SECONDARIES for path in listed(root, pattern)]
    if not found:
        raise DatasetError(f"{root / SECONDARIES[0]}: no image there; make the stack again")
    return [*masters, *found]


def _first_there(paths: list[Path]) -> list[Path]:
    return [path for path in paths if path.exists()][:1]


def _pair_dates(slcs: list[Path]) -> tuple[str, ...]:
    """Return the date of each image of pairs: reference and master are of the first."""
    firsts = ("reference", "master")
    return tuple(
        pair_of(path.parent.name, path)[0 if path.stem in firsts else 1]
        if path.stem in (*firsts, "secondary", "slave")
        else date_of(path)
        for path in slcs
    )


def _baselines(root: Path) -> dict[str, str]:
    """Read date -> perpendicular baseline [m] as it is written, of every image but the master."""
    found: dict[str, str] = {}
    problems = Problems()
    for path in listed(root, "[0-9]*/baseline"):
        words = problems.tried(words_of, path)
        if words is None:
            continue
        if len(words) != 2 or next(dates_in(words[0]), None) is None:
            problems.messages.append(f"{path}: expected one line: yyyymmdd and a baseline [m]")
        else:
            found[day_text(next(dates_in(words[0])))] = words[1]
    problems.require_none()
    if not found and (root / "day.1.in").exists() and (root / "bperp.1.in").exists():
        days, values = words_of(root / "day.1.in"), words_of(root / "bperp.1.in")
        if len(days) != len(values):
            raise DatasetError(
                f"{root / 'bperp.1.in'}: {len(values)} baselines, day.1.in has {len(days)} days"
            )
        found = dict(zip(days, values, strict=True))
    if not found:
        raise DatasetError(f"{root}: no */baseline there; make the stack again")
    return found


def _master(root: Path, small_baselines: bool, given: str | None) -> str:
    """Return the date of the master: what files say, or the one given."""
    top = root.parent if small_baselines else root
    said = next(_said(root, top), None)
    if given is None and said is None:
        raise DatasetError(f"{top / 'reference/baseline'}: file not found; give --master-date")
    found = said if given is None else checked_date(given)
    assert found is not None
    if said not in (None, found) and not small_baselines:
        raise DatasetError(f"{top}: --master-date says {found}, the stack has the master {said}")
    return found


def _said(root: Path, top: Path) -> Iterator[str]:
    """Yield what files say of the date of the master."""
    for name in ("reference_day.1.in", "master_day.1.in", "reference/baseline", "master/baseline"):
        if (top / name).exists():
            day = next(dates_in(read_text(top / name)), None)
            if day is not None:
                yield day_text(day)
    yield from _settings(root, "slc_stack_reference", "slc_stack_master")


def _mask(root: Path) -> Path | None:
    """Return the mask that ``input_file`` names, relative to the directory."""
    for line in _settings(root, "maskfile"):
        path = root / line
        if not path.exists():
            raise DatasetError(f"{path}: mask not found, which input_file names; put it there")
        return path
    return None


def _settings(root: Path, *names: str) -> Iterator[str]:
    """Yield the values of a keyword of ``input_file``, here or above."""
    for folder in (root, root.parent, root.parent.parent):
        if (folder / "input_file").exists():
            for line in lines_of(folder / "input_file"):
                word, _, value = line.partition(" ")
                if word in names and value.strip():
                    yield value.strip()


def _require_agreement(
    root: Path,
    images: set[str],
    baselines: tuple[str, ...],
    dates: tuple[str, ...],
    messages: list[str],
) -> None:
    problems = Problems()
    problems.messages += messages
    for date in sorted(images - set(baselines)):
        problems.messages.append(
            f"{root}: an interferogram is of {date}, of which there is no baseline; "
            f"put {date}/baseline there"
        )
    for date in sorted(set(baselines) - images):
        problems.messages.append(
            f"{root / date / IFG}: file not found, but there is a baseline of {date}; form it, "
            "or move the image away"
        )
    if not images:
        problems.messages.append(f"{root}: no interferogram {IFG} there; form them")
    for date in sorted(images - set(dates)):
        problems.messages.append(f"{root}: an interferogram is of {date}, but no image is")
    problems.require_none()
