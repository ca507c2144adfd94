"""What a dataset's finished stages have found, put together from their records."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset.mat import MatFile
from ..dataset.tree import ROOT, Dataset
from ..errors import MatError
from ..stages.base import Mode, Scope
from .passes import fed_back
from .state import TargetState
from .table import Task, tasks

Facts = Mapping[str, Mapping[str, Any]]
"""Target -> name of a fact -> value."""

FUNNEL = {"candidates": "candidates", "selected": "kept", "weeded": "weeded"}
"""Column of the funnel -> fact that counts its points."""

WEEDED = ("adjacent", "zero_height", "same_position", "noisy")
MERGED = ("in_overlaps", "same_position")
NOISIEST = 3


def facts_of(
    dataset: Dataset, mode: Mode, state: Callable[[str], TargetState] | None = None
) -> Facts:
    """Return what the finished stages of every target have found; of other programs' the counts.

    `state` gives the state of a target where it has been read.
    """
    facts: dict[str, dict[str, Any]] = {}
    for target in (ROOT, *dataset.patches):
        directory = dataset.directory(target)
        records = (state(target) if state else TargetState.load(directory)).records
        scope: Scope = "merged" if target == ROOT else "patch"
        rows = [row for row in tasks(mode) if row.spec.scope == scope]
        facts[target] = dict(_counted(directory, rows, records))
        for record in records.values():
            facts[target] |= record.get("facts") or {}
        if target == ROOT:
            facts[target]["with_feedback"] = _with_feedback(rows, records)
    return facts


def _counted(
    directory: Path, rows: Iterable[Task], records: Collection[int]
) -> Iterator[tuple[str, int | None]]:
    """Yield what the artifacts of stages without a record tell of the number of points."""
    for row in rows:
        if row.spec.number not in records:
            for fact, key in row.spec.counted_in.items():
                yield fact, _count(directory, key)


def _count(directory: Path, key: str) -> int | None:
    """Return the number of points, or of true flags, that an artifact tells."""
    artifact, _, name = key.partition(".")
    path = directory / f"{artifact}.mat"
    if not path.exists():
        return None
    try:
        with MatFile(path) as file:
            return int(np.sum(file.read(name)))
    except (MatError, LookupError, TypeError, ValueError):
        return None


def funnel(facts: Facts) -> list[dict[str, Any]]:
    """Return how many points each patch had after each selection.

    Returns
    -------
    list of dict
        ``patch, candidates, selected, weeded, merged``; null where nothing tells.
    """
    patches, merged = _patches(facts), facts[ROOT].get("merged_per_patch") or {}
    if len(patches) == 1:
        merged = merged or {patches[0]: facts[ROOT].get("merged")}
    return [
        {
            "patch": patch,
            **{column: facts[patch].get(fact) for column, fact in FUNNEL.items()},
            "merged": merged.get(patch),
        }
        for patch in patches
    ]


def findings(facts: Facts, drop_ifg_index: Sequence[float] = ()) -> dict[str, Any]:
    """Return what was kept, what was dropped and why, and how well it unwrapped.

    Parameters
    ----------
    facts : Facts
        What the stages have found.
    drop_ifg_index : sequence of float
        Interferograms, from 1, that are left out today, whatever they were when they were merged.

    Returns
    -------
    dict
        ``points``: of all patches after each selection; ``cell_m``: size of the cells that the
        merged ones are the means of [m]; ``dropped``: reason -> points;
        ``unwrapping``: interferograms, residues, cost, share of arcs without statistics, whether it
        was the pass with feedback;
        ``drop_ifg_index``: as given;
        ``noise``: median of the others and the noisiest of them with numbers and dates [deg];
        ``velocity``: what 1, 50 and 99 % of the points stay below [mm/yr]. Null where no record
        says it.
    """
    rows, root = funnel(facts), facts[ROOT]
    points = {name: _sum(row[name] for row in rows) for name in (*FUNNEL, "merged")}
    if points["merged"] is None:
        points["merged"] = root.get("merged")
    dropped: dict[str, int] = {}
    if points["candidates"] is not None and points["selected"] is not None:
        dropped["incoherent"] = points["candidates"] - points["selected"]
    for patch in _patches(facts):
        _add(dropped, facts[patch], WEEDED)
    _add(dropped, root, MERGED)
    return {
        "points": points,
        "cell_m": root.get("cell_m"),
        "dropped": {reason: count for reason, count in dropped.items() if count},
        "unwrapping": {
            "interferograms": root.get("interferograms"),
            "residues": root.get("n_residues"),
            "cost": root.get("unwrap_cost"),
            "arcs_without_statistics": root.get("stat_less_share"),
            "with_feedback": root.get("with_feedback"),
        },
        "drop_ifg_index": list(drop_ifg_index),
        "noise": _noise(root, drop_ifg_index),
        "velocity": root.get("velocity_1_50_99_percent_mm_yr"),
    }


def _with_feedback(rows: Iterable[Task], records: Mapping[int, dict[str, Any]]) -> bool | None:
    """Whether a merged stage was done with what a later one had left; None without its record."""
    known = [
        (row, records[n]) for row in rows if row.feedback and (n := row.spec.number) in records
    ]
    return any(fed_back(row, record) for row, record in known) if known else None


def _noise(facts: Mapping[str, Any], dropped: Collection[float]) -> dict[str, Any] | None:
    """Return the median of the noise and the noisiest of the interferograms that are in use."""
    listed = (facts.get(name) or () for name in ("ifg_noise_deg", "ifg_dates", "ifg_numbers"))
    rows = [row for row in zip(*listed, strict=False) if row[-1] not in dropped]
    if not rows:
        return None
    worst = sorted(rows, reverse=True)[:NOISIEST]
    return {
        "median_deg": round(float(np.median([deg for deg, *_ in rows])), 1),
        "noisiest": [{"number": number, "date": day, "deg": deg} for deg, day, number in worst],
    }


def _patches(facts: Facts) -> list[str]:
    return [name for name in facts if name != ROOT]


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _add(sums: dict[str, int], facts: Mapping[str, Any], reasons: Iterable[str]) -> None:
    for reason in reasons:
        sums[reason] = sums.get(reason, 0) + (facts.get(reason) or 0)
