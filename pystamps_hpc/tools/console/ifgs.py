"""The interferograms of a dataset: the network with its noise, and a small map of each."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...dataset.tree import Dataset
from ...errors import ConfigError
from ...stages.shared.ifgs import date_of
from ..consequences import if_changed, outlook_if_changed
from ..drawing.colours import Scale, Tails, scale_of
from ..network.picture import image_baselines
from ..network.report import read_network, report_of
from ..products.captions import colours_of
from ..products.result import kind_of_points, reference_text
from ..products.values import Values, read_values
from .raster import View, levels, png_of
from .results import Results

MOST_POINTS = 20_000
"""Points that small maps are made of; of more every k-th."""

KINDS = {
    "wrapped": (("w", "w"), ()),
    "unwrapped": (("u", "usb"), ()),
    "residual": (("u-dmos", "rsb"), ("scn2",)),
}
"""What is shown -> value type of a single master and of pairs, and what the former needs."""


@dataclass(frozen=True)
class Sheet:
    """Small maps of all columns of a value type.

    Attributes
    ----------
    values : (n, k) float32
        Of some of the sorted points.
    points : (n,) int64
        Which.
    numbers : (k,) int64
        Numbers of the columns, from 1.
    scale : Scale
        Colours of all of them.
    facts : dict
        What is shown.
    """

    values: FloatArray
    points: IntArray
    numbers: IntArray
    scale: Scale
    facts: dict[str, Any]

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.values.nbytes + self.points.nbytes


def network_of(results: Results) -> dict[str, Any]:
    """Return the network as ``network`` reports it, and where its images are in a drawing.

    Raises
    ------
    NotYet
        It is being read.
    DatasetError, MatError
        Stage 1 has not run; an artifact is damaged.
    """

    def read() -> dict[str, Any]:
        network = read_network(results.root)
        ifgs = network.ifgs
        return report_of(network, results.root, results.config) | {
            "noise_limit_deg": float(network.noise_limit),
            "places": [
                {"date": date_of(day), "bperp_m": round(float(baseline), 1)}
                for day, baseline in zip(ifgs.day, image_baselines(ifgs), strict=True)
            ],
        }

    found: dict[str, Any] = results.kept("network", read)
    return found


def sheet_of(results: Results, kind: str) -> Sheet:
    """Return the small maps of a kind, a key of ``KINDS``.

    Raises
    ------
    NotYet
        They are being read.
    ConfigError
        There is no such kind.
    DatasetError, MatError, StageError
        An artifact is missing, damaged, or does not fit the others.
    """
    if kind not in KINDS:
        raise ConfigError(f"kind {kind}: must be one of {', '.join(KINDS)}")
    found: Sheet = results.kept(("sheet", kind), lambda: _read_sheet(results, kind))
    return found


def _read_sheet(results: Results, kind: str) -> Sheet:
    found, places = results.found(), results.places()
    (alone, of_pairs), needed = KINDS[kind]
    if not found.small_baselines:
        for artifact in needed:
            found.require(artifact, "what is taken off for the residual")
    every = range(1, found.network.n_columns + 1) if kind == "wrapped" else None
    name = of_pairs if found.small_baselines else alone
    values = read_values(results.root, name, every, config=results.config)
    step = -(-len(places) // MOST_POINTS)
    points = np.arange(0, len(places), step)
    rows = places.order[points].astype(np.int64)
    ascending = np.argsort(rows)
    points, sample = points[ascending], values.rows[rows[ascending]]
    if values.unit == "phasor":
        sample = np.where(sample == 0, np.nan, np.angle(sample))
    tails = Tails(sample.size)
    tails.add(sample)
    scale = scale_of(*colours_of(values.kind, values.unit), tails, None)
    facts = _facts(results, kind, values, scale)
    return Sheet(sample.astype(np.float32), points, values.columns + 1, scale, facts)


def _facts(results: Results, kind: str, values: Values, scale: Scale) -> dict[str, Any]:
    found, reference = results.found(), ""
    if values.kind.base.referenced:
        lonlat = found.points["lonlat"].astype(np.float64)
        reference = reference_text(lonlat, values.ref_ps, kind_of_points(found))
    return {
        "kind": kind, "value_type": values.kind.name, "meaning": values.kind.meaning,
        "unit": "rad" if values.unit == "phasor" else values.unit,
        "sign": values.kind.sign.strip("()"), "reference": reference,
        "colours": scale.name, "low": scale.low, "high": scale.high, "label": scale.label,
        "maps": [
            {"number": int(number), "date": label}
            for number, label in zip(values.columns + 1, values.labels, strict=True)
        ],
    }  # fmt: skip


def small_map(results: Results, kind: str, ifg: int, width: int) -> bytes:
    """Return a small map as a PNG; ConfigError if the kind has no such column."""
    sheet, places = sheet_of(results, kind), results.places()
    column = np.flatnonzero(sheet.numbers == ifg)
    if not len(column):
        raise ConfigError(f"ifg {ifg}: there is no map of it")
    box = places.box
    squeeze = np.cos(np.radians((box.south + box.north) / 2))
    ratio = (box.north - box.south) / ((box.east - box.west) * squeeze)
    view = View(box, width, int(np.clip(round(width * ratio), 1, 4 * width)))
    x, y = places.longitude[sheet.points], places.latitude[sheet.points]
    found = levels(view, x, y, sheet.values[:, column[0]], sheet.scale, box)
    return png_of(found, sheet.scale)


def if_dropped(results: Results, dataset: Dataset, numbers: list[int], file: str) -> dict[str, Any]:
    """Return what a run would do if these interferograms, and no others, were dropped.

    Parameters
    ----------
    results : Results
        The dataset.
    dataset : Dataset
        Its tree.
    numbers : list of int
        ``drop_ifg_index``, from 1.
    file : str
        Where the configuration comes from; may be empty.

    Raises
    ------
    ConfigError
        A number is not there.
    DatasetError, MatError
        Parameters or artifacts are damaged.
    """
    n_columns = results.found().network.n_columns
    outside = [number for number in numbers if not 1 <= number <= n_columns]
    if outside:
        raise ConfigError(f"ifgs: {outside[0]} is outside 1 to {n_columns}")
    value = tuple(float(number) for number in sorted(set(numbers)))
    ahead = outlook_if_changed(dataset, results.config, "drop_ifg_index", value)
    told = if_changed(dataset, results.config, "drop_ifg_index", value, "", file)
    return {
        "drop_ifg_index": sorted(set(numbers)), "stages": list(ahead.stages),
        "products": ahead.products, "refused": ahead.refused, "told": list(told),
    }  # fmt: skip
