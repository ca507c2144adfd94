"""The simulator: model, echoes and files, one image after the other."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...dataset.creation import appearing, require_new
from ...dataset.rows import BoolArray, ComplexArray, FloatArray, IntArray
from ...stages.prepare.patches import Patch
from . import fields
from .geometry import Acquisitions, Scene, acquisitions_of, patches_of, scene_of
from .model import image_error, model_phase, truth_of
from .network import pairs_of
from .options import Options
from .scatterers import Candidates, choose_candidates, draw_sites, echo, gains, stream
from .stack import write_stack
from .truth import save_truth, truth_rows
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
    stack : {"snap", "gamma", "isce"} or None
        Processor whose stack it is.
    patches : dict of str to int or None
        Candidates of each patch, overlap included; None for a stack.
    candidates : int or None
        Distinct candidates; None for a stack, in which ``prep`` chooses them.
    persistent : int
        Persistent scatterers among the candidates, or in the stack.
    images, interferograms : int
        Counts.
    master : str
        Master date, ``yyyymmdd``.
    width, length : int
        Range samples and azimuth lines of the scene.
    """

    root: Path
    truth: Path
    stack: str | None
    patches: dict[str, int] | None
    candidates: int | None
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
    ``truth.npz``, one row per distinct candidate, or persistent scatterer of a stack, in raster
    order: ``ij`` (azimuth, range, from 0),
    ``lon``, ``lat`` [deg], ``velocity`` [mm/yr], rate of *range change*, positive away from the
    satellite: StaMPS' velocity is its negative up to the reference; ``seasonal`` [mm], amplitude
    of sin(2 pi t), range change, t in years since the master; ``dem_err`` [m], positive above the
    DEM; ``is_ps``; ``phase_std`` [rad] of one image (an interferogram adds the master's);
    ``D_A``. Per image: ``dates``, ``bperp`` [m] at the scene centre, 0 for the master. Per
    interferogram: ``pairs`` of images (from 0). Scalars: ``master`` (from 0), ``wavelength`` [m],
    ``heading`` [deg]; of a stack ``stack``, its processor.
    """
    options = options or Options()
    root = Path(out)
    require_new(root)
    scene = scene_of(options)
    images = acquisitions_of(scene, stream(options, "acquisitions"))
    pairs = pairs_of(options, images)
    counts: dict[str, int] | None = None
    if options.slc:
        with appearing(root) as partial:
            dataset, persistent = write_stack(partial, scene, images, pairs)
            root = root / dataset.relative_to(partial)
    else:
        patches = patches_of(scene)
        candidates = choose_candidates(options, draw_sites(scene), pairs)
        with appearing(root) as partial:
            members = _write(partial, scene, images, pairs, patches, candidates)
        persistent = int(candidates.is_ps.sum())
        counts = {patch.name: len(rows) for patch, rows in zip(patches, members, strict=True)}
    return Report(
        root=root,
        truth=root / "truth.npz",
        stack=options.slc,
        patches=counts,
        candidates=None if options.slc else options.candidates,
        persistent=persistent,
        images=options.images,
        interferograms=len(pairs),
        master=images.dates[images.master],
        width=scene.width,
        length=scene.length,
    )


def _write(
    root: Path,
    scene: Scene,
    images: Acquisitions,
    pairs: IntArray,
    patches: tuple[Patch, ...],
    candidates: Candidates,
) -> list[IntArray]:
    options = scene.options
    # drawn for all sites, so that a pixel has the same error whichever others are chosen
    own = stream(options, "dem error").standard_normal(len(candidates.sites))[candidates.index]
    truth = truth_of(scene, candidates.azimuth, candidates.sample, own)
    gain = gains(options)
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
        return seen, model_phase(scene, images, truth, azimuth, k), image_error(scene, k).at(truth)

    for i, k in pairs.tolist():
        (first, first_phase, first_error), (second, second_phase, second_error) = image(i), image(k)
        phase = second_phase - first_phase
        phase += 4e-3 * np.pi / scene.wavelength * (second_error - first_error)
        ifg = first * np.conj(second)
        ifg *= np.exp(1j * phase) * (gain[i] * gain[k])
        for patch, rows in zip(patches, members, strict=True):
            append_phase(root / patch.name, ifg[rows])

    save_truth(root, truth_rows(scene, truth, candidates), scene, images, pairs)
    return members


def _members(patch: Patch, azimuth: IntArray, sample: IntArray) -> IntArray:
    """Return the candidates of a patch, which are sorted by azimuth line."""
    first, stop = np.searchsorted(azimuth, patch.full.azimuth)
    inside: BoolArray = (sample[first:stop] >= patch.full.range[0]) & (
        sample[first:stop] < patch.full.range[1]
    )
    return np.asarray(np.flatnonzero(inside) + first)
