"""The simulator: model, echoes and files, one image after the other."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...dataset.rows import BoolArray, ComplexArray, FloatArray, IntArray
from ...errors import DatasetError
from ...stages.prepare.patches import Patch
from . import fields
from .geometry import Acquisitions, Scene, acquisitions_of, patches_of, scene_of
from .model import image_error, model_phase, truth_of
from .network import pairs_of
from .options import Options
from .scatterers import Candidates, choose_candidates, draw_sites, echo, stream
from .write import append_phase, write_patch, write_root


@dataclass(frozen=True)
class Report:
    """What :func:`simulate` wrote.

    Attributes
    ----------
    root : Path
        The dataset.
    truth : Path
        ``truth.npz`` in it, see :func:`simulate`.
    patches : dict of str to int
        Candidates of each patch, overlap included.
    candidates, persistent : int
        Distinct candidates, and how many of them are persistent scatterers.
    images, interferograms : int
        Counts.
    master : str
        Master date, ``yyyymmdd``.
    width, length : int
        Range samples and azimuth lines of the scene.
    """

    root: Path
    truth: Path
    patches: dict[str, int]
    candidates: int
    persistent: int
    images: int
    interferograms: int
    master: str
    width: int
    length: int


def simulate(out: str | os.PathLike[str], options: Options | None = None) -> Report:
    """Write a simulated dataset and its truth.

    Parameters
    ----------
    out : path
        Folder to create; it may exist if it is empty. It appears complete or not at all.
    options : Options, optional
        Size, layout, and strength of each effect.

    Returns
    -------
    Report
        What was written.

    Raises
    ------
    ConfigError
        Options that contradict each other or give scenes that the chain refuses.
    DatasetError
        ``out`` exists and is not empty, or cannot be written.

    Notes
    -----
    ``truth.npz``, one row per distinct candidate in raster order: ``ij`` (azimuth, range, from 0),
    ``lon``, ``lat`` [deg], ``velocity`` [mm/yr], rate of *range change*, positive away from the
    satellite: StaMPS' velocity is its negative up to the reference; ``seasonal`` [mm], amplitude
    of sin(2 pi t), range change, t in years since the master; ``dem_err`` [m], positive above the
    DEM; ``is_ps``; ``phase_std`` [rad] of one image (an interferogram adds the master's);
    ``D_A``. Per image: ``dates``, ``bperp`` [m] at the scene centre, 0 for the master. Per
    interferogram: ``pairs`` of images (from 0). Scalars: ``master`` (from 0), ``wavelength`` [m],
    ``heading`` [deg].
    """
    options = options or Options()
    root = Path(out)
    if root.is_symlink() or (root.exists() and not (root.is_dir() and not any(root.iterdir()))):
        raise DatasetError(f"{root}: exists and is not an empty folder; choose another name")
    scene = scene_of(options)
    patches = patches_of(scene)
    images = acquisitions_of(scene, stream(options, "acquisitions"))
    pairs = pairs_of(options, images)
    candidates = choose_candidates(options, draw_sites(scene), pairs)
    with _appearing(root) as partial:
        members = _write(partial, scene, images, pairs, patches, candidates)
    return Report(
        root=root,
        truth=root / "truth.npz",
        patches={patch.name: len(rows) for patch, rows in zip(patches, members, strict=True)},
        candidates=len(candidates.index),
        persistent=int(candidates.is_ps.sum()),
        images=options.images,
        interferograms=len(pairs),
        master=images.dates[images.master],
        width=scene.width,
        length=scene.length,
    )


@contextmanager
def _appearing(root: Path) -> Iterator[Path]:
    """Give a folder beside `root` which, if all went well, becomes it."""
    partial = root.with_name(f".{root.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        try:
            yield partial
            partial.replace(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DatasetError(f"{root}: cannot be written: {error.strerror}") from error


def _write(
    root: Path,
    scene: Scene,
    images: Acquisitions,
    pairs: IntArray,
    patches: tuple[Patch, ...],
    candidates: Candidates,
) -> list[IntArray]:
    options = scene.options
    truth = truth_of(scene, candidates)
    gain = _gain(options)
    write_root(root, scene, images, pairs, patches, gain)

    azimuth, sample = candidates.azimuth, candidates.sample
    lonlat = np.column_stack(scene.lonlat(azimuth, sample))
    height = fields.height(truth.u, truth.v)
    members = [_members(patch, azimuth, sample) for patch in patches]
    for patch, rows in zip(patches, members, strict=True):
        write_patch(
            root / patch.name, patch, azimuth[rows], sample[rows], lonlat[rows], height[rows],
            candidates.dispersion[rows],
        )  # fmt: skip

    index = candidates.index

    @lru_cache(maxsize=8)  # the images of a pair are near those of the next
    def image(k: int) -> tuple[ComplexArray, FloatArray, FloatArray]:
        """Return echo, model phase [rad], and delay and orbit error [mm] of an image."""
        seen = echo(options, candidates.sites, k)[index]
        return seen, model_phase(scene, images, truth, azimuth, k), image_error(scene, truth, k)

    for i, k in pairs.tolist():
        (first, first_phase, first_error), (second, second_phase, second_error) = image(i), image(k)
        phase = second_phase - first_phase
        phase += 4e-3 * np.pi / scene.wavelength * (second_error - first_error)
        ifg = first * np.conj(second)
        ifg *= np.exp(1j * phase) * (gain[i] * gain[k])
        for patch, rows in zip(patches, members, strict=True):
            append_phase(root / patch.name, ifg[rows])

    np.savez(
        root / "truth.npz",
        ij=np.column_stack([azimuth, sample]),
        lon=lonlat[:, 0],
        lat=lonlat[:, 1],
        velocity=truth.velocity,
        seasonal=truth.seasonal,
        dem_err=truth.dem_error,
        is_ps=candidates.is_ps,
        phase_std=candidates.sigma if options.noise else np.zeros_like(candidates.sigma),
        D_A=candidates.dispersion,
        dates=np.array(images.dates),
        bperp=images.bperp,
        pairs=pairs,
        master=images.master,
        wavelength=scene.wavelength,
        heading=options.heading,
    )
    return members


def _gain(options: Options) -> FloatArray:
    gain = 90 * np.exp(0.15 * stream(options, "gain").standard_normal(options.images))
    return np.array([float(f"{constant:g}") for constant in gain])


def _members(patch: Patch, azimuth: IntArray, sample: IntArray) -> IntArray:
    """Return the candidates of a patch, which are sorted by azimuth line."""
    first, stop = np.searchsorted(azimuth, patch.full.azimuth)
    inside: BoolArray = (sample[first:stop] >= patch.full.range[0]) & (
        sample[first:stop] < patch.full.range[1]
    )
    return np.asarray(np.flatnonzero(inside) + first)
