import os
import time
from types import SimpleNamespace

import numpy as np
import pytest

from pystamps_hpc.dataset import contents
from pystamps_hpc.dataset.contents import SMALL_BYTES, Content, content
from pystamps_hpc.dataset.mat import read_mat, write_mat

LATER_NS = 10 * 10**9


@pytest.fixture
def later(monkeypatch):
    """The clock says that all files were written some time ago."""
    now = time.time_ns
    monkeypatch.setattr(contents.time, "time_ns", lambda: now() + LATER_NS)


@pytest.fixture
def path(tmp_path, later):
    """A file that was written some time ago."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    return path


def test_a_file_that_nobody_touched_is_not_read_again(path):
    assert content(path) is content(path)
    assert content(path).data == b"old"


def test_a_file_is_opened_though_its_content_is_held(path, monkeypatch):
    """On NFS only opening it tells whether another node has replaced it."""
    content(path)
    asked = []
    open_regular = contents.open_regular
    monkeypatch.setattr(contents, "open_regular", lambda at: asked.append(at) or open_regular(at))
    content(path)
    assert asked == [path]


def test_a_file_that_was_moved_is_read_again(path):
    before = content(path)
    moved = path.rename(path.with_name("b"))
    assert content(moved) is not before
    assert content(moved).data == b"old"
    with pytest.raises(FileNotFoundError):
        content(path)


def test_a_change_in_place_is_seen_though_size_and_time_stay(path):
    status = os.stat(path)
    content(path)
    path.write_bytes(b"new")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert content(path).data == b"new"


def test_another_file_in_its_place_is_seen_though_size_and_time_stay(path):
    status = os.stat(path)
    content(path)
    other = path.with_name("b")
    other.write_bytes(b"new")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert content(path).data == b"new"


@pytest.mark.parametrize(
    ("age_ns", "settled"),
    [(-(10**9), False), (5_000_000, False), (10**9, False), (3 * 10**9, True)],
    ids=["server's clock ahead", "same tick", "same second", "seconds later"],
)
def test_a_file_is_remembered_once_another_change_would_show(path, monkeypatch, age_ns, settled):
    written_ns = 1_700_000_000 * 10**9 + 123_456_789

    def at_that_time(look):
        def seen(file):
            found = look(file)
            values = {name: getattr(found, name) for name in dir(found)}
            return SimpleNamespace(**values | {"st_ctime_ns": written_ns})

        return seen

    with monkeypatch.context() as patched:
        for name in ("stat", "fstat"):
            patched.setattr(contents.os, name, at_that_time(getattr(os, name)))
        patched.setattr(contents.time, "time_ns", lambda: written_ns + age_ns)
        same = content(path) is content(path)
    assert same == settled


def test_a_matrix_that_has_just_been_written_anew_is_read_anew(tmp_path):
    path = tmp_path / "a.mat"
    for k in range(20):
        write_mat(tmp_path / "new.mat", {"x": np.full((2, 2), float(k))}, fsync=False)
        path.write_bytes((tmp_path / "new.mat").read_bytes())  # in place, of the same size
        np.testing.assert_array_equal(read_mat(path)["x"], k)


def test_a_large_file_and_what_is_no_file_are_not_held(tmp_path):
    large = tmp_path / "large"
    large.write_bytes(bytes(SMALL_BYTES + 1))
    assert content(large) is None
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        content(tmp_path / "pipe")


def test_of_more_files_than_there_is_room_for_the_ones_read_last_are_held(
    tmp_path, monkeypatch, later
):
    monkeypatch.setattr(contents, "_HELD", contents._Held())
    monkeypatch.setattr(contents, "MOST_BYTES", 3000)
    paths = [tmp_path / str(k) for k in range(4)]
    for path in paths:
        path.write_bytes(bytes(1000))
    found = [content(path) for path in paths[:3]]
    assert content(paths[0]) is found[0]
    content(paths[3])
    assert content(paths[0]) is found[0]
    assert content(paths[1]) is not found[1]


def test_what_is_made_of_a_file_is_made_once():
    made = []
    held = Content(b"abc")
    for _ in range(2):
        assert held.once("length", lambda: made.append(1) or len(held.data)) == 3
    assert made == [1]
