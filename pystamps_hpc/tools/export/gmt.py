"""Velocities for the Generic Mapping Tools: a table, its colours, and a script that draws them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..drawing.frame import Frame
from ..products.files import ROWS, product_folder
from ..products.fixed_point import table_text
from ..products.points import Points
from .colours import ColourSteps, Limits, steps_of

COLUMNS = ()
"""Columns of the table of points that it needs besides those that are always known."""

_SCRIPT = """\
#!/usr/bin/env bash
# Draws ps_mean_v.xy with GMT 6: {meaning}.
# A DEM that GMT reads (a grid of longitude and latitude) is drawn below: ./plot_v.sh dem.grd
set -euo pipefail
cd "$(dirname "$0")"
DEM=${{1:-}}
REGION=-R{west:.6f}/{east:.6f}/{south:.6f}/{north:.6f}

gmt begin ps_mean_v png,pdf
  gmt basemap "$REGION" -JM16c -Baf -BWSne+t"Line-of-sight velocity ({value_type})"
  if [ -n "$DEM" ]; then
    gmt grdimage "$DEM" "$REGION" -JM16c -Cgray -I+d
  fi
  gmt plot ps_mean_v.xy "$REGION" -JM16c -Sc{size:.3f}c -Cps_mean_v.cpt
  gmt basemap "$REGION" -JM16c -Lx2c/1c+c{middle:.3f}+w{length:g}k+f+u
  gmt colorbar -Cps_mean_v.cpt -DJBC+w10c/0.4c+h+e+o0/1.2c -Baf+l"{unit}"
gmt end
"""


def write_gmt(points: Points, folder: Path, limits: Limits | None = None) -> None:
    """Write ``ps_mean_v.xy`` (longitude, latitude, velocity), ``ps_mean_v.cpt``, ``plot_v.sh``.

    Parameters
    ----------
    points : Points
        Velocities and positions; points without a velocity are left out.
    folder : Path
        Directory for the files.
    limits : (float, float), optional
        Ends of the colours [mm/yr]; by default see :func:`.colours.steps_of`.

    Raises
    ------
    ConfigError
        The limits are none.
    DatasetError
        No PS has a velocity.
    PublishError
        A file cannot be written.
    """
    velocities = points.velocities
    scale = steps_of(velocities.velocity, limits)
    table = np.column_stack((velocities.lonlat, velocities.velocity))
    table = table[np.isfinite(table).all(axis=1)]
    with product_folder(folder) as new:
        with (new / "ps_mean_v.xy").open("wb") as file:
            for first in range(0, len(table), ROWS):
                rows = table[first : first + ROWS]
                file.write(table_text([(rows[:, :2], 7), (rows[:, 2:], 4)], " "))
        (new / "ps_mean_v.cpt").write_text("\n".join([*_colour_lines(scale), ""]))
        script = new / "plot_v.sh"
        script.write_text(_script(points, len(table), Frame.around(table[:, :2])))
        script.chmod(0o755)


def _colour_lines(scale: ColourSteps) -> Iterator[str]:
    """Yield a line per colour; below and above stand those of the ends."""
    colours = ["/".join(map(str, colour)) for colour in scale.bytes]
    low, high = scale.limits
    edges = [low, *scale.edges, high]
    yield "# velocity [mm/yr], positive towards the satellite"
    for colour, start, end in zip(colours, edges[:-1], edges[1:], strict=True):
        yield f"{start:.6g} {colour} {end:.6g} {colour}"
    yield f"B {colours[0]}"
    yield f"F {colours[-1]}"
    yield "N 255/255/255"


def _script(points: Points, count: int, frame: Frame) -> str:
    velocities = points.velocities
    wide = (frame.east - frame.west) / frame.kilometre
    power = 10.0 ** np.floor(np.log10(0.25 * wide))
    return _SCRIPT.format(
        meaning=f"mean velocities in mm/yr relative to {velocities.reference_text}",
        value_type=velocities.value_type,
        unit="mm/yr, positive towards the satellite",
        west=frame.west,
        east=frame.east,
        south=frame.south,
        north=frame.north,
        middle=(frame.south + frame.north) / 2,
        length=max(step * power for step in (1, 2, 5) if step * power <= 0.25 * wide),
        size=float(np.clip(8 / np.sqrt(count), 0.03, 0.2)),
    )
