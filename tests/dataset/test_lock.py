"""The lock of a dataset."""

import json
import multiprocessing
import os
import pwd
from pathlib import Path

import pytest

from pystamps_hpc.dataset import lock as dataset_lock
from pystamps_hpc.dataset.lock import DatasetLock, holders, lock_directory, new_owner
from pystamps_hpc.dataset.owner import process_start
from pystamps_hpc.errors import LockError
from tests.dataset.lock_race import compete, dead_pid

OWNER = new_owner("20260301T101500Z-1f09ac", ["run", "--dataset", "x"])


def lock(root, **options):
    return DatasetLock(root, new_owner("mine", ["run"]), **options)


def leave(root, name="root", **changes):
    """Leave a lock file as another process would."""
    folder = lock_directory(root)
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        **OWNER,
        "host": os.uname().nodename,
        "processes": lock(root).owner["processes"],
        "pid": os.getpid(),
        "pid_start": process_start(os.getpid()),
        "user": "ada",
        "slurm_job_id": None,
        "slurm_restart_count": 0,
        "started_utc": "2026-03-01T10:15:00Z",
        **changes,
    }
    (folder / f"{name}.json").write_text(json.dumps(content))


def is_taken_over(root):
    """Whether the lock that was left is taken over; who is refused is told whose it is."""
    try:
        with lock(root) as mine:
            return bool(mine.taken_over)
    except LockError as error:
        return "by ada on " not in str(error)


def names(root):
    return sorted(path.name for path in lock_directory(root).iterdir())


@pytest.mark.parametrize("dead", [False, True], ids=["free", "left by a dead process"])
def test_of_two_processes_exactly_one_wins_each_of_fifty_rounds(tmp_path, dead):
    if dead:
        leave(tmp_path, pid=dead_pid())
    text = (lock_directory(tmp_path) / "root.json").read_text() if dead else ""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    rounds = 50
    rivals = [
        context.Process(target=compete, args=(str(tmp_path), name, rounds, barrier, results, text))
        for name in "ab"
    ]
    for rival in rivals:
        rival.start()
    won = dict(results.get(timeout=120) for _ in rivals)
    for rival in rivals:
        rival.join(30)
    assert sorted(won["a"] + won["b"]) == list(range(rounds))
    assert names(tmp_path) == []


def test_a_held_lock_is_refused_with_its_owner(tmp_path):
    leave(tmp_path, slurm_job_id="77")
    with pytest.raises(LockError) as caught, lock(tmp_path):
        pass
    assert str(caught.value) == (
        f"data set is in use: run 20260301T101500Z-1f09ac by ada on {os.uname().nodename} "
        f"(pid {os.getpid()}, SLURM job 77) since 2026-03-01T10:15:00Z; "
        "wait, or remove the lock with --break-lock"
    )
    assert caught.value.exit_code == 3
    assert names(tmp_path) == ["root.json"]


def test_a_lock_is_removed_at_the_end_and_after_a_failure(tmp_path):
    with lock(tmp_path):
        (content,) = holders(tmp_path)
        assert {"run_id", "command", "host", "pid", "pid_start", "user", "slurm_job_id",
                "slurm_restart_count", "started_utc"} <= set(content)  # fmt: skip
    assert names(tmp_path) == []
    with pytest.raises(ZeroDivisionError), lock(tmp_path):
        raise ZeroDivisionError
    assert names(tmp_path) == []


@pytest.mark.parametrize("changes", [{"pid": "dead"}, {"pid_start": 1}])
def test_the_lock_of_a_dead_process_is_taken_over_with_a_warning(tmp_path, changes):
    leave(tmp_path, **{key: dead_pid() if it == "dead" else it for key, it in changes.items()})
    with lock(tmp_path) as taken:
        (message,) = taken.taken_over
        assert message.startswith("lock of run 20260301T101500Z-1f09ac (pid ")
        assert message.endswith("left by a dead process, taken over")
        assert holders(tmp_path)[0]["run_id"] == "mine"


@pytest.mark.parametrize(
    "where",
    [
        {"host": "elsewhere", "processes": "another boot", "started_utc": "1999-01-01T00:00:00Z"},
        {"processes": "this boot pid:[1]"},  # another container on this machine
    ],
)
def test_the_lock_of_a_process_that_cannot_be_seen_is_never_taken_over(tmp_path, where):
    leave(tmp_path, **where, pid=dead_pid())
    assert not is_taken_over(tmp_path)


@pytest.mark.parametrize(
    ("job", "count", "taken"), [("77", "1", True), ("77", "0", False), ("78", "1", False)]
)
def test_a_requeued_job_takes_over_its_own_lock(tmp_path, monkeypatch, job, count, taken):
    leave(tmp_path, processes="another boot", slurm_job_id="77", slurm_restart_count=0)
    monkeypatch.setenv("SLURM_JOB_ID", job)
    monkeypatch.setenv("SLURM_RESTART_COUNT", count)
    assert is_taken_over(tmp_path) == taken


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ("exit 0", True),
        ("echo RUNNING", False),
        ("echo PENDING", False),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", True),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", False),
    ],
)
def test_the_lock_of_a_job_that_slurm_no_longer_knows_is_taken_over(
    tmp_path, monkeypatch, answer, taken
):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "squeue").write_text(f'#!/bin/sh\ntest "$4" = 77 || exit 9\n{answer}\n')
    (programs / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_JOB_ID", "78")
    leave(tmp_path, processes="another boot", slurm_job_id="77")
    assert is_taken_over(tmp_path) == taken


def test_break_lock_removes_any_lock_and_says_whose(tmp_path):
    leave(tmp_path, host="elsewhere", pid=4)
    with lock(tmp_path, break_lock=True) as taken:
        assert taken.taken_over == [
            "lock of run 20260301T101500Z-1f09ac (pid 4 on elsewhere) broken"
        ]


def test_runs_over_disjoint_patches_coexist(tmp_path):
    with lock(tmp_path, patches=["PATCH_2", "PATCH_1"]), lock(tmp_path, patches=["PATCH_3"]):
        assert names(tmp_path) == ["PATCH_1.json", "PATCH_2.json", "PATCH_3.json"]
        with pytest.raises(LockError), lock(tmp_path, patches=["PATCH_0", "PATCH_2"]):
            pass
        assert "PATCH_0.json" not in names(tmp_path)


def test_patches_and_the_whole_dataset_exclude_each_other(tmp_path):
    with lock(tmp_path, patches=["PATCH_1"]):
        with pytest.raises(LockError), lock(tmp_path):
            pass
        assert names(tmp_path) == ["PATCH_1.json"]
    with lock(tmp_path):
        with pytest.raises(LockError), lock(tmp_path, patches=["PATCH_1"]):
            pass
        assert names(tmp_path) == ["root.json"]


def test_dead_locks_of_the_other_mode_are_taken_over(tmp_path):
    leave(tmp_path, "PATCH_1", pid=dead_pid())
    with lock(tmp_path) as mine:
        assert len(mine.taken_over) == 1
        assert names(tmp_path) == ["root.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}'])
def test_a_damaged_lock_belongs_to_somebody_until_it_is_broken(tmp_path, text):
    lock_directory(tmp_path).mkdir(parents=True)
    (lock_directory(tmp_path) / "root.json").write_text(text)
    with (
        pytest.raises(LockError, match="wait, or remove the lock with --break-lock"),
        lock(tmp_path),
    ):
        pass
    with lock(tmp_path, break_lock=True):
        pass


def test_a_lock_that_cannot_be_made_is_an_error_of_the_dataset(tmp_path):
    (tmp_path / ".pystamps-hpc").write_text("in the way")
    with pytest.raises(LockError, match=r"^data set cannot be locked: "), lock(tmp_path):
        pass


def test_a_lock_that_cannot_be_read_is_somebodys_also_for_runs_over_patches(tmp_path, monkeypatch):
    leave(tmp_path)

    def unreadable(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(dataset_lock, "open_regular", unreadable)
    with pytest.raises(LockError), lock(tmp_path, patches=["PATCH_1"]):
        pass


def test_a_lock_that_cannot_be_removed_is_told_and_hides_no_other_error(tmp_path, monkeypatch):
    def busy(path, missing_ok=False):
        raise OSError(5, "Input/output error", str(path))

    def fails_to_leave(error, **options):
        with lock(tmp_path, **options):
            monkeypatch.setattr(Path, "unlink", busy)
            if error is not None:
                raise error

    with pytest.raises(LockError, match=r"root.json: cannot be removed .Input/output error"):
        fails_to_leave(None)
    monkeypatch.undo()
    with pytest.raises(ZeroDivisionError):
        fails_to_leave(ZeroDivisionError(), break_lock=True)


def test_what_an_attempt_that_was_killed_has_left_is_cleared(tmp_path):
    leave(tmp_path, pid=dead_pid())
    left = lock_directory(tmp_path) / ".root.json.0a1b2c3d4e5f6071"
    os.rename(lock_directory(tmp_path) / "root.json", left)
    with lock(tmp_path):
        assert names(tmp_path) == ["root.json"]


def test_the_owner_is_named_whatever_the_environment_says(monkeypatch):
    monkeypatch.delenv("USER", raising=False)
    name = pwd.getpwuid(os.getuid()).pw_name
    assert new_owner("run", ["run"])["user"] == name


def test_a_lock_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    plain = Path.write_text

    def fails(path, *arguments, **options):
        plain(path, "", **options)
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(Path, "write_text", fails)
    with pytest.raises(LockError, match="Input/output"), lock(tmp_path):
        pass
    assert not list(lock_directory(tmp_path).iterdir())
