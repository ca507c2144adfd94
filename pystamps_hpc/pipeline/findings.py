"""What a dataset's finished stages have found, put together from their records."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..dataset.tree import ROOT, Dataset
from .state import TargetState

Facts = Mapping[str, Mapping[str, Any]]
"""Target -> name of a fact -> value."""

FUNNEL = {"candidates": "candidates", "selected": "kept", "weeded": "weeded"}
"""Column of the funnel -> fact that counts its points."""

WEEDED = ("adjacent", "zero_height", "same_position", "noisy")
MERGED = ("in_overlaps", "same_position")
NOISIEST = 3


def facts_of(dataset: Dataset) -> Facts:
    """Read what the finished stages of every target have found."""
    facts: dict[str, dict[str, Any]] = {}
    for target in (ROOT, *dataset.patches):
        facts[target] = {}
        for record in TargetState.load(dataset.directory(target)).records.values():
            facts[target] |= record.get("facts") or {}
    return facts


def funnel(facts: Facts) -> list[dict[str, Any]]:
    """Return how many points each patch had after each selection.

    Returns
    -------
    list of dict
        ``patch, candidates, selected, weeded, merged``; null where no record says it.
    """
    merged = facts[ROOT].get("merged_per_patch") or {}
    return [
        {
            "patch": patch,
            **{column: facts[patch].get(fact) for column, fact in FUNNEL.items()},
            "merged": merged.get(patch),
        }
        for patch in _patches(facts)
    ]


def findings(facts: Facts) -> dict[str, Any]:
    """Return what was kept, what was dropped and why, and how well it unwrapped.

    Returns
    -------
    dict
        ``points``: of all patches after each selection; ``dropped``: reason -> points;
        ``unwrapping``: interferograms, residues, cost, share of arcs without statistics;
        ``noise``: median of the interferograms and the noisiest with their dates [deg];
        ``velocity``: what 1, 50 and 99 % of the points stay below [mm/yr]. Null where no record
        says it.
    """
    rows, root = funnel(facts), facts[ROOT]
    points = {name: _sum(row[name] for row in rows) for name in (*FUNNEL, "merged")}
    dropped: dict[str, int] = {}
    if points["candidates"] is not None and points["selected"] is not None:
        dropped["incoherent"] = points["candidates"] - points["selected"]
    for patch in _patches(facts):
        _add(dropped, facts[patch], WEEDED)
    _add(dropped, root, MERGED)
    return {
        "points": points,
        "dropped": {reason: count for reason, count in dropped.items() if count},
        "unwrapping": {
            "interferograms": root.get("interferograms"),
            "residues": root.get("n_residues"),
            "cost": root.get("unwrap_cost"),
            "arcs_without_statistics": root.get("stat_less_share"),
        },
        "noise": _noise(root),
        "velocity": root.get("velocity_1_50_99_percent_mm_yr"),
    }


def _noise(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the median of the noise and the noisiest interferograms."""
    degrees, dates = facts.get("ifg_noise_deg"), facts.get("ifg_dates")
    pairs = list(zip(degrees or (), dates or (), strict=True))
    if not pairs:
        return None
    worst = sorted(pairs, reverse=True)[:NOISIEST]
    return {
        "median_deg": round(float(np.median([deg for deg, _ in pairs])), 1),
        "noisiest": [{"date": day, "deg": deg} for deg, day in worst],
    }


def _patches(facts: Facts) -> list[str]:
    return [name for name in facts if name != ROOT]


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _add(sums: dict[str, int], facts: Mapping[str, Any], reasons: Iterable[str]) -> None:
    for reason in reasons:
        sums[reason] = sums.get(reason, 0) + (facts.get(reason) or 0)
