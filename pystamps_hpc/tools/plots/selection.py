"""The picture of what each stage kept of the candidates, on the mean amplitude if there is one."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...dataset.text import words_of
from ..drawing.frame import LONGEST, Frame
from ..drawing.furniture import outline
from ..drawing.maps import Panel
from ..drawing.page import (
    DPI,
    INK,
    Captions,
    new_figure,
    require_matplotlib,
    write_captions,
)
from ..drawing.points import area_of_point, cell_side
from ..drawing.radar import levels, overlay, page_of
from ..products.files import read_artifact, save_picture
from ..products.selected import rows_kept, rows_selected
from .drawn import USUAL_PAGE, Page, Picture, require_picture
from .patches import Patches

LEFT, RIGHT, TOP, BOTTOM = 0.35, 0.25, 1.15, 0.75
"""Margins of the page [inch]."""

DETAIL = 600
"""Picture elements of the mean amplitude along the longer side of a map."""


@dataclass(frozen=True)
class Kept:
    """What a stage kept.

    Parameters
    ----------
    name : str
        What they are called.
    places : (n, 2) int64
        Range sample and azimuth line of each pixel, from 0; each once.
    """

    name: str
    places: IntArray


def kept_by_stages(patches: Patches) -> list[Kept]:
    """Return the candidates and what stages 3, 4 and 5 kept of them, as far as they have come.

    Raises
    ------
    DatasetError
        No patch has been through stage 1.
    """
    patches.require("ps1")
    parts: dict[str, list[IntArray]] = {}
    for folder, found in patches.each("ps1", "ij"):
        places = found["ij"][:, [2, 1]].astype(np.int64)
        parts.setdefault("candidates", []).append(places)
        if (folder / "select1.mat").exists():
            parts.setdefault("selected, stage 3", []).append(places[rows_selected(folder)])
            if (folder / "weed1.mat").exists():
                parts.setdefault("left by weeding, stage 4", []).append(places[rows_kept(folder)])
    root = patches.dataset.root
    if (root / "ps2.mat").exists():
        merged = read_artifact(root, "ps2", "ij")["ij"]
        parts["merged, stage 5"] = [merged[:, [2, 1]].astype(np.int64)]
    return [Kept(name, _once(np.concatenate(part))) for name, part in parts.items()]


def _once(places: IntArray) -> IntArray:
    """Return each pixel once: those of overlaps are in several patches."""
    width = int(places[:, 0].max(initial=0)) + 1
    pixels = np.unique(places[:, 1] * width + places[:, 0])
    return np.stack((pixels % width, pixels // width), axis=1)


def plot_selection(
    root: str | os.PathLike[str],
    path: str | os.PathLike[str],
    page: Page = USUAL_PAGE,
) -> Picture:
    """Draw what each stage kept of the candidates, in radar geometry.

    Parameters
    ----------
    root : path
        Dataset of which a patch has been through stage 1.
    path : path
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.
    page : Page
        How the picture is written.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    DatasetError, MatError
        No patch has been through stage 1, or an artifact is damaged.
    PublishError
        The picture cannot be written.
    """
    target = Path(path)
    require_matplotlib("plot selection")
    require_picture(target, page.force)
    patches = Patches.of(root)
    kept = kept_by_stages(patches)
    frame = _frame(kept[0].places)
    panel = Panel.of(frame, len(kept), 1)
    amplitude = mean_amplitude(patches, panel.frame)
    captions = _captions(patches, kept, amplitude is not None, page.title)
    width, height = panel.size
    size = LEFT + max(width, 4.5) + RIGHT, BOTTOM + height + TOP
    figure = new_figure(size, "plot selection")
    for number, each in enumerate(kept):
        left, lower = panel.corner(number)
        box = (LEFT + left, BOTTOM + lower, panel.frame.width, panel.frame.height)
        axes = figure.add_axes([side / size[k % 2] for k, side in enumerate(box)])
        _draw(axes, each, len(kept[0].places), panel.frame, amplitude)
    write_captions(figure, captions, LEFT, BOTTOM + height + 0.12, 0.52)
    facts = {"kept": {each.name: len(each.places) for each in kept}}
    stage = len(kept) + 1 if len(kept) > 1 else 1
    return Picture(save_picture(figure, target, page.dpi), captions.title, facts, stage)


def _frame(places: IntArray) -> Frame:
    """Return the frame of a scene in radar geometry: samples to the right, lines downwards."""
    first, last = places.min(axis=0), places.max(axis=0) + 1
    width, length = (last - first).tolist()
    wide, high = page_of(length, width)
    scale = LONGEST / max(wide, high)
    west, east = float(first[0]), float(last[0])
    return Frame(wide * scale, high * scale, west, east, float(last[1]), float(first[1]))


def mean_amplitude(patches: Patches, frame: Frame) -> FloatArray | None:
    """Return the mean amplitude of a scene that the preparation left in its patches.

    Returns
    -------
    (n_rows, n_columns) float64 or None
        Amplitude of one pixel of each element, NaN between patches; None without any.
    """
    shape = frame.shape(max(frame.width, frame.height) / DETAIL)
    found = np.full(shape, np.nan)
    lines = frame.north + (np.arange(shape[0]) + 0.5) * (frame.south - frame.north) / shape[0]
    samples = frame.west + (np.arange(shape[1]) + 0.5) * (frame.east - frame.west) / shape[1]
    for folder in patches.folders:
        file, box = folder / "mean_amp.flt", folder / "patch.in"
        if not (file.exists() and box.exists()):
            continue
        left, right, top, bottom = (int(float(word)) for word in words_of(box)[:4])
        width = right - left + 1
        if width < 1 or file.stat().st_size % (4 * width):
            continue
        length = min(bottom - top + 1, file.stat().st_size // (4 * width))
        whole = np.memmap(file, "<f4", "r", shape=(length, width))
        here = (lines >= top - 1) & (lines < top - 1 + length)
        across = (samples >= left - 1) & (samples < right)
        found[np.ix_(here, across)] = whole[
            np.ix_((lines[here] - top + 1).astype(int), (samples[across] - left + 1).astype(int))
        ]
    return None if np.isnan(found).all() else found


def _draw(
    axes: Any, kept: Kept, n_candidates: int, frame: Frame, amplitude: FloatArray | None
) -> None:
    axes.set(xlim=frame.extent[:2], ylim=frame.extent[2:], xticks=[], yticks=[])
    outline(axes)
    if amplitude is not None:
        axes.imshow(levels(amplitude), cmap="gray", extent=frame.extent, aspect="auto",
                    interpolation="nearest", zorder=0)  # fmt: skip
    places = kept.places + 0.5
    area = area_of_point(places, frame)
    side = max(cell_side(area) / 2, 2 / DPI)
    shape = frame.shape(side)
    density = np.bincount(frame.cells(places, shape), minlength=shape[0] * shape[1])
    full = max(2.0, 2 * float(np.quantile(density[density > 0], 0.9))) if len(places) else 2.0
    axes.imshow(overlay(density.reshape(shape), full), extent=frame.extent, aspect="auto",
                interpolation="nearest", zorder=2)  # fmt: skip
    share = f" ({len(places) / n_candidates:.1%})" if len(places) < n_candidates else ""
    axes.set_title(f"{kept.name}: {len(places):,}{share}", fontsize=9, color=INK, pad=4)


def _captions(
    patches: Patches, kept: list[Kept], on_amplitude: bool, title: str | None
) -> Captions:
    names = len(patches.having("ps1"))
    of = "one patch" if names == 1 else f"{names} patches"
    ground = "On the mean amplitude." if on_amplitude else "No patch has a mean_amp.flt to lie on."
    missing = "" if len(kept) == 4 else f" Stages after {kept[-1].name} have not run."
    return Captions(
        title or f"{patches.dataset.root.name}: what each stage kept",
        (f"{len(kept[0].places):,} candidates of {of}, {len(kept[-1].places):,} left",),
        "Radar geometry: range sample to the right, azimuth line downwards. A pixel of several "
        f"patches counts once. Stage 5 may average points. {ground}{missing}",
    )
