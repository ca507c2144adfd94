"""The server: pages, documents and their description, and the command that starts it."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import ConfigError, ToolMissingError
from pystamps_hpc.tools.backends import describe_backend_matrix
from pystamps_hpc.tools.console import serving
from pystamps_hpc.tools.inputs import describe_inputs
from pystamps_hpc.tools.status import collect_status
from pystamps_hpc.tools.verification.coverage import native_coverage

CONTRACT = ("/datasets", "/datasets/{number}/status", "/datasets/{number}/plan",
            "/datasets/{number}/runs", "/datasets/{number}/runs/{run_id}",
            "/datasets/{number}/runs/{run_id}/events", "/datasets/{number}/artifacts",
            "/datasets/{number}/gate", "/coverage", "/backends", "/inputs")  # fmt: skip


def test_documents_are_those_of_the_commands(console, ran):
    client = console(ran)
    assert client.document("/datasets/0/status") == collect_status(ran)
    assert client.document("/coverage?start=6") == native_coverage(6, 8)
    assert client.document("/backends") == describe_backend_matrix(RunConfig())
    assert client.document("/inputs?stage=6,7") == describe_inputs([6, 7])
    plan = client.document("/datasets/0/plan?start=1&end=4")
    assert (plan["dry_run"], plan["window"]) == (True, [1, 4])


def test_the_description_names_every_answer_of_the_contract(console, tree):
    paths = console(tree).document("/openapi.json")["paths"]
    assert {f"/api/v1{path}" for path in CONTRACT} <= set(paths)


def test_pages_are_kept_by_the_browser_until_they_change(console, tree):
    client = console(tree)
    first = client.get("/console.css")
    assert first.headers["content-type"].startswith("text/css")
    assert first.headers["content-encoding"] == "gzip"
    again = client.get("/console.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/../app.py").status_code == 404
    assert client.get("/pages/console.css").status_code == 404


def test_unknown_things_are_told_in_one_line(console, tree):
    client = console(tree)
    assert client.document("/datasets/1/status", 404) == {"error": "there is no dataset 1: 0 to 0"}
    assert client.document("/datasets/x/status", 422)["error"].startswith("number: ")
    assert "after stage" in client.document("/datasets/0/plan?start=5&end=2", 422)["error"]
    assert client.document("/nonsense", 404) == {"error": "Not Found"}


def test_a_dataset_that_is_none_is_refused_before_anything_is_served(console, tmp_path):
    with pytest.raises(Exception, match="no PATCH_"):
        console(tmp_path)


def test_a_port_in_use_is_told():
    with serving.bound(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}: .*--port"):
            serving.bound(port)


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "PIL"])
def test_missing_libraries_name_the_extra(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ToolMissingError, match=r"pystamps-hpc\[console\]"):
        serving.require_server()


def test_the_command_serves_until_it_is_interrupted(simulated):
    words = [sys.executable, "-m", "pystamps_hpc", "console", "--dataset", str(simulated)]
    with subprocess.Popen(
        [*words, "--port", "0"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        url = process.stderr.readline().partition(": ")[2].strip()
        found = re.fullmatch(r"(http://127\.0\.0\.1:(\d+))/\?token=([\w-]{43})", url)
        try:
            assert found, url
            base, port, token = found.groups()
            assert f"ssh -N -L {port}:127.0.0.1:{port} " in process.stderr.readline()
            request = urllib.request.Request(
                f"{base}/api/v1/datasets", headers={"Authorization": f"Bearer {token}"}
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert str(simulated).encode() in answer.read()
            with pytest.raises(OSError, match="refused"):
                urllib.request.urlopen(f"http://{_other_address()}:{port}/healthz", timeout=5)
        finally:
            os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert token not in err


def _other_address():
    return "127.0.0.2"  # the same machine, another address of it
