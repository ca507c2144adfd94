"""Colours of values: which map, and where it ends."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray
from ...errors import ConfigError

#: From away from the satellite (red) over standing still (grey) to towards it (blue); lightness
#: falls evenly to both sides.
MOTION = ("#5c0a1c", "#a31a2c", "#d6533f", "#eb9b7a", "#d3d1cf",
          "#8fbcd9", "#4a8fc4", "#1f5c9e", "#0b2d5e")  # fmt: skip

#: Once around the circle of hues in the space Oklab, at equal steps; lighter in yellow, darker in
#: blue, nowhere so light that it is lost on white.
CYCLE = ("#d1866c", "#d49963", "#ccaa61", "#b7b668", "#99bb76", "#72b786", "#49ad95", "#249da0",
         "#1e8aa6", "#3578a7", "#4e69a5", "#665f9f", "#7e5b97", "#965d8e", "#ae6683", "#c37477",
         "#d1866c")  # fmt: skip

#: From purple over the same grey to orange.
ERROR = ("#2d004b", "#532687", "#7a6bae", "#a9a1c9", "#d3d1cf",
         "#e9b87a", "#d98418", "#a85606", "#7f3b08")  # fmt: skip

#: Viridis.
SPREAD = ("#440154", "#481f70", "#443983", "#3b528b", "#31688e", "#287c8e", "#21918c",
          "#20a486", "#35b779", "#5ec962", "#90d743", "#c8e020", "#fde725")  # fmt: skip

#: Cividis.
HEIGHT = ("#00224e", "#003170", "#2a3f6d", "#434e6c", "#575d6d", "#6a6c71", "#7d7c78",
          "#918b78", "#a59c74", "#bcae6c", "#d2c060", "#e9d34e", "#fee838")  # fmt: skip

MAPS: dict[str, tuple[str, ...]] = {
    "motion": MOTION,
    "phase": MOTION[::-1],
    "error": ERROR,
    "cycle": CYCLE,
    "spread": SPREAD,
    "height": HEIGHT,
}
"""Map -> its colours, at equal steps. Phase grows away from the satellite."""

DIVERGING = ("motion", "phase", "error")
LOW_SHARE, HIGH_SHARE = 0.001, 0.999


@dataclass(frozen=True)
class Scale:
    """Colours of values and what is written beside them.

    Parameters
    ----------
    name : str
        A key of :data:`MAPS`.
    low, high : float
        Values at the ends.
    label : str
        Unit and sign.
    below, above : bool
        Whether some values lie beyond an end.
    """

    name: str
    low: float
    high: float
    label: str
    below: bool = False
    above: bool = False

    def between(self, low: float | None, high: float | None) -> "Scale":
        """Return the scale with other ends; None keeps one. A cycle has its own.

        Raises
        ------
        ConfigError
            The upper end is not above the lower one.
        """
        if self.name == "cycle" or (low is None and high is None):
            return self
        ends = self.low if low is None else low, self.high if high is None else high
        if not (np.isfinite(ends).all() and ends[0] < ends[1]):
            raise ConfigError(f"low {ends[0]:g}, high {ends[1]:g}: must be two numbers, the lower "
                              "first")  # fmt: skip
        return replace(self, low=ends[0], high=ends[1])

    def colour_map(self) -> Any:
        """Return the colour map of matplotlib."""
        from matplotlib.colors import LinearSegmentedColormap

        return LinearSegmentedColormap.from_list(self.name, MAPS[self.name])


def palette(name: str, n_colours: int) -> IntArray:
    """Return colours of a map at equal steps.

    Parameters
    ----------
    name : str
        A key of :data:`MAPS`.
    n_colours : int
        How many.

    Returns
    -------
    (n_colours, 3) int64
        Red, green, blue from 0 to 255, from the lower end to the upper one.
    """
    stops = np.array([tuple(bytes.fromhex(colour[1:])) for colour in MAPS[name]], np.float64)
    places = np.linspace(0, len(stops) - 1, n_colours)
    parts = [np.interp(places, np.arange(len(stops)), stops[:, part]) for part in range(3)]
    return np.rint(np.column_stack(parts)).astype(np.int64)


def scale_of(name: str, label: str, tails: "Tails", limits: tuple[float, float] | None) -> Scale:
    """Choose the ends of a scale as StaMPS' plotting does.

    Parameters
    ----------
    name : str
        A key of :data:`MAPS`.
    label : str
        Unit and sign.
    tails : Tails
        The values.
    limits : (float, float), optional
        Ends that are wanted; wrapped phase has its own.

    Returns
    -------
    Scale
        Without limits the values at the positions ceil(0.001 n) and round(0.999 n) of the sorted
        ones, both as far from zero on a map with a middle.
    """
    if limits is None and name == "cycle":
        return Scale(name, -math.pi, math.pi, label)
    low, high = limits or tails.ends()
    if limits is None and name in DIVERGING:
        high = max(abs(low), abs(high))
        low = -high
    if not high > low:
        low, high = low - 1, high + 1
    return Scale(name, low, high, label, tails.least < low, tails.most > high)


class Tails:
    """The least and the greatest of many values, which come a block at a time.

    Parameters
    ----------
    n_most : int
        Number of values there can be; what is kept is a five-hundredth of it.
    """

    def __init__(self, n_most: int) -> None:
        self.kept = max(math.ceil(LOW_SHARE * n_most), n_most - _rounded(HIGH_SHARE * n_most)) + 1
        self.count = 0
        self.low: FloatArray = np.empty(0)
        self.high: FloatArray = np.empty(0)

    def add(self, values: AnyArray) -> None:
        """Take further values; NaN is none."""
        known = values[np.isfinite(values)].astype(np.float64)
        self.count += known.size
        self.low = self._least((self.low, known))
        self.high = -self._least((-self.high, -known))

    def _least(self, parts: Iterable[FloatArray]) -> FloatArray:
        found, new = parts
        if found.size >= self.kept:
            new = new[new < found.max()]
        together = np.concatenate((found, new))
        if together.size > self.kept:
            together = np.partition(together, self.kept - 1)[: self.kept]
        return together

    @property
    def least(self) -> float:
        """The least value, NaN where there is none."""
        return float(self.low.min()) if self.count else math.nan

    @property
    def most(self) -> float:
        """The greatest value, NaN where there is none."""
        return float(self.high.max()) if self.count else math.nan

    def ends(self) -> tuple[float, float]:
        """Return the values at the positions ceil(0.001 n) and round(0.999 n), from 1.

        Notes
        -----
        StaMPS ``ps_plot``.
        """
        if not self.count:
            return 0.0, 0.0
        low = max(math.ceil(LOW_SHARE * self.count), 1)
        from_top = self.count - max(_rounded(HIGH_SHARE * self.count), 1)
        return float(np.sort(self.low)[low - 1]), float(np.sort(self.high)[-1 - from_top])


def _rounded(value: float) -> int:
    """Round half away from zero, as MATLAB does."""
    return math.floor(value + 0.5)
