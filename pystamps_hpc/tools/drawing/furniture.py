"""What stands in and beside a map: degrees, reference area, scale bar, colours, directions."""

import math
from typing import Any

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from .colours import DIVERGING, Scale
from .frame import Frame, degrees
from .page import EDGE, FAINT, GRID, INK, halo

SMALLEST = 0.09
"""Side of a reference area [inch] below which a cross marks it instead of an outline."""


def graticule(axes: Any, frame: Frame) -> None:
    """Draw a grid of degrees and write them at its edges."""
    axes.set(xlim=(frame.west, frame.east), ylim=(frame.south, frame.north))
    axes.set_axisbelow(True)
    axes.grid(color=GRID, linewidth=0.6)
    axes.locator_params(axis="x", nbins=max(min(int(1.1 * frame.width), 6), 2), prune="both")
    axes.locator_params(axis="y", nbins=max(min(int(1.3 * frame.height), 7), 2), prune="both")
    for axis, sides in ((axes.xaxis, "EW"), (axes.yaxis, "NS")):
        places = axis.get_majorticklocs()
        if len(places) > 1:
            axis.set_major_formatter(_angle_labels(sides, _decimals(float(np.diff(places[:2])[0]))))
    axes.tick_params(colors=FAINT, labelsize=8.5, length=3, width=0.6)
    for label in axes.get_yticklabels():
        label.set(rotation=90, va="center")
    outline(axes)


def outline(axes: Any) -> None:
    """Draw the edges of a map."""
    for spine in axes.spines.values():
        spine.set(color=EDGE, linewidth=0.7)


def _decimals(step: float) -> int:
    decimals = max(0, math.ceil(-math.log10(step) - 1e-9))
    whole = math.isclose(step * 10**decimals, round(step * 10**decimals), rel_tol=1e-6)
    return decimals + (not whole)


def _angle_labels(sides: str, decimals: int) -> Any:
    return lambda value, _position: degrees(value, sides, decimals)


def mark_reference(
    axes: Any, frame: Frame, lonlat: FloatArray, reference: IntArray | None, named: bool = True
) -> None:
    """Outline the reference area where it is not the whole scene.

    Parameters
    ----------
    axes : Axes
        The map.
    frame : Frame
        Its frame.
    lonlat : (n, 2) float64
        All points [deg].
    reference : (n_ref,) int64 or None
        Rows of the reference area.
    named : bool
        Whether its name is written beside it.
    """
    if reference is None or len(reference) == len(lonlat):
        return
    low, high = (end(lonlat[reference], axis=0) for end in (np.nanmin, np.nanmax))
    across = (high[0] - low[0]) / (frame.east - frame.west) * frame.width
    if max(across, (high[1] - low[1]) / (frame.north - frame.south) * frame.height) < SMALLEST:
        axes.plot(*((low + high) / 2), "+", color=INK, markersize=9, markeredgewidth=1.3,
                  path_effects=halo(3), zorder=5)  # fmt: skip
    else:
        from matplotlib.patches import Rectangle

        edge = Rectangle(low, *(high - low), fill=False, edgecolor=INK, linewidth=1.3, zorder=5)
        edge.set_path_effects(halo(3))
        axes.add_patch(edge)
    if named:
        below = high[1] > frame.north - 0.3 / frame.height * (frame.north - frame.south)
        axes.annotate(
            "reference", ((low[0] + high[0]) / 2, low[1] if below else high[1]),
            xytext=(0, -5 if below else 5), textcoords="offset points", ha="center",
            va="top" if below else "bottom", fontsize=8.5, color=INK, path_effects=halo(2.5),
            zorder=5,
        )  # fmt: skip


def scale_bar(axes: Any, frame: Frame, size: float = 8.5, share: float = 0.22) -> None:
    """Draw a bar of a round length at the lower left.

    Parameters
    ----------
    axes : Axes
        The map.
    frame : Frame
        Its frame.
    size : float
        Size of the letters [pt].
    share : float
        Part of the width that it may take.
    """
    wanted = share * (frame.east - frame.west) / frame.kilometre
    power = 10.0 ** math.floor(math.log10(wanted))
    length = max(step * power for step in (1, 2, 5) if step * power <= wanted)
    start = frame.west + 0.03 * (frame.east - frame.west)
    height = frame.south + 0.033 * size / frame.height * (frame.north - frame.south)
    ends = (start, start + length * frame.kilometre)
    axes.plot(ends, (height, height), color=INK, linewidth=size / 4.2, path_effects=halo(4),
              solid_capstyle="butt", zorder=5)  # fmt: skip
    axes.annotate(
        f"{length:g} km" if length >= 1 else f"{1000 * length:g} m", (sum(ends) / 2, height),
        xytext=(0, -4), textcoords="offset points", ha="center", va="top", fontsize=size,
        color=INK, path_effects=halo(3), zorder=5,
    )  # fmt: skip


def colour_bar(figure: Any, mappable: Any, scale: Scale, box: tuple[float, ...]) -> None:
    """Draw the colours with their values.

    Parameters
    ----------
    figure : Figure
        The page.
    mappable : ScalarMappable
        What was drawn with them.
    scale : Scale
        Colours.
    box : (float, float, float, float)
        Left, lower end, width and height [inch].
    """
    page = figure.get_size_inches()
    axes = figure.add_axes((box[0] / page[0], box[1] / page[1], box[2] / page[0], box[3] / page[1]))
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
    bar = figure.colorbar(mappable, cax=axes, extend=extend[scale.below, scale.above],
                          extendfrac=0.03)  # fmt: skip
    bar.outline.set_visible(False)
    ticks, labels = _ticks(scale)
    bar.set_ticks(ticks)
    bar.ax.set_yticklabels(labels)
    bar.ax.tick_params(colors=INK, labelsize=9, length=3, width=0.6)
    label = scale.label.replace(", ", "\n") if box[3] < 3 else scale.label
    bar.set_label(label, fontsize=9.5, color=INK, labelpad=6)


def _ticks(scale: Scale) -> tuple[list[float], list[str]]:
    """Return where a colour bar has values, and how they are written."""
    if scale.name == "cycle" and math.isclose(scale.high, math.pi):
        quarters = [math.pi * k / 2 for k in range(-2, 3)]
        return quarters, ["\N{MINUS SIGN}π", "\N{MINUS SIGN}π/2", "0", "π/2", "π"]
    from matplotlib.ticker import MaxNLocator

    places = np.linspace(scale.low, scale.high, 5).tolist()
    if scale.low != -scale.high or float(f"{scale.high:.2g}") != scale.high:
        locator = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10])
        places = list(map(float, locator.tick_values(scale.low, scale.high)))
    shown = [value for value in places if scale.low <= value <= scale.high]
    sign = "+" if scale.name in DIVERGING else ""
    labels = [f"{value:{sign}.6g}".replace("-", "\N{MINUS SIGN}") if abs(value) > 1e-12 else "0"
              for value in shown]  # fmt: skip
    return shown, labels


def directions(figure: Any, heading: float, left: float, lower: float) -> None:
    """Draw flight and look direction (to the right) in a square; nothing where unknown.

    Parameters
    ----------
    figure : Figure
        The page.
    heading : float
        Flight direction, clockwise from north [deg].
    left, lower : float
        Corner of the square [inch].
    """
    if not math.isfinite(heading):
        return
    page, side = figure.get_size_inches(), 1.15
    axes = figure.add_axes((left / page[0], lower / page[1], side / page[0], side / page[1]))
    axes.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15))
    axes.axis("off")
    flight, look = math.radians(heading), math.radians(heading + 90)
    along = np.array([math.sin(flight), math.cos(flight)])
    across = np.array([math.sin(look), math.cos(look)])
    start = -0.28 * across - 0.7 * along
    style = {"arrowstyle": "-|>", "color": FAINT, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.1}
    axes.annotate("", start + 1.4 * along, start, arrowprops=style)
    middle = -0.28 * across
    axes.annotate("", middle + 0.75 * across, middle, arrowprops=style)
    turn = math.degrees(math.atan2(along[1], along[0]))
    turn = (turn + 90) % 180 - 90
    axes.text(*(middle - 0.22 * across), "flight", rotation=turn, ha="center", va="center",
              fontsize=8, color=FAINT)  # fmt: skip
    axes.text(*(middle + 0.45 * across - 0.22 * along), "look", rotation=(turn % 180) - 90,
              ha="center", va="center", fontsize=8, color=FAINT)  # fmt: skip
