"""The picture of a preparation: mean amplitude, candidates and patches in radar geometry."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...dataset.rows import AnyArray
from ...stages.prepare.patches import Patch
from ..drawing.page import new_figure
from ..drawing.radar import OUTLINE, covered, levels, page_of
from ..products.files import save_picture
from .layout import Layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 1200  # picture elements of the longer side
MARGINS = 0.85, 0.25, 0.6, 0.4  # left, right, below, above [inch]
DPI, QUICK = 150, 1  # a picture of noise hardly gets smaller by compression


def candidates_picture(layout: Layout, counts: Mapping[str, int], path: Path) -> Path:
    """Draw which pixels of the scene are candidates.

    Parameters
    ----------
    layout : Layout
        The plan that was carried out.
    counts : mapping
        Patch -> candidates.
    path : Path
        The PNG to write; replaced atomically.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    PublishError
        The picture cannot be written.
    """
    stack = layout.stack
    page = page_of(stack.length, stack.width)
    figure = new_figure(page, "the picture of the candidates")
    step = max(-(-max(stack.length, stack.width) // MOST), 1)
    amplitude, density = _reduced(layout, step)
    axes = figure.add_axes(_within(page))
    extent = (0, amplitude.shape[1] * step, amplitude.shape[0] * step, 0)
    shown = covered(levels(amplitude), density, step**2)
    axes.imshow(shown, extent=extent, aspect="auto", interpolation="nearest")
    for patch in layout.patches if len(layout.patches) > 1 else ():
        _outline(axes, patch, counts[patch.name])
    axes.set(xlabel="range sample", ylabel="azimuth line", xlim=(0, stack.width),
             ylim=(stack.length, 0))  # fmt: skip
    axes.set_title(
        f"{sum(counts.values()):,} candidates (orange{_counted(layout)}) of "
        f"{len(set(stack.dates))} images, amplitude dispersion below {layout.threshold}",
        loc="left", fontsize=10,
    )  # fmt: skip
    return save_picture(figure, path, DPI, QUICK)


def _within(page: tuple[float, float]) -> tuple[float, float, float, float]:
    """Return where the axes lie on a page, as shares of it."""
    (width, height), (left, right, foot, top) = page, MARGINS
    return left / width, foot / height, 1 - (left + right) / width, 1 - (foot + top) / height


def _counted(layout: Layout) -> str:
    """Say how candidates in overlaps are counted, where there are overlaps."""
    overlap = any(patch.own != patch.full for patch in layout.patches)
    return "; in overlaps counted in each patch" if overlap else ""


def _reduced(layout: Layout, step: int) -> tuple[AnyArray, AnyArray]:
    """Return mean amplitude and number of candidates of squares of `step` pixels."""
    stack = layout.stack
    shape = -(-stack.length // step), -(-stack.width // step)
    amplitude, density = np.zeros(shape), np.zeros(shape, np.int64)
    for patch in layout.patches:
        folder = stack.root / patch.name
        lines, (first, stop) = layout.lines(patch), patch.full.range
        if not len(lines):
            continue
        whole = np.memmap(folder / "mean_amp.flt", "f4", "r", shape=(len(lines), stop - first))
        own = patch.own
        for row in range(-(-own.azimuth[0] // step), -(-own.azimuth[1] // step)):
            line = min(row * step, stack.length - 1) - lines.start
            samples = np.arange(-(-own.range[0] // step), -(-own.range[1] // step))
            amplitude[row, samples] = whole[line, np.minimum(samples * step, stop - 1) - first]
        places = np.fromfile(folder / "pscands.1.ij.int", ">i4").reshape(-1, 2)
        inside = (
            (places[:, 0] >= own.range[0]) & (places[:, 0] < own.range[1])
            & (places[:, 1] >= own.azimuth[0]) & (places[:, 1] < own.azimuth[1])
        )  # fmt: skip
        sample, line = (places[inside] // step).T
        found = np.bincount(line * shape[1] + sample, minlength=density.size)
        density += found.reshape(shape)
    return amplitude, density


def _outline(axes: "Axes", patch: Patch, count: int) -> None:
    """Draw what a patch owns, with its name and candidates."""
    from matplotlib.patches import Rectangle

    (top, bottom), (left, right) = patch.own.azimuth, patch.own.range
    frame: Any = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=OUTLINE)
    axes.add_patch(frame)
    label = f"{patch.name.removeprefix('PATCH_')}\n{count:,}"
    axes.text((left + right) / 2, (top + bottom) / 2, label, ha="center", va="center", fontsize=8,
              color="white", bbox={"facecolor": OUTLINE, "edgecolor": "none", "alpha": 0.75,
                                   "boxstyle": "round,pad=0.3"})  # fmt: skip
