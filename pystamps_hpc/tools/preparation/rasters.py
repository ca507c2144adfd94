"""The two passes over the images: calibration and choice of candidates.

Lines are read in pieces, so that memory holds a piece of a few images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import AnyArray, BoolArray, IntArray
from ...dataset.slc_stack import Raster
from ...dataset.slc_stack.raster import kept_open, words_of_images
from ...errors import DatasetError
from ...parallel.context import Context
from ...stages.prepare.patches import Patch
from ...stages.prepare.selection import Chosen, Images, choose, choose_of_pairs
from ...stages.prepare.stripes import choose_in_stripes
from .ahead import read_ahead
from .layout import Layout
from .placed import PlacedFile

GROUP = 1 << 21  # bytes of images that are added up at a time, and stay in the cache
PIECE = 1 << 20  # bytes of each, where they are several


def calibrate(layout: Layout, ctx: Context) -> list[str]:
    """Return the calibration constant of every image, its mean amplitude, as it is written.

    A file that is listed several times, under several names too, is read once.

    Raises
    ------
    DatasetError
        An image has no valid pixel, or one that is infinite.
    """
    slcs = layout.stack.slcs
    mask = layout.mask if layout.mask_calibrates else None
    places = ctx.on_root(lambda: [_identity(slc.path) for slc in slcs])
    distinct = dict(zip(places, slcs, strict=True))

    add_up = ctx.kernels.prep_amplitude_sum

    def constant(slc: Raster) -> str:
        total, count = 0.0, 0
        with slc.opened() as image:
            for lines in image.pieces(range(image.length), GROUP):
                excluded = _excluded(mask, lines, image.width)
                total, count = add_up(image.words(lines), image.swapped, excluded, total, count)
                ctx.check()
        used()
        return _written(slc.path, total, count, mask)

    files = list(distinct.values())
    label = f"calibration, {_gigabytes(files)}"
    with read_ahead(files, range(layout.stack.length), ctx) as used:
        found = ctx.map_tasks(constant, files, label=label, waiting=True)
    texts = dict(zip(distinct, found, strict=True))
    return [texts[place] for place in places]


def _gigabytes(rasters: Sequence[Raster]) -> str:
    """Say how much is read."""
    each = (one.width * one.length * one.pixel_bytes for one in rasters)
    return f"{sum(each) / 1e9:.1f} GB"


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _written(path: Path, total: float, count: int, mask: Raster | None) -> str:
    if count == 0:
        left = f" that the mask {mask.path} leaves" if mask is not None else ""
        raise DatasetError(
            f"{path}: no valid pixel{left} (amplitudes above 0.001); leave the image out"
        )
    mean = np.float32(total / count)
    if not np.isfinite(mean):
        raise DatasetError(f"{path}: holds an infinite sample; make the image again")
    return f"{float(mean):g}"


def _excluded(mask: Raster | None, lines: slice, width: int) -> BoolArray:
    if mask is None:
        return np.zeros((lines.stop - lines.start) * width, bool)
    return np.asarray(mask.read(lines).reshape(-1) != 0)


@dataclass(frozen=True)
class Pixels:
    """Pixels of a patch in raster order.

    Parameters
    ----------
    place : (n,) int64
        Line times width of the scene, plus sample.
    dispersion : (n,) float32
        Amplitude dispersion.
    low : (n_low,) int64
        Places of pixels that were nearly zero in an image, candidates otherwise.
    before_low : (n_low,) int64
        How many candidates come before each.
    seen : int
        Pixels of the patch that have an amplitude.
    """

    place: IntArray
    dispersion: NDArray[np.float32]
    low: IntArray
    before_low: IntArray
    seen: int


def select(
    layout: Layout,
    constants: Sequence[str],
    strip: Sequence[Patch],
    amplitudes: Mapping[str, Path],
    ctx: Context,
) -> dict[str, Pixels]:
    """Choose the candidates of patches that have the same lines.

    Parameters
    ----------
    layout : Layout
        The plan.
    constants : sequence of str
        Calibration constants.
    strip : sequence of Patch
        The patches.
    amplitudes : mapping
        Patch -> file for the sum of its amplitudes.

    Returns
    -------
    dict of str to Pixels
        Patch -> candidates.
    """
    stack, width = layout.stack, layout.stack.width
    lines_of_strip = layout.lines(strip[0])
    weights = np.array(constants, np.float64).astype(np.float32)
    mask = layout.mask if layout.mask_selects else None

    def piece(lines: slice) -> list[Pixels]:
        chosen = _chosen(layout, slcs, weights, lines, lines_of_strip.start, mask, ctx)
        return [
            _kept(chosen, lines, width, patch, lines_of_strip, amplitudes[patch.name])
            for patch in strip
        ]

    pieces = list(stack.slcs[0].pieces(lines_of_strip, PIECE))
    names = ", ".join(patch.name for patch in strip)
    with kept_open(stack.slcs) as slcs:
        found = ctx.map_tasks(piece, pieces, label=f"choice of candidates, {names}", waiting=True)
    return {patch.name: _joined([parts[k] for parts in found]) for k, patch in enumerate(strip)}


def _chosen(
    layout: Layout,
    slcs: Sequence[Raster],
    weights: NDArray[np.float32],
    lines: slice,
    first: int,
    mask: Raster | None,
    ctx: Context,
) -> Chosen:
    """Choose pixels of some lines."""
    stack = layout.stack
    rule = choose_of_pairs if stack.small_baselines else choose
    excluded = _excluded(mask, lines, stack.width)
    threshold = float(layout.threshold)

    def read(some: slice) -> AnyArray:
        ctx.check()
        return words_of_images(slcs[some], lines)

    of_an_image = (lines.stop - lines.start) * stack.width * slcs[0].pixel_bytes
    images = Images(read, slcs[0].swapped, 2 * max(GROUP // (2 * of_an_image), 1))
    if not (layout.reference and not stack.small_baselines and _has_stripes(slcs[0])):
        return rule(images, weights, excluded, threshold, ctx.kernels)
    line = np.arange(lines.start, lines.stop)
    odd = np.repeat((line - first) % 2 == 1, stack.width)
    return choose_in_stripes(images, weights, excluded, threshold, ctx.kernels, odd)


def _has_stripes(slc: Raster) -> bool:
    return slc.sample == "scomplex" and slc.swapped


def _kept(
    chosen: Chosen, lines: slice, width: int, patch: Patch, whole: range, amplitudes: Path
) -> Pixels:
    """Write the amplitudes of a patch and return its candidates in some lines."""
    first, stop = patch.full.range
    across, grid = stop - first, (lines.stop - lines.start, width)

    def inside(values: AnyArray) -> AnyArray:
        return np.ascontiguousarray(values.reshape(grid)[:, first:stop]).reshape(-1)

    def place(pixels: IntArray) -> IntArray:
        line, sample = np.divmod(pixels, across)
        return np.asarray((line + lines.start) * width + sample + first)

    total = inside(chosen.total)
    with PlacedFile(amplitudes) as file:
        file.write(total.data, (lines.start - whole.start) * across * 4)
    taken, low = np.flatnonzero(inside(chosen.taken)), np.flatnonzero(inside(chosen.low))
    return Pixels(
        place(taken),
        inside(chosen.dispersion)[taken],
        place(low),
        np.searchsorted(taken, low),
        int(np.count_nonzero(total > 0)),
    )


def _joined(parts: Sequence[Pixels]) -> Pixels:
    """Join pieces that follow each other."""
    counts = np.cumsum([0, *(len(part.place) for part in parts)])
    empty = np.empty(0, np.int64)
    return Pixels(
        np.concatenate([empty, *(part.place for part in parts)]),
        np.concatenate([np.empty(0, np.float32), *(part.dispersion for part in parts)]),
        np.concatenate([empty, *(part.low for part in parts)]),
        np.concatenate(
            [empty, *(part.before_low + n for part, n in zip(parts, counts[:-1], strict=True))]
        ),
        sum(part.seen for part in parts),
    )
