"""The events of a run: one line of JSON each, in the folder of the run."""

import json

import numpy as np
import pytest

from pystamps_hpc.cli import display
from pystamps_hpc.pipeline.events import EventLines, RunStarted, TaskWarning


def events_of(root):
    (folder,) = root.glob(".pystamps-hpc/runs/*")
    lines = (folder / "events.jsonl").read_text().splitlines()
    return folder.name, [json.loads(line) for line in lines]


def act(ctx):
    ctx.memo("ifg-3", lambda: {"phase": np.zeros(3)})
    ctx.map_rows(lambda rows: np.zeros(1), 1, "step")
    ctx.warn("mind the gap")


@pytest.mark.parametrize("progress", ["plain", "none", "json"])
def test_a_run_keeps_its_events_whatever_it_shows(command, stubs, tree, progress, monkeypatch):
    monkeypatch.setattr(display, "EVENT_EVERY_SEC", 0)
    stubs.acts[6, "root"] = act
    command("run", "--dataset", tree, "--end-step", 6, "--progress", progress)
    run_id, events = events_of(tree)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {event["run_id"] for event in events} == {run_id}
    assert [event["t_utc"] for event in events] == sorted(event["t_utc"] for event in events)
    assert events[0]["command"][0] == "run"
    events = [
        one for one in events if one["kind"] != "compiling"
    ]  # only the first run there has it
    tasks = [(one["stage"], one["scope"], one["target"]) for one in events[1]["tasks"]]
    own = {}
    for event in events[2:-1]:
        own.setdefault((event["stage"], event["scope"], event["target"]), []).append(event)
    assert [event["kind"] for event in (*events[:2], events[-1])] == [
        "run_started", "plan", "run_finished",
    ]  # fmt: skip
    assert (events[-1]["exit_code"], events[-1]["stage"]) == (0, None)
    assert sorted(own) == sorted(tasks)
    kinds = [event["kind"] for event in own[6, "merged", "root"]]
    assert kinds == ["task_started", "checkpoint", "task_progress", "warning",
                     *["artifact_published"] * 5, "task_finished"]  # fmt: skip
    *_, marker, finished = own[6, "merged", "root"]
    assert marker["path"] == "phuw2.mat"
    assert marker["bytes"] == (tree / "phuw2.mat").stat().st_size
    assert finished["row"]["status"] == "completed"


def test_what_a_task_removes_is_an_event(command, stubs, tree):
    command("run", "--dataset", tree)
    command("run", "--dataset", tree, "--start-step", 7, "--end-step", 7, "--force")
    folder = sorted(tree.glob(".pystamps-hpc/runs/*"), key=lambda path: path.stat().st_mtime)[-1]
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    (gone,) = (event["paths"] for event in events if event["kind"] == "invalidated")
    assert gone[:2] == events[1]["removes"][:2] == ["scn2.mat", "mean_v.mat"]


def test_progress_is_kept_at_most_every_two_seconds(command, stubs, tree):
    stubs.acts[1, "PATCH_1"] = lambda ctx: ctx.map_rows(lambda rows: np.zeros(1), 1, "step")
    command("run", "--dataset", tree, "--end-step", 1)
    assert "task_progress" not in {event["kind"] for event in events_of(tree)[1]}


def test_what_another_rank_does_alone_has_a_file_of_its_own(tmp_path):
    lines = EventLines(3)
    lines.open(RunStarted(tmp_path, "run", ()))
    lines.add(TaskWarning(2, "patch", "PATCH_4", "few points"))
    (event,) = map(json.loads, (tmp_path / "events.r3.jsonl").read_text().splitlines())
    assert (event["rank"], event["target"], event["text"]) == (3, "PATCH_4", "few points")


def test_events_that_cannot_be_written_do_not_stop_a_run(tmp_path):
    lines = EventLines(0)
    lines.open(RunStarted(tmp_path / "gone", "run", ()))
    assert json.loads(lines.add(TaskWarning(1, "patch", "PATCH_1", "text")))["seq"] == 1
