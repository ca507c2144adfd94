"""How files of a stack are found and told apart by the dates in their names."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...errors import ConfigError, DatasetError
from ..candidates.text import date_pairs_in, dates_in, day_text


def listed(root: Path, pattern: str) -> list[Path]:
    """Return the files of a pattern, in the order of their names as bytes."""
    return sorted(root.glob(pattern), key=os.fsencode)


def one_of(paths: list[Path], what: str, remedy: str) -> Path:
    """Return the only path.

    Raises
    ------
    DatasetError
        There is none, or there are several.
    """
    if not paths:
        raise DatasetError(f"{what}: file not found; {remedy}")
    if len(paths) > 1:
        names = ", ".join(map(str, paths))
        raise DatasetError(f"{what}: more than one file ({names}); leave one there")
    return paths[0]


def date_of(path: Path) -> str:
    """Return the date in the name of a file, else of its directory; empty if there is none."""
    found = next((day for name in (path.name, path.parent.name) for day in dates_in(name)), None)
    return "" if found is None else day_text(found)


def pair_of(name: str, where: Path) -> tuple[str, str]:
    """Return the two dates in a name.

    Raises
    ------
    DatasetError
        There are none.
    """
    found = next(date_pairs_in(name), None)
    if found is None:
        raise DatasetError(f"{where}: no pair of dates in its name, expected yyyymmdd_yyyymmdd")
    return day_text(found[0]), day_text(found[1])


def checked_date(text: str) -> str:
    """Return the date of the master as it was typed.

    Raises
    ------
    ConfigError
        It is none.
    """
    if not re.fullmatch(r"\d{8}", text) or next(dates_in(text), None) is None:
        raise ConfigError(f"--master-date {text}: not a date yyyymmdd")
    return text


def pair_problems(
    slcs: Sequence[Path], dates: Sequence[str], ifgs: Sequence[Path]
) -> Iterator[str]:
    """Yield what is wrong with directories of pairs: each has the images of its two dates.

    Parameters
    ----------
    slcs, dates : sequence
        Images of all pairs, and their dates.
    ifgs : sequence of Path
        Interferograms.
    """
    found: dict[Path, list[str]] = {path.parent: [] for path in ifgs}
    for path, date in zip(slcs, dates, strict=True):
        found.setdefault(path.parent, []).append(date)
    formed = {path.parent for path in ifgs}
    for folder in sorted(found):
        pair = next(date_pairs_in(folder.name), None)
        named = sorted(map(day_text, pair)) if pair else []
        there = sorted(found[folder])
        if len(there) != 2 or (named and there != named):
            told = ", ".join(there) or "no image"
            yield (
                f"{folder}: has the images {told}, expected one of each of its two dates; put them "
                "there, or move the directory away"
            )
        if folder not in formed:
            yield f"{folder}: no interferogram there; form it, or move the directory away"


def require_master(given: str | None, known: Iterable[str], root: Path) -> str:
    """Return the date of the master: the one given, that of the directory's name, or the only one.

    Parameters
    ----------
    given : str or None
        As the user typed it.
    known : iterable of str
        First dates of the interferograms.
    root : Path
        The dataset; ``INSAR_yyyymmdd`` tells the date.

    Raises
    ------
    ConfigError
        What was typed is no date.
    DatasetError
        Nothing tells it.
    """
    if given is not None:
        return checked_date(given)
    named = re.fullmatch(r"INSAR_(\d{8})", root.resolve().name)
    if named:
        return named[1]
    first = sorted(set(known))
    if len(first) != 1:
        told = ", ".join(first) if first else "no interferogram tells it"
        raise DatasetError(f"{root}: which image is the master? ({told}); give --master-date")
    return first[0]
