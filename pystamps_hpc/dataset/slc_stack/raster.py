"""Flat rasters of a processor: pixels line after line, without a header."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..files import opened
from ..rows import AnyArray

Sample = Literal["fcomplex", "scomplex", "float", "byte"]
Order = Literal["big", "little"]

PARTS = {"fcomplex": "f4", "scomplex": "i2", "float": "f4", "byte": "u1"}
"""Type of the numbers that samples are made of."""

_LOOKED_AT = 16  # lines that are judged
_PLAUSIBLE_SHARE = 0.9
_LEAST, _MOST = 1e-15, 1e15  # sizes of numbers that processors write; swapped ones are beyond


@dataclass(frozen=True)
class Raster:
    """A raster of a scene.

    Parameters
    ----------
    path : Path
        The file.
    width, length : int
        Samples of a line (range) and lines (azimuth).
    sample : {"fcomplex", "scomplex", "float", "byte"}
        What a pixel holds: complex of IEEE single or of int16, a single, a byte.
    order : {"big", "little"}
        Order of the bytes of a number.
    """

    path: Path
    width: int
    length: int
    sample: Sample
    order: Order = "big"

    @property
    def numbers(self) -> "np.dtype[np.generic]":
        """Type of the numbers, as they lie on disk."""
        return np.dtype(PARTS[self.sample]).newbyteorder(self.order)

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel."""
        return self.numbers.itemsize * (2 if self.sample.endswith("complex") else 1)

    @property
    def swapped(self) -> bool:
        """Whether this machine has the other order of bytes."""
        return not self.numbers.isnative

    def read(self, lines: slice) -> NDArray[np.uint8]:
        """Read whole lines.

        Returns
        -------
        (n_line, width, pixel_bytes) uint8
            Bytes as they lie on disk.

        Raises
        ------
        DatasetError
            The file cannot be read, or ends before.
        """
        found = np.empty((lines.stop - lines.start, self.width, self.pixel_bytes), np.uint8)
        wanted = found.reshape(-1).data
        with opened(self.path) as file:
            file.seek(lines.start * self.width * self.pixel_bytes)
            got = 0
            while got < len(wanted) and (more := file.readinto(wanted[got:])):  # type: ignore[attr-defined]
                got += more
        if got < len(wanted):
            raise DatasetError(f"{self.path}: ends while it is read; has it been changed?")
        return found

    def words(self, lines: slice) -> AnyArray:
        """Read whole lines of a complex raster.

        Returns
        -------
        (n_line * width, 2) uint32 or uint16
            Real and imaginary part of every pixel, in the order of the disk.
        """
        kind = np.uint16 if self.sample == "scomplex" else np.uint32
        return self.read(lines).view(kind).reshape(-1, 2)

    def pieces(self, lines: range, most: int) -> Iterator[slice]:
        """Cut lines into pieces of at most `most` bytes, one line at least."""
        step = max(most // (self.width * self.pixel_bytes), 1)
        for first in range(lines.start, lines.stop, step):
            yield slice(first, min(first + step, lines.stop))


def require_sizes(rasters: list[Raster], source: str) -> list[str]:
    """Return what is wrong with the sizes of files; `source` says where width and length stand."""
    return [told for raster in rasters if (told := _wrong_size(raster, source))]


def _wrong_size(raster: Raster, source: str) -> str:
    pixels = raster.width * raster.length
    expected = pixels * raster.pixel_bytes
    try:
        found = os.stat(raster.path).st_size
    except OSError as error:
        return f"{raster.path}: cannot be read: {error.strerror}; put it there"
    if found == expected:
        return ""
    told = (
        f"{raster.path}: {found:,} bytes, expected {expected:,} ({raster.length:,} lines x "
        f"{raster.width:,} samples x {raster.pixel_bytes}, from {source})"
    )
    if raster.sample == "fcomplex" and 2 * found == expected:
        return f"{told}; has it complex samples of 16-bit integers (SCOMPLEX)?"
    if raster.sample == "scomplex" and found == 2 * expected:
        return f"{told}; has it complex samples of floats (FCOMPLEX)?"
    why = "it is truncated" if found < expected else "it is of another size"
    return f"{told}; {why}, make it again"


def require_plausible(raster: Raster, judge: Callable[[AnyArray], AnyArray] | None = None) -> str:
    """Return that the numbers of a raster are those of the other order of bytes, if they are.

    Lines spread over the raster are looked at; `judge` says which numbers can be.
    """
    if raster.sample in ("scomplex", "byte"):
        return ""
    judge = judge or _of_a_processor
    step = max(raster.length // _LOOKED_AT, 1)
    lines = [raster.read(slice(i, i + 1)) for i in range(step // 2, raster.length, step)]
    numbers = np.concatenate(lines).reshape(-1).view(raster.numbers)
    other = numbers.view(numbers.dtype.newbyteorder())
    if _mostly(judge, numbers):
        return ""
    shown = ", ".join(f"{value:.3g}" for value in numbers[np.flatnonzero(numbers)[:3]])
    told = f"{raster.path}: numbers such as {shown} are not plausible, read {raster.order}-endian"
    if not _mostly(judge, other):
        return f"{told}; the file is damaged or of another kind"
    swapped = "little" if raster.order == "big" else "big"
    return f"{told}, but are so {swapped}-endian; was it made by another program, or swapped?"


def _mostly(judge: Callable[[AnyArray], AnyArray], numbers: AnyArray) -> bool:
    with np.errstate(invalid="ignore", over="ignore"):
        finite = numbers[np.isfinite(numbers) & (numbers != 0)].astype(np.float64)
        lost = np.count_nonzero(np.isnan(numbers)) > (1 - _PLAUSIBLE_SHARE) * numbers.size
    if not len(finite):
        return True
    return bool(np.mean(judge(finite)) >= _PLAUSIBLE_SHARE) and not (lost and len(finite) < 100)


def _of_a_processor(numbers: AnyArray) -> AnyArray:
    size = np.abs(numbers)
    return np.asarray((size >= _LEAST) & (size <= _MOST))
