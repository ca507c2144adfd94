"""The third pass over the rasters: what is known of the candidates."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from ...dataset.candidates.lists import write_lists
from ...dataset.rows import AnyArray, IntArray
from ...dataset.slc_stack import Raster
from ...parallel.context import Context
from ...stages.prepare.patches import Patch
from .layout import Layout
from .placed import PlacedFile
from .rasters import Pixels

PIECE = 1 << 21  # bytes of one raster that are read at a time


def extract(
    layout: Layout,
    strip: Sequence[Patch],
    pixels: Mapping[str, Pixels],
    folders: Mapping[str, Path],
    ctx: Context,
    used: Callable[[], None] = lambda: None,
) -> dict[str, int]:
    """Write what is known of the candidates, each raster read once per strip.

    `used` is called when an interferogram has been read.

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
                patch: files.enter_context(PlacedFile(folder / f"pscands.1.{name}"))
                for patch, folder in folders.items()
            }
            opened = [files.enter_context(raster.opened()) for raster in read]
            for lines in read[0].pieces(layout.lines(strip[0]), PIECE):
                ctx.check()
                flat = [_flat(raster, lines) for raster in opened]
                for patch, target in targets.items():
                    place = pixels[patch].place
                    rows = _rows(place, lines, stack.width)
                    inside = place[rows] - lines.start * stack.width
                    parts = [each.take(inside) for each in flat]
                    values = parts[0] if len(parts) == 1 else np.column_stack(parts)
                    every = values.nbytes // max(len(values), 1)
                    target.write(values.reshape(-1).data, (k * len(place) + rows.start) * every)
                    if name == "ll":
                        unknown[patch] += _unknown(values.view(read[0].numbers))
        if name == "ph":
            used()
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
