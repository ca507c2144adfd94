"""The picture of how noisy the interferograms are, and how much atmosphere was taken off."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...dataset.rows import BoolArray, FloatArray
from ...pipeline.table import stage_numbers
from ..drawing.page import (
    FAINT,
    INK,
    Captions,
    new_figure,
    plain_axes,
    require_matplotlib,
    write_captions,
)
from ..network.report import NOISE_DEG, NOISY, ROUGH, ROUGH_DEG, SPREADS, read_network
from ..products.artifacts import MergedArtifacts
from ..products.files import in_blocks, save_picture
from .drawn import USUAL_PAGE, Page, Picture, require_picture

WIDTH, HEIGHT = 11.0, 1.5
"""Width of the page, height of the bars of a measure [inch]."""

TOP, BOTTOM, OF_DATE, OF_PAIR = 1.1, 0.55, 0.9, 1.7
"""Room above and below all, and for the names of the bars [inch]."""

USUAL, LEFT_OUT, WORST = "#4a8fc4", "#c9ced3", "#e8590c"
MOST_DATES = 60
"""With more columns only some have their date."""


@dataclass(frozen=True)
class Noise:
    """One measure of the columns of a dataset.

    Parameters
    ----------
    label : str
        What it is, and its unit.
    values : (n,) float64
        Of each column; NaN where it is not known.
    dates : list of str
        What the columns are.
    numbers : list of int
        Their numbers, from 1.
    dropped : (n,) bool
        Which ``drop_ifg_index`` leaves out.
    limit : float
        Beyond it one is worth dropping; infinite where there is no such limit.
    """

    label: str
    values: FloatArray
    dates: list[str]
    numbers: list[int]
    dropped: BoolArray
    limit: float = np.inf

    @property
    def noisy(self) -> BoolArray:
        """Columns beyond the limit that are not dropped."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.values > self.limit) & ~self.dropped)


def noise_of_ifgs(root: str | os.PathLike[str]) -> tuple[list[Noise], MergedArtifacts]:
    """Return what is known of the noise of the columns of a dataset, as far as stages have come.

    Raises
    ------
    DatasetError, MatError
        Nothing is known before stage 5; an artifact is damaged.
    """
    found = MergedArtifacts(root)
    network = read_network(root)
    if np.isnan(network.noise).all():
        found.require("ifgstd2", "the noise of the interferograms")
    ifgs = network.ifgs
    dates = [ifgs.date_of(k) for k in ifgs.columns]
    numbers = (ifgs.columns + 1).tolist()
    known = [
        Noise(label, values, dates, numbers, network.dropped, limit)
        for label, values, limit in (
            ("noise of the phase [deg]", network.noise, network.noise_limit),
            ("noise of the arcs of stage 6 [deg]", network.arc_noise, network.arc_limit),
        )
        if np.isfinite(values).any()
    ]
    if found.has("scn2"):
        series = found.series
        unused = np.ones(series.n_columns, np.bool_)
        unused[found.used(of_pairs=False)] = False
        scn = _spread(found)
        known.append(
            Noise("SCN of the images [rad]", scn,
                  [series.date_of(k) for k in range(series.n_columns)],
                  list(range(1, series.n_columns + 1)), unused)
        )  # fmt: skip
    return known, found


def _spread(found: MergedArtifacts) -> FloatArray:
    """Return the standard deviation over PS of the SCN of stage 8, (n_image,) [rad]."""
    stack = found.stack("scn2.ph_scn_slave", found.series.n_columns)
    total, square, count = (np.zeros(stack.shape[1]) for _ in range(3))
    origin: FloatArray | None = None
    for _, block in in_blocks(stack):
        known = np.isfinite(block)
        if origin is None:
            origin = np.nan_to_num(block[0].astype(np.float64))
        away = np.where(known, block - origin, 0)
        total += away.sum(axis=0)
        square += (away**2).sum(axis=0)
        count += known.sum(axis=0)
    free = np.where(count > 1, count - 1, np.nan)
    variance = (square - total**2 / np.maximum(count, 1)) / free
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def plot_ifg_noise(
    root: str | os.PathLike[str],
    path: str | os.PathLike[str],
    page: Page = USUAL_PAGE,
) -> Picture:
    """Draw the noise of every interferogram, and of every image what stage 8 took off.

    Parameters
    ----------
    root : path
        Dataset processed through stage 5.
    path : path
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.
    page : Page
        How the picture is written.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    DatasetError, MatError
        As of :func:`noise_of_ifgs`.
    PublishError
        The picture cannot be written.
    """
    target = Path(path)
    require_matplotlib("plot ifg-noise")
    require_picture(target, page.force)
    measures, found = noise_of_ifgs(root)
    names = [OF_PAIR if " to " in measure.dates[0] else OF_DATE for measure in measures]
    height = TOP + len(measures) * HEIGHT + sum(names) + BOTTOM
    figure = new_figure((WIDTH, height), "plot ifg-noise")
    upper = height - TOP
    for measure, room in zip(measures, names, strict=True):
        lower = (upper - HEIGHT) / height
        _draw(figure.add_axes((0.085, lower, 0.895, HEIGHT / height)), measure)
        upper -= HEIGHT + room
    noisy = [number for number, bad in zip(measures[0].numbers, measures[0].noisy, strict=True)
             if bad]  # fmt: skip
    captions = Captions(
        page.title or f"{found.root.resolve().name}: noise of the interferograms",
        (f"{len(found.network)} interferograms of {len(found.series.day)} images · "
         f"{len(noisy) or 'none'} beyond the limit",),
        f"Limit, as of network and suggest: {NOISY:g} times the median of those in use, at least "
        f"{SPREADS:g} spreads above it and {NOISE_DEG:g} degrees; of arcs {ROUGH:g} times and "
        f"{ROUGH_DEG:g} degrees. Grey: dropped or without a phase. Orange: beyond the limit. Black "
        "line: median. SCN: spatially correlated noise, deviation over the points of what stage 8 "
        "found.",
    )  # fmt: skip
    write_captions(figure, captions, 0.085 * WIDTH, height - 0.9, 0.45)
    facts = {
        "unit": "deg",
        "measures": [measure.label for measure in measures],
        "limit_deg": measures[0].limit if np.isfinite(measures[0].limit) else None,
        "beyond_limit": noisy,
    }
    stage = max(found.stage, stage_numbers(tool="unwrapper")[-1])
    return Picture(save_picture(figure, target, page.dpi), captions.title, facts, stage)


def _draw(axes: Any, measure: Noise) -> None:
    places = np.arange(len(measure.values))
    colours = np.where(measure.dropped, LEFT_OUT, np.where(measure.noisy, WORST, USUAL))
    axes.bar(places, np.nan_to_num(measure.values), 0.8, color=colours.tolist())
    used = measure.values[~measure.dropped & np.isfinite(measure.values) & (measure.values > 0)]
    if used.size:
        axes.axhline(float(np.median(used)), color=INK, linewidth=1.0)
    top = float(np.nanmax(measure.values, initial=0))
    if measure.limit < 1.6 * top:
        axes.axhline(measure.limit, color=WORST, linewidth=1.0, linestyle="dashed")
    step = -(-len(places) // MOST_DATES)
    shown = places[::step]
    axes.set_xticks(shown, [f"{measure.numbers[k]} · {measure.dates[k]}" for k in shown],
                    rotation=90)  # fmt: skip
    axes.set_xlim(-0.7, len(places) - 0.3)
    axes.set_ylabel(measure.label)
    plain_axes(axes)
    axes.grid(visible=False, axis="x")
    axes.tick_params(axis="x", labelsize=6.5, colors=FAINT)
    axes.yaxis.label.set(fontsize=8.5)
