"""The application of the console: its routes behind the guard."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse, Response

from ...config import RunConfig
from . import pagefiles
from .answers import tell_errors
from .guard import OPEN, READING, Access, Guard
from .jobs import Jobs
from .results import served_results
from .routes import coverage, ifgs, parameters, results, runs
from .store import Store
from .trees import open_trees

PREFIX = "/api/v1"
LEAST_ZIPPED = 1000  # bytes
ZIPPED = 5  # of 9


def create_app(
    roots: Sequence[Path],
    config: RunConfig,
    access: Access,
    config_file: str = "",
) -> FastAPI:
    """Return the application that serves some datasets.

    Parameters
    ----------
    roots : sequence of Path
        Datasets.
    config : RunConfig
        Configuration with which they are looked at, and runs are started.
    access : Access
        Who may do what.
    config_file : str, optional
        Where the configuration comes from; a run that is started reads the same.

    Raises
    ------
    DatasetError
        A directory holds no dataset.
    """
    trees = open_trees(roots, config, config_file)
    store = Store()

    @asynccontextmanager
    async def served(_: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = FastAPI(
        lifespan=served,
        title="pystamps-hpc console",
        summary="Runs and results of the served datasets",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # their scripts lie on foreign servers
        redoc_url=None,
    )
    tell_errors(app)
    results.tell_waiting(app)
    jobs, results_of = Jobs(config_file), served_results(trees, store)
    for made in (
        runs.router(trees, jobs, access.allow_run),
        parameters.router(trees),
        coverage.router(trees),
        results.router(results_of),
        ifgs.router(trees, results_of),
    ):
        app.include_router(made, prefix=PREFIX)
    app.include_router(pagefiles.router())

    @app.api_route(OPEN, methods=[*READING], include_in_schema=False)
    def alive() -> Response:
        return PlainTextResponse("ok\n")

    app.add_middleware(GZipMiddleware, minimum_size=LEAST_ZIPPED, compresslevel=ZIPPED)
    app.add_middleware(Guard, access=access, pages=pagefiles.page_paths())
    return app
