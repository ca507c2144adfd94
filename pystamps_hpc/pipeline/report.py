"""The report of a run, put together from its rows and the state of the dataset."""

import os
import resource
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..dataset.tree import ROOT
from ..parallel.control_groups import text_of
from ..parallel.launcher import launcher_hint
from ..parallel.team import Team
from .findings import facts_of, findings, funnel
from .outlook import built_on
from .session import Session
from .table import tasks
from .types import PipelineContext, PipelineReport, StageResult


def build_report(
    session: Session,
    context: PipelineContext,
    rows: list[StageResult],
    usage: list[dict[str, Any]],
    team: Team,
    started: datetime,
) -> PipelineReport:
    """Return the report; rows in the order of the plan, whatever finished first.

    Parameters
    ----------
    session, context : Session, PipelineContext
        What was to be done.
    rows : list of StageResult
        What became of it.
    usage : list of dict
        :func:`rank_usage` of every rank.
    team : Team
        The ranks.
    started : datetime
        Start of the run, UTC.
    """
    order = {(p.stage, p.scope, p.target): i for i, p in enumerate(session.plan)}
    rows = sorted(rows, key=lambda row: order[row.stage_id, row.scope, row.target])
    finished = datetime.now(UTC)
    facts = facts_of(session.dataset, session.mode)
    return PipelineReport(
        session.run_id,
        rows,
        dataset=str(session.dataset.root),
        version=_version(),
        command=list(context.command),
        config_file=context.config_file,
        window=(max(context.start_step, 1), context.end_step),
        dry_run=context.dry_run,
        force=context.force,
        started_utc=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        finished_utc=finished.strftime("%Y-%m-%dT%H:%M:%SZ"),
        wall_sec=round((finished - started).total_seconds(), 3),
        mpi=_mpi(team, usage, rows),
        backends=dict(session.kernels.backends),
        science_versions={str(row.spec.number): row.spec.version for row in tasks(session.mode)},
        stages=_stage_times(rows, team.size),
        stale=_kept_stale(session),
        made_elsewhere=sorted({p.stage for p in session.plan if p.foreign}),
        funnel=funnel(facts),
        findings={
            **findings(facts, _listed(session.parameters[ROOT].value("drop_ifg_index"))),
            "small_baselines": session.mode == "sb",
        },
        dropped_patches=[name for row in rows for name in row.facts.get("dropped_patches", [])],
        not_started=_not_started(session, rows),
        config=session.config.to_dict(),
    )


def _version() -> str:
    from importlib.metadata import version  # which takes long to load

    return version("pystamps-hpc")


def _kept_stale(session: Session) -> list[dict[str, Any]]:
    """Return the finished tasks that are out of date and not made again."""
    return [
        {
            "stage": p.stage,
            "target": p.target,
            "path": p.path,
            "reason": p.stale,
            "again": built_on(session.dataset, p.stage, session.mode),
        }
        for p in (*session.upstream, *session.plan)
        if p.stale and p.action != "run"
    ]


def _not_started(session: Session, rows: list[StageResult]) -> list[dict[str, Any]]:
    """Return the planned tasks that have no row."""
    reported = {(row.stage_id, row.scope, row.target) for row in rows}
    return [
        {"stage": p.stage, "scope": p.scope, "target": p.target}
        for p in session.plan
        if (p.stage, p.scope, p.target) not in reported
    ]


def _listed(value: Any) -> list[Any]:
    """Return the numbers of a parameter that may hold none, one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else [value]


def _mpi(team: Team, usage: list[dict[str, Any]], rows: list[StageResult]) -> dict[str, Any]:
    busy: dict[int, float] = defaultdict(float)
    for row in rows:
        ranks = range(team.size) if row.scope == "merged" else (row.rank,)
        for rank in ranks:
            busy[rank or 0] += row.duration_sec or 0.0
    hint = launcher_hint(os.environ)
    return {
        "enabled": bool(team.library),
        "launcher": hint.name if hint else None,
        "library": team.library,
        "size": team.size,
        "ranks": [
            {
                "rank": member.rank,
                "host": member.host,
                "local_rank": member.local_rank,
                "cpu": member.cpu_model,
                "visible_cpus": member.visible,
                **usage[member.rank],
                "busy_sec": round(busy[member.rank], 3),
            }
            for member in team.members
        ],
    }


def rank_usage(team: Team, threads: int) -> list[dict[str, Any]]:
    """Return threads, device and largest memory of every rank; collective."""
    return team.on_each(
        lambda: {
            "threads": threads,
            "device": None,
            "peak_rss_mib": peak_memory_mib(),
        }
    )


def peak_memory_mib() -> int:
    """Return the largest resident size of this process so far [MiB].

    Where the system has it, that of the program alone: the other figure includes what a large
    process that started it had.
    """
    for line in text_of(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (2**20 if sys.platform == "darwin" else 1024))


def _stage_times(rows: list[StageResult], size: int) -> list[dict[str, Any]]:
    """Return the times of every stage that ran, and how evenly `size` ranks shared it.

    Wall time is from the first start to the last end. ``imbalance`` is the time of the busiest rank
    over the mean of all. ``efficiency`` is the share of the ranks' time that is used: of a patch
    stage, if all wait for the busiest; of a merged stage, which all work on at once, measured
    against its wall time, so that what one rank reads and writes for all counts as not used.
    ``root_sec`` is the part of it in which all others wait for rank 0.
    """
    spans: dict[tuple[int, str], list[tuple[float, float]]] = defaultdict(list)
    busy: dict[tuple[int, str], dict[int, float]] = defaultdict(lambda: defaultdict(float))
    by_root: dict[tuple[int, str], float] = defaultdict(float)
    for row in rows:
        if row.duration_sec is not None:
            spans[row.stage_id, row.scope].append((row.started_at or 0.0, row.duration_sec))
            shares = dict(enumerate(row.busy_sec)) or {row.rank or 0: row.duration_sec}
            for rank, seconds in shares.items():
                busy[row.stage_id, row.scope][rank] += seconds
            by_root[row.stage_id, row.scope] += row.root_sec

    times = []
    for (stage, scope), span in spans.items():
        wall = max(t + d for t, d in span) - min(t for t, _ in span)
        work = busy[stage, scope]
        total, longest = sum(work.values()), max(work.values())
        occupied = wall if scope == "merged" and size > 1 else longest
        times.append(
            {
                "stage": stage,
                "scope": scope,
                "wall_sec": round(wall, 3),
                "sum_sec": round(sum(d for _, d in span), 3),
                "imbalance": round(longest * size / total, 3) if total else None,
                "efficiency": round(min(total / (size * occupied), 1.0), 3) if occupied else None,
                "root_sec": round(by_root[stage, scope], 3),
            }
        )
    return times
