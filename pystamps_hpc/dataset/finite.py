"""Numbers that must be finite: found while they pass through, on the way in and out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MatError
from .rows import AnyArray, Rows


def not_finite(values: Any) -> tuple[int, ...] | None:
    """Return the place of the first number that is not finite, None if there is none.

    The sum is taken first, which is many times cheaper: it is not finite where a number is not.
    Text and sparse matrices are passed over.
    """
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fc":
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):
            return None
    wrong = np.argwhere(~np.isfinite(values))
    return tuple(wrong[0].tolist()) if len(wrong) else None


def place_text(place: tuple[int, ...]) -> str:
    """Write a place from 0 as rows and columns from 1."""
    names = ("row", "column", "plane")
    return ", ".join(f"{name} {at + 1}" for name, at in zip(names, place, strict=False))


def require_finite(path: Path, key: str, values: Any) -> None:
    """Refuse an array of a file that holds a number that is not finite.

    Raises
    ------
    MatError
        Names file, key and place.
    """
    place = not_finite(values)
    if place is not None:
        raise MatError(f"{path}: key '{key}' is not finite in {place_text(place)}")


@dataclass(frozen=True)
class FiniteRows:
    """Rows of a file, refused where they hold a number that is not finite.

    Parameters
    ----------
    rows : Rows
        Variable on disk.
    path : Path
        Its file.
    key : str
        Its name.
    """

    rows: Rows
    path: Path
    key: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        return self.rows.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.rows.dtype

    def __getitem__(self, key: Any, /) -> AnyArray:
        """Read rows, ``a[rows]``, or columns, ``a[:, ifgs]``."""
        values = self.rows[key]
        if not_finite(values) is not None:
            require_finite(self.path, self.key, self.rows[:])  # the place in the whole
        return values
