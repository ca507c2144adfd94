"""The velocity map: one picture that says what moved, how fast, and relative to what."""

import math
import os
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...errors import DatasetError, ToolMissingError
from .files import product_file
from .map_layout import Layout
from .result import USUAL_TYPE, Velocities, degrees, read_velocities

#: From away from the satellite (red) over standing still (grey) to towards it (blue); lightness
#: falls evenly to both sides.
COLOURS = ("#5c0a1c", "#a31a2c", "#d6533f", "#eb9b7a", "#d3d1cf",
           "#8fbcd9", "#4a8fc4", "#1f5c9e", "#0b2d5e")  # fmt: skip
INK = "#1f2328"
FAINT = "#6a7078"
DPI = 200


def velocity_map(
    root: str | os.PathLike[str],
    path: str | os.PathLike[str],
    value_type: str = USUAL_TYPE,
    limit: float | None = None,
) -> Path:
    """Draw the mean velocities of a finished dataset.

    Parameters
    ----------
    root : path
        Dataset processed through stage 8.
    path : path
        The PNG to write; replaced atomically.
    value_type : str
        How the phase is corrected where no ``mean_v.mat`` says it.
    limit : float, optional
        End of the colour scale [mm/yr]; by default what 99 % of the PS stay below, rounded up.

    Returns
    -------
    Path
        The picture.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    DatasetError, MatError
        The dataset has no velocities.
    PublishError
        The picture cannot be written.
    """
    result = read_velocities(root, value_type)
    shown = np.flatnonzero(np.isfinite(result.velocity) & np.isfinite(result.lonlat).all(axis=1))
    if not shown.size:
        raise DatasetError(f"{Path(root) / 'mean_v.mat'}: no PS has a velocity; nothing to draw")
    figure = _draw(result, shown, limit or colour_limit(result.velocity[shown]))
    target = Path(path)
    with product_file(target) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, facecolor="white")
    return target


def colour_limit(velocity: FloatArray) -> float:
    """Return a round number that 99 % of the absolute velocities do not exceed, at least 1."""
    wanted = max(1.0, float(np.quantile(np.abs(velocity), 0.99)))
    steps = np.array([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]) * 10.0 ** math.floor(
        math.log10(wanted)
    )
    return float(steps[np.searchsorted(steps, wanted * (1 - 1e-9))])


def _draw(result: Velocities, shown: IntArray, limit: float) -> Any:
    """Lay out the matplotlib figure."""
    try:
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ToolMissingError(
            "matplotlib is not installed: maps need it; pip install '.[viz]' in the source folder"
        ) from error
    lonlat, velocity = result.lonlat[shown], result.velocity[shown]
    layout = Layout.around(lonlat)
    figure = Figure(figsize=layout.page)
    axes = figure.add_axes(layout.box(0, 0, layout.width, layout.height))
    axes.set(xlim=(layout.west, layout.east), ylim=(layout.south, layout.north))
    # a fixed shuffle: neither row order nor strong motion decides who covers whom
    order = np.random.default_rng(0).permutation(len(shown))
    points = axes.scatter(
        lonlat[order, 0],
        lonlat[order, 1],
        c=velocity[order],
        s=_point_area(len(shown), layout),
        cmap=LinearSegmentedColormap.from_list("velocity", COLOURS),
        vmin=-limit,
        vmax=limit,
        linewidths=0,
    )
    _dress(axes)
    _mark_reference(axes, result)
    _scale_bar(axes, layout)
    _colour_bar(figure, points, velocity, limit, layout)
    _directions(figure, result.heading, layout)
    _captions(figure, result, len(shown), layout)
    return figure


def _point_area(count: int, layout: Layout) -> float:
    """Return the marker area [pt^2] at which points nearly fill the map without hiding others."""
    share = layout.width * layout.height * 72**2 / count
    return float(np.clip(0.8 * share, 0.8, 40.0))


def _dress(axes: Any) -> None:
    axes.set_axisbelow(True)
    axes.grid(color="#e4e6e8", linewidth=0.6)
    axes.locator_params(axis="x", nbins=6, prune="both")
    axes.locator_params(axis="y", nbins=7, prune="both")
    for axis, sides in ((axes.xaxis, "EW"), (axes.yaxis, "NS")):
        step = float(np.diff(axis.get_majorticklocs()[:2])[0])
        decimals = max(0, math.ceil(-math.log10(step) - 1e-9))
        if not math.isclose(step * 10**decimals, round(step * 10**decimals), rel_tol=1e-6):
            decimals += 1
        axis.set_major_formatter(_angle_labels(sides, decimals))
    axes.tick_params(colors=FAINT, labelsize=8.5, length=3, width=0.6)
    for label in axes.get_yticklabels():
        label.set(rotation=90, va="center")
    for spine in axes.spines.values():
        spine.set(color="#9aa0a6", linewidth=0.7)


def _angle_labels(sides: str, decimals: int) -> Any:
    return lambda value, _position: degrees(value, sides, decimals)


def _mark_reference(axes: Any, result: Velocities) -> None:
    """Outline the reference area where it is not the whole scene."""
    if result.reference is None or len(result.reference) == len(result.velocity):
        return
    inside = result.lonlat[result.reference]
    low, high = np.nanmin(inside, axis=0), np.nanmax(inside, axis=0)
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    outline = Rectangle(low, *(high - low), fill=False, edgecolor=INK, linewidth=1.3)
    outline.set_path_effects([withStroke(linewidth=3, foreground="white")])
    axes.add_patch(outline)
    axes.annotate(
        "reference",
        ((low[0] + high[0]) / 2, high[1]),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=8.5,
        color=INK,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )


def _scale_bar(axes: Any, layout: Layout) -> None:
    from matplotlib.patheffects import withStroke

    wanted = 0.22 * (layout.east - layout.west) / layout.kilometre
    power = 10.0 ** math.floor(math.log10(wanted))
    length = max(step * power for step in (1, 2, 5) if step * power <= wanted)
    start = layout.west + 0.03 * (layout.east - layout.west)
    height = layout.south + 0.3 / layout.height * (layout.north - layout.south)
    halo = [withStroke(linewidth=4, foreground="white")]
    ends = (start, start + length * layout.kilometre)
    axes.plot(ends, (height, height), color=INK, linewidth=2, path_effects=halo,
              solid_capstyle="butt")  # fmt: skip
    axes.annotate(
        f"{length:g} km" if length >= 1 else f"{1000 * length:g} m",
        (sum(ends) / 2, height),
        xytext=(0, -4),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8.5,
        color=INK,
        path_effects=halo,
    )


def _colour_bar(
    figure: Any, points: Any, velocity: FloatArray, limit: float, layout: Layout
) -> None:
    height = max(1.6, layout.height - 1.5)
    axes = figure.add_axes(layout.box(layout.width + 0.3, layout.height - height, 0.17, height))
    low, high = bool(velocity.min() < -limit), bool(velocity.max() > limit)
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[low, high]
    bar = figure.colorbar(points, cax=axes, extend=extend, extendfrac=0.03)
    bar.outline.set_visible(False)
    bar.set_ticks(np.linspace(-limit, limit, 5))
    bar.ax.set_yticklabels(
        [f"{value:+g}".replace("-", "\N{MINUS SIGN}") if value else "0"
         for value in np.linspace(-limit, limit, 5)]
    )  # fmt: skip
    bar.ax.tick_params(colors=INK, labelsize=9, length=3, width=0.6)
    label = "mm/yr, positive towards the satellite"
    if height < 3:
        label = label.replace(", ", "\n")
    bar.set_label(label, fontsize=9.5, color=INK, labelpad=6)


def _directions(figure: Any, heading: float, layout: Layout) -> None:
    """Draw flight and look direction (to the right) beside the map."""
    if not math.isfinite(heading):
        return
    side = 1.15
    axes = figure.add_axes(layout.box(layout.width + 0.18, -0.05, side, side))
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


def _captions(figure: Any, result: Velocities, count: int, layout: Layout) -> None:
    page = layout.page
    left = layout.LEFT / page[0]
    above = layout.BOTTOM + layout.height
    room = page[0] - layout.LEFT - 0.15
    subtitle = (
        f"{count:,} {result.kind} · {len(result.days)} images,"
        f" {_day(result.days[0])} to {_day(result.days[-1])}, master {_day(result.master)}",
        f"Relative to {result.reference_text}",
    )
    note = (
        "Positive (blue): towards the satellite. Negative (red): away from it."
        f" In mm/yr along the line of sight; {result.correction_text}."
    )
    lines = [part for line in subtitle for part in textwrap.wrap(line, int(room / 0.071))]
    foot = textwrap.fill(note, int(room / 0.058))
    style = {"color": FAINT, "linespacing": 1.35}
    figure.text(
        left, (above + 0.12) / page[1], "\n".join(lines), fontsize=9.5, va="bottom", **style
    )
    figure.text(left, 0.47 / page[1], foot, fontsize=8, va="top", **style)
    figure.text(
        left, (above + 0.25 + 0.18 * len(lines)) / page[1],
        f"Line-of-sight velocity ({result.value_type})",
        fontsize=16, fontweight="bold", color=INK, va="bottom",
    )  # fmt: skip


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
