"""The runs of a dataset; to start and stop one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ....errors import ConfigError
from .. import models
from ..answers import document
from ..jobs import Job, Jobs
from ..reading import log_part
from ..runs import Runs, counts_of, partial_report
from ..trees import Trees, UnknownNameError
from . import datasets

MOST_RUNS = 20
FIRST_EVENTS = 200

Cursor = Annotated[str, Query(pattern=r"^(\d+(,\d+)*)?$", max_length=60_000)]
Changed = Annotated[str, Query(pattern=r"^([0-9a-f]{8}-\d{1,12})?$")]
Byte = Annotated[int | None, Query(ge=0, le=2**53)]
Of = Callable[[int], Runs]
"""Number of a dataset -> its runs."""


def router(trees: Trees, jobs: Jobs, allow_run: bool) -> APIRouter:
    """Return the routes of datasets and their runs."""
    routes = APIRouter(tags=["runs"])
    runs: Mapping[Path, Runs] = {root: Runs(root) for root in trees.roots}

    def of(number: int) -> Runs:
        return runs[trees.root(number)]

    routes.include_router(datasets.router(trees, of, allow_run))
    _add_reports(routes, of, jobs)
    _add_news(routes, of)
    _add_changes(routes, trees, jobs)
    return routes


def _add_reports(routes: APIRouter, of: Of, jobs: Jobs) -> None:
    """Add which runs there are, and what came of each."""

    @routes.get("/datasets/{number}/runs")
    def run_list(number: int, all: bool = False) -> models.RunList:
        """List the runs of a dataset, newest first."""
        found = of(number)
        names = found.names()
        shown = names if all else names[:MOST_RUNS]
        return models.RunList(
            runs=list(_described(found, shown)),
            more=len(names) - len(shown),
            locked_by=found.owners(),
            job=job_of(jobs.of(found.root)),
        )

    @routes.get("/datasets/{number}/runs/{run_id}")
    def report(number: int, run_id: str) -> Response:
        """Return the report of a run; what is known by now of one without an end."""
        found = of(number)
        whole = found.report(run_id) or partial_report(run_id, found.followed(run_id))
        state = found.state(run_id)
        return document({**whole, "state": state.state, "why": state.why})


def _add_news(routes: APIRouter, of: Of) -> None:
    """Add what a page asks for again and again: tasks, events and log since the last time."""

    @routes.get("/datasets/{number}/runs/{run_id}/tasks")
    def tasks(number: int, run_id: str, after: Changed = "") -> models.TaskList:
        """Return the tasks of a run that have changed since a cursor."""
        changed, cursor = of(number).followed(run_id).tasks_since(after)
        return models.TaskList.model_validate({"tasks": changed, "next": cursor})

    @routes.get("/datasets/{number}/runs/{run_id}/events")
    def events(number: int, run_id: str, after: Cursor = "") -> models.EventList:
        """Return events of a run: those after a number, of each rank, else the last ones."""
        known = {rank: int(seq) for rank, seq in enumerate(after.split(","))} if after else None
        found, cursor = of(number).followed(run_id).events_after(known, FIRST_EVENTS)
        return models.EventList(events=found, next=cursor)

    @routes.get("/datasets/{number}/runs/{run_id}/log")
    def log(number: int, run_id: str, after: Byte = None) -> models.LogText:
        """Return what the log of a run has after a byte, else its end."""
        text, cursor = log_part(of(number).named(run_id) / "log", after)
        return models.LogText(text=text, next=cursor)


def _add_changes(routes: APIRouter, trees: Trees, jobs: Jobs) -> None:
    """Add start and stop; the guard lets nobody there who may not."""

    @routes.post("/datasets/{number}/runs", status_code=202)
    def start(number: int, wanted: models.Start) -> models.Job:
        """Start a run of some stages."""
        if wanted.start > wanted.end:
            raise ConfigError(f"stage {wanted.start} is after stage {wanted.end}")
        root = trees.root(number)
        job = jobs.start(root, wanted.start, wanted.end, wanted.force)
        return models.Job.model_validate(_job(job))

    @routes.post("/datasets/{number}/stop", status_code=202)
    def stop(number: int, nothing: models.Nothing) -> models.Job:
        """Ask the run that this console has started to stop at the next safe point."""
        return models.Job.model_validate(_job(jobs.stop(trees.root(number))))


def _described(runs: Runs, names: list[str]) -> Iterator[models.Run]:
    """Yield runs in short; the oldest ones go while we look."""
    for name in names:
        with suppress(UnknownNameError):
            yield described(runs, name)


def described(runs: Runs, run_id: str) -> models.Run:
    """Return a run in short: from the head of its report, else from its events."""
    head = runs.head(run_id)
    state = runs.state(run_id, head)
    known: dict[str, Any] = {"run_id": run_id, "state": state.state, "why": state.why}
    if head is not None:
        return models.Run(
            **known, command=[str(word) for word in head.get("command") or []],
            started_utc=head.get("started_utc"), finished_utc=head.get("finished_utc"),
            last_utc=None, wall_sec=head.get("wall_sec"), exit_code=head.get("exit_code"),
            counts=head.get("counts") or {}, compiling="",
        )  # fmt: skip
    followed = runs.followed(run_id)
    counts = counts_of(task["state"] for task in followed.tasks_since("")[0])
    return models.Run(
        **known, command=[str(word) for word in followed.started.get("command") or []],
        started_utc=followed.started.get("t_utc"), finished_utc=None,
        last_utc=followed.last_utc or None, wall_sec=None, exit_code=followed.exit_code,
        counts=counts, compiling=followed.compiling if state.state == "running" else "",
    )  # fmt: skip


def job_of(job: Job | None) -> models.Job | None:
    """Return what is told of a job."""
    return None if job is None else models.Job.model_validate(_job(job))


def _job(job: Job) -> dict[str, Any]:
    return {
        "pid": job.process.pid,
        "arguments": list(job.arguments),
        "started_utc": job.started_utc,
        "exit_code": job.code,
        "stopping": job.stopping,
        "last_words": job.last_words(),
    }
