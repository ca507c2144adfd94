"""Colours of values: steps between two limits, those of our maps or those of StaMPS."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...errors import ConfigError, DatasetError
from ..drawing.colours import MOTION
from ..products.velocity_map import colour_limit

STEPS = 64
"""Steps of our scale."""

_BANDS = ((15, (1, 0, 0)), (10, (1, 1, 0)), (14, (0.3, 1, 0.3)), (10, (0, 0.9375, 1)),
          (15, (0, 0, 1)))  # fmt: skip
_JET = 256

Limits = tuple[float, float]


@dataclass(frozen=True)
class ColourSteps:
    """Which colour a value has.

    Attributes
    ----------
    limits : (float, float)
        Ends of the scale.
    edges : (n - 1,) float64
        Where one colour ends and the next begins, which holds the edge.
    colours : (n, 3) float64
        Red, green, blue from 0 to 1; the first of values below all edges.
    """

    limits: Limits
    edges: FloatArray
    colours: FloatArray

    def of(self, values: FloatArray) -> IntArray:
        """Return the number of the colour of each value, which must not be NaN."""
        return np.searchsorted(self.edges, values, side="right")

    @property
    def bytes(self) -> IntArray:
        """The colours as whole numbers, (n, 3) from 0 to 255."""
        return np.floor(255 * self.colours).astype(np.int64)


def steps_of(velocity: FloatArray, limits: Limits | None) -> ColourSteps:
    """Return the scale of our maps: red away from the satellite, grey at rest, blue towards it.

    Parameters
    ----------
    velocity : (n_ps,) float
        Velocities [mm/yr], of which those that are not finite do not count.
    limits : (float, float), optional
        Ends of the scale; by default what 99 % of the velocities stay between, rounded up.
    """
    if limits is None:
        end = colour_limit(_known(velocity))
        limits = -end, end
    low, high = _checked(limits)
    marks = np.array([[int(text[k : k + 2], 16) for k in (1, 3, 5)] for text in MOTION]) / 255
    places = np.linspace(0, len(marks) - 1, STEPS)
    table = np.column_stack([np.interp(places, np.arange(len(marks)), part) for part in marks.T])
    return ColourSteps(limits, np.linspace(low, high, STEPS + 1)[1:-1], table)


def steps_of_stamps(velocity: FloatArray, limits: Limits | None) -> ColourSteps:
    """Return the scale of ``ps_gescatter``: five bands between limits, else a rainbow.

    Notes
    -----
    Between limits red is low; without them the colours of MATLAB's ``jet`` span all values and red
    is high. The last colour stays unused.
    """
    if limits is None:
        known = _known(velocity)
        limits = float(known.min()), float(known.max())
        table = _jet(_JET)
    else:
        table = np.array([colour for count, colour in _BANDS for _ in range(count)], np.float64)
        limits = _checked(limits)
    return ColourSteps(limits, np.linspace(*limits, len(table) - 2), table)


def _known(velocity: FloatArray) -> FloatArray:
    known: FloatArray = velocity[np.isfinite(velocity)]
    if not len(known):
        raise DatasetError("no PS has a velocity; nothing can be drawn")
    return known


def _checked(limits: Limits) -> Limits:
    low, high = limits
    if not (np.isfinite([low, high]).all() and low < high):
        raise ConfigError(f"limits {low:g} {high:g}: the first must be below the second")
    return limits


def _jet(n: int) -> FloatArray:
    """Return MATLAB's ``jet``, (n, 3); `n` is a multiple of eight."""
    quarter = n // 4
    place = np.arange(1, n + 1)

    def hill(shift: int) -> FloatArray:
        rise = (place - shift) / quarter
        values: FloatArray = np.clip(np.minimum(rise, 3 - rise), 0, 1)
        return values

    return np.column_stack([hill(3 * n // 8), hill(n // 8), hill(-n // 8)])
