"""One number of every point, ready to be drawn: values, colours, and what they mean."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...config import RunConfig
from ...dataset.rows import AnyArray, FloatArray
from ...errors import ConfigError
from ...stages.shared.value_types import TOWARDS, ValueType, bases_of, value_type
from ..drawing.colours import Scale, Tails, scale_of
from ..products.artifacts import MergedArtifacts
from ..products.captions import colours_of, dates_text
from ..products.files import in_blocks
from ..products.points import ALL, COLUMNS, read_points
from ..products.result import (
    Velocities,
    kind_of_points,
    reference_text,
    stored_velocities,
)
from ..products.values import Values, read_values

VELOCITY, COHERENCE = "velocity", "coherence"

_PLACES = ("id", "longitude", "latitude", "look_east", "look_north", "look_up")
OF_TABLE = tuple(name for name in ALL if name not in _PLACES)
"""Columns of the table of points that are shown as maps."""

_MOTION = {VELOCITY: "motion", "acceleration": "motion", "dem_error": "error",
           "height": "height"}  # fmt: skip
"""Column of the table -> its colours; ``spread`` if it is not here."""


@dataclass(frozen=True)
class Layer:
    """One number of every point.

    Attributes
    ----------
    name : str
        A column of the table of points, or a value type.
    ifg : int
        Column of the value type, from 1; 0 of one that has a single column.
    values : (n,) float32
        In the order of the sorted places; NaN is none.
    scale : Scale
        Colours.
    meaning, unit, sign, reference, dates : str
        What the numbers are; empty where there is nothing to say.
    relative : bool
        Whether the mean of a reference area can be taken off.
    """

    name: str
    ifg: int
    values: FloatArray
    scale: Scale
    meaning: str
    unit: str
    sign: str
    reference: str
    dates: str
    relative: bool

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return self.values.nbytes


def read_layer(
    found: MergedArtifacts, order: NDArray[np.int32], name: str, ifg: int, config: RunConfig
) -> Layer:
    """Return a layer of a dataset.

    Parameters
    ----------
    found : MergedArtifacts
        The dataset.
    order : (n,) int32
        Rows of ``ps2`` in the order of the places.
    name : str
        A column of the table of points, or a value type.
    ifg : int
        Column of a value type that has several, from 1; else 0.
    config : RunConfig
        Arithmetic of means.

    Raises
    ------
    ConfigError
        There is no such column.
    DatasetError, MatError, StageError
        An artifact is missing, damaged, or does not fit the others.
    """
    if name == VELOCITY:
        return _of_velocities(stored_velocities(found), found, order)
    if name in OF_TABLE:
        return _of_table(found, order, name, config)
    values = read_values(found.root, name, [ifg] if ifg else None, config=config)
    if values.rows.shape[1] != 1:
        raise ConfigError(
            f"value type {values.kind.name}: has {values.rows.shape[1]} columns; say of which one "
            "with ifg"
        )
    return _of_type(values, found, order, ifg)


def shown_types(small_baselines: bool) -> Iterator[dict[str, str]]:
    """Yield every layer there can be: its name, group, meaning, unit, what its columns are."""
    for column in COLUMNS:
        if column.name in OF_TABLE:
            yield {"name": column.name, "group": "points", "meaning": column.meaning,
                   "unit": column.unit, "columns": "one"}  # fmt: skip
    for name, base in bases_of(small_baselines).items():
        for suffix in base.operations:
            kind = ValueType(f"{name}-{suffix}" if suffix else name, base, suffix)
            yield {"name": kind.name, "group": "types", "meaning": kind.meaning,
                   "unit": base.unit, "columns": columns_are(kind)}  # fmt: skip


def columns_are(kind: ValueType) -> str:
    """Return what the columns of a type are: ``one`` column, ``images`` or ``pairs``."""
    if kind.base.listed == "one" or (kind.is_velocity and kind.base.name != "vdrop"):
        return "one"
    if kind.base.name == "vdrop":
        return "none"  # each is without one column: a panel, not a map
    return "interferograms" if kind.of_interferograms else "images"


def _of_velocities(known: Velocities, found: MergedArtifacts, order: NDArray[np.int32]) -> Layer:
    kind = value_type(known.value_type, found.small_baselines)
    layer = _layer(VELOCITY, known.velocity, order, *colours_of(kind, kind.base.unit))
    master = "" if found.network.master is None else str(known.master)
    dates = dates_text(
        len(known.dates), "images", str(known.dates[0]), str(known.dates[-1]), master
    )
    return replace(
        layer, meaning=f"{kind.meaning} ({kind.name})", unit=kind.base.unit, sign=kind.sign,
        reference=known.reference_text, dates=dates.strip(" ·"), relative=True,
    )  # fmt: skip


def _of_table(
    found: MergedArtifacts, order: NDArray[np.int32], name: str, config: RunConfig
) -> Layer:
    column = next(column for column in COLUMNS if column.name == name)
    values: AnyArray
    reference = ""
    if name in (COHERENCE, "height"):  # known before there is any displacement
        merged = "merge2.coh_ps" if found.has("merge2") else "pm2.coh_ps"
        values = found.of_points(merged if name == COHERENCE else "hgt2.hgt")
    else:
        points = read_points(found.root, config=config, columns=(name,))
        if name in points.known:
            values = points.known[name]
        else:
            values = np.concatenate([block.values[name] for block in points.blocks()])
        if name == "dem_error":
            reference = points.velocities.reference_text
    limits = (0.0, 1.0) if name == COHERENCE else None
    layer = _layer(name, values, order, _MOTION.get(name, "spread"), column.unit, limits)
    sign = TOWARDS if name == "acceleration" else ""
    return replace(layer, meaning=column.meaning, unit=column.unit, sign=sign, reference=reference,
                   relative=name == "dem_error")  # fmt: skip


def _of_type(values: Values, found: MergedArtifacts, order: NDArray[np.int32], ifg: int) -> Layer:
    kind, phasors = values.kind, values.unit == "phasor"
    if kind.is_velocity:
        column = np.concatenate([rows.ravel() for _, rows in in_blocks(values.rows)])
    else:
        column = values.rows[:, 0]
    if phasors:
        column = np.where(column == 0, np.nan, np.angle(column))
    layer = _layer(kind.name, column, order, *colours_of(kind, values.unit))
    reference, relative = "", kind.base.referenced or (kind.is_velocity and kind.base.name != "vs")
    ref_ps = found.ref_ps if kind.is_velocity else values.ref_ps
    if relative:
        lonlat = found.points["lonlat"].astype(np.float64)
        reference = reference_text(lonlat, ref_ps, kind_of_points(found))
    days = sorted({day for label in values.dates for day in label.split(" to ") if day})
    dates = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}" if days else ""
    return replace(
        layer, ifg=ifg, meaning=f"{kind.meaning} ({kind.name})", sign=kind.sign,
        unit="rad" if phasors else values.unit, reference=reference, dates=dates,
        relative=relative or phasors,
    )  # fmt: skip


def _layer(
    name: str,
    values: AnyArray,
    order: NDArray[np.int32],
    colours: str,
    label: str,
    limits: tuple[float, float] | None = None,
) -> Layer:
    tails = Tails(len(values))
    tails.add(values)
    scale = scale_of(colours, label, tails, limits)
    drawn = values.astype(np.float32)[order]
    return Layer(name, 0, drawn, scale, "", "", "", "", "", relative=False)


def facts_of_layer(layer: Layer) -> dict[str, Any]:
    """Return what is written beside a map."""
    known = layer.values[np.isfinite(layer.values)]
    return {
        "name": layer.name,
        "ifg": layer.ifg or None,
        "meaning": layer.meaning,
        "unit": layer.unit,
        "sign": layer.sign.strip("()"),
        "reference": layer.reference,
        "dates": layer.dates,
        "points": len(layer.values),
        "with_value": len(known),
        "colours": layer.scale.name,
        "low": layer.scale.low,
        "high": layer.scale.high,
        "label": layer.scale.label,
        "takes_reference": layer.relative,
    }
