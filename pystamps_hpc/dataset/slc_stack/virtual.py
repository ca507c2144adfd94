"""Rasters without a flat file: virtual ones of GDAL, and interferograms formed while read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from warnings import catch_warnings

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..rows import AnyArray
from .raster import Raster, Sample

KINDS = {"fcomplex": "<c8", "float": "<f4", "double": "<f8", "byte": "u1"}
"""Samples of a virtual raster as they are handed out."""


@dataclass(frozen=True)
class Virtual(Raster):
    """A raster that a ``.vrt`` puts together from other files; ``rasterio`` reads it."""

    @property
    def disk_bytes(self) -> None:
        """Nothing can be told from the size of the file."""
        return None

    @contextmanager
    def opened(self) -> Iterator[Raster]:
        """Keep nothing open: threads cannot share what GDAL opens."""
        yield self

    def read_into(self, found: NDArray[np.uint8], lines: slice) -> None:
        """Read whole lines; as :meth:`Raster.read_into`."""
        import rasterio

        try:
            with catch_warnings(action="ignore"), rasterio.open(self.path) as file:
                window = ((lines.start, lines.stop), (0, self.width))
                values = file.read(self.band + 1, window=window)
        except rasterio.errors.RasterioError as error:
            raise DatasetError(f"{self.path}: GDAL cannot read it: {error}") from None
        found.view(KINDS[self.sample])[..., 0] = values


@dataclass(frozen=True)
class Formed(Raster):
    """An interferogram that is formed while it is read: an image times another's conjugate.

    Parameters
    ----------
    path : Path
        Where the interferogram would lie; nothing is there.
    images : (Raster, Raster)
        The images; the phase of the second is subtracted.

    Notes
    -----
    ``a*conj(b)`` of ISCE's ``make_single_reference_stack_isce``. Products and sums are rounded to
    single precision one by one, so that the bytes depend on no processor.
    """

    images: tuple[Raster, Raster] = field(kw_only=True)

    @property
    def files(self) -> tuple[Raster, ...]:
        """The two images."""
        return self.images

    @contextmanager
    def opened(self) -> Iterator[Raster]:
        """Keep both images open; as :meth:`Raster.opened`."""
        first, second = self.images
        with first.opened() as one, second.opened() as other:
            yield replace(self, images=(one, other))

    @property
    def line_bytes(self) -> int:
        """Bytes that are read for a line, of both images."""
        return sum(image.line_bytes for image in self.images)

    def expect(self, lines: slice) -> None:
        """Have lines of both images read; as :meth:`Raster.expect`."""
        for image in self.images:
            image.expect(lines)

    def read_into(self, found: NDArray[np.uint8], lines: slice) -> None:
        """Form whole lines; as :meth:`Raster.read_into`."""
        (a, b), (c, d) = (_parts(image, lines) for image in self.images)
        parts = found.view(self.numbers)
        with np.errstate(all="ignore"):
            parts[..., 0] = a * c + b * d
            parts[..., 1] = b * c - a * d


def _parts(image: Raster, lines: slice) -> tuple[AnyArray, AnyArray]:
    parts = image.read(lines).view(image.numbers)
    return parts[..., 0], parts[..., 1]


def is_there(path: Path) -> bool:
    """Whether :func:`flat_or_virtual` finds something."""
    return path.exists() or path.with_name(f"{path.name}.vrt").exists()


def flat_or_virtual(
    path: Path, width: int, length: int, sample: Sample, bands: int = 1, band: int = 0
) -> Raster:
    """Return a little-endian raster: the flat file if it is there, else ``<path>.vrt``.

    Raises
    ------
    DatasetError
        Only the latter is there, and nothing that can read it.
    """
    virtual = path.with_name(f"{path.name}.vrt")
    if path.exists() or not virtual.exists():
        return Raster(path, width, length, sample, "little", bands, band)
    if find_spec("rasterio") is None:
        raise DatasetError(
            f"{path}: file not found, only its virtual raster; write it with gdal_translate -of "
            f"ENVI -co INTERLEAVE=BIL {virtual} {path}, or install the extra 'gdal' (rasterio)"
        )
    return Virtual(virtual, width, length, sample, "little", bands, band)
