"""A new dataset appears complete or not at all."""

import errno
import os

import pytest

from pystamps_hpc.dataset import owner
from pystamps_hpc.dataset.creation import appearing
from pystamps_hpc.errors import DatasetError


def test_what_was_written_appears_at_the_end(tmp_path):
    with appearing(tmp_path / "new" / "set") as partial:
        (partial / "file").touch()
        assert not (tmp_path / "new" / "set").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["set"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(DatasetError, match="set: cannot be written: "), appearing(tmp_path / "set"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_replaced_and_any_other_refused(tmp_path):
    (tmp_path / "set").mkdir()
    with appearing(tmp_path / "set") as partial:
        (partial / "file").touch()
    with pytest.raises(DatasetError, match="not an empty folder"), appearing(tmp_path / "set"):
        pass
    assert (tmp_path / "set" / "file").exists()


def test_what_a_killed_process_left_is_removed_and_a_living_one_keeps_its_own(
    tmp_path, monkeypatch
):
    living = tmp_path / f"{owner.scratch_prefix('.set.partial')}1"
    monkeypatch.setattr(owner.os, "getpid", lambda: 2**22 + 1)
    dead = tmp_path / f"{owner.scratch_prefix('.set.partial')}1"
    monkeypatch.undo()
    for folder in (living, dead):
        folder.mkdir()
    with appearing(tmp_path / "set"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [living.name, "set"]
