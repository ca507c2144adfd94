"""What a processor leaves before candidates are chosen: images, interferograms, geometry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..rows import FloatArray
from .raster import Raster


@dataclass(frozen=True)
class SlcStack:
    """Co-registered images of a scene and their interferograms.

    Parameters
    ----------
    processor : str
        Program that made them, as ``insar_processor`` names it.
    root : Path
        The dataset directory.
    small_baselines : bool
        Interferograms of pairs instead of a single master.
    master : str
        Date of the master, ``yyyymmdd``.
    width, length : int
        Range samples and azimuth lines.
    size_from : str
        Where they stand.
    slcs : tuple of Raster
        Images in the order in which their amplitudes are added up; of small baselines two of each
        pair.
    dates : tuple of str
        Date of each of `slcs`; empty where its name has none.
    ifgs : tuple of Raster
        Interferograms in the order in which they are extracted.
    lonlat : tuple of Raster or None
        Longitude and latitude [deg].
    heights : tuple of Raster
        Height [m]; the first is used.
    texts : mapping
        Text file of this processor, relative to the root -> content.
    added : tuple of str
        Those of them that StaMPS' own preparation does not write.
    grids : mapping
        Small raster that this processor's files lack, relative to the root -> its values.
    converted : mapping
        Raster that is not there yet -> that which it is to be made from, as floats.
    mask : Path or None
        Mask that the processor's files name.
    sorted_patches : bool
        Whether StaMPS lists patches in the order of their names as text.
    mask_calibrates : bool
        Whether StaMPS leaves masked pixels out of the calibration, too.
    warnings : tuple of str
        What the user should know.
    """

    processor: str
    root: Path
    small_baselines: bool
    master: str
    width: int
    length: int
    size_from: str
    slcs: tuple[Raster, ...]
    dates: tuple[str, ...]
    ifgs: tuple[Raster, ...]
    lonlat: tuple[Raster, Raster] | None
    heights: tuple[Raster, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    grids: Mapping[str, FloatArray] = field(default_factory=dict)
    converted: Mapping[Path, Raster] = field(default_factory=dict)
    mask: Path | None = None
    sorted_patches: bool = False
    mask_calibrates: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def rasters(self) -> list[Raster]:
        """Every raster that lies there and is read."""
        found = [*self.slcs, *self.ifgs, *(self.lonlat or ()), *self.heights[:1]]
        there = [self.converted.get(raster.path, raster) for raster in found]
        files = [file for raster in (*there, *self.converted.values()) for file in raster.files]
        return list(dict.fromkeys(files))
