"""The images, interferograms and geometry of a whole scene, some lines at a time.

An image is ``gain z exp(-i phase)``, an interferogram ``image_m conj(image_k)``: flat earth and
topography are left out of both. The echo z of every pixel is circular Gaussian clutter of deviation
1 per component; that of a persistent scatterer has ``1 / sigma`` on top.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...dataset.rows import AnyArray, ComplexArray, FloatArray, IntArray
from ...dataset.slc_stack import Raster
from . import fields
from .geometry import Acquisitions, Scene
from .layouts import LAYOUTS, StackFiles
from .model import ImageError, Truth, image_error, model_phase, truth_of
from .scatterers import (
    Candidates,
    Sites,
    dispersion2,
    draw_persistent,
    gains,
    speckle,
    stream,
    wanted_of,
)
from .truth import save_truth, truth_rows

PIXELS = 1 << 22
"""Pixels, times images, that are in memory at a time; a line of all images at least."""


@dataclass(frozen=True)
class Block:
    """Some lines of the scene.

    Attributes
    ----------
    number : int
        Which block it is.
    lines : range
        Azimuth lines, from 0.
    sites : Sites
        The persistent scatterers in them.
    truth : Truth
        Their model.
    """

    number: int
    lines: range
    sites: Sites
    truth: Truth


def write_stack(
    root: Path, scene: Scene, images: Acquisitions, pairs: IntArray
) -> tuple[Path, int]:
    """Write a stack in the layout of a processor, and its truth.

    Parameters
    ----------
    root : Path
        Empty folder.
    pairs : (n_ifg, 2) int64
        Images of each interferogram.

    Returns
    -------
    Path
        The dataset to be prepared, ``root`` or a folder in it.
    int
        Persistent scatterers.
    """
    files = LAYOUTS[str(scene.options.slc)](root, scene, images, pairs)
    with tempfile.TemporaryDirectory(dir=root, prefix=".") as name:
        scratch = Path(name)
        errors = [_spilled(image_error(scene, k), scratch / f"{k}.npy")
                  for k in range(len(images.dates))]  # fmt: skip
        table = Columns(scratch)
        for block in _blocks(scene):
            _append_geometry(files, scene, block)
            seen = _append_images(files, scene, images, block, errors)
            for (i, k), ifg in zip(pairs.tolist(), files.ifgs, strict=True):
                _append(ifg, seen[i] * np.conj(seen[k]))
            table.append(_rows(scene, pairs, block, seen))
        save_truth(files.dataset, table.whole(), scene, images, pairs, stack=scene.options.slc)
    return files.dataset, wanted_of(scene.options)[0]


def _blocks(scene: Scene) -> Iterator[Block]:
    options = scene.options
    step = max(PIXELS // (scene.width * options.images), 1)
    for number, first in enumerate(range(0, scene.length, step)):
        lines = range(first, min(first + step, scene.length))
        sites = draw_persistent(scene, number, lines)
        own = stream(options, "dem error", 0, number).standard_normal(len(sites))
        yield Block(number, lines, sites, truth_of(scene, sites.azimuth, sites.sample, own))


def _append_geometry(files: StackFiles, scene: Scene, block: Block) -> None:
    """Write position, height and incidence of all pixels of a block."""
    azimuth = np.array(block.lines)[:, None]
    sample = np.arange(scene.width)[None, :]
    for raster, values in zip(files.lonlat, scene.lonlat(azimuth, sample), strict=True):
        _append(raster, values)
    x, y = scene.ground(azimuth, sample)
    _append(files.height, fields.height(x / scene.options.side, y / scene.options.side))
    if files.incidence:
        incidence = np.degrees(scene.incidence(sample))
        _append(files.incidence, np.repeat(incidence, len(block.lines), axis=0))


def _append_images(
    files: StackFiles,
    scene: Scene,
    images: Acquisitions,
    block: Block,
    errors: Sequence[tuple[ImageError, Path]],
) -> list[ComplexArray]:
    """Write a block of all images; returns what was written, (n_pixel,) complex64 each."""
    gain = gains(scene.options)
    sites, place = block.sites, _places(scene, block)
    pixels = len(block.lines) * scene.width
    found = []
    for k, slc in enumerate(files.slcs):
        seen = speckle(scene.options, sites, place, pixels, k, block.number)
        phase = model_phase(scene, images, block.truth, sites.azimuth, k)
        phase += 4e-3 * np.pi / scene.wavelength * _recalled(*errors[k]).at(block.truth)
        seen[place] *= np.exp(-1j * phase)
        seen *= np.float32(gain[k])
        if slc.sample == "scomplex":
            np.rint(seen.view(np.float32), out=seen.view(np.float32))
        _append(slc, seen)
        found.append(seen)
    return found


def _rows(
    scene: Scene, pairs: IntArray, block: Block, seen: Sequence[ComplexArray]
) -> dict[str, AnyArray]:
    """Return the rows of the truth of a block."""
    gain, place = gains(scene.options), _places(scene, block)

    def amplitude(k: int) -> FloatArray:
        return np.abs(seen[k][place]) / np.float32(gain[k])

    square = dispersion2(scene.options, pairs, amplitude)
    dispersion = np.sqrt(np.maximum(square, 0)).astype(np.float64)
    candidates = Candidates(block.sites, np.arange(len(block.sites)), dispersion)
    return truth_rows(scene, block.truth, candidates)


def _places(scene: Scene, block: Block) -> IntArray:
    """Return where the persistent scatterers are among the pixels of a block."""
    sites = block.sites
    return np.asarray((sites.azimuth - block.lines.start) * scene.width + sites.sample)


def _append(raster: Raster, values: AnyArray) -> None:
    numbers = values.view(np.float32) if np.iscomplexobj(values) else values
    with raster.path.open("ab") as file:
        file.write(np.ascontiguousarray(numbers, raster.numbers).data)


def _spilled(error: ImageError, path: Path) -> tuple[ImageError, Path]:
    """Put the delay of an image on disk: all blocks need it, and only some rows at a time."""
    if error.delay is not None:
        np.save(path, error.delay)
    return replace(error, delay=None), path


def _recalled(error: ImageError, path: Path) -> ImageError:
    return replace(error, delay=np.load(path, mmap_mode="r")) if path.exists() else error


class Columns:
    """Columns of a table that grows on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kinds: dict[str, tuple[np.dtype[np.generic], tuple[int, ...]]] = {}

    def append(self, rows: Mapping[str, AnyArray]) -> None:
        """Add rows: column -> (n, ...)."""
        for name, values in rows.items():
            with (self.folder / name).open("ab") as file:
                file.write(np.ascontiguousarray(values).data)
            self.kinds[name] = (values.dtype, values.shape[1:])

    def whole(self) -> dict[str, AnyArray]:
        """Return the columns, mapped into memory."""
        return {
            name: np.memmap(self.folder / name, dtype, "r").reshape(-1, *shape)
            for name, (dtype, shape) in self.kinds.items()
        }
