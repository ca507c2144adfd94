"""The report of a run, put together from its rows and the state of the dataset."""

import resource
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from ..dataset.tree import Dataset
from ..parallel.team import Team
from .session import Session
from .state import TargetState
from .table import tasks
from .types import PipelineContext, PipelineReport, StageResult

FUNNEL = ((1, "candidates", "candidates"), (3, "selected", "kept"), (4, "weeded", "weeded"))


def build_report(
    session: Session,
    context: PipelineContext,
    rows: list[StageResult],
    team: Team,
    started: datetime,
) -> PipelineReport:
    """Return the report; rows in the order of the plan, whatever finished first."""
    order = {(p.stage, p.scope, p.target): i for i, p in enumerate(session.plan)}
    rows = sorted(rows, key=lambda row: order[row.stage_id, row.scope, row.target])
    reported = {(row.stage_id, row.scope, row.target) for row in rows}
    finished = datetime.now(UTC)
    return PipelineReport(
        session.run_id,
        rows,
        dataset=str(session.dataset.root),
        version=version("pystamps-hpc"),
        command=list(context.command),
        window=(max(context.start_step, 1), context.end_step),
        dry_run=context.dry_run,
        started_utc=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        finished_utc=finished.strftime("%Y-%m-%dT%H:%M:%SZ"),
        wall_sec=round((finished - started).total_seconds(), 3),
        mpi=_mpi(team, rows),
        backends=dict(session.kernels.backends),
        science_versions={str(row.spec.number): row.spec.version for row in tasks()},
        stages=_stage_times(rows),
        stale=[
            {"stage": str(p.stage), "target": p.target, "reason": p.stale}
            for p in session.plan
            if p.stale
        ],
        funnel=funnel(session.dataset),
        dropped_patches=[name for row in rows for name in row.facts.get("dropped_patches", [])],
        not_started=[
            {"stage": p.stage, "scope": p.scope, "target": p.target}
            for p in session.plan
            if (p.stage, p.scope, p.target) not in reported
        ],
        config=session.config.to_dict(),
    )


def _mpi(team: Team, rows: list[StageResult]) -> dict[str, Any]:
    busy: dict[int, float] = defaultdict(float)
    for row in rows:
        ranks = range(team.size) if row.scope == "merged" else (row.rank,)
        for rank in ranks:
            busy[rank or 0] += row.duration_sec or 0.0
    return {
        "enabled": team.size > 1,
        "library": team.library,
        "size": team.size,
        "ranks": [
            {
                "rank": member.rank,
                "host": member.host,
                "local_rank": member.local_rank,
                "cpu": member.cpu_model,
                "visible_cpus": member.visible,
                "busy_sec": round(busy[member.rank], 3),
            }
            for member in team.members
        ],
    }


def peak_memory_mib() -> int:
    """Return the largest resident size of this process so far [MiB]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (2**20 if sys.platform == "darwin" else 1024))


def _stage_times(rows: list[StageResult]) -> list[dict[str, Any]]:
    times: dict[tuple[int, str], list[float]] = defaultdict(list)
    for row in rows:
        if row.duration_sec is not None:
            times[row.stage_id, row.scope].append(row.duration_sec)
    return [
        {"stage": stage, "scope": scope, "sum_sec": round(sum(secs), 3), "max_sec": max(secs)}
        for (stage, scope), secs in times.items()
    ]


def funnel(dataset: Dataset) -> list[dict[str, Any]]:
    """Return how many points each patch had after each selection, from the records.

    Returns
    -------
    list of dict
        ``patch, candidates, selected, weeded, merged``; null where a stage has no record.
    """
    merged: Mapping[str, Any] = (
        TargetState.load(dataset.root).records.get(5, {}).get("facts", {}).get("merged_per_patch")
        or {}
    )
    table = []
    for patch in dataset.patches:
        records = TargetState.load(dataset.directory(patch)).records
        row: dict[str, Any] = {"patch": patch}
        for stage, column, fact in FUNNEL:
            row[column] = records.get(stage, {}).get("facts", {}).get(fact)
        row["merged"] = merged.get(patch)
        table.append(row)
    return table
