"""A console over datasets, asked without a network, and runs that have left their events."""

import shutil
import warnings
from dataclasses import replace

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer Starlette prefers a successor of httpx
    from starlette.testclient import TestClient

from pystamps_hpc.cli.display import Display
from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.console.app import create_app
from pystamps_hpc.tools.console.guard import Access

PORT = 8765
TOKEN = "a-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
QUICK = RunConfig().with_values({"output.fsync": False})


class Client(TestClient):
    """A client that also returns documents: ``client.document("/datasets")``."""

    def document(self, path, status=200):
        answer = self.get(f"/api/v1{path}")
        assert answer.status_code == status, answer.text
        return answer.json()

    def matrix(self):
        """Return the matrix of the first dataset when all of it is looked at."""
        while True:
            found = self.document("/datasets/0/matrix")
            if not found["pending"]:
                return found


@pytest.fixture
def console():
    """Return a client of a console over some datasets; its requests carry the token."""

    def open_console(*roots, allow_run=False, framed=False, headers=BEARER, config=QUICK):
        app = create_app(roots, config, Access(TOKEN, PORT, allow_run, framed))
        return Client(
            app, f"http://127.0.0.1:{PORT}", headers=headers, raise_server_exceptions=False
        )

    return open_console


@pytest.fixture(autouse=True)
def unshared(monkeypatch):
    """Let every question after the matrix look at the disk."""
    monkeypatch.setattr("pystamps_hpc.tools.console.matrix.SHARED_SEC", 0.0)


@pytest.fixture
def watched():
    """Return what runs a dataset as the command does, so that it leaves its events and its log."""

    def run(root, **context):
        with Display("none", 0, True, SerialTeam()) as shown:
            return run_pipeline(replace(PipelineContext(root, QUICK), **context), shown)

    return run


@pytest.fixture
def ran(stubs, tree, watched):
    """A dataset of two patches after a run of all stages, which do nothing."""
    assert watched(tree).ok
    return tree


@pytest.fixture
def scene(simulated, tmp_path):
    """A copy of the simulated dataset, to be run."""
    root = tmp_path / "scene"
    shutil.copytree(simulated, root)
    return root


@pytest.fixture
def finished_copy(finished, tmp_path):
    """A copy of the finished dataset, in which something may be changed."""
    root = tmp_path / "finished"
    shutil.copytree(finished, root)
    return root
