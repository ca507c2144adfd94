"""The three passes over the rasters: calibration, choice of candidates, extraction.

Lines are read in pieces, image after image, so that memory holds one piece of one image.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...dataset.candidates.lists import write_lists
from ...dataset.publish import write_error
from ...dataset.rows import AnyArray, BoolArray, IntArray
from ...dataset.slc_stack import Raster
from ...errors import DatasetError
from ...parallel.context import Context
from ...stages.prepare.patches import Patch
from ...stages.prepare.selection import Chosen, choose, choose_of_pairs
from .layout import Layout

PIECE = 1 << 18  # bytes of one image that are read at a time, and stay in the cache
STRIPES = 256  # amplitude of a master that is 1 with its two bytes exchanged


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

    def constant(slc: Raster) -> str:
        total, count = 0.0, 0
        for lines in slc.pieces(range(slc.length), PIECE):
            excluded = _excluded(mask, lines, slc.width)
            total, count = ctx.kernels.prep_amplitude_sum(
                slc.words(lines), slc.swapped, excluded, total, count
            )
            ctx.check()
        return _written(slc.path, total, count, mask)

    files = list(distinct.values())
    found = ctx.map_tasks(constant, files, label=f"calibration, {_gigabytes(files)}", waiting=True)
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
    weights = [float(np.float32(text)) for text in constants]
    mask = layout.mask if layout.mask_selects else None

    def piece(lines: slice) -> list[Pixels]:
        chosen = _chosen(layout, weights, lines, lines_of_strip.start, mask, ctx)
        return [
            _kept(chosen, lines, width, patch, lines_of_strip, amplitudes[patch.name])
            for patch in strip
        ]

    pieces = list(stack.slcs[0].pieces(lines_of_strip, PIECE))
    names = ", ".join(patch.name for patch in strip)
    found = ctx.map_tasks(piece, pieces, label=f"choice of candidates, {names}", waiting=True)
    return {patch.name: _joined([parts[k] for parts in found]) for k, patch in enumerate(strip)}


def _chosen(
    layout: Layout,
    weights: Sequence[float],
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

    def read(k: int) -> tuple[AnyArray, bool]:
        ctx.check()
        return stack.slcs[k].words(lines), stack.slcs[k].swapped

    if not (layout.reference and not stack.small_baselines and _has_stripes(stack.slcs[0])):
        return rule(read, weights, excluded, threshold, ctx.kernels)

    # every other line of the patch is divided by a master amplitude with exchanged bytes
    whole: dict[str, AnyArray] = {}
    for odd in (0, 1):
        chosen_lines = np.arange(lines.start, lines.stop) % 2 == (first + odd) % 2
        rows = np.repeat(chosen_lines, stack.width)

        def read_rows(k: int, rows: BoolArray = rows) -> tuple[AnyArray, bool]:
            words, swapped = read(k)
            return np.ascontiguousarray(words[rows]), swapped

        scale = STRIPES if odd else 1
        part = choose(
            read_rows, [w * scale for w in weights], excluded[rows], threshold, ctx.kernels
        )
        for name, values in vars(part).items():
            whole.setdefault(name, np.empty(len(rows), values.dtype))[rows] = values
    return Chosen(**whole)


def _has_stripes(slc: Raster) -> bool:
    return slc.sample == "scomplex" and slc.swapped


def _kept(
    chosen: Chosen, lines: slice, width: int, patch: Patch, whole: range, amplitudes: Path
) -> Pixels:
    """Write the amplitudes of a patch and return its candidates in some lines."""
    first, stop = patch.full.range
    grid = (lines.stop - lines.start, width)

    def inside(values: AnyArray) -> AnyArray:
        return np.asarray(values.reshape(grid)[:, first:stop])

    total = np.ascontiguousarray(inside(chosen.total))
    _write_at(amplitudes, total.reshape(-1).data, (lines.start - whole.start) * (stop - first) * 4)
    taken, low = inside(chosen.taken), inside(chosen.low)
    line, sample = np.nonzero(taken)
    low_line, low_sample = np.nonzero(low)
    before = np.cumsum(taken.reshape(-1))[np.flatnonzero(low.reshape(-1))]
    return Pixels(
        (line + lines.start) * width + sample + first,
        inside(chosen.dispersion)[taken],
        (low_line + lines.start) * width + low_sample + first,
        before.astype(np.int64),
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


def extract(
    layout: Layout,
    strip: Sequence[Patch],
    pixels: Mapping[str, Pixels],
    folders: Mapping[str, Path],
    ctx: Context,
) -> dict[str, int]:
    """Write what is known of the candidates, each raster read once per strip.

    Returns
    -------
    dict of str to int
        Patch -> candidates without longitude or latitude: not finite, or 0 in both.
    """
    stack = layout.stack
    rasters: list[tuple[str, int, tuple[Raster, ...]]] = []
    rasters += [("ph", k, (ifg,)) for k, ifg in enumerate(stack.ifgs)]
    rasters += [("ll", 0, stack.lonlat)] if stack.lonlat else []
    rasters += [("hgt", 0, stack.heights[:1])] if stack.heights else []

    def column(name: str, k: int, read: Sequence[Raster]) -> dict[str, int]:
        unknown = dict.fromkeys(folders, 0)
        with ExitStack() as files:
            targets = {
                patch: files.enter_context(_Target(folder / f"pscands.1.{name}"))
                for patch, folder in folders.items()
            }
            for lines in read[0].pieces(layout.lines(strip[0]), PIECE):
                ctx.check()
                flat = [_flat(raster, lines) for raster in read]
                for patch, target in targets.items():
                    place = pixels[patch].place
                    rows = _rows(place, lines, stack.width)
                    inside = place[rows] - lines.start * stack.width
                    values = np.empty((len(inside), len(flat)), flat[0].dtype)
                    for part, each in enumerate(flat):
                        values[:, part] = each[inside]
                    every = values.shape[1] * values.itemsize
                    target.write(values.reshape(-1).data, (k * len(place) + rows.start) * every)
                    if name == "ll":
                        unknown[patch] += _unknown(values.view(read[0].numbers))
        return unknown

    def lists(patch: str) -> dict[str, int]:
        _write_lists(layout, pixels[patch], folders[patch])
        return {}

    jobs = [partial(lists, patch) for patch in folders]
    jobs += [partial(column, *each) for each in rasters]
    label = f"extraction, {', '.join(folders)}"
    counts = ctx.map_tasks(lambda job: job(), jobs, label=label, waiting=True)
    return {patch: max(each.get(patch, 0) for each in counts) for patch in folders}


def _flat(raster: Raster, lines: slice) -> AnyArray:
    """Return the pixels of some lines, as numbers of their size."""
    kind = {8: np.uint64, 4: np.uint32}[raster.pixel_bytes]
    return raster.read(lines).view(kind).reshape(-1)


def _rows(place: IntArray, lines: slice, width: int) -> slice:
    first, stop = np.searchsorted(place, (lines.start * width, lines.stop * width))
    return slice(int(first), int(stop))


def _unknown(lonlat: AnyArray) -> int:
    bad = ~np.isfinite(lonlat).all(axis=1) | (lonlat == 0).all(axis=1)
    return int(np.count_nonzero(bad))


class _Target:
    """A file that several ranks write to, each at its places."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "_Target":
        try:
            self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o666)
        except OSError as error:
            raise write_error(self.path, error) from None
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.descriptor)

    def write(self, content: "bytes | memoryview[Any]", start: int) -> None:
        """Write all of `content` from a place on."""
        view = memoryview(content).cast("B")
        while view:
            try:
                done = os.pwrite(self.descriptor, view, start)
            except OSError as error:
                raise write_error(self.path, error, len(view)) from None
            view, start = view[done:], start + done


def _write_at(path: Path, content: "memoryview[Any]", start: int) -> None:
    with _Target(path) as target:
        target.write(content, start)


def _write_lists(layout: Layout, pixels: Pixels, folder: Path) -> None:
    """Write places and dispersion of the candidates of a patch, and what needs no raster."""
    stack, n = layout.stack, len(pixels.place)
    dispersion = pixels.dispersion
    if not layout.reference:  # where rounding leaves a negative variance
        dispersion = np.where(np.isnan(dispersion), np.float32(0), dispersion)
    line, sample = np.divmod(pixels.place, stack.width)
    write_lists(folder, line, sample, dispersion)
    if not stack.small_baselines:
        line, sample = np.divmod(pixels.low, stack.width)
        low = zip(pixels.before_low.tolist(), line.tolist(), sample.tolist(), strict=True)
        (folder / "pscands.1.ij0").write_text("".join(f"{k} {i} {j}\n" for k, i, j in low))
    if not stack.heights:
        (folder / "pscands.1.hgt").write_bytes(bytes(4 * n))
