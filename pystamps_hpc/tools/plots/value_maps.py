"""Maps of values: one, or a panel of all columns (StaMPS ``ps_plot``)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...config import RunConfig
from ...errors import ConfigError, DatasetError
from ..drawing.colours import Scale, scale_of
from ..drawing.frame import Frame
from ..drawing.hillshade import ground
from ..drawing.maps import Grid, Scene, extent_text, map_page, panel_page
from ..drawing.page import DPI, Captions, require_matplotlib
from ..drawing.points import Maps, maps_of
from ..products.artifacts import MergedArtifacts
from ..products.files import save_picture
from ..products.result import kind_of_points, reference_text
from ..products.values import Values, read_values
from .drawn import Picture, require_picture

MOST_MAPS = 400
"""Maps of a panel at most; more are neither drawn in reasonable time nor looked at."""

_SHORT = {
    "(positive: towards the satellite)": "positive towards the satellite",
    "(positive: away from the satellite, after the master)": "positive away from the satellite",
}


@dataclass(frozen=True)
class Look:
    """How values are drawn.

    Parameters
    ----------
    limits : (float, float), optional
        Values at the ends of the colours; by default those of StaMPS' plotting.
    hillshade : bool
        Whether the ground is shaded under the points.
    title : str, optional
        Title; by default what is shown.
    """

    limits: tuple[float, float] | None = None
    hillshade: bool = False
    title: str | None = None

    def __post_init__(self) -> None:
        if self.limits and not (np.isfinite(self.limits).all() and self.limits[0] < self.limits[1]):
            raise ConfigError(f"limits {self.limits[0]:g} {self.limits[1]:g}: must be two "
                              "numbers, the lower first")  # fmt: skip


def plot_values(
    root: str | os.PathLike[str],
    name: str,
    path: str | os.PathLike[str],
    ifgs: Sequence[int] | None = None,
    ref_ifg: int = 0,
    tropo: str | None = None,
    deviation: str = "bootstrap",
    look: Look | None = None,
    force: bool = False,
    dpi: int = DPI,
    config: RunConfig | None = None,
) -> Picture:
    """Draw a value type: one map, or a panel with a map for each column.

    Parameters
    ----------
    root, name, ifgs, ref_ifg, tropo, deviation, config
        As of :func:`pystamps_hpc.tools.products.values.read_values`.
    path : path
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.
    look : Look, optional
        How they are drawn.
    force : bool
        Whether a file that is there is replaced.
    dpi : int
        Picture elements of an inch.

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
    look, target = look or Look(), Path(path)
    require_matplotlib("plot")
    require_picture(target, force)
    values = read_values(root, name, ifgs, ref_ifg, tropo, deviation, config)
    n_maps = values.rows.shape[1]
    if n_maps > MOST_MAPS:
        raise ConfigError(f"value type {values.kind.name}: {n_maps} maps, at most {MOST_MAPS} are "
                          "drawn; choose some with --ifgs")  # fmt: skip
    found = MergedArtifacts(root, config, tropo)
    lonlat = found.points["lonlat"].astype(np.float64)
    placed = np.isfinite(lonlat).all(axis=1)
    frame = Frame.around(lonlat[placed]) if placed.any() else None
    if frame is None:
        raise DatasetError(f"{found.root / 'ps2.mat'}: no PS has a position; nothing to draw")
    labels = _labels(values)
    grid = Grid.of(frame, n_maps, 1 + labels[0].count("\n")) if n_maps > 1 else None
    maps = maps_of(values.rows, lonlat, grid.frame if grid else frame)
    if not maps.tails.count:
        raise DatasetError(f"{found.root}: no PS has a value of type {values.kind.name}; nothing "
                           "to draw")  # fmt: skip
    scale = scale_of(*_colours(values), maps.tails, look.limits)
    shade = None
    if look.hillshade:
        shade = ground(lonlat, found.value("hgt2.hgt"), maps.frame)
    heading = found.parameters.value("heading")
    scene = Scene(lonlat, values.ref_ps, heading if isinstance(heading, float) else np.nan, shade)
    captions = _captions(values, maps, scene, found, look, grid)
    if grid:
        figure = panel_page(maps, grid, labels, scale, scene, captions)
    else:
        figure = map_page(maps, scale, scene, captions)
    facts = _facts(values, maps, scale)
    stage = max(values.stage, found.stage)
    return Picture(save_picture(figure, target, dpi), captions.title, facts, stage, values.warnings)


def _colours(values: Values) -> tuple[str, str]:
    """Return the map of a type, and what is written beside it."""
    kind = values.kind
    label = ", ".join(filter(None, (values.unit, _SHORT.get(kind.sign, ""))))
    if values.unit == "phasor":
        return "cycle", "wrapped phase [rad], positive away from the satellite"
    if kind.base.name == "vs":
        return "spread", f"{values.unit}, one standard deviation"
    if kind.base.name == "hgt":
        return "height", "m above the reference of the DEM"
    return {"mm/yr": "motion", "rad": "phase"}.get(values.unit, "error"), label


def _labels(values: Values) -> list[str]:
    """Return what stands above each map: number and date, or dates of a pair below each other."""
    return [
        f"{number}  {date.replace(' to ', chr(10))}"
        for number, date in zip(values.ifg_list, values.labels, strict=True)
    ]


def _captions(
    values: Values,
    maps: Maps,
    scene: Scene,
    found: MergedArtifacts,
    look: Look,
    grid: Grid | None,
) -> Captions:
    """Say what is shown: value, unit, sign, reference, dates, what is left out."""
    kind, noun = values.kind, kind_of_points(found)
    meaning = kind.meaning[0].upper() + kind.meaning[1:]
    most = int(maps.known.max())
    lines = [f"{most:,} {noun}{_dates(values, found)}"]
    if kind.base.referenced:
        lines.append(f"Relative to {reference_text(scene.lonlat, values.ref_ps, noun)}")
    elif values.unit == "phasor":
        lines.append("Relative to no reference area")
    note = [_meaning_of_colours(values)]
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
    if grid:
        note.append(f"{extent_text(grid.frame)}.")
    return Captions(look.title or f"{meaning} ({kind.name})", lines, " ".join(note))


def _meaning_of_colours(values: Values) -> str:
    unit, kind = values.unit, values.kind
    if unit == "phasor":
        return "Phase of one cycle, 2π rad: half a wavelength along the line of sight."
    if kind.base.name in ("vs", "hgt"):
        return f"In {unit}."
    if unit == "mm/yr":
        return ("Positive (blue): towards the satellite. Negative (red): away from it. In mm/yr "
                "along the line of sight.")  # fmt: skip
    if unit == "rad":
        return ("In rad along the line of sight. Positive (red): away from the satellite after "
                "the master; negative (blue): towards it.")  # fmt: skip
    return f"In {unit}: phase for each metre of perpendicular baseline."


def _dates(values: Values, found: MergedArtifacts) -> str:
    """Say which images or pairs are shown, and from when to when."""
    if values.kind.base.listed == "one" and not values.kind.is_velocity:
        return ""
    days = sorted({day for label in values.dates for day in label.split(" to ")})
    what = "interferograms" if values.kind.of_interferograms else "images"
    if values.kind.is_velocity and not values.kind.of_pairs:
        what = "images beside the master" if found.network.master is not None else "images"
    count = len(values.dates)
    master = found.series.date_of(found.series.master) if found.series.master is not None else ""
    said = f" · {count} {what if count > 1 else what.removesuffix('s')}, {days[0]}"
    if days[-1] != days[0]:
        said += f" to {days[-1]}"
    return said + (f", master {master}" if master else "")


def _facts(values: Values, maps: Maps, scale: Scale) -> dict[str, Any]:
    missing = (maps.n_points - maps.known).tolist()
    return {
        "value_type": values.kind.name,
        "meaning": values.kind.meaning,
        "unit": "rad" if values.unit == "phasor" else values.unit,
        "sign": values.kind.sign,
        "ps": maps.n_points,
        "reference_ps": None if values.ref_ps is None else len(values.ref_ps),
        "maps": [
            {"number": int(number), "date": date, "without_value": left}
            for number, date, left in zip(values.ifg_list, values.labels, missing, strict=True)
        ],
        "limits": [scale.low, scale.high],
        "drawn_as": "cells" if maps.in_cells else "markers",
    }
