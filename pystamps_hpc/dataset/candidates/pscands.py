"""The files ``pscands.1.*`` of a patch: sizes, byte order and plausibility checked."""

import errno
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Literal
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..contents import SMALL_BYTES
from ..files import opened
from ..problems import Problems
from ..raster_headers import LONGEST_SIDE
from ..rows import AnyArray, BoolArray, IntArray
from ..text import encoding_of, shown
from .positions import trusted

Order = Literal["big", "little"]
NATIVE_ORDER: Order = "little" if sys.byteorder == "little" else "big"

NAMES = ("pscands.1.ij", "pscands.1.ll", "pscands.1.ph", "pscands.1.da", "pscands.1.hgt")

_SAMPLE = 4096  # values looked at to judge a byte order
_PLAUSIBLE_SHARE = 0.99
_FILL_SHARE = 0.01


@dataclass(frozen=True)
class PatchFiles:
    """What the files of a patch hold, in file order; see :class:`.model.Candidates`."""

    azimuth: IntArray
    range_sample: IntArray
    lonlat: NDArray[np.float64]
    phase: NDArray[np.complex64]
    amplitude_dispersion: NDArray[np.float64] | None
    height: NDArray[np.float64] | None
    warnings: tuple[str, ...]


def read_patch(patch: Path, n_ifg: int | None, order: Order, processor: str) -> PatchFiles:
    """Read ``pscands.1.ij``, ``.ll``, ``.ph`` and, where present, ``.da`` and ``.hgt``.

    Parameters
    ----------
    patch : Path
        Patch directory.
    n_ifg : int or None
        Interferograms in the phase file; None takes what its size says.
    order : {"big", "little"}
        Byte order in which this processor writes.
    processor : str
        Its name, for messages.

    Raises
    ------
    DatasetError
        A file is missing, has another size than the number of candidates asks for, is plausible in
        the other byte order only, or holds many positions that are not those of the pixels; one
        line for each.
    """
    found = Problems()
    ij = found.tried(_pixels, patch / "pscands.1.ij")
    if ij is None:
        for name in ("pscands.1.ll", "pscands.1.ph"):
            found.tried(_require_there, patch / name)
        found.require_none()
        raise AssertionError
    n = len(ij)
    if n_ifg is None:
        n_ifg = (size_of(patch / "pscands.1.ph") or 0) // max(8 * n, 1)
    _require_agreement(patch, n, n_ifg)
    judge = _Judge(order, processor)
    lonlat = found.tried(_positions, judge, patch / "pscands.1.ll", n)
    dispersion = found.tried(_optional_table, patch / "pscands.1.da", n)
    height = found.tried(_heights, judge, patch / "pscands.1.hgt", n)
    phase = found.tried(_phases, judge, patch / "pscands.1.ph", n, n_ifg)
    found.require_none()
    assert lonlat is not None
    assert phase is not None
    azimuth, range_sample = ij[:, 1].astype(np.int64), ij[:, 2].astype(np.int64)
    placed, misplaced = trusted(patch / "pscands.1.ll", lonlat, azimuth, range_sample)
    return PatchFiles(
        azimuth=azimuth,
        range_sample=range_sample,
        lonlat=placed,
        phase=phase,
        amplitude_dispersion=dispersion,
        height=height,
        warnings=(*_geocoding_warnings(patch, lonlat), *misplaced),
    )


def _pixels(path: Path) -> NDArray[np.float64]:
    ij = read_table(path, 3)
    sound = (ij == np.rint(ij)) & (ij <= LONGEST_SIDE)
    sound[:, 1:] &= ij[:, 1:] >= 0
    if not sound.all():
        row = int(np.flatnonzero(~sound.all(axis=1))[0])
        held = " ".join(f"{value:g}" for value in ij[row])
        raise DatasetError(
            f"{path}: pixels must be integers from 0, candidate {row + 1} holds {held}; extract "
            "the candidates again"
        )
    return ij


def _require_agreement(patch: Path, n: int, n_ifg: int) -> None:
    """Blame the list of pixels where all other files hold the same other number of candidates."""
    widths = {"pscands.1.ll": 8, "pscands.1.hgt": 4, "pscands.1.ph": 8 * n_ifg}
    sizes = {name: size_of(patch / name) for name, width in widths.items() if width}
    held = {name: size / widths[name] for name, size in sizes.items() if size is not None}
    counts = set(held.values())
    if len(held) > 1 and len(counts) == 1 and counts != {n}:
        raise DatasetError(
            f"{patch / 'pscands.1.ij'}: {n:,} lines, but {', '.join(held)} hold "
            f"{counts.pop():,.10g} candidates; extract the candidates again"
        )


def size_of(path: Path) -> int | None:
    """Return the bytes of a file, None if it is missing."""
    try:
        return os.stat(path).st_size
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        return None


def _positions(judge: "_Judge", path: Path, n: int) -> NDArray[np.float64]:
    values = judge.read(path, "f4", 2 * n, f"{n} candidates x 2 x 4", _on_earth)
    degrees = values.astype(np.float64).reshape(n, 2)
    _require_latitudes(path, degrees[:, 1])
    return degrees


def _heights(judge: "_Judge", path: Path, n: int) -> NDArray[np.float64] | None:
    if not path.exists():
        return None
    return judge.read(path, "f4", n, f"{n} candidates x 4", _terrestrial).astype(np.float64)


def _phases(judge: "_Judge", path: Path, n: int, n_ifg: int) -> NDArray[np.complex64]:
    reason = "perhaps an interferogram was missing during extraction"
    product = f"{n} candidates x {n_ifg} interferograms x 8"
    return judge.read(path, "c8", n * n_ifg, product, _phasors, reason).reshape(n_ifg, n)


def read_table(path: Path, columns: int) -> NDArray[np.float64]:
    """Read a text table of numbers, (n, columns) float64; an empty file has no rows.

    Raises
    ------
    DatasetError
        Missing file, a word that is no number, or another number of columns.
    """
    _require_there(path)
    try:
        with opened(path) as file, catch_warnings():
            simplefilter("ignore", UserWarning)  # of no data
            small = os.fstat(file.fileno()).st_size <= SMALL_BYTES
            content = file.read() if small else file.read(4)
            encoding = encoding_of(content)
            # for NumPy to open a small file takes as long as to read it
            text = StringIO(content.decode(encoding), None) if small else path
            table = np.loadtxt(text, dtype=np.float64, ndmin=2, encoding=encoding)
    except ValueError as error:
        reason = str(error).partition("; use")[0]  # an advice to programmers
        raise DatasetError(f"{path}: {shown(reason, 200)}; extract the candidates again") from None
    if not table.size:
        return np.empty((0, columns))
    if table.shape[1] != columns:
        raise DatasetError(f"{path}: has {table.shape[1]} columns, expected {columns}")
    return table


def _require_there(path: Path) -> None:
    if not path.exists():
        raise DatasetError(f"{path}: file not found; extract the candidates again")


@dataclass(frozen=True)
class _Judge:
    """Reads binary files in the declared byte order and doubts it when only the other fits."""

    order: Order
    processor: str

    def read(
        self,
        path: Path,
        kind: str,
        count: int,
        product: str,
        plausible: Callable[[AnyArray], BoolArray],
        reason: str = "the file is truncated or of other candidates",
    ) -> NDArray[Any]:
        """Read `count` values of a file; a large one is mapped into memory."""
        _require_there(path)
        dtype = np.dtype(kind).newbyteorder(self.order)
        expected = count * dtype.itemsize
        found = path.stat().st_size
        if found != expected:
            raise DatasetError(
                f"{path}: {found:,} bytes, expected {expected:,} ({product}); {reason}, "
                "extract the candidates again"
            )
        if not count:
            return np.empty(0, dtype)
        with opened(path) as file:
            small = expected <= SMALL_BYTES
            values: NDArray[Any] = (
                np.fromfile(file, dtype) if small else np.memmap(file, dtype, "r")
            )
        sample = np.asarray(values[:: max(count // _SAMPLE, 1)])
        other: Order = "little" if self.order == "big" else "big"
        if not _mostly(plausible, sample):
            swapped = sample.view(dtype.newbyteorder(other))
            cause = (
                f"{other}-endian values would be; does processor.txt name the right program?"
                if _mostly(plausible, swapped)
                else f"neither are {other}-endian ones; the file is damaged"
            )
            first = ", ".join(f"{value:.4g}" for value in sample[:3])
            raise DatasetError(
                f"{path}: values {first} are not plausible as {self.order}-endian "
                f"({self.processor}); {cause}"
            )
        return values


def _mostly(plausible: Callable[[AnyArray], BoolArray], sample: AnyArray) -> bool:
    finite = sample[np.isfinite(sample)]
    count = int(np.count_nonzero(plausible(finite)))
    return not len(finite) or count / len(finite) >= _PLAUSIBLE_SHARE


def _on_earth(values: AnyArray) -> BoolArray:
    # the sample mixes longitudes and latitudes; a swapped one spreads over all exponents
    return _between(np.abs(values), 1e-12, 360)


def _terrestrial(values: AnyArray) -> BoolArray:
    return _between(np.abs(values), 1e-12, 1e5)


def _phasors(values: AnyArray) -> BoolArray:
    return _between(np.maximum(np.abs(values.real), np.abs(values.imag)), 1e-15, 1e15)


def _between(size: AnyArray, least: float, most: float) -> BoolArray:
    between: BoolArray = (size == 0) | ((size >= least) & (size <= most))
    return between


def _require_latitudes(path: Path, latitude: NDArray[np.float64]) -> None:
    finite = latitude[np.isfinite(latitude)]
    outside = finite[np.abs(finite) > 90]
    if len(outside) > (1 - _PLAUSIBLE_SHARE) * len(finite):
        raise DatasetError(
            f"{path}: {len(outside):,} latitudes beyond 90 degrees, such as {outside[0]:.6g}; "
            "are longitude and latitude exchanged?"
        )


def _optional_table(path: Path, n: int) -> NDArray[np.float64] | None:
    if not path.exists():
        return None
    values = read_table(path, 1)[:, 0]
    if len(values) != n:
        raise DatasetError(
            f"{path}: {len(values):,} lines, expected {n:,}, one per line of pscands.1.ij; "
            "extract the candidates again"
        )
    return values


def _geocoding_warnings(patch: Path, lonlat: NDArray[np.float64]) -> tuple[str, ...]:
    unknown = int((~np.isfinite(lonlat)).any(axis=1).sum())
    if unknown <= _FILL_SHARE * len(lonlat):
        return ()
    return (f"{patch.name}: {unknown:,} candidates without longitude or latitude",)
