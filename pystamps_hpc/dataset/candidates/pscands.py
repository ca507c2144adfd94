"""The files ``pscands.1.*`` of a patch: sizes, byte order and plausibility checked."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..rows import AnyArray, BoolArray, IntArray

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


def read_patch(patch: Path, n_ifg: int, order: Order, processor: str) -> PatchFiles:
    """Read ``pscands.1.ij``, ``.ll``, ``.ph`` and, where present, ``.da`` and ``.hgt``.

    Parameters
    ----------
    patch : Path
        Patch directory.
    n_ifg : int
        Interferograms in the phase file.
    order : {"big", "little"}
        Byte order in which this processor writes.
    processor : str
        Its name, for messages.

    Raises
    ------
    DatasetError
        A file is missing, has another size than the number of candidates asks for, or is plausible
        in the other byte order only.
    """
    ij = read_table(patch / "pscands.1.ij", 3)
    n = len(ij)
    if not np.array_equal(ij, np.rint(ij)) or (ij[:, 1:] < 0).any():
        raise DatasetError(f"{patch / 'pscands.1.ij'}: pixels must be integers from 0")
    judge = _Judge(order, processor)
    lonlat = judge.read(patch / "pscands.1.ll", "f4", 2 * n, f"{n} candidates x 2 x 4", _on_earth)
    dispersion = _optional_table(patch / "pscands.1.da", n)
    height = None
    if (patch / "pscands.1.hgt").exists():
        height = judge.read(patch / "pscands.1.hgt", "f4", n, f"{n} candidates x 4", _terrestrial)
    phase = judge.read(
        patch / "pscands.1.ph",
        "c8",
        n * n_ifg,
        f"{n} candidates x {n_ifg} interferograms x 8",
        _phasors,
        "perhaps an interferogram was missing during extraction",
    )
    degrees = lonlat.astype(np.float64).reshape(n, 2)
    _require_latitudes(patch / "pscands.1.ll", degrees[:, 1])
    return PatchFiles(
        azimuth=ij[:, 1].astype(np.int64),
        range_sample=ij[:, 2].astype(np.int64),
        lonlat=degrees,
        phase=phase.reshape(n_ifg, n),
        amplitude_dispersion=dispersion,
        height=None if height is None else height.astype(np.float64),
        warnings=_geocoding_warnings(patch, degrees),
    )


def read_table(path: Path, columns: int) -> NDArray[np.float64]:
    """Read a text table of numbers, (n, columns) float64; an empty file has no rows.

    Raises
    ------
    DatasetError
        Missing file, a word that is no number, or another number of columns.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: file not found; extract the candidates again")
    if not path.stat().st_size:
        return np.empty((0, columns))
    try:
        table = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise DatasetError(f"{path}: {error}") from None
    if table.shape[1] != columns:
        raise DatasetError(f"{path}: has {table.shape[1]} columns, expected {columns}")
    return table


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
        """Map `count` values of a file into memory."""
        if not path.is_file():
            raise DatasetError(f"{path}: file not found; extract the candidates again")
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
        values: NDArray[Any] = np.memmap(path, dtype, "r")
        sample = np.asarray(values[:: max(count // _SAMPLE, 1)])
        other: Order = "little" if self.order == "big" else "big"
        if not _mostly(plausible, sample):
            swapped = sample.view(dtype.newbyteorder(other))
            cause = (
                f"{other}-endian values would be; does processor.txt name the right program?"
                if _mostly(plausible, swapped)
                else f"neither are {other}-endian ones; the file is damaged"
            )
            shown = ", ".join(f"{value:.4g}" for value in sample[:3])
            raise DatasetError(
                f"{path}: values {shown} are not plausible as {self.order}-endian "
                f"({self.processor}); {cause}"
            )
        return values


def _mostly(plausible: Callable[[AnyArray], BoolArray], sample: AnyArray) -> bool:
    finite = sample[np.isfinite(sample)]
    return not len(finite) or bool(np.mean(plausible(finite)) >= _PLAUSIBLE_SHARE)


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
    warnings = []
    unknown = int((~np.isfinite(lonlat)).any(axis=1).sum())
    filled = int((lonlat == 0).all(axis=1).sum())
    if unknown > _FILL_SHARE * len(lonlat):
        warnings.append(f"{patch.name}: {unknown:,} candidates without longitude or latitude")
    if filled > _FILL_SHARE * len(lonlat):
        warnings.append(
            f"{patch.name}: {filled:,} candidates at longitude and latitude 0, which distort the "
            "local frame; mask them and extract the candidates again"
        )
    return tuple(warnings)
