"""Who is alive: also where the processes of other users cannot be seen."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pystamps_hpc
from pystamps_hpc.dataset import owner
from pystamps_hpc.dataset.owner import is_dead, left_behind, process_start, scratch_prefix
from tests.dataset.lock_race import dead_pid

HIDDEN = """
mount -t proc -o hidepid=2 proc /proc || exit 77
exec setpriv --reuid=65534 --regid=65534 --clear-groups {python} -B -c "
import os, sys
sys.path.insert(0, '{package}')
from pystamps_hpc.dataset.owner import is_dead, process_start
print(os.path.exists('/proc/{pid}'), is_dead({pid}, {start}), is_dead({dead}, 1))
"
"""


def test_a_process_of_another_user_that_cannot_be_seen_is_alive(monkeypatch):
    def hidden(pid):
        raise FileNotFoundError(2, "No such file or directory", f"/proc/{pid}/stat")

    def not_ours(pid, signal):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(owner, "_status", hidden)
    assert not is_dead(os.getpid(), 1)
    assert is_dead(dead_pid(), 1)
    assert is_dead(2**40, 1)
    monkeypatch.setattr(os, "kill", not_ours)
    assert not is_dead(4711, 1)


def test_a_second_user_does_not_take_a_hidden_process_for_dead():
    """With a ``/proc`` mounted so that users see their own processes only, as clusters do."""
    if os.getuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("only root can hide processes")
    script = HIDDEN.format(
        python=sys.executable, package=Path(pystamps_hpc.__file__).parents[1],
        pid=os.getpid(), start=process_start(os.getpid()), dead=dead_pid(),
    )  # fmt: skip
    answer = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        pytest.skip(f"a second user cannot be had here: {answer.stderr.strip()[-80:]}")
    assert answer.stdout.split() == ["False", "False", "True"]


def test_only_the_scratch_folders_of_dead_processes_are_left_behind(tmp_path):
    mine = tmp_path / f"{scratch_prefix('kind-000001')}abc"
    words = mine.name.rsplit("-", 4)
    dead = tmp_path / "-".join([words[0], words[1], str(dead_pid()), *words[3:]])
    later = tmp_path / "-".join([*words[:3], "1", "abc"])
    elsewhere = tmp_path / "-".join([words[0], "0badcafe", str(dead_pid()), *words[3:]])
    for folder in (mine, dead, later, elsewhere, tmp_path / "kind-other"):
        folder.mkdir()
    assert set(left_behind(tmp_path, "kind")) == {dead, later}


def test_a_scratch_folder_that_its_owner_removes_meanwhile_is_no_error(tmp_path, monkeypatch):
    gone = tmp_path / f"{scratch_prefix('kind-000001')}abc"
    monkeypatch.setattr(type(tmp_path), "glob", lambda self, pattern: iter([gone]))
    assert left_behind(tmp_path, "kind") == []
