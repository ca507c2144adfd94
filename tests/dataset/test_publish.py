"""Publication: whatever happens at whatever step, a complete bundle never mixes two runs."""

import errno
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from pystamps_hpc.dataset import publish
from pystamps_hpc.dataset.publish import Publication, staging_root, write_text
from pystamps_hpc.errors import PublishError

OPTIONAL, REQUIRED = ("la1", "da1"), ("ph1", "bp1", "ps1")
NEW = ("la1", *REQUIRED)  # the new bundle has no da1


def write_bundle(target, names, text):
    with Publication(target, f"run-{text}") as publication:
        for name in names:
            publication.path(name).write_text(text)
        publication.commit(names, [name for name in OPTIONAL if name not in names])


def state(target):
    """Return old, incomplete or new for what lies in the target."""
    found = {path.stem: path.read_text() for path in target.glob("*.mat")}
    if not set(REQUIRED) <= set(found):
        return "incomplete"
    texts = set(found.values())
    assert len(texts) == 1, f"a complete bundle mixes two runs: {found}"
    assert ("da1" in found) == (texts == {"old"})
    return texts.pop()


@pytest.fixture
def target(tmp_path):
    write_bundle(tmp_path, (*OPTIONAL, *REQUIRED), "old")
    assert state(tmp_path) == "old"
    return tmp_path


def steps(monkeypatch, act):
    """Call `act` with the number of the step before every change of the directory."""
    count = iter(range(1000))
    replace, unlink = os.replace, Path.unlink

    def replacing(source, destination):
        act(next(count))
        replace(source, destination)

    def unlinking(path, missing_ok=False):
        act(next(count))
        unlink(path, missing_ok=missing_ok)

    def flushing(path):
        act(next(count))

    monkeypatch.setattr(os, "replace", replacing)
    monkeypatch.setattr(Path, "unlink", unlinking)
    monkeypatch.setattr(publish, "flush", flushing)


N_STEPS = 1 + 1 + len(NEW) + 1  # marker, da1, renames, flush


@pytest.mark.parametrize("step", range(N_STEPS + 1))
def test_a_process_that_is_killed_leaves_the_old_an_incomplete_or_the_new_bundle(
    target, monkeypatch, step
):
    child = os.fork()
    if child == 0:
        steps(monkeypatch, lambda k: os.kill(os.getpid(), signal.SIGKILL) if k == step else None)
        write_bundle(target, NEW, "new")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) == (step < N_STEPS)
    expected = "old" if step == 0 else "new" if step >= N_STEPS - 1 else "incomplete"
    assert state(target) == expected
    write_bundle(target, NEW, "new")
    assert state(target) == "new"


def test_the_record_is_written_when_the_old_marker_is_gone_and_no_new_file_has_come(target):
    seen = []

    def record(staged):
        there = {path.stem: path.read_text() for path in target.glob("*.mat")}
        seen.append((there, staged.read_text(), staged.stat().st_mtime_ns))

    with Publication(target, "run") as publication:
        for name in NEW:
            publication.path(name).write_text("new")
        publication.commit(NEW, ["da1"], before_moves=record)
    [(there, marker, time)] = seen
    assert NEW[-1] not in there
    assert "new" not in there.values()
    assert marker == "new"
    assert (target / f"{NEW[-1]}.mat").stat().st_mtime_ns == time


@pytest.mark.parametrize("step", range(N_STEPS))
def test_a_failing_step_publishes_nothing_and_says_which_file(target, monkeypatch, step):
    def fail(k):
        if k == step:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        steps(patch, fail)
        with pytest.raises(PublishError, match=r"^cannot publish /.*\.mat: Input/output error$"):
            write_bundle(target, NEW, "new")
    assert state(target) == ("old" if step == 0 else "incomplete")
    assert "new" not in {path.read_text() for path in target.glob("*.mat")}
    assert not any(staging_root(target).iterdir())


def test_shared_files_stay_when_a_later_file_cannot_be_moved(target, monkeypatch):
    def fail(k):
        if k == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch, Publication(target, "run") as publication:
        for name in ("bp1", "ps1"):
            publication.path(name).write_text("new")
        steps(patch, fail)
        with pytest.raises(PublishError):
            publication.commit(["bp1", "ps1"], shared={"bp1"})
    assert (target / "bp1.mat").read_text() == "new"
    assert not (target / "ps1.mat").exists()


def test_the_staging_directory_is_removed_when_the_block_fails(target):
    def half():
        with Publication(target, "run") as publication:
            publication.path("ps1").write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert state(target) == "old"
    assert not any(staging_root(target).iterdir())


def test_hard_linked_copies_of_a_dataset_stay_as_they_are(target, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy")
    for path in target.glob("*.mat"):
        os.link(path, copy / path.name)
    write_bundle(target, NEW, "new")
    assert state(target) == "new"
    assert state(copy) == "old"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EXDEV, "staging and target are on different file systems"),
        (errno.EACCES, "Permission denied"),
        (errno.EROFS, "Read-only file system"),
    ],
)
def test_the_reason_is_told(target, monkeypatch, number, message):
    def replacing(source, destination):
        raise OSError(number, os.strerror(number), source, None, destination)

    monkeypatch.setattr(os, "replace", replacing)
    with pytest.raises(PublishError) as caught:
        write_bundle(target, NEW, "new")
    assert str(caught.value) == f"cannot publish {target}/la1.mat: {message}"


def test_a_full_disk_is_told_with_what_is_free_and_needed(tmp_path):
    error = publish.write_error(tmp_path / "x" / "ps1.mat", OSError(errno.ENOSPC, ""), 3 * 2**20)
    assert str(error).startswith(f"cannot publish {tmp_path}/x/ps1.mat: no space left on device (")
    assert str(error).endswith(" MiB free, 3 MiB needed)")


def test_a_text_is_replaced_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "new" / "state.json"
    write_text(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [item.name for item in path.parent.iterdir()] == ["state.json"]


def test_when_one_file_cannot_be_flushed_nobody_is_in_the_others_any_more(tmp_path, monkeypatch):
    ended, begun = [], threading.Event()

    def flushing(path):
        if path.name == "0":
            assert begun.wait(10)
            raise OSError(errno.EIO, "broken", str(path))
        begun.set()
        time.sleep(0.05)
        ended.append(path.name)

    monkeypatch.setattr(publish, "flush", flushing)
    with pytest.raises(OSError, match="broken"):
        publish.flush_all([tmp_path / str(k) for k in range(20)])
    before = len(ended)
    time.sleep(0.15)
    assert 0 < before == len(ended) < 19
