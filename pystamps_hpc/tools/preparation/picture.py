"""The picture of a preparation: mean amplitude, candidates and patches in radar geometry."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...stages.prepare.patches import Patch
from ..drawing.page import new_figure
from ..drawing.radar import OUTLINE, covered, levels, page_of
from ..products.files import save_picture
from .layout import Layout
from .overview import Overview

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGINS = 0.85, 0.25, 0.6, 0.4  # left, right, below, above [inch]
DPI, QUICK = 150, 1  # a picture of noise hardly gets smaller by compression


def candidates_picture(
    layout: Layout, counts: Mapping[str, int], overview: Overview, path: Path
) -> Path:
    """Draw which pixels of the scene are candidates.

    Parameters
    ----------
    layout : Layout
        The plan that was carried out.
    counts : mapping
        Patch -> candidates.
    overview : Overview
        The scene as it is drawn.
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
    axes = figure.add_axes(_within(page))
    extent = overview.extent
    shown = covered(levels(overview.amplitude), overview.density, overview.step**2)
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
