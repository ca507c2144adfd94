"""Datasets, how far they are, and their runs."""

from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ....dataset.tree import ROOT
from ....errors import ConfigError
from ....pipeline import LAST_STAGE
from ....tools.status import collect_status
from .. import models
from ..answers import document
from ..jobs import Job, Jobs
from ..matrix import CELLS, Matrix, overlaid
from ..planned import dry_run
from ..reading import artifact_headers, gate_reports, log_part
from ..runs import Runs, partial_report
from ..trees import Trees

MOST_RUNS = 20
FIRST_EVENTS = 200

From = Annotated[int, Query(ge=1, le=LAST_STAGE)]
Cursor = Annotated[str, Query(pattern=r"^(\d+(,\d+)*)?$", max_length=4000)]


def router(trees: Trees, jobs: Jobs, allow_run: bool) -> APIRouter:
    """Return the routes that read."""
    routes = APIRouter(tags=["runs"])
    runs = {root: Runs(root) for root in trees.roots}
    matrices = {root: Matrix(trees.config) for root in trees.roots}

    def of(number: int) -> Runs:
        return runs[trees.root(number)]

    @routes.get("/datasets")
    def datasets() -> models.Served:
        """List the datasets that are served."""
        found = [
            models.ServedDataset(number=k, name=root.name, path=str(root))
            for k, root in enumerate(trees.roots)
        ]
        return models.Served(version=version("pystamps-hpc"), allow_run=allow_run, datasets=found)

    @routes.get("/datasets/{number}/status")
    def status(number: int) -> Response:
        """Say how far a dataset is, as the command `status` does."""
        return document(collect_status(trees.root(number), trees.config, False, trees.config_file))

    @routes.get("/datasets/{number}/plan")
    def plan(number: int, start: From = 1, end: From = LAST_STAGE) -> Response:
        """Say what a run would do, as `run --dry-run` does."""
        return document(dry_run(trees, number, start, end))

    @routes.get("/datasets/{number}/matrix")
    def matrix(number: int) -> models.StageMatrix:
        """Return the state of every stage of every patch."""
        return _matrix(trees, matrices[trees.root(number)], of(number), number)

    @routes.get("/datasets/{number}/artifacts")
    def artifacts(number: int, target: str = ROOT) -> Response:
        """List the artifacts of a patch or the dataset: sizes, and keys with class and shape."""
        return document(artifact_headers(trees.directory(number, target)))

    @routes.get("/datasets/{number}/gate")
    def gate(number: int) -> Response:
        """Return the reports of the gate that lie in a dataset."""
        return document(gate_reports(trees.root(number)))

    @routes.get("/datasets/{number}/runs")
    def run_list(number: int, all: bool = False) -> models.RunList:
        """List the runs of a dataset, newest first."""
        found = of(number)
        names = found.names()
        shown = names if all else names[:MOST_RUNS]
        return models.RunList(
            runs=[described(found, name) for name in shown],
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

    @routes.get("/datasets/{number}/runs/{run_id}/tasks")
    def tasks(
        number: int,
        run_id: str,
        after: Annotated[str, Query(pattern=r"^([0-9a-f]{8}-\d{1,12})?$")] = "",
    ) -> models.TaskList:
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
    def log(
        number: int, run_id: str, after: Annotated[int | None, Query(ge=0, le=2**53)] = None
    ) -> models.LogText:
        """Return what the log of a run has after a byte, else its end."""
        text, cursor = log_part(of(number).named(run_id) / "log", after)
        return models.LogText(text=text, next=cursor)

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

    return routes


def _matrix(trees: Trees, matrix: Matrix, runs: Runs, number: int) -> models.StageMatrix:
    """Return the matrix of what is on the disk; over it what the runs that go on do.

    There may be several of them, each with patches of its own.
    """
    found = matrix.look(trees.dataset(number))
    live = [name for name in runs.names()[:MOST_RUNS] if _goes_on(runs, name)]
    for name in reversed(live):
        known, _ = runs.followed(name).tasks_since("")
        found["cells"] = overlaid(found["cells"], found["patches"], found["stages"], known)
        merged = overlaid([found["merged"]], [ROOT], found["merged_stages"], known)
        found["merged"] = merged[0]
    return models.StageMatrix.model_validate({**found, "legend": CELLS, "run_ids": live})


def _goes_on(runs: Runs, name: str) -> bool:
    return runs.state(name).state in ("running", "silent")


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
    counts: dict[str, int] = {}
    for task in followed.tasks_since("")[0]:
        counts[task["state"]] = counts.get(task["state"], 0) + 1
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
