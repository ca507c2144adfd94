"""What is known of every interferogram of a dataset, and which are worth dropping."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.rows import BoolArray, FloatArray, Rows
from ...dataset.schema import POINTS
from ...dataset.tree import Dataset, discover_dataset, require_dataset
from ...errors import DatasetError
from ...pipeline.loading import load_inputs
from ...pipeline.table import stage_numbers
from ...stages.shared.ifgs import Ifgs, date_of, listed_columns
from ...stages.shared.triplets import Triplets, triplets_of
from ..status import stale_results
from .closure import misclosed, of_each
from .deviation import beside_line, noise_of_arcs, noise_of_pairs, noise_of_selected, rms_residual

NOISY, NOISE_DEG = 1.5, 30.0
"""An interferogram this many times as noisy as the median, and so noisy, is worth dropping."""

ROUGH, ROUGH_DEG = 1.5, 20.0
"""So is one whose arcs are this many times as noisy as the median, and so noisy."""

OFF, OFF_RAD = 2.0, 0.5
"""So is one this many times as far from the series of the images as the median, and so far."""

SPREADS = 5.0
"""Of these measures, it must also stand out from the median by this many times the spread."""

MISCLOSED = 0.05
"""So is one of which this share of the points does not close in its triplets, on average."""

FEW = 2
"""Interferograms to drop before one looks again."""


@dataclass(frozen=True)
class _Candidates:
    ifgs: Annotated[Ifgs, "ps1"]


@dataclass(frozen=True)
class _Found:
    """What the artifacts of the merged dataset tell."""

    ifgs: Annotated[Ifgs, "ps2"]
    noise: Annotated[FloatArray | None, "ifgstd2.ifg_std"]  # (n_columns,) [deg]
    corrected: Annotated[Rows | None, "rc2.ph_rc"]  # (n_ps, n_columns)
    patch_phase: Annotated[Rows | None, "pm2.ph_patch"]  # (n_ps, n_ifg)
    unwrapped: Annotated[Rows | None, "phuw_sb2.ph_uw"]  # (n_ps, n_ifg) [rad]
    predicted: Annotated[Rows | None, "phuw_sb_res2.ph_res"]  # (n_ps, n_ifg) [rad]
    arc_noise: Annotated[Rows | None, "uw_space_time.dph_noise"]  # (n_edge, n_uw) [rad]


@dataclass(frozen=True)
class Network:
    """The interferograms of a dataset and what is known of each; unknown is NaN.

    Parameters
    ----------
    ifgs : Ifgs
        The network.
    dropped : (n_ifg,) bool
        What ``drop_ifg_index`` leaves out.
    noise : (n_ifg,) float64
        Standard deviation [deg].
    residual : (n_ifg,) float64
        Root mean square distance from the series of the images, with a single master from steady
        motion [rad].
    arc_noise : (n_ifg,) float64
        Standard deviation of what unwrapping took for noise on arcs between points [deg].
    triplets : Triplets
        Those of interferograms that are used.
    shares : (n_triplet,) float64
        Share of points that do not close in each.
    """

    ifgs: Ifgs
    dropped: BoolArray
    noise: FloatArray
    residual: FloatArray
    arc_noise: FloatArray
    triplets: Triplets
    shares: FloatArray

    @property
    def used(self) -> Ifgs:
        """The network without what is dropped."""
        return self.ifgs.only(np.flatnonzero(~self.dropped))

    @property
    def noise_limit(self) -> float:
        """Noise beyond which one is worth dropping [deg]; infinite where none is known."""
        return self._limit(self.noise, NOISY, NOISE_DEG)

    @property
    def arc_limit(self) -> float:
        """The same of the noise of arcs [deg]."""
        return self._limit(self.arc_noise, ROUGH, ROUGH_DEG)

    def misclosed(self, without: Collection[int] = ()) -> FloatArray:
        """Return the share of points that do not close, mean over the triplets of each, (n_ifg,).

        Triplets of the interferograms `without` do not count.
        """
        blamed = np.isin(self.triplets.ifgs, list(without)).any(axis=1)
        return of_each(np.where(blamed, np.nan, self.shares), self.triplets, len(self.ifgs))

    def suspects(self) -> dict[int, list[str]]:
        """Return the interferograms worth dropping, the worst first, and why.

        A triplet that does not close is blamed on the worst of its three alone. One that keeps
        images together is none: without it an image would be lost. With a single master each loses
        its image, which is what is wanted.
        """
        chosen: dict[int, list[str]] = {}
        kept: set[int] = set()
        while True:
            excess, reasons = self._excess(self.misclosed(chosen))
            worst = [k for k in np.argsort(-excess, kind="stable").tolist()
                     if k in reasons and k not in chosen and k not in kept]  # fmt: skip
            if not worst:
                return chosen
            without = ~self.dropped
            without[[*chosen, worst[0]]] = False
            rest = self.ifgs.only(np.flatnonzero(without))
            alone = self.ifgs.master is not None
            if alone or (len(rest.day) == len(self.used.day) and len(rest.islands) == 1):
                chosen[worst[0]] = reasons[worst[0]]
            else:
                kept.add(worst[0])

    def drop_next(self) -> list[int]:
        """Return ``drop_ifg_index`` with the worst of :meth:`suspects`; empty without any."""
        worst = list(self.suspects())[:FEW]
        dropped = np.flatnonzero(self.dropped).tolist()
        return sorted((self.ifgs.columns[[*worst, *dropped]] + 1).tolist()) if worst else []

    def _excess(self, misclosed: FloatArray) -> tuple[FloatArray, dict[int, list[str]]]:
        """Return by which factor interferograms are beyond what is usual, and where."""
        excess = np.zeros(len(self.ifgs))
        reasons: dict[int, list[str]] = {}
        for values, limit, text in (
            (self.noise, self.noise_limit, "noise of {:.0f} degrees"),
            (self.arc_noise, self.arc_limit, "noise of {:.0f} degrees on arcs"),
            (misclosed, MISCLOSED, "{:.0%} of the points do not close in its triplets"),
            (self.residual, self._limit(self.residual, OFF, OFF_RAD), "{:.2f} rad off the others"),
        ):  # fmt: skip
            for ifg in np.flatnonzero((values > limit) & ~self.dropped).tolist():
                reasons.setdefault(ifg, []).append(
                    f"{text.format(values[ifg])}, {values[ifg] / limit:.1f} times the limit"
                )
                excess[ifg] = max(excess[ifg], values[ifg] / limit)
        return excess, reasons

    def _limit(self, values: FloatArray, times: float, least: float) -> float:
        """Return what stands out from the interferograms that are used, at least `least`.

        It is a multiple of their median, and so many spreads above it; the spread is that of a
        normal distribution with their median distance from the median.
        """
        known = values[~self.dropped & np.isfinite(values)]
        if not len(known):
            return np.inf
        median = float(np.median(known))
        spread = 1.4826 * float(np.median(np.abs(known - median)))
        return max(times * median, median + SPREADS * spread, least)


def read_network(root: str | os.PathLike[str]) -> Network:
    """Read the network of a dataset and what its stages have found out so far.

    Raises
    ------
    DatasetError
        Stage 1 has not run in any patch.
    MatError
        An artifact is damaged.
    """
    folder = Path(root)
    known = parameters.load(folder)
    newest, first = (f"{name}.mat" for name in POINTS)
    dataset = discover_dataset(folder, need_patches=False)
    require_dataset(dataset)
    if (folder / newest).exists():
        found = load_inputs(_Found, folder, known)
    else:
        patches = (dataset.directory(name) for name in dataset.patches)
        patch = next((patch for patch in patches if (patch / first).exists()), None)
        if patch is None:
            raise DatasetError(f"{folder}: no patch has {first}; run stage 1 first")
        candidates = load_inputs(_Candidates, patch, known)
        found = _Found(candidates.ifgs, *[None] * 6)
    ifgs = found.ifgs
    drop = listed_columns(known.value("drop_ifg_index") or (), ifgs.n_columns, "drop_ifg_index")
    dropped = np.isin(ifgs.columns, drop)
    unknown = np.full(len(ifgs), np.nan)
    used = np.flatnonzero(~dropped)
    triplets = triplets_of(ifgs.pairs, used)
    shares, residual = np.full(len(triplets), np.nan), unknown
    if found.unwrapped is not None:
        shares = misclosed(found.unwrapped, triplets)
        if found.predicted is not None:
            residual = rms_residual(found.unwrapped, found.predicted)
            residual[dropped] = np.nan
    corrections = all((folder / f"{name}.mat").exists() for name in ("phuw2", "scla2", "scn2"))
    if ifgs.master is not None and corrections:
        residual = unknown.copy()
        residual[used] = beside_line(folder, ifgs.columns[used])
    arc_noise = unknown.copy()
    if found.arc_noise is not None and found.arc_noise.shape[1] == len(used):
        arc_noise[used] = noise_of_arcs(found.arc_noise)
    noise = _noise(found, dataset)
    return Network(ifgs, dropped, noise, residual, arc_noise, triplets, shares)


def _noise(found: _Found, dataset: Dataset) -> FloatArray:
    """Return the noise of the interferograms; NaN where nothing tells it."""
    ifgs = found.ifgs
    if not (dataset.root / f"{POINTS[0]}.mat").exists():
        patches = map(dataset.directory, dataset.patches)
        selected = [patch for patch in patches if (patch / "select1.mat").exists()]
        return noise_of_selected(selected, len(ifgs), of_pairs=ifgs.master is None)
    if found.noise is not None:
        return np.asarray(found.noise[ifgs.columns], np.float64)
    if ifgs.master is None and found.corrected is not None and found.patch_phase is not None:
        return noise_of_pairs(found.corrected, found.patch_phase)
    return np.full(len(ifgs), np.nan)


def network_report(root: str | os.PathLike[str], config: RunConfig | None = None) -> dict[str, Any]:
    """Return the network of a dataset as a document; raises as :func:`read_network`.

    Parameters
    ----------
    root : path
        Dataset after stage 1 or later.
    config : RunConfig, optional
        Configuration against which finished work may be out of date.

    Returns
    -------
    dict
        Counts, ``islands`` of dates, one row per interferogram in ``pairs``, in ``worth_dropping``
        numbers as of ``drop_ifg_index`` with reasons, in ``drop_next`` that list with the worst of
        them in it, and in ``stale`` the results that are shown although they are out of date, as
        ``status`` tells them.
    """
    return report_of(read_network(root), root, config)


def report_of(
    network: Network, root: str | os.PathLike[str], config: RunConfig | None = None
) -> dict[str, Any]:
    """Return a network that was read as a document; see :func:`network_report`."""
    last = stage_numbers(tool="unwrapper")[-1]
    ifgs, used = network.ifgs, network.used
    alone = np.setdiff1d(ifgs.day, used.day)
    degrees, misclosed_share = used.degrees(), network.misclosed()
    return {
        "schema": "pystamps-hpc/network-report/1",
        "dataset": str(root),
        "mode": "single master" if ifgs.master is not None else "small baselines",
        "master": date_of(ifgs.master_day),
        "images": len(ifgs.day),
        "interferograms": len(ifgs),
        "dropped": (ifgs.columns[network.dropped] + 1).tolist(),
        "islands": [list(map(date_of, used.day[part])) for part in used.islands],
        "images_in_no_pair": list(map(date_of, alone)),
        "loops": len(used) - len(used.day) + len(used.islands),
        "triplets": len(network.triplets),
        "images_of_one_pair": [date_of(day) for day in used.day[degrees == 1]],
        "pairs": [
            {
                "number": int(ifgs.columns[k]) + 1,
                "first": date_of(ifgs.day[ifgs.pairs[k, 0]]),
                "second": date_of(ifgs.day[ifgs.pairs[k, 1]]),
                "days": int(np.diff(ifgs.day[ifgs.pairs[k]])[0]),
                "bperp_m": round(float(ifgs.bperp[k]), 1),
                "noise_deg": _number(network.noise[k], 1),
                "arc_noise_deg": _number(network.arc_noise[k], 1),
                "misclosed": _number(misclosed_share[k], 4),
                "residual_rad": _number(network.residual[k], 3),
                "dropped": bool(network.dropped[k]),
            }
            for k in range(len(ifgs))
        ],
        "worth_dropping": [
            {"number": int(ifgs.columns[k]) + 1, "why": why}
            for k, why in network.suspects().items()
        ],
        "drop_next": network.drop_next(),
        "stale": [row for row in stale_results(Path(root), config) if row["stage"] <= last],
    }


def _number(value: float, decimals: int) -> float | None:
    return round(float(value), decimals) if np.isfinite(value) else None
