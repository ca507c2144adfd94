"""Maps of values: one, or a panel of all columns (StaMPS ``ps_plot``)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...config import RunConfig
from ...dataset.rows import IntArray
from ...errors import ConfigError, DatasetError
from ..drawing.colours import Scale, scale_of
from ..drawing.frame import Frame
from ..drawing.hillshade import ground
from ..drawing.maps import Panel, Scene, extent_text, map_page, panel_page
from ..drawing.page import Captions, require_matplotlib
from ..drawing.points import Maps, maps_of
from ..products.artifacts import MergedArtifacts
from ..products.captions import colours_of, colours_text, dates_text, map_captions
from ..products.files import save_picture
from ..products.result import kind_of_points, reference_text
from ..products.values import Values, read_values
from .drawn import USUAL_PAGE, Page, Picture, require_picture

MOST_MAPS = 400
"""Maps of a panel at most; more are neither drawn in reasonable time nor looked at."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a value type are shown, and how they are found; see ``read_values``.

    Parameters
    ----------
    ifgs : sequence of int, optional
        Their numbers, from 1.
    ref_ifg : int
        Column against which they are shown.
    tropo : str, optional
        Method of tropospheric correction.
    deviation : {"bootstrap", "residuals"}
        How the standard deviation of a velocity is found.
    """

    ifgs: Sequence[int] | None = None
    ref_ifg: int = 0
    tropo: str | None = None
    deviation: str = "bootstrap"


@dataclass(frozen=True)
class Look:
    """How values are drawn.

    Parameters
    ----------
    limits : (float, float), optional
        Values at the ends of the colours; by default those of StaMPS' plotting.
    hillshade : bool
        Whether the ground is shaded under the points.
    """

    limits: tuple[float, float] | None = None
    hillshade: bool = False

    def __post_init__(self) -> None:
        if self.limits and not (np.isfinite(self.limits).all() and self.limits[0] < self.limits[1]):
            raise ConfigError(f"limits {self.limits[0]:g} {self.limits[1]:g}: must be two "
                              "numbers, the lower first")  # fmt: skip


USUAL_COLUMNS, USUAL_LOOK = Columns(), Look()


def plot_values(
    root: str | os.PathLike[str],
    name: str,
    path: str | os.PathLike[str],
    columns: Columns = USUAL_COLUMNS,
    look: Look = USUAL_LOOK,
    page: Page = USUAL_PAGE,
    config: RunConfig | None = None,
) -> Picture:
    """Draw a value type: one map, or a panel with a map for each column.

    Parameters
    ----------
    root, name, config
        As of :func:`pystamps_hpc.tools.products.values.read_values`.
    path : path
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.
    columns : Columns
        Which columns.
    look : Look
        How they are drawn.
    page : Page
        How the picture is written.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    ConfigError
        Also a panel of too many maps.
    DatasetError
        Also if no point has a value, or ``hgt2`` is missing for a hillshade.
    PublishError
        The picture cannot be written.

    Notes
    -----
    StaMPS ``ps_plot``. Up to 20,000 points have a marker each; more are drawn as means of cells of
    one or a few pixels, which datashader would also make; for pictures that do not move a sum per
    cell is enough, and needs no further package.
    """
    target = Path(path)
    require_matplotlib("plot")
    require_picture(target, page.force)
    values = read_values(root, name, columns.ifgs, columns.ref_ifg, columns.tropo,
                         columns.deviation, config)  # fmt: skip
    n_maps = values.rows.shape[1]
    if n_maps > MOST_MAPS:
        raise ConfigError(f"value type {values.kind.name}: {n_maps} maps, at most {MOST_MAPS} are "
                          "drawn; choose some with --ifgs")  # fmt: skip
    found = MergedArtifacts(root, config, columns.tropo)
    lonlat = found.points["lonlat"].astype(np.float64)
    placed = np.isfinite(lonlat).all(axis=1)
    frame = Frame.around(lonlat[placed]) if placed.any() else None
    if frame is None:
        raise DatasetError(f"{found.root / 'ps2.mat'}: no PS has a position; nothing to draw")
    labels = _labels(values)
    panel = Panel.of(frame, n_maps, 1 + labels[0].count("\n")) if n_maps > 1 else None
    maps = maps_of(values.rows, lonlat, panel.frame if panel else frame)
    if not maps.tails.count:
        raise DatasetError(f"{found.root}: no PS has a value of type {values.kind.name}; nothing "
                           "to draw")  # fmt: skip
    scale = scale_of(*colours_of(values.kind, values.unit), maps.tails, look.limits)
    shade = None
    if look.hillshade:
        shade = ground(lonlat, found.value("hgt2.hgt"), maps.frame)
    heading = found.parameters.value("heading")
    reference = found.ref_ps if values.kind.is_velocity else values.ref_ps
    scene = Scene(lonlat, reference, heading if isinstance(heading, float) else np.nan, shade)
    captions = _captions(values, maps, scene, found, look, panel, page.title)
    if panel:
        figure = panel_page(maps, panel, labels, scale, scene, captions)
    else:
        figure = map_page(maps, scale, scene, captions)
    facts = _facts(values, maps, scale, reference)
    stage = max(values.stage, found.stage)
    return Picture(
        save_picture(figure, target, page.dpi), captions.title, facts, stage, values.warnings
    )


def _labels(values: Values) -> list[str]:
    """Return what stands above each map: number and date, or dates of a pair below each other."""
    return [
        f"{number}  {date.replace(' to ', chr(10))}"
        for number, date in zip(_numbers(values), values.labels, strict=True)
    ]


def _numbers(values: Values) -> IntArray:
    """Return the number of each map as ``drop_ifg_index`` counts; velocities have others."""
    several = values.kind.is_velocity and values.rows.shape[1] > 1
    return values.columns + 1 if several else values.ifg_list


def _captions(
    values: Values,
    maps: Maps,
    scene: Scene,
    found: MergedArtifacts,
    look: Look,
    panel: Panel | None,
    title: str | None,
) -> Captions:
    """Say what is shown: value, unit, sign, reference, dates, what is left out."""
    kind, noun = values.kind, kind_of_points(found)
    reference = ""
    if kind.base.referenced or kind.is_velocity:
        reference = reference_text(scene.lonlat, scene.reference, noun)
    elif values.unit == "phasor":
        reference = "no reference area"
    note = [colours_text(kind, values.unit)]
    missing = maps.n_points - maps.known
    if missing.any():
        least, worst = int(missing.min()), int(missing.max())
        counted = f"{worst:,}" if least == worst else f"{least:,} to {worst:,}"
        note.append(f"{counted} points without a value are left out"
                    f"{'' if least == worst else ' of each map'}.")  # fmt: skip
    if maps.in_cells:
        note.append(f"Each cell shows the mean of its points, of {maps.n_points:,} in all.")
    if look.hillshade:
        note.append("Ground: heights of the points, lit from the north-west.")
    if panel:
        note.append(f"{extent_text(panel.frame)}.")
    points = f"{int(maps.known.max()):,} {noun}{_dates(values, found)}"
    return map_captions(kind, points, reference, " ".join(note), title, values.against)


def _dates(values: Values, found: MergedArtifacts) -> str:
    """Say which images or pairs are shown, and from when to when."""
    if values.kind.base.listed == "one" and not values.kind.is_velocity:
        return ""
    days = sorted({day for label in values.dates for day in label.split(" to ")})
    what = "interferograms" if values.kind.of_interferograms else "images"
    if values.kind.is_velocity and not values.kind.of_pairs:
        what = "images beside the master" if found.network.master is not None else "images"
    master = found.series.date_of(found.series.master) if found.series.master is not None else ""
    return dates_text(len(values.dates), what, days[0], days[-1], master)


def _facts(values: Values, maps: Maps, scale: Scale, reference: IntArray | None) -> dict[str, Any]:
    missing = (maps.n_points - maps.known).tolist()
    return {
        "value_type": values.kind.name,
        "meaning": values.kind.meaning,
        "unit": "rad" if values.unit == "phasor" else values.unit,
        "sign": values.kind.sign,
        "ps": maps.n_points,
        "reference_ps": None if reference is None else len(reference),
        "against": values.against or None,
        "maps": [
            {"number": int(number), "date": date, "without_value": left}
            for number, date, left in zip(_numbers(values), values.labels, missing, strict=True)
        ],
        "limits": [scale.low, scale.high],
        "drawn_as": "cells" if maps.in_cells else "markers",
    }
