"""A console over datasets, asked without a network."""

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from starlette.testclient import TestClient

from pystamps_hpc.config import RunConfig
from pystamps_hpc.tools.console.app import create_app
from pystamps_hpc.tools.console.guard import Access

PORT = 8765
TOKEN = "a-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def console():
    """Return a client of a console over some datasets; its requests carry the token."""

    def open_console(*roots, allow_run=False, headers=BEARER, **more):
        access = Access(TOKEN, PORT, allow_run, more.pop("framed", False))
        app = create_app(roots, more.pop("config", RunConfig()), access, **more)
        return TestClient(app, f"http://127.0.0.1:{PORT}", headers=headers)

    return open_console
