"""The console in a notebook: a frame with the same pages, which end when they are closed."""

import re
import threading
import urllib.error
import urllib.request

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

import pystamps_hpc
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.tools.console.store import NAME


def answer(url, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as found:
        return found.read().decode(), found.headers


def test_a_notebook_shows_the_pages_in_a_frame_until_they_are_closed(finished):
    before = set(threading.enumerate())
    with pystamps_hpc.view(finished, page="ifgs", height=500) as shown:
        frame = shown._repr_html_()
        url, token = re.search(
            r'src="(http://127\.0\.0\.1:\d+/)\?token=([\w-]+)#/0/ifgs"', frame
        ).groups()
        assert 'height="500"' in frame
        page, headers = answer(f"{url}?token={token}")
        assert "console.js" in page
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        found, _ = answer(f"{url}api/v1/datasets", token)
        assert finished.name in found
        with pytest.raises(urllib.error.HTTPError, match="401"):
            answer(f"{url}api/v1/datasets")
    with pytest.raises(urllib.error.URLError):
        answer(f"{url}?token={token}")
    for each in set(threading.enumerate()) - before:
        if each.name == NAME:
            each.join(20)
            assert not each.is_alive()


def test_what_open_dataset_returns_is_shown(finished):
    pytest.importorskip("xarray")
    with pystamps_hpc.view(pystamps_hpc.open_dataset(finished)) as shown:
        assert finished.name in repr(shown)
        assert "#/0/map" in shown.url


def test_what_is_no_dataset_is_refused(tmp_path):
    with pytest.raises(DatasetError):
        pystamps_hpc.view(tmp_path)
    with pytest.raises(ConfigError, match="path of a dataset"):
        pystamps_hpc.view(3)
    with pytest.raises(ConfigError, match="page x"):
        pystamps_hpc.view(tmp_path, page="x")
