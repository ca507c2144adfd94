"""What is seen of a layer: the points of a part that pass the filters, relative to an area."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import FloatArray, IntArray
from ...errors import ConfigError
from .layers import COHERENCE, Layer
from .places import Box, Places
from .results import Area, Results


@dataclass(frozen=True)
class Filters:
    """Which points are shown; None lets all through.

    Parameters
    ----------
    min_coherence : float, optional
        Temporal coherence at least.
    max_deviation : float, optional
        Standard deviation of the velocity at most [mm/yr].
    min_height, max_height : float, optional
        Height of the DEM [m].

    Notes
    -----
    A point whose number is not known does not pass its filter.
    """

    min_coherence: float | None = None
    max_deviation: float | None = None
    min_height: float | None = None
    max_height: float | None = None

    def limits(self) -> list[tuple[str, float, float]]:
        """Return each layer that is asked for, and its least and greatest value."""
        known = (
            (COHERENCE, self.min_coherence, None),
            ("velocity_deviation", None, self.max_deviation),
            ("height", self.min_height, self.max_height),
        )
        return [
            (name, -np.inf if low is None else low, np.inf if high is None else high)
            for name, low, high in known
            if low is not None or high is not None
        ]


@dataclass(frozen=True)
class Seen:
    """Points of a layer.

    Attributes
    ----------
    chosen : (n,) int64 or slice
        Which of the sorted points.
    longitude, latitude : (n,) float64
        [deg]
    values : (n,) float32
        NaN of those that do not pass.
    reference : str
        What they are relative to.
    """

    chosen: IntArray | slice
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    values: FloatArray
    reference: str


def seen_of(results: Results, layer: Layer, box: Box, filters: Filters, area: Area | None) -> Seen:
    """Return the points of the cells that a box meets.

    Raises
    ------
    NotYet
        A layer of the filters is being computed.
    DatasetError
        No PS lies in the reference area.
    """
    places = results.places()
    chosen = places.near(box)
    values, reference = layer.values[chosen], layer.reference
    if area is not None and layer.relative:
        values, reference = _relative(values, layer, places, area)
    passed = np.ones(len(values), np.bool_)
    for name, low, high in filters.limits():
        other = results.layer(name).values[chosen]
        passed &= (other >= low) & (other <= high)
    if not passed.all():
        values = np.where(passed, values, np.float32(np.nan))
    return Seen(chosen, places.longitude[chosen], places.latitude[chosen], values, reference)


def _relative(
    values: FloatArray, layer: Layer, places: Places, area: Area
) -> tuple[FloatArray, str]:
    """Take the mean of an area off; phase is turned back by that of the sum of its phasors."""
    there = layer.values[area.sorted_points(places)].astype(np.float64)
    there = there[np.isfinite(there)]
    if not len(there):
        raise ConfigError(f"type {layer.name}: no PS of the reference area has a value")
    reference = area.text(len(there))
    if layer.scale.name == "cycle":
        turned = np.exp(1j * (values - np.angle(np.exp(1j * there).sum())))
        return np.angle(turned).astype(np.float32), reference
    return (values - there.mean()).astype(np.float32), reference
