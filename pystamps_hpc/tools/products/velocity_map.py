"""The velocity map: one picture that says what moved, how fast, and relative to what."""

import math
import os
from datetime import date
from pathlib import Path

import numpy as np

from ...dataset.rows import FloatArray
from ...errors import DatasetError
from ..drawing.colours import Scale
from ..drawing.frame import Frame
from ..drawing.maps import Scene, map_page
from ..drawing.page import Captions, require_matplotlib
from ..drawing.points import maps_of
from .files import save_picture
from .result import USUAL_TYPE, Velocities, read_velocities


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
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.
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
    require_matplotlib("the velocity map")
    result = read_velocities(root, value_type)
    shown = np.isfinite(result.velocity) & np.isfinite(result.lonlat).all(axis=1)
    if not shown.any():
        raise DatasetError(f"{Path(root) / 'mean_v.mat'}: no PS has a velocity; nothing to draw")
    velocity = result.velocity[shown]
    limit = limit or colour_limit(velocity)
    scale = Scale(
        "motion", -limit, limit, "mm/yr, positive towards the satellite",
        bool(velocity.min() < -limit), bool(velocity.max() > limit),
    )  # fmt: skip
    maps = maps_of(velocity[:, None], result.lonlat[shown], Frame.around(result.lonlat[shown]))
    scene = Scene(result.lonlat, result.reference, result.heading)
    figure = map_page(maps, scale, scene, _captions(result, len(velocity)))
    return save_picture(figure, Path(path))


def colour_limit(velocity: FloatArray) -> float:
    """Return a round number that 99 % of the absolute velocities do not exceed, at least 1."""
    wanted = max(1.0, float(np.quantile(np.abs(velocity), 0.99)))
    steps = np.array([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]) * 10.0 ** math.floor(
        math.log10(wanted)
    )
    return float(steps[np.searchsorted(steps, wanted * (1 - 1e-9))])


def _captions(result: Velocities, count: int) -> Captions:
    return Captions(
        f"Line-of-sight velocity ({result.value_type})",
        (
            f"{count:,} {result.kind} · {len(result.dates)} images,"
            f" {_day(result.dates[0])} to {_day(result.dates[-1])}, master {_day(result.master)}",
            f"Relative to {result.reference_text}",
        ),
        "Positive (blue): towards the satellite. Negative (red): away from it."
        f" In mm/yr along the line of sight; {result.correction_text}.",
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
