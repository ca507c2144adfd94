"""Flat rasters of a processor: pixels line after line, without a header."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..files import open_regular
from ..problems import Problems
from ..raster_headers import headers_of
from ..rows import AnyArray

Sample = Literal["fcomplex", "scomplex", "float", "double", "byte"]
Order = Literal["big", "little"]

PARTS = {"fcomplex": "f4", "scomplex": "i2", "float": "f4", "double": "f8", "byte": "u1"}
"""Type of the numbers that samples are made of."""

KINDS = {"fcomplex": "c8", "scomplex": "2i2", "float": "f4", "double": "f8", "byte": "u1"}
"""Type of samples as headers name it."""

EXPECTED = 1 << 20  # bytes that the system is asked to read at a time

_LOOKED_AT = 16  # lines that are judged
_PLAUSIBLE_SHARE = 0.9
_HUGE, _MUCH_LARGER = 4096, 4  # of 16 bits whose halves are exchanged
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
    sample : {"fcomplex", "scomplex", "float", "double", "byte"}
        What a pixel holds: complex of IEEE single or of int16, a single, a double, a byte.
    order : {"big", "little"}
        Order of the bytes of a number.
    bands, band : int
        Bands that alternate line by line (BIL), and the one that is read, from 0.
    descriptor : int or None
        The file while :meth:`opened` keeps it open; else it is opened for every read.
    """

    path: Path
    width: int
    length: int
    sample: Sample
    order: Order = "big"
    bands: int = 1
    band: int = 0
    descriptor: int | None = field(default=None, compare=False)

    @property
    def files(self) -> "tuple[Raster, ...]":
        """The rasters on disk that it is read from."""
        return (self,)

    @cached_property
    def numbers(self) -> "np.dtype[np.generic]":
        """Type of the numbers, as they lie on disk."""
        return np.dtype(PARTS[self.sample]).newbyteorder(self.order)

    @cached_property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel."""
        return self.numbers.itemsize * (2 if self.sample.endswith("complex") else 1)

    @property
    def line_bytes(self) -> int:
        """Bytes that are read for a line, those of all bands."""
        return self.bands * self.width * self.pixel_bytes

    @property
    def disk_bytes(self) -> int | None:
        """Bytes that the file should have, None where that tells nothing."""
        return self.length * self.bands * self.width * self.pixel_bytes

    @property
    def swapped(self) -> bool:
        """Whether this machine has the other order of bytes."""
        return not self.numbers.isnative

    @contextmanager
    def opened(self) -> "Iterator[Raster]":
        """Keep the file open while the block reads piece after piece.

        Raises
        ------
        DatasetError
            The file cannot be opened.
        """
        try:
            file = open_regular(self.path)
        except OSError as error:
            raise self._unreadable(error) from None
        with file:
            yield replace(self, descriptor=file.fileno())

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
        self.read_into(found, lines)
        return found

    def read_into(self, found: NDArray[np.uint8], lines: slice) -> None:
        """Read whole lines into an array such as :meth:`read` returns."""
        if self.descriptor is None:
            with self.opened() as raster:
                return raster.read_into(found, lines)
        start = lines.start * self.bands * self.width * self.pixel_bytes
        if self.bands == 1:
            return self._fill(found, start)
        every = np.empty((len(found), self.bands, *found.shape[1:]), np.uint8)
        self._fill(every, start)
        found[:] = every[:, self.band]

    def expect(self, lines: slice) -> None:
        """Have the system read lines that are going to be asked for; of an open file only.

        It reads no more than about a megabyte for each time that it is asked.
        """
        if self.descriptor is not None:
            every = self.line_bytes
            with suppress(OSError, AttributeError):  # where the system takes no advice
                for first in range(lines.start * every, lines.stop * every, EXPECTED):
                    size = min(EXPECTED, lines.stop * every - first)
                    os.posix_fadvise(self.descriptor, first, size, os.POSIX_FADV_WILLNEED)

    def _fill(self, found: NDArray[np.uint8], start: int) -> None:
        """Read what lies in the file from a byte on."""
        assert self.descriptor is not None
        wanted, got = found.reshape(-1).data, 0
        try:
            while got < len(wanted) and (
                more := os.preadv(self.descriptor, [wanted[got:]], start + got)
            ):
                got += more
        except OSError as error:
            raise self._unreadable(error) from None
        if got < len(wanted):
            raise DatasetError(f"{self.path}: ends while it is read; has it been changed?")

    def _unreadable(self, error: OSError) -> DatasetError:
        return DatasetError(f"{self.path}: cannot be read: {error.strerror}")

    def words(self, lines: slice) -> AnyArray:
        """Read whole lines of a complex raster.

        Returns
        -------
        (n_line * width, 2) uint32 or uint16
            Real and imaginary part of every pixel, in the order of the disk.
        """
        (words,) = words_of_images((self,), lines)
        return np.asarray(words)

    def pieces(self, lines: range, most: int) -> Iterator[slice]:
        """Cut lines into pieces of at most `most` bytes, one line at least."""
        step = max(most // (self.width * self.pixel_bytes), 1)
        for first in range(lines.start, lines.stop, step):
            yield slice(first, min(first + step, lines.stop))


def words_of_images(images: "Sequence[Raster]", lines: slice) -> AnyArray:
    """Read the same lines of complex rasters of one kind.

    Returns
    -------
    (n_image, n_line * width, 2) uint32 or uint16
        As :meth:`Raster.words`.
    """
    first = images[0]
    shape = len(images), lines.stop - lines.start, first.width, first.pixel_bytes
    found = np.empty(shape, np.uint8)
    for image, room in zip(images, found, strict=True):
        image.read_into(room, lines)
    kind = np.uint16 if first.sample == "scomplex" else np.uint32
    return np.asarray(found.view(kind).reshape(len(images), -1, 2))


@contextmanager
def kept_open(rasters: "Sequence[Raster]") -> Iterator[list[Raster]]:
    """Keep files open while the block reads piece after piece of all.

    Of more files than half of those that a process may open, the rest are opened for every read.
    """
    most = getrlimit(RLIMIT_NOFILE)[0]
    with ExitStack() as files:
        yield [
            files.enter_context(raster.opened()) if most < 0 or 2 * k < most else raster
            for k, raster in enumerate(rasters)
        ]


def require_sizes(rasters: list[Raster], source: str) -> list[str]:
    """Return what is wrong with the sizes of files, and where their headers say otherwise.

    `source` says where width and length stand.
    """
    found = Problems()
    for raster in rasters:
        told = _wrong_size(raster, source)
        found.messages += [told] if told else found.tried(_unlike_headers, raster, source) or []
    return found.messages


def _unlike_headers(raster: Raster, source: str) -> list[str]:
    expected = f"{raster.length:,} lines x {raster.width:,} samples"
    told = []
    for header in headers_of(raster.path):
        if (header.length, header.width) != (raster.length, raster.width):
            told.append(
                f"{header.path}: {header.length:,} lines x {header.width:,} samples, expected "
                f"{expected} (from {source}); is it of another scene?"
            )
        elif (header.kind, header.bands) != (KINDS[raster.sample], raster.bands):
            told.append(
                f"{header.path}: {header.bands} band(s) of {header.kind}, expected {raster.bands} "
                f"of {KINDS[raster.sample]}; the raster is of another kind, make it again"
            )
        elif raster.bands > 1 and header.scheme not in ("", "BIL"):
            told.append(
                f"{header.path}: bands lie {header.scheme}, expected BIL; convert it with "
                "gdal_translate -of ENVI -co INTERLEAVE=BIL"
            )
    return told


def _wrong_size(raster: Raster, source: str) -> str:
    expected = raster.disk_bytes
    try:
        found = os.stat(raster.path).st_size
    except OSError as error:
        return f"{raster.path}: cannot be read: {error.strerror}; put it there"
    if expected is None or found == expected:
        return ""
    told = (
        f"{raster.path}: {found:,} bytes, expected {expected:,} ({raster.length:,} lines x "
        f"{raster.width:,} samples x {raster.pixel_bytes * raster.bands}, from {source})"
    )
    if raster.sample == "fcomplex" and 2 * found == expected:
        return f"{told}; has it complex samples of 16-bit integers (SCOMPLEX)?"
    if raster.sample == "scomplex" and found == 2 * expected:
        return f"{told}; has it complex samples of floats (FCOMPLEX)?"
    why = "it is truncated" if found < expected else "it is of another size"
    return f"{told}; {why}, make it again"


def sampled(raster: Raster) -> AnyArray:
    """Return the numbers of lines spread over a raster, 0 in place of NaN."""
    return np.asarray(np.nan_to_num(_looked_at(raster)))


def implausible(raster: Raster) -> str:
    """Say that the numbers of a raster are none of a processor's; empty if they are.

    Lines spread over the raster are looked at, and what they are in the other order of bytes.
    """
    if raster.sample == "byte":
        return ""
    numbers = _looked_at(raster)
    other = numbers.byteswap()
    if raster.sample == "scomplex":
        return _swapped_integers(raster, numbers, other)
    better_swapped = _unknown(numbers) > 0.5 and _unknown(other) < 0.1 and _mostly_plausible(other)
    if _mostly_plausible(numbers) and not better_swapped:
        return ""
    shown = ", ".join(f"{value:.3g}" for value in numbers[np.flatnonzero(numbers)[:3]])
    told = f"{raster.path}: numbers such as {shown} are not plausible, read {raster.order}-endian"
    if not _mostly_plausible(other):
        return f"{told}; the file is damaged or of another kind"
    swapped = "little" if raster.order == "big" else "big"
    return f"{told}, but are so {swapped}-endian; was it made by another program, or swapped?"


def _swapped_integers(raster: Raster, numbers: AnyArray, other: AnyArray) -> str:
    """Say that integers have their bytes exchanged: they are huge, and small otherwise."""
    size, size_swapped = (
        float(np.median(np.abs(each[each != 0].astype(np.float64)))) if each.any() else 0.0
        for each in (numbers, other)
    )
    if size < _HUGE or size < _MUCH_LARGER * size_swapped:
        return ""
    swapped = "little" if raster.order == "big" else "big"
    return (
        f"{raster.path}: half of the numbers are beyond {size:,.0f}, read {raster.order}-endian, "
        f"but beyond {size_swapped:,.0f} if {swapped}-endian; exchange the bytes of every number "
        "(swap_bytes of GAMMA, type 2)"
    )


def _looked_at(raster: Raster) -> AnyArray:
    """Return the numbers of lines spread over a raster, in this machine's order of bytes."""
    step = max(raster.length // _LOOKED_AT, 1)
    lines = [slice(i, i + 1) for i in range(step // 2, raster.length, step)]
    with raster.opened() as file:
        for line in lines:
            file.expect(line)
        numbers = np.concatenate([file.read(line) for line in lines])
    numbers = numbers.reshape(-1).view(raster.numbers)
    return numbers.astype(raster.numbers.newbyteorder("="))


def _unknown(numbers: AnyArray) -> float:
    return float(np.mean(np.isnan(numbers)))


def _mostly_plausible(numbers: AnyArray) -> bool:
    size = np.abs(numbers)
    known = np.count_nonzero((size > 0) & (size < np.inf))
    plausible = np.count_nonzero((size >= _LEAST) & (size <= _MOST))
    return bool(plausible >= _PLAUSIBLE_SHARE * known)
