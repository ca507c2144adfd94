"""What is known of every interferogram of a dataset, and which are worth dropping."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ...dataset import parameters
from ...dataset.rows import BoolArray, FloatArray, IntArray, Rows, chosen_columns
from ...dataset.schema import POINTS
from ...dataset.tree import discover_dataset
from ...errors import DatasetError
from ...pipeline.loading import load_inputs
from ...stages.shared.ifgs import Ifgs, date_of, listed_columns
from .closure import misclosed, of_each, rms_residual, triplets_of

NOISY, NOISE_DEG = 1.5, 30.0
"""An interferogram this many times as noisy as the median, and so noisy, is worth dropping."""

MISCLOSED = 0.05
"""So is one of which this share of the points does not close in its triplets, on average."""

OFF, OFF_RAD = 2.0, 0.5
"""So is one this many times as far from the series of the images as the median, and so far."""


@dataclass(frozen=True)
class _Candidates:
    ifgs: Annotated[Ifgs, "ps1"]


@dataclass(frozen=True)
class _Found:
    """What the artifacts of the merged dataset tell."""

    ifgs: Annotated[Ifgs, "ps2"]
    noise: Annotated[FloatArray | None, "ifgstd2.ifg_std"]  # (n_columns,) [deg]
    unwrapped: Annotated[Rows | None, "phuw_sb2.ph_uw"]  # (n_ps, n_ifg) [rad]
    predicted: Annotated[Rows | None, "phuw_sb_res2.ph_res"]  # (n_ps, n_ifg) [rad]


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
    misclosed : (n_ifg,) float64
        Share of points that do not close, mean over its triplets.
    residual : (n_ifg,) float64
        Root mean square distance from the series of the images [rad].
    n_triplets : int
        Triplets of interferograms that are used.
    """

    ifgs: Ifgs
    dropped: BoolArray
    noise: FloatArray
    misclosed: FloatArray
    residual: FloatArray
    n_triplets: int

    @property
    def used(self) -> Ifgs:
        """The network without what is dropped."""
        return self.ifgs.only(np.flatnonzero(~self.dropped))

    def suspects(self) -> dict[int, list[str]]:
        """Return the interferograms worth dropping, the worst first, and why.

        One that keeps images together, or any of a single-master stack, which all hang on the
        master alone, is none: without it an image would be lost.
        """
        excess, reasons = self._excess()
        chosen: dict[int, list[str]] = {}
        left = ~self.dropped
        for ifg in np.argsort(-excess, kind="stable").tolist():
            if ifg not in reasons:
                break
            without = left.copy()
            without[ifg] = False
            rest = self.ifgs.only(np.flatnonzero(without))
            if len(rest.day) == len(self.used.day) and len(rest.islands) == 1:
                left = without
                chosen[ifg] = reasons[ifg]
        return chosen

    def _excess(self) -> tuple[FloatArray, dict[int, list[str]]]:
        """Return by which factor interferograms are beyond what is usual, and where."""
        excess = np.zeros(len(self.ifgs))
        reasons: dict[int, list[str]] = {}
        for values, limit, text in (
            (self.noise, self._limit(self.noise, NOISY, NOISE_DEG), "noise of {:.0f} degrees"),
            (self.misclosed, MISCLOSED, "{:.0%} of the points do not close in its triplets"),
            (self.residual, self._limit(self.residual, OFF, OFF_RAD), "{:.2f} rad off the others"),
        ):
            for ifg in np.flatnonzero((values > limit) & ~self.dropped).tolist():
                reasons.setdefault(ifg, []).append(
                    f"{text.format(values[ifg])}, {values[ifg] / limit:.1f} times the limit"
                )
                excess[ifg] = max(excess[ifg], values[ifg] / limit)
        return excess, reasons

    def _limit(self, values: FloatArray, times: float, least: float) -> float:
        """Return a multiple of the median of the interferograms that are used, at least `least`."""
        known = values[~self.dropped & np.isfinite(values)]
        return max(times * float(np.median(known)), least) if len(known) else np.inf


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
    if (folder / newest).exists():
        found = load_inputs(_Found, folder, known)
    else:
        dataset = discover_dataset(folder)
        patches = (dataset.directory(name) for name in dataset.patches)
        patch = next((patch for patch in patches if (patch / first).exists()), None)
        if patch is None:
            raise DatasetError(f"{folder}: no patch has {first}; run stage 1 first")
        found = _Found(load_inputs(_Candidates, patch, known).ifgs, None, None, None)
    ifgs = found.ifgs
    drop = listed_columns(known.value("drop_ifg_index") or (), ifgs.n_columns, "drop_ifg_index")
    dropped = np.isin(ifgs.columns, drop)
    unknown = np.full(len(ifgs), np.nan)
    used = np.flatnonzero(~dropped)
    triplets = triplets_of(ifgs.pairs[used])
    closing = residual = unknown
    if found.unwrapped is not None:
        shares = misclosed(chosen_columns(found.unwrapped, used), triplets)
        closing = _of_used(of_each(shares, triplets, len(used)), used, len(ifgs))
        if found.predicted is not None:
            residual = rms_residual(found.unwrapped, found.predicted)
            residual[dropped] = np.nan
    noise = unknown if found.noise is None else found.noise[ifgs.columns].astype(np.float64)
    return Network(ifgs, dropped, noise, closing, residual, len(triplets))


def _of_used(values: FloatArray, used: IntArray, n_ifg: int) -> FloatArray:
    whole = np.full(n_ifg, np.nan)
    whole[used] = values
    return whole


def network_report(root: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the network of a dataset as a document; raises as :func:`read_network`.

    Returns
    -------
    dict
        Counts, ``islands`` of dates, one row per interferogram in ``pairs``, and in
        ``worth_dropping`` numbers as of ``drop_ifg_index`` with reasons.
    """
    network = read_network(root)
    ifgs, used = network.ifgs, network.used
    alone = np.setdiff1d(ifgs.day, used.day)
    degrees = used.degrees()
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
        "triplets": network.n_triplets,
        "images_of_one_pair": [date_of(day) for day in used.day[degrees == 1]],
        "pairs": [
            {
                "number": int(ifgs.columns[k]) + 1,
                "first": date_of(ifgs.day[ifgs.pairs[k, 0]]),
                "second": date_of(ifgs.day[ifgs.pairs[k, 1]]),
                "days": int(np.diff(ifgs.day[ifgs.pairs[k]])[0]),
                "bperp_m": round(float(ifgs.bperp[k]), 1),
                "noise_deg": _number(network.noise[k], 1),
                "misclosed": _number(network.misclosed[k], 4),
                "residual_rad": _number(network.residual[k], 3),
                "dropped": bool(network.dropped[k]),
            }
            for k in range(len(ifgs))
        ],
        "worth_dropping": [
            {"number": int(ifgs.columns[k]) + 1, "why": why}
            for k, why in network.suspects().items()
        ],
    }


def _number(value: float, decimals: int) -> float | None:
    return round(float(value), decimals) if np.isfinite(value) else None
