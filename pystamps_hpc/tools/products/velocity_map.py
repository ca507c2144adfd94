"""The velocity map: one picture that says what moved, how fast, and relative to what."""

import math
import os
from pathlib import Path

import numpy as np

from ...dataset.rows import FloatArray
from ...errors import DatasetError
from ...stages.shared.value_types import value_type as value_type_of
from ..drawing.colours import scale_of
from ..drawing.frame import Frame
from ..drawing.maps import Scene, map_page
from ..drawing.page import require_matplotlib
from ..drawing.points import maps_of
from .artifacts import MergedArtifacts
from .captions import colours_of, colours_text, dates_text, map_captions
from .files import save_picture
from .result import USUAL_TYPE, read_velocities


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

    Notes
    -----
    The page and its words are those of ``plot`` with the same type, the velocities those that stage
    8 left; the colours end at a round number, those of ``plot`` at a quantile, as StaMPS' do.
    """
    require_matplotlib("the velocity map")
    result = read_velocities(root, value_type)
    shown = np.isfinite(result.velocity) & np.isfinite(result.lonlat).all(axis=1)
    if not shown.any():
        raise DatasetError(f"{Path(root) / 'mean_v.mat'}: no PS has a velocity; nothing to draw")
    velocity = result.velocity[shown]
    limit = limit or colour_limit(velocity)
    maps = maps_of(velocity[:, None], result.lonlat[shown], Frame.around(result.lonlat[shown]))
    kind = value_type_of(result.value_type, MergedArtifacts(root).small_baselines)
    scale = scale_of(*colours_of(kind, kind.base.unit), maps.tails, (-limit, limit))
    days = [day.isoformat() for day in (result.dates[0], result.dates[-1], result.master)]
    dates = dates_text(len(result.dates), "images", *days)
    captions = map_captions(kind, f"{len(velocity):,} {result.kind}{dates}", result.reference_text,
                            colours_text(kind, kind.base.unit))  # fmt: skip
    scene = Scene(result.lonlat, result.reference, result.heading)
    return save_picture(map_page(maps, scale, scene, captions), Path(path))


def colour_limit(velocity: FloatArray) -> float:
    """Return a round number that 99 % of the absolute velocities do not exceed, at least 1."""
    wanted = max(1.0, float(np.quantile(np.abs(velocity), 0.99)))
    steps = np.array([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]) * 10.0 ** math.floor(
        math.log10(wanted)
    )
    return float(steps[np.searchsorted(steps, wanted * (1 - 1e-9))])
