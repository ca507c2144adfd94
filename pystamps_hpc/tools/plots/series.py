"""The picture of how a point moves: displacements, their line, what is far from it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...config import RunConfig
from ...dataset.rows import BoolArray, FloatArray
from ..drawing.frame import degrees
from ..drawing.page import (
    FAINT,
    INK,
    MARK,
    Captions,
    new_figure,
    plain_axes,
    require_matplotlib,
    write_captions,
)
from ..products.files import save_picture
from ..products.result import reference_text
from ..products.time_series import PointSeries, Series, StraightLine, at_point, line_of, read_series
from .drawn import USUAL_PAGE, Page, Picture, require_picture

FAR = 3.0
"""Deviations from the line beyond which a date is an outlier."""

TO_DEVIATION = 1.4826
"""Standard deviation of normal numbers whose median absolute deviation is one."""

LEAST_DEVIATION = 0.1
"""Deviation from the line that counts as one at least [mm]: rounding makes no outlier."""

PAGE = (10.0, 5.6)
POINTS, BAND = "#1f5c9e", "#8fbcd9"


@dataclass(frozen=True)
class Around:
    """Which PS a series is of.

    Parameters
    ----------
    lonlat : (float, float)
        Longitude, latitude [deg].
    radius : float, optional
        PS within it count [m]; by default the nearest alone.
    minus : (float, float), optional
        Place whose series is taken off.
    """

    lonlat: tuple[float, float]
    radius: float | None = None
    minus: tuple[float, float] | None = None


@dataclass(frozen=True)
class Judged:
    """A series with its line.

    Parameters
    ----------
    displacement : (n_fit,) float64
        Displacement [mm]; NaN where a date has none.
    error : (n_fit,) float64
        One standard deviation of each [mm]; NaN where nothing tells it.
    line : StraightLine
        The line.
    far : (n_fit,) bool
        Dates that are far from the line.
    """

    displacement: FloatArray
    error: FloatArray
    line: StraightLine
    far: BoolArray


def plot_series(
    root: str | os.PathLike[str],
    around: Around,
    path: str | os.PathLike[str],
    name: str | None = None,
    tropo: str | None = None,
    ifgs: Sequence[int] | None = None,
    page: Page = USUAL_PAGE,
    config: RunConfig | None = None,
) -> Picture:
    """Draw the displacements of a point, or of one less another.

    Parameters
    ----------
    root, name, tropo, config, ifgs
        As of :func:`pystamps_hpc.tools.products.time_series.read_series`.
    around : Around
        Which PS.
    path : path
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.
    page : Page
        How the picture is written.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    ConfigError, DatasetError, MatError, StageError
        As of ``read_series`` and ``at_point``.
    PublishError
        The picture cannot be written.

    Notes
    -----
    StaMPS ``ps_plot`` with ``ts``, its window for a point. The error of a date is the standard
    deviation over the PS of the place; of a single PS that of what the line leaves.
    """
    target = Path(path)
    require_matplotlib("plot ts")
    require_picture(target, page.force)
    series = read_series(root, name, tropo, config, ifgs)
    place = at_point(series, around.lonlat, around.radius)
    moved, error = place.displacement, place.deviation
    other = None
    if around.minus is not None:
        other = at_point(series, around.minus, around.radius)
        moved, error = moved - other.displacement, np.hypot(error, other.deviation)
    judged = judge(series, moved, error)
    captions = _captions(series, around, (place, other), judged, page.title)
    figure = new_figure(PAGE, "plot ts")
    axes = figure.add_axes((0.085, 0.2, 0.885, 0.57))
    _draw(axes, series, judged)
    write_captions(figure, captions, 0.085 * PAGE[0], 0.79 * PAGE[1], 0.5)
    facts = {
        "value_type": series.value_type,
        "unit": "mm",
        "sign": "(positive: towards the satellite)",
        "ps": len(place.ps),
        "minus_ps": None if other is None else len(other.ps),
        "velocity_mm_per_year": judged.line.velocity,
        "deviation_mm_per_year": _number(judged.line.deviation),
        "outliers": [date for date, far in zip(series.dates, judged.far, strict=True) if far],
    }
    return Picture(
        save_picture(figure, target, page.dpi), captions.title, facts, series.stage, series.warnings
    )


def judge(series: Series, displacement: FloatArray, deviation: FloatArray) -> Judged:
    """Fit the line of a series and tell which dates are far from it.

    Parameters
    ----------
    series : Series
        Its dates.
    displacement : (n_fit,) float64
        Displacement [mm].
    deviation : (n_fit,) float64
        Its deviation [mm]; where it is not known that of the residuals stands for it.

    Notes
    -----
    Far is more than three robust deviations of the residuals: 1.4826 times the median of their
    distance from their median.
    """
    line = line_of(series, displacement)
    left = displacement - on_line(series, line)
    known, far = np.isfinite(left), far_from(left)
    free = max(int(known.sum()) - 2, 1)
    usual = np.sqrt((left[known] ** 2).sum() / free)
    return Judged(displacement, np.where(np.isfinite(deviation), deviation, usual), line, far)


def far_from(left: FloatArray) -> BoolArray:
    """Tell which of the residuals of a line are outliers, (n,) bool; NaN is none.

    Parameters
    ----------
    left : (n,) float64
        What the line leaves [mm].
    """
    known = np.isfinite(left)
    if not known.any():
        return known
    middle = np.median(left[known])
    spread = TO_DEVIATION * float(np.median(np.abs(left[known] - middle)))
    with np.errstate(invalid="ignore"):
        return np.asarray(known & (np.abs(left - middle) > FAR * max(spread, LEAST_DEVIATION)))


def on_line(series: Series, line: StraightLine) -> FloatArray:
    """Return what a line says at every date [mm]."""
    return np.asarray(line.offset + line.velocity * series.elapsed / 365.25)


def _draw(axes: Any, series: Series, judged: Judged) -> None:
    plain_axes(axes)
    days = np.array(series.dates, "datetime64[D]")
    line = on_line(series, judged.line)
    if np.isfinite(judged.line.deviation):
        known = np.isfinite(judged.displacement)
        middle = series.elapsed[known].mean()
        apart = judged.line.deviation * np.abs(series.elapsed - middle) / 365.25
        axes.fill_between(days, line - apart, line + apart, color=BAND, alpha=0.45, linewidth=0,
                          label="velocity ± one deviation")  # fmt: skip
    axes.plot(days, line, color=INK, linewidth=1.2, label="straight line")
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    usual = ~judged.far
    style = {"linestyle": "none", "elinewidth": 0.9, "capsize": 2}
    axes.errorbar(days[usual], judged.displacement[usual], judged.error[usual], marker="o",
                  markersize=4.5, color=POINTS, label="displacement", **style)  # fmt: skip
    if judged.far.any():
        axes.errorbar(days[judged.far], judged.displacement[judged.far], judged.error[judged.far],
                      marker="o", markersize=5, markerfacecolor="white", color=MARK,
                      label="outlier", **style)  # fmt: skip
    master = np.datetime64(int(series.points["master_day"]) - 719529, "D")
    axes.axvline(master, color=FAINT, linewidth=0.8, linestyle="dotted", label="master")
    axes.set_ylabel("mm, positive towards the satellite")
    axes.yaxis.label.set(color=INK, fontsize=9.5)
    axes.legend(frameon=False, fontsize=8.5, ncols=5, loc="upper center",
                bbox_to_anchor=(0.5, -0.08), columnspacing=1.6)  # fmt: skip


def _captions(
    series: Series,
    around: Around,
    places: tuple[PointSeries, PointSeries | None],
    judged: Judged,
    title: str | None,
) -> Captions:
    place, other = places
    which = _place(around.lonlat, place, around.radius)
    if other is not None and around.minus is not None:
        which += f", minus {_place(around.minus, other, around.radius)}"
    line = judged.line
    velocity = f"Velocity {line.velocity:+.2f}".replace("-", "\N{MINUS SIGN}")
    if np.isfinite(line.deviation):
        velocity += f" ± {line.deviation:.2f}"
    dates, reference = series.dates, reference_text(
        series.points["lonlat"], series.ref_ps, "persistent scatterers")  # fmt: skip
    of_ps = "of the PS around their mean" if len(place.ps) > 1 else "of what the line leaves"
    outliers = int(judged.far.sum())
    said = f", {outliers} of {len(dates)} dates" if outliers else ""
    return Captions(
        title or f"Displacement ({series.value_type})",
        (
            which[0].upper() + which[1:],
            f"{velocity} mm/yr · {len(dates)} images, {dates[0]} to {dates[-1]}"
            f" · relative to {reference}",
        ),
        f"In mm along the line of sight, relative to the master. Bars: one standard deviation "
        f"{of_ps}. Outlier: more than {FAR:g} deviations from the line{said}.",
    )


def _place(lonlat: tuple[float, float], place: PointSeries, radius: float | None) -> str:
    where = f"{degrees(lonlat[0], 'EW', 5)}, {degrees(lonlat[1], 'NS', 5)}"
    if radius is None:
        return f"PS {place.ps[0] + 1} next to {where}"
    return f"mean of {len(place.ps):,} PS within {radius:g} m of {where}"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
