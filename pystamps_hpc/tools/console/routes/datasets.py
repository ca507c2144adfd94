"""The served datasets and how far they are."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ....dataset.tree import ROOT
from ....pipeline import LAST_STAGE
from ....tools.status import collect_status
from .. import models
from ..answers import document
from ..matrix import CELLS, Matrix, overlaid
from ..planned import dry_run
from ..reading import artifact_headers, gate_reports
from ..runs import Runs
from ..trees import Trees, UnknownNameError

MOST_LOOKED_AT = 20
"""Of so many of the newest runs it is asked whether they go on."""

Step = Annotated[int, Query(ge=1, le=LAST_STAGE)]


def router(trees: Trees, of: Callable[[int], Runs], allow_run: bool) -> APIRouter:
    """Return the routes; `of` gives the runs of a dataset."""
    routes = APIRouter()
    matrices = {root: Matrix(trees.config) for root in trees.roots}

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
    def plan(number: int, start: Step = 1, end: Step = LAST_STAGE) -> Response:
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

    return routes


def _matrix(trees: Trees, matrix: Matrix, runs: Runs, number: int) -> models.StageMatrix:
    """Return the matrix of what is on the disk; over it what the runs that go on do.

    There may be several of them, each with patches of its own.
    """
    found = matrix.look(trees.dataset(number))
    live = [name for name in runs.names()[:MOST_LOOKED_AT] if _goes_on(runs, name)]
    for name in reversed(live):
        known, _ = runs.followed(name).tasks_since("")
        found["cells"] = overlaid(found["cells"], found["patches"], found["stages"], known)
        merged = overlaid([found["merged"]], [ROOT], found["merged_stages"], known)
        found["merged"] = merged[0]
    return models.StageMatrix.model_validate({**found, "legend": CELLS, "run_ids": live})


def _goes_on(runs: Runs, name: str) -> bool:
    try:
        return runs.state(name).state in ("running", "silent")
    except UnknownNameError:  # the oldest runs go while we look
        return False
