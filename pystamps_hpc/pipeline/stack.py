"""What is known of points and interferograms before a run: from candidates, else from artifacts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset import border, candidates
from ..dataset.candidates import Candidates, Scene
from ..dataset.mat import MatFile
from ..dataset.parameters import Parameters
from ..dataset.schema import ARTIFACTS, POINTS
from ..dataset.tree import ROOT, Dataset
from ..errors import PystampsError
from ..stages.shared.ifgs import Ifgs

PHASES = ("pscands.1.ph", "ph1.mat")
"""Files that hold the phase of the candidates of a patch, before and after they are loaded."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north [deg]; NaN without points."""


@dataclass(frozen=True)
class StackSummary:
    """What is known of the points and interferograms of a patch or of the root.

    Parameters
    ----------
    n_points : int
        Candidates or PS.
    ifgs : Ifgs
        The network; its baselines are not known, nor are days of a single-master artifact.
    bounds : Bounds
        Where the points lie.
    """

    n_points: int
    ifgs: Ifgs
    bounds: Bounds


def summary_of(found: Candidates, ifgs: Ifgs) -> StackSummary:
    """Return what the candidates of a patch hold, of a network as :func:`network_of` returns it."""
    return StackSummary(len(found.lonlat), ifgs, _bounds_of(found.lonlat))


def network_of(scene: Scene) -> Ifgs:
    """Return the network of a scene, without baselines."""
    network = scene.network
    unknown = np.full(len(network.pairs), np.nan)
    day = network.day.astype(np.float64)
    return Ifgs(network.pairs, unknown, day, network.master_day, network.master)


def _bounds_of(lonlat: NDArray[np.float64]) -> Bounds:
    known = lonlat[np.isfinite(lonlat).all(axis=1)]
    if not len(known):
        return (np.nan,) * 4
    return (*map(float, known.min(axis=0)), *map(float, known.max(axis=0)))  # type: ignore[return-value]


def phase_bytes(patch: Path) -> int:
    """Return the size of the candidates' phase of a patch, 0 where there is none."""
    paths = map(patch.joinpath, PHASES)
    return max((path.stat().st_size for path in paths if path.exists()), default=0)


def known_stack(dataset: Dataset, parameters: Parameters) -> StackSummary | None:
    """Return the stack of a dataset, None where neither artifacts nor candidates tell it."""
    folders = [dataset.root, *map(dataset.directory, dataset.patches)]
    for folder in folders:
        for artifact in POINTS:
            summary = summary_in(folder / f"{artifact}.mat")
            if summary is not None:
                return summary
    try:
        scene = candidates.scene_of(folders[-1], parameters)
    except (PystampsError, OSError):
        return None
    return StackSummary(0, network_of(scene), (np.nan,) * 4)


def known_bounds(dataset: Dataset) -> Bounds | None:
    """Return where the points of a dataset lie, None where no artifact of all of them tells it."""
    newest, first = (f"{artifact}.mat" for artifact in POINTS)
    merged = summary_in(dataset.root / newest)
    if merged is not None:
        return joined_bounds({ROOT: merged})
    found = {name: summary_in(dataset.directory(name) / first) for name in dataset.patches}
    known = {name: summary for name, summary in found.items() if summary is not None}
    return joined_bounds(known) if known and len(known) == len(found) else None


def summary_in(path: Path) -> StackSummary | None:
    """Return what the artifact of the points holds, None where it cannot be read."""
    if not path.exists():
        return None
    try:
        with MatFile(path) as file:
            n_ps = file.count("n_ps")
            ifgs = _network_in(file)
            lonlat = np.asarray(file.read("lonlat"), np.float64).reshape(-1, 2)
    except (PystampsError, LookupError, ValueError):
        return None
    return StackSummary(n_ps, ifgs, _bounds_of(lonlat))


def _network_in(file: MatFile) -> Ifgs:
    if "ifgday_ix" in file.variables:
        keys = ARTIFACTS[POINTS[0]].keys
        names = [name for name in Ifgs.KEYS if name in file.variables]
        return Ifgs.of_keys({name: border.inside(keys[name], file.read(name)) for name in names})
    n_ifg, master_ix = file.count("n_ifg"), file.count("master_ix")
    unknown = np.full(n_ifg, np.nan)
    return Ifgs.of_master(master_ix - 1, unknown[1:], unknown, np.nan)


def joined_bounds(summaries: Mapping[str, StackSummary]) -> Bounds | None:
    """Return the bounds of all points, None without any."""
    bounds = np.array([summary.bounds for summary in summaries.values()]).reshape(-1, 4)
    if np.isnan(bounds).all():
        return None
    west, south = np.nanmin(bounds[:, :2], axis=0)
    east, north = np.nanmax(bounds[:, 2:], axis=0)
    return float(west), float(south), float(east), float(north)
