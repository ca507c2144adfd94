"""What a dataset's finished stages have found, put together from their records."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset.mat import MatFile
from ..dataset.tree import ROOT, Dataset
from ..errors import MatError
from .passes import fed_back, feedback_inputs
from .state import TargetState
from .table import tasks

Records = Mapping[str, Mapping[int, dict[str, Any]]]
"""Target -> stage -> record."""

FUNNEL = ((1, "candidates", "candidates"), (3, "selected", "kept"), (4, "weeded", "weeded"))
WEEDED = ("adjacent", "zero_height", "same_position", "noisy")
MERGED = ("in_overlaps", "same_position")
NOISIEST = 3
COUNTS = {
    1: ("candidates", "ps1", "n_ps"),
    3: ("kept", "select1", "keep_ix"),
    4: ("weeded", "weed1", "ix_weed"),
}
"""Stage -> fact, and the artifact and key that tell it too."""
MERGED_COUNT = {5: ("merged", "ps2", "n_ps")}


def records_of(dataset: Dataset) -> Records:
    """Read the records of every target; of what other programs made, the counts in their files."""
    found: dict[str, Mapping[int, dict[str, Any]]] = {}
    for target in (ROOT, *dataset.patches):
        directory = dataset.directory(target)
        records = TargetState.load(directory).records
        counts = MERGED_COUNT if target == ROOT else COUNTS
        elsewhere = {
            stage: {"facts": {fact: number}}
            for stage, (fact, artifact, key) in counts.items()
            if stage not in records
            if (number := _count(directory / f"{artifact}.mat", key)) is not None
        }
        found[target] = {**elsewhere, **records}
    return found


def _count(path: Path, key: str) -> int | None:
    """Return the number of points, or of true flags, that an artifact tells."""
    if not path.exists():
        return None
    try:
        with MatFile(path) as file:
            return int(np.sum(file.read(key)))
    except (MatError, LookupError, TypeError, ValueError):
        return None


def funnel(records: Records) -> list[dict[str, Any]]:
    """Return how many points each patch had after each selection.

    Returns
    -------
    list of dict
        ``patch, candidates, selected, weeded, merged``; null where nothing tells.
    """
    merged = _facts(records, ROOT, 5).get("merged_per_patch") or {}
    patches = _patches(records)
    if len(patches) == 1:
        merged = merged or {patches[0]: _facts(records, ROOT, 5).get("merged")}
    table = []
    for patch in patches:
        row: dict[str, Any] = {"patch": patch}
        for stage, column, fact in FUNNEL:
            row[column] = _facts(records, patch, stage).get(fact)
        row["merged"] = merged.get(patch)
        table.append(row)
    return table


def findings(records: Records) -> dict[str, Any]:
    """Return what was kept, what was dropped and why, and how well it unwrapped.

    Returns
    -------
    dict
        ``points``: of all patches after each selection; ``dropped``: reason -> points;
        ``unwrapping``: interferograms, residues, cost, share of arcs without statistics, whether it
        was the pass with feedback;
        ``noise``: median of the interferograms and the noisiest with their dates [deg];
        ``velocity``: what 1, 50 and 99 % of the points stay below [mm/yr]. Null where no record
        says it.
    """
    rows = funnel(records)
    points = {name: _sum(row[name] for row in rows)
              for name in ("candidates", "selected", "weeded", "merged")}  # fmt: skip
    if points["merged"] is None:
        points["merged"] = _facts(records, ROOT, 5).get("merged")
    dropped: dict[str, int] = {}
    if points["candidates"] is not None and points["selected"] is not None:
        dropped["incoherent"] = points["candidates"] - points["selected"]
    for patch in _patches(records):
        _add(dropped, _facts(records, patch, 4), WEEDED)
    merge, unwrapping = _facts(records, ROOT, 5), _facts(records, ROOT, 6)
    _add(dropped, merge, MERGED)
    return {
        "points": points,
        "dropped": {reason: count for reason, count in dropped.items() if count},
        "unwrapping": {
            "interferograms": unwrapping.get("interferograms"),
            "residues": unwrapping.get("n_residues"),
            "cost": unwrapping.get("unwrap_cost"),
            "arcs_without_statistics": unwrapping.get("stat_less_share"),
            "with_feedback": _with_feedback(records),
        },
        "noise": _noise(merge),
        "velocity": _facts(records, ROOT, 8).get("velocity_1_50_99_percent_mm_yr"),
    }


def _with_feedback(records: Records) -> bool | None:
    """Whether a merged stage was done with what a later one had left; None without its record."""
    rows = [row for row in tasks() if row.spec.scope == "merged" and feedback_inputs(row)]
    known = [(row, records[ROOT][n]) for row in rows if (n := row.spec.number) in records[ROOT]]
    return any(fed_back(row, record) for row, record in known) if known else None


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


def _patches(records: Records) -> list[str]:
    return [name for name in records if name != ROOT]


def _facts(records: Records, target: str, stage: int) -> Mapping[str, Any]:
    facts: Mapping[str, Any] = records[target].get(stage, {}).get("facts") or {}
    return facts


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _add(sums: dict[str, int], facts: Mapping[str, Any], reasons: Iterable[str]) -> None:
    for reason in reasons:
        sums[reason] = sums.get(reason, 0) + (facts.get(reason) or 0)
