"""Text files of the processors: where they lie, numbers, ``key: value`` pairs, dates."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..raster_headers import LONGEST_SIDE
from ..text import lines_of, shown, words_of

MATLAB_EPOCH = 366  # day number of 0001-01-01 is 367, its Python ordinal 1
_DATE = r"(\d{4})([-_.]?)(\d{2})\2(\d{2})"
_YEARS = range(1970, 2100)  # beyond them eight digits are another number


def locate(name: str, *directories: Path) -> Path:
    """Return the first of ``directory / name`` that exists.

    Raises
    ------
    DatasetError
        None does; lists the directories.
    """
    path = locate_optional(name, *directories)
    if path is None:
        places = ", ".join(str(directory) for directory in directories)
        raise DatasetError(f"{name} not found in {places}; put it there")
    return path


def locate_optional(name: str, *directories: Path) -> Path | None:
    """Return the first of ``directory / name`` that exists, None if there is none."""
    paths = (directory / name for directory in directories)
    return next((path for path in paths if path.exists()), None)


def plain_reference(text: str) -> str:
    """Return a path as it stands in a file in the form of this system.

    One that Windows wrote loses its drive and gets slashes.
    """
    return re.sub(r"^[A-Za-z]:(?=/)", "", text.replace("\\", "/"))


def locate_reference(reference: str, patch: Path, root: Path) -> Path:
    """Find a file that another one names, also after the dataset has been moved.

    Parameters
    ----------
    reference : str
        Path in the form of this system; a relative one starts from a patch directory.
    patch, root : Path
        A patch directory (it need not exist) and the dataset root, which is searched by the last
        components of the path when the path itself leads nowhere.

    Raises
    ------
    DatasetError
        Lists what was tried.
    """
    parts = [part for part in Path(reference).parts if part not in ("/", "..", ".")]
    tails = (root.joinpath(*parts[start:]) for start in range(len(parts)))
    tried: dict[Path, str] = {}
    for path in chain([Path(os.path.normpath(patch / reference))], tails):
        if os.path.exists(path):  # unlike Path.exists, false for a name that no system can have
            return path
        tried[path] = str(path)
    places = ", ".join(tried.values())
    raise DatasetError(
        f"{shown(reference)}: file not found (tried {shown(places, 600)}); put it there"
    )


def numbers_of(path: Path) -> NDArray[np.float64]:
    """Read all blank-separated numbers of a text file.

    Raises
    ------
    DatasetError
        A word is not a finite number.
    """
    words = words_of(path)
    try:
        numbers = np.array(words, np.float64)
    except ValueError as error:
        raise DatasetError(f"{path}: {shown(str(error), 120)}") from None
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise DatasetError(f"{path}: '{shown(words[bad[0]])}' is not a finite number; correct it")
    return numbers


def number_of(path: Path) -> float:
    """Read the one number that a text file holds.

    Raises
    ------
    DatasetError
        It holds none, or more.
    """
    numbers = numbers_of(path)
    if len(numbers) != 1:
        raise DatasetError(f"{path}: holds {len(numbers)} numbers, expected one")
    return float(numbers[0])


def side_of(path: Path) -> int:
    """Read the number of lines or samples of a scene.

    Raises
    ------
    DatasetError
        It is no whole number above 0 that an image can have.
    """
    number = number_of(path)
    if not (number.is_integer() and 1 <= number <= LONGEST_SIDE):
        raise DatasetError(f"{path}: holds {number:g}, expected a whole number of pixels above 0")
    return int(number)


def plausible_wavelength(wavelength: float, path: Path) -> float:
    """Return a radar wavelength [m].

    Raises
    ------
    DatasetError
        No radar for interferometry has it, as when it is written in cm or is a frequency.
    """
    if not 0.005 <= wavelength <= 2:
        raise DatasetError(
            f"{path}: a wavelength of {wavelength:g} m, expected 0.005 to 2 m; write it in metres"
        )
    return wavelength


def days_of(path: Path) -> NDArray[np.int64]:
    """Read dates ``yyyymmdd`` as MATLAB day numbers.

    Raises
    ------
    DatasetError
        A word is no date.
    """
    return np.array([day_number(word, path) for word in words_of(path)], np.int64)


def day_number(text: str, where: Path | str) -> int:
    """Turn a date ``yyyymmdd``, also ``yyyy-mm-dd``, into a MATLAB day number.

    Raises
    ------
    DatasetError
        The text is no date of the calendar; names `where` it stood.
    """
    match = re.fullmatch(_DATE, text)
    day = None if match is None else _day(match[1], match[3], match[4])
    if day is None:
        raise DatasetError(f"{where}: '{shown(text)}' is not a date yyyymmdd")
    return day


def dates_in(text: str) -> Iterator[int]:
    """Yield the day numbers of all dates in a text, passing over other numbers of eight digits."""
    for match in re.finditer(rf"(?<!\d){_DATE}(?!\d)", text):
        day = _day(match[1], match[3], match[4])
        if day is not None and int(match[1]) in _YEARS:
            yield day


def date_pairs_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield the day numbers of all dates that follow each other, ``yyyymmdd_yyyymmdd``."""
    second = _DATE.replace(r"\2", r"\6")
    for match in re.finditer(rf"(?<!\d)(?={_DATE}[-_]{second}(?!\d))", text):
        days = _day(match[1], match[3], match[4]), _day(match[5], match[7], match[8])
        if None not in days and int(match[1]) in _YEARS and int(match[5]) in _YEARS:
            yield days  # type: ignore[misc]


def _day(year: str, month: str, day: str) -> int | None:
    try:
        return date(int(year), int(month), int(day)).toordinal() + MATLAB_EPOCH
    except ValueError:
        return None


def day_text(day: int) -> str:
    """Write a MATLAB day number as ``yyyymmdd``."""
    return date.fromordinal(int(day) - MATLAB_EPOCH).strftime("%Y%m%d")


@dataclass(frozen=True)
class KeyFile:
    """A text file of ``key: value unit ...`` lines (GAMMA style)."""

    path: Path
    values: Mapping[str, list[str]]

    def words(self, key: str, count: int = 1) -> list[str]:
        """Return the first `count` words of a key.

        Raises
        ------
        DatasetError
            The key is missing or has fewer words; lists the keys found.
        """
        words = self.values.get(key, [])
        if len(words) < count:
            found = ", ".join(self.values) or "none"
            raise DatasetError(
                f"{self.path}: key '{key}' with {count} value{'s' if count > 1 else ''} is "
                f"missing (keys found: {shown(found, 600)})"
            )
        return words[:count]

    def numbers(self, key: str, count: int) -> list[float]:
        """Return the first `count` values of a key as numbers.

        Raises
        ------
        DatasetError
            As :meth:`words`, or a value is not a finite number.
        """
        words = self.words(key, count)
        try:
            numbers = [float(word) for word in words]
        except ValueError:
            numbers = []
        if len(numbers) != count or not np.isfinite(numbers).all():
            told = shown(" ".join(words))
            hint = "; write a decimal point, not a comma" if re.search(r"\d,\d", told) else ""
            raise DatasetError(f"{self.path}: key '{key}' holds {told!r}, not a number{hint}")
        return numbers

    def number(self, key: str) -> float:
        """Return the first value of a key as a number; raises as :meth:`numbers`."""
        return self.numbers(key, 1)[0]


def key_file(path: Path) -> KeyFile:
    """Read a ``key: value`` file; of a repeated key the first counts."""
    values: dict[str, list[str]] = {}
    for line in lines_of(path):
        key, colon, rest = line.partition(":")
        if colon:
            values.setdefault(key.strip(), rest.split())
    return KeyFile(path, values)
