"""Runs as the console tells them: states, events, reports, and trees that are being written."""

import gc
import json
import os
import threading
import time

import pytest

from pystamps_hpc.dataset.lock import DatasetLock, lock_directory, new_owner
from pystamps_hpc.errors import StageError
from pystamps_hpc.tools.console import matrix as matrix_module
from pystamps_hpc.tools.console import runs as runs_module
from pystamps_hpc.tools.console.followed import EventFile, Followed
from pystamps_hpc.tools.console.matrix import CELLS
from pystamps_hpc.tools.status import collect_status


def folder_of(root):
    return max((root / ".pystamps-hpc" / "runs").iterdir())


def cut_short(root, owner=None, keep=30):
    """Leave of the last run what it would have if it were still at work, or had been killed."""
    folder = folder_of(root)
    (folder / "report.json").unlink()
    lines = (folder / "events.jsonl").read_text().splitlines()[:keep]
    first = json.loads(lines[0])
    first["owner"] = {**first["owner"], **(owner or {})}
    (folder / "events.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")
    return folder


def only_run(client):
    (run,) = client.document("/datasets/0/runs")["runs"]
    return run


def test_a_run_that_ended_well_is_finished(console, ran):
    run = only_run(console(ran))
    assert (run["state"], run["exit_code"]) == ("finished", 0)
    assert run["counts"]["completed"] == 14


def test_a_run_of_which_a_task_failed_is_failed(console, stubs, tree, watched):
    def fail(ctx):
        raise StageError("no luck")

    stubs.acts[3, "PATCH_2"] = fail
    watched(tree)
    client = console(tree)
    run = only_run(client)
    assert (run["state"], run["exit_code"]) == ("failed", 1)
    assert run["counts"]["failed"] == 1
    tasks = client.document(f"/datasets/0/runs/{run['run_id']}/tasks")["tasks"]
    (failed,) = [task for task in tasks if task["state"] == "failed"]
    assert (failed["target"], failed["text"]) == ("PATCH_2", "no luck")


def test_a_run_whose_process_lives_is_running_and_tells_what_is_known(console, ran):
    cut_short(ran)
    client = console(ran)
    run = only_run(client)
    assert run["state"] == "running"
    assert str(os.getpid()) in run["why"]
    report = client.document(f"/datasets/0/runs/{run['run_id']}")
    assert report["partial"] is True
    assert report["finished_utc"] is None
    assert {row["status"] for row in report["results"]} > {"waiting", "completed"}
    matrix = client.matrix()
    assert matrix["run_ids"] == [run["run_id"]]
    assert "w" in matrix["merged"]


def test_a_run_whose_process_has_gone_is_dead(console, ran):
    cut_short(ran, {"pid_start": 1})
    run = only_run(console(ran))
    assert run["state"] == "dead"
    assert "ended without a report" in run["why"]


def test_a_run_of_another_node_lives_as_long_as_it_gives_signs_of_life(console, ran):
    folder = cut_short(ran, {"processes": "another boot pid:[1]", "host": "node7"})
    run = only_run(console(ran))
    assert (run["state"], "node7" in run["why"]) == ("running", True)
    for path in folder.iterdir():
        os.utime(path, (1, time.time() - 2 * runs_module.SILENT_SEC))
    run = only_run(console(ran))
    assert (run["state"], "60 minutes" in run["why"]) == ("silent", True)


def test_a_run_of_another_node_is_dead_when_a_later_one_took_its_dataset(console, ran, watched):
    folder = cut_short(ran, {"processes": "another boot pid:[1]", "host": "node7"})
    folder.rename(folder.with_name("20200101T000000Z-abcdef"))
    watched(ran)
    states = [run["state"] for run in console(ran).document("/datasets/0/runs")["runs"]]
    assert states == ["finished", "dead"]


def test_a_lock_tells_of_a_process_that_its_events_do_not_name(console, ran):
    folder = cut_short(ran)
    lines = (folder / "events.jsonl").read_text().replace('"owner"', '"unknown"')
    (folder / "events.jsonl").write_text(lines)
    with DatasetLock(ran, new_owner(folder.name, ["run"])):
        client = console(ran)
        assert only_run(client)["state"] == "running"
        assert client.document("/datasets/0/runs")["locked_by"][0]["run_id"] == folder.name
        lock = lock_directory(ran) / "root.json"
        owner = json.loads(lock.read_text())
        lock.write_text(json.dumps({**owner, "pid_start": 1}))
        assert only_run(console(ran))["state"] == "dead"


def test_a_stopped_run_is_told_from_a_failed_one(console, ran):
    path = folder_of(ran) / "report.json"
    report = json.loads(path.read_text())
    path.write_text(json.dumps({**report, "exit_code": 143}, indent=2))
    assert only_run(console(ran))["state"] == "stopped"


def test_the_head_of_a_report_is_read_whatever_wrote_it(console, ran):
    path = folder_of(ran) / "report.json"
    report = json.loads(path.read_text())
    before = only_run(console(ran))
    path.write_text(json.dumps(report))  # on one line
    assert only_run(console(ran)) == before
    path.write_text("no report")
    assert only_run(console(ran))["state"] == "finished"  # its last event says so


def test_events_come_after_a_number_and_never_twice(console, ran):
    client = console(ran)
    base = f"/datasets/0/runs/{only_run(client)['run_id']}/events"
    lines = [json.loads(line) for line in (folder_of(ran) / "events.jsonl").open()]
    first = client.document(f"{base}?after=0")
    assert first["events"] == lines
    assert client.document(f"{base}?after={first['next']}") == {
        "events": [], "next": first["next"]}  # fmt: skip
    assert client.document(f"{base}?after=5")["events"] == lines[5:]
    assert client.document(base)["events"] == lines[-200:]


def test_events_of_several_ranks_come_in_the_order_of_time(console, ran):
    folder = folder_of(ran)
    lines = [json.loads(line) for line in (folder / "events.jsonl").open()]
    mine, others = lines[::2], lines[1::2]
    for name, part, rank in (("events.jsonl", mine, 0), ("events.r2.jsonl", others, 2)):
        text = (json.dumps({**event, "rank": rank}) for event in part)
        (folder / name).write_text("".join(f"{line}\n" for line in text))
    client = console(ran)
    answer = client.document(f"/datasets/0/runs/{folder.name}/events?after=0")
    times = [event["t_utc"] for event in answer["events"]]
    assert times == sorted(times)
    assert len(times) == len(lines)
    assert answer["next"] == f"{len(mine)},0,{len(others)}"


def test_half_a_line_waits_for_its_end(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"seq": 1, "kind": "warning", "text": "a"}\n{"seq": 2, "ki')
    file = EventFile(path)
    assert [event["seq"] for event in file.new_lines()] == [1]
    with path.open("ab") as more:
        more.write(b'nd": "warning", "text": "b"}\n')
    assert [event["seq"] for event in file.new_lines()] == [2]
    assert [event["seq"] for event in file.after(1, 10)[0]] == [2]


def test_damaged_events_do_not_hide_the_others(tmp_path):
    lines = [b"\xff\xfe\n", b"[]\n", b'{"kind": 3}\n', b'{"kind": "warning", "text": "x"}\n',
             b'{"kind": "task_started", "stage": "x"}\n', b"{" * 9000 + b"\n"]  # fmt: skip
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    followed = Followed(tmp_path)
    followed.read()
    assert followed.warnings == ["run: x"]


def read_on(followed):
    """Return all events as a client asks for them, and the most of one answer."""
    found, known, most = [], {}, 0
    for _ in range(50):
        new, cursor = followed.events_after(known, 10)
        reached = dict(enumerate(map(int, cursor.split(","))))
        if reached == known:
            break
        found, known, most = found + new, reached, max(most, len(new))
    return found, most


def test_all_events_come_once_though_some_lines_are_unreadable(tmp_path, monkeypatch):
    monkeypatch.setattr("pystamps_hpc.tools.console.followed.MOST_EVENTS", 6)
    for rank, name in enumerate(("events.jsonl", "events.r1.jsonl", "events.r2.jsonl")):
        lines = [json.dumps({"kind": "warning", "text": f"{rank} {k}"}) for k in range(9)]
        lines[2:5] = ["unreadable"] * 3
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    followed = Followed(tmp_path)
    followed.read()
    found, most = read_on(followed)
    expected = [f"{rank} {k}" for rank in range(3) for k in (0, 1, 5, 6, 7, 8)]
    assert sorted(event["text"] for event in found) == expected
    assert most <= 6  # of all ranks


def test_a_rank_that_no_run_has_makes_no_endless_cursor(tmp_path):
    (tmp_path / "events.jsonl").write_text('{"kind": "warning", "text": "x"}\n')
    (tmp_path / "events.r999999999.jsonl").write_text('{"kind": "warning", "text": "y"}\n')
    followed = Followed(tmp_path)
    followed.read()
    assert followed.warnings == ["run: x"]
    assert followed.events_after({}, 10)[1] == "1"


def test_only_changed_tasks_come_again(console, ran):
    folder = cut_short(ran)
    client = console(ran)
    base = f"/datasets/0/runs/{folder.name}/tasks"
    whole = client.document(base)
    assert len(whole["tasks"]) == 14
    assert client.document(f"{base}?after={whole['next']}")["tasks"] == []
    event = {"seq": 99, "t_utc": "2026-01-01T00:00:00.000Z", "kind": "task_started", "rank": 0,
             "stage": 8, "scope": "merged", "target": "root", "text": ""}  # fmt: skip
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
    (task,) = client.document(f"{base}?after={whole['next']}")["tasks"]
    assert (task["stage"], task["state"]) == (8, "running")
    other = client.document(f"{base}?after=00000000-9999999")  # of a console before this one
    assert len(other["tasks"]) == 14


def test_a_log_is_read_on_where_the_last_answer_ended(console, ran):
    folder = folder_of(ran)
    client = console(ran)
    base = f"/datasets/0/runs/{folder.name}/log"
    first = client.document(base)
    assert first["text"] == (folder / "log").read_text()
    with (folder / "log").open("a") as file:
        file.write("<script>alert(1)</script>\nhalf")
    more = client.document(f"{base}?after={first['next']}")
    assert more["text"] == "<script>alert(1)</script>\n"
    assert client.document(f"{base}?after={more['next']}")["text"] == "half"


def test_the_matrix_agrees_with_the_status(console, ran):
    (ran / "PATCH_2" / "weed1.mat").unlink()
    (ran / "scla2.mat").unlink()
    status = collect_status(ran)
    matrix = console(ran).matrix()
    assert matrix["patches"] == [row["patch"] for row in status["patches"]]
    assert [[row["target"], row["stage"]] for row in status["gaps"]] == [
        ["PATCH_2", 4],
        ["root", 7],
    ]
    assert [CELLS[letter] for letter in matrix["cells"][1]][3] == "missing, later ones are there"
    assert matrix["merged"][2] == "g"
    stale = {(row["target"], row["stage"]) for row in status["stale"]}
    seen = {(name, k + 1) for name, letters in zip(matrix["patches"], matrix["cells"], strict=True)
            for k, letter in enumerate(letters) if letter == "o"}  # fmt: skip
    assert seen == {key for key in stale if key[0] != "root"}


def test_the_matrix_is_looked_at_anew_when_a_patch_changes(console, ran):
    client = console(ran)
    before = client.matrix()["cells"]
    (ran / "PATCH_1" / "ps2.mat").unlink()
    after = client.matrix()["cells"]
    assert before[0][:4] == after[0][:4]
    assert (before[1], after[0][4]) == (after[1], "m")


def test_the_matrix_of_a_slow_disk_is_whole_in_the_end(console, ran, monkeypatch):
    stamp = matrix_module._stamp

    def slow(*asked):
        time.sleep(0.02)
        return stamp(*asked)

    monkeypatch.setattr(matrix_module, "_stamp", slow)
    monkeypatch.setattr(matrix_module, "ONE_LOOK_SEC", 0.01)
    client = console(ran)
    assert any(client.document("/datasets/0/matrix")["pending"] == 0 for _ in range(10))


def test_who_asks_at_the_same_time_shares_a_matrix(console, ran, monkeypatch):
    monkeypatch.setattr(matrix_module, "SHARED_SEC", 60.0)
    client = console(ran)
    before = client.matrix()
    (ran / "PATCH_1" / "ps2.mat").unlink()
    assert client.matrix() == before


@pytest.fixture
def nothing_to_collect():
    """The collector of cycles does not look through what other tests have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("nothing_to_collect")
def test_a_thousand_patches_take_less_than_a_second_each_time(console, tree, tmp_path):
    console(tree).matrix()  # what is imported once is not counted
    root = tmp_path / "many"
    for k in range(1, 1001):
        (root / f"PATCH_{k}").mkdir(parents=True)
    folder = root / ".pystamps-hpc" / "runs" / "20260101T000000Z-abcdef"
    folder.mkdir(parents=True)
    plan = [{"stage": stage, "scope": "patch", "target": f"PATCH_{k}", "action": "run",
             "reason": ""} for stage in range(1, 6) for k in range(1, 1001)]  # fmt: skip
    common = {"t_utc": "2026-01-01T00:00:00.000Z", "rank": 0}
    lines = [{"kind": "plan", "tasks": plan, **common}]
    lines += [{"kind": "task_finished", **common, **task, "row": {
        "status": "completed", "rank": 0, "duration_sec": 1.0, "started_at": 1.0}}
        for task in plan]  # fmt: skip
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    client = console(root)
    for _ in range(20):
        began = time.process_time()
        matrix = client.document("/datasets/0/matrix")
        assert time.process_time() - began < 1.0
        if not matrix["pending"]:
            break
    assert set("".join(matrix["cells"])) == {"m"}
    began = time.process_time()
    run = only_run(client)
    tasks = client.document(f"/datasets/0/runs/{run['run_id']}/tasks")["tasks"]
    assert len(tasks) == 5000
    assert time.process_time() - began < 1.0


def test_files_that_vanish_while_they_are_read_cost_no_answer(console, ran):
    client = console(ran)
    run_id = only_run(client)["run_id"]
    base = f"/datasets/0/runs/{run_id}"
    ended = threading.Event()
    old = folder_of(ran).with_name("20200101T000000Z-abcdef")
    old.mkdir()
    names = ("ps2.mat", "PATCH_1/pm1.mat", "PATCH_2/.pystamps-hpc/state.json")
    moved = [*(folder_of(ran) / name for name in ("events.jsonl", "report.json")),
             *(ran / name for name in names), old]  # fmt: skip

    def disturb():
        while not ended.is_set():
            for path in moved:
                away = path.with_name(f"{path.name}.away")
                path.rename(away)
                away.rename(path)

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        for _ in range(6):
            for path in ("/datasets/0/matrix", "/datasets/0/runs", base, f"{base}/tasks",
                         f"{base}/events?after=0", f"{base}/log", "/datasets/0/artifacts",
                         "/datasets/0/artifacts?target=PATCH_1"):  # fmt: skip
                assert client.get(f"/api/v1{path}").status_code == 200, path
    finally:
        ended.set()
        disturber.join()


def test_a_dataset_that_has_gone_is_told(console, ran):
    client = console(ran)
    ran.rename(ran.with_name("moved"))
    assert "does not exist" in client.document("/datasets/0/matrix", 409)["error"]


@pytest.mark.parametrize("target", ["root", "PATCH_1"])
def test_artifacts_are_listed_by_their_heads(console, ran, target):
    found = console(ran).document(f"/datasets/0/artifacts?target={target}")["artifacts"]
    names = [each["name"] for each in found]
    assert ("phuw2.mat" in names) == (target == "root")
    artifact = next(each for each in found if each["name"] in ("phuw2.mat", "bp1.mat"))
    (key,) = artifact["keys"]
    assert (key["class"] in ("single", "double"), len(key["shape"])) == (True, 2)
