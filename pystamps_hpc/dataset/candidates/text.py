"""Text files of the processors: where they lie, tokens, ``key: value`` pairs, dates."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError

MATLAB_EPOCH = 366  # day number of 0001-01-01 is 367, its Python ordinal 1


def locate(name: str, *directories: Path) -> Path:
    """Return the first of ``directory / name`` that is a file.

    Raises
    ------
    DatasetError
        None is; lists the directories.
    """
    path = locate_optional(name, *directories)
    if path is None:
        places = ", ".join(str(directory) for directory in directories)
        raise DatasetError(f"{name} not found in {places}")
    return path


def locate_optional(name: str, *directories: Path) -> Path | None:
    """Return the first of ``directory / name`` that is a file, None if there is none."""
    paths = (directory / name for directory in directories)
    return next((path for path in paths if path.is_file()), None)


def locate_reference(reference: str, patch: Path, root: Path) -> Path:
    """Find a file that another one names, also after the dataset has been moved.

    Parameters
    ----------
    reference : str
        Path as written; a relative one starts from a patch directory.
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
    tried = list(dict.fromkeys([Path(os.path.normpath(patch / reference)), *tails]))
    for path in tried:
        if path.is_file():
            return path
    places = ", ".join(str(path) for path in tried)
    raise DatasetError(f"{reference}: file not found (tried {places}); put it there")


def lines_of(path: Path) -> list[str]:
    """Read the lines of a text file, without surrounding blanks and empty ones.

    Raises
    ------
    DatasetError
        The file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def numbers_of(path: Path) -> NDArray[np.float64]:
    """Read all blank-separated numbers of a text file.

    Raises
    ------
    DatasetError
        A word is not a number.
    """
    words = " ".join(lines_of(path)).split()
    try:
        return np.array(words, np.float64)
    except ValueError as error:
        raise DatasetError(f"{path}: {error}") from None


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


def days_of(path: Path) -> NDArray[np.int64]:
    """Read dates ``yyyymmdd`` as MATLAB day numbers.

    Raises
    ------
    DatasetError
        A word is no date.
    """
    words = " ".join(lines_of(path)).split()
    return np.array([day_number(word, path) for word in words], np.int64)


def day_number(text: str, where: Path | str) -> int:
    """Turn a date ``yyyymmdd`` into a MATLAB day number.

    Raises
    ------
    DatasetError
        The text is no date of the calendar; names `where` it stood.
    """
    match = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    try:
        if match:
            return date(*map(int, match.groups())).toordinal() + MATLAB_EPOCH
    except ValueError:
        pass
    raise DatasetError(f"{where}: '{text}' is not a date yyyymmdd")


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
                f"missing (keys found: {found})"
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
            raise DatasetError(f"{self.path}: key '{key}' holds {' '.join(words)!r}, not a number")
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
