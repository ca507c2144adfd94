"""What the console changes when it is allowed to: runs started and stopped, parameters set."""

import time

import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.lock import DatasetLock, new_owner
from pystamps_hpc.tools.console.jobs import Jobs

from ..conftest import NATIVE


def wait_for(what, seconds=240):
    """Return what is true in the end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it never came true")


def job_of(client):
    return client.document("/datasets/0/runs")["job"]


def ended_job(client):
    return wait_for(lambda: (job := job_of(client)) and job["exit_code"] is not None and job)


def test_a_run_is_started_and_watched_to_its_end(console, scene):
    client = console(scene, allow_run=True)
    wanted = {"start": 1, "end": 2}
    answer = client.post("/api/v1/datasets/0/runs", json=wanted)
    assert answer.status_code == 202, answer.text
    assert answer.json()["arguments"][:3] == ["run", "--dataset", str(scene)]
    again = client.post("/api/v1/datasets/0/runs", json=wanted)
    assert (again.status_code, "not at its end" in again.json()["error"]) == (409, True)

    def runs():
        return client.document("/datasets/0/runs")["runs"]

    wait_for(lambda: runs() and runs()[0]["state"] == "running")
    assert ended_job(client)["exit_code"] == 0
    (run,) = runs()
    assert (run["state"], run["counts"]["completed"]) == ("finished", 4)
    matrix = client.matrix()
    assert matrix["cells"] == ["ddmmm", "ddmmm"]
    plan = client.document("/datasets/0/plan?end=3")["results"]
    assert [row["status"] for row in plan] == ["skipped_existing"] * 4 + ["planned"] * 2


def test_a_run_is_stopped_in_good_order(console, scene):
    client = console(scene, allow_run=True)
    assert client.post("/api/v1/datasets/0/stop", json={}).status_code == 404
    client.post("/api/v1/datasets/0/runs", json={})
    wait_for(lambda: any(run["counts"].get("completed")
                         for run in client.document("/datasets/0/runs")["runs"]))  # fmt: skip
    assert client.post("/api/v1/datasets/0/stop", json={}).json()["stopping"] is True
    assert ended_job(client)["exit_code"] == 143
    (run,) = client.document("/datasets/0/runs")["runs"]
    assert run["state"] == "stopped"
    assert client.post("/api/v1/datasets/0/stop", json={}).status_code == 404


def test_a_run_that_is_refused_says_why(console, scene):
    (scene / ".golden").touch()
    client = console(scene, allow_run=True)
    client.post("/api/v1/datasets/0/runs", json={"end": 1})
    job = ended_job(client)
    assert job["exit_code"] == 3
    assert "marked golden" in job["last_words"]


def test_a_dataset_in_use_starts_no_run(console, ran):
    client = console(ran, allow_run=True)
    with DatasetLock(ran, new_owner("20260101T000000Z-abcdef", ["run"])):
        answer = client.post("/api/v1/datasets/0/runs", json={})
    assert (answer.status_code, "in use" in answer.json()["error"]) == (409, True)
    assert job_of(client) is None


def test_only_stages_can_be_chosen(console, ran):
    client = console(ran, allow_run=True)
    for wanted in ({"start": 0}, {"end": 9}, {"start": 5, "end": 3}, {"start": "1; rm -r /"},
                   {"arguments": ["--break-lock"]}):  # fmt: skip
        assert client.post("/api/v1/datasets/0/runs", json=wanted).status_code == 422, wanted
    assert job_of(client) is None


def test_the_arguments_of_a_run_are_fixed_but_for_its_stages(tmp_path):
    arguments = Jobs("/etc/our.yaml")._arguments(tmp_path, 2, 5, True)
    assert arguments == [
        "run", "--dataset", str(tmp_path), "--start-step", "2", "--end-step", "5", "--force",
        "--config", "/etc/our.yaml", "--progress", "plain",
    ]  # fmt: skip


def test_a_parameter_is_changed_and_what_follows_is_told_before_and_after(console, finished_copy):
    client = console(finished_copy, allow_run=True, config=NATIVE)
    base = "/datasets/0/parameters/unwrap_grid_size"
    before = client.document(f"{base}/consequences?value=100")
    assert before["value"] == 100
    assert "makes stages 6-8" in before["follows"][0]
    assert parameters.load(finished_copy).value("unwrap_grid_size") == 200
    changed = client.post(f"/api/v1{base}", json={"value": "100"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["notes"] == before["follows"]
    assert parameters.load(finished_copy).value("unwrap_grid_size") == 100
    assert client.matrix()["merged"] == "dodd"
    client.post(f"/api/v1{base}", json={})
    assert parameters.load(finished_copy).value("unwrap_grid_size") == 200


def test_a_parameter_of_one_patch_holds_there_alone(console, ran):
    client = console(ran, allow_run=True)
    answer = client.post("/api/v1/datasets/0/parameters/clap_win",
                         json={"value": "16", "patch": "PATCH_2"})  # fmt: skip
    assert answer.status_code == 200, answer.text
    values = [client.document(f"/datasets/0/parameters?patch={patch}")["parameters"]["clap_win"]
              for patch in ("PATCH_1", "PATCH_2")]  # fmt: skip
    assert [(row["value"], row["source"]) for row in values] == [(32, "parms"), (16, "localparms")]


def test_values_that_a_run_would_refuse_are_refused(console, finished_copy):
    client = console(finished_copy, allow_run=True, config=NATIVE)
    before = (finished_copy / "parms.mat").read_bytes()
    for name, value in (("unwrap_grid_size", "-1"), ("unwrap_grid_size", "x"),
                        ("drop_ifg_index", "99"), ("weed_zero_elevation", "maybe")):  # fmt: skip
        path = f"/datasets/0/parameters/{name}"
        asked = client.document(f"{path}/consequences?value={value}", 422)["error"]
        told = client.post(f"/api/v1{path}", json={"value": value})
        assert (told.status_code, told.json()["error"]) == (422, asked)
        assert name in asked
    assert client.post("/api/v1/datasets/0/parameters/nonsense", json={}).status_code == 404
    assert (finished_copy / "parms.mat").read_bytes() == before


def test_ranges_that_would_fill_the_memory_are_refused(console, ran):
    client = console(ran)
    path = "/datasets/0/parameters/drop_ifg_index/consequences?value="
    for value in ("1:999999", "1:6000 1:6000", "1:999999 " * 100):
        assert "more than 10,000 indices" in client.document(f"{path}{value}", 422)["error"]


def test_a_plan_never_starts_mpi(console, ran, monkeypatch):
    monkeypatch.setattr(
        "pystamps_hpc.pipeline.stages._team", lambda context: pytest.fail("asked the launcher")
    )
    assert console(ran).document("/datasets/0/plan?end=3")["results"]
