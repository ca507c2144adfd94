"""What works for a process ends with it, also when it is killed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pystamps_hpc.dataset.owner import is_dead, process_start
from pystamps_hpc.parallel import child_processes

UNWRAPPING = """
import sys
import numpy as np
from pystamps_hpc.programs.snaphu import run_snaphu
costs = np.zeros((3, 4, 4), np.int16), np.zeros((4, 3, 4), np.int16)
run_snaphu(np.ones((4, 4), np.complex64), *costs, sys.argv[1], 0, lambda: None)
"""
POOL = """
import os, subprocess, time
from multiprocessing import Pipe
from pystamps_hpc.pipeline.pool import COMMAND
here, there = Pipe()
program = subprocess.Popen([*COMMAND, str(there.fileno()), str(os.getpid())],
                           pass_fds=[there.fileno()])
print(program.pid, file=open("pid.part", "w"), flush=True)
os.rename("pid.part", "pid")
time.sleep(60)
"""
SOLVER = (
    "#!/bin/sh\necho $$ > {folder}/pid.part\nmv {folder}/pid.part {folder}/pid\nexec sleep 60\n"
)


def until(happened, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def killed(folder, program, *words):
    """Start a program, kill it once a companion has left its number, and return that number."""
    script = folder / "program.py"
    script.write_text(program)
    environ = {**os.environ, "TMPDIR": str(folder),
               "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # fmt: skip
    process = subprocess.Popen([sys.executable, script, *words], cwd=folder, env=environ)
    until((folder / "pid").exists)
    pid = int((folder / "pid").read_text())
    start = process_start(pid)
    process.kill()
    process.wait()
    return pid, start


@pytest.fixture
def solver(tmp_path):
    """A SNAPHU that works for a minute."""
    path = tmp_path / "solver"
    path.write_text(SOLVER.format(folder=tmp_path))
    path.chmod(0o755)
    return path


def test_snaphu_ends_with_a_killed_run_and_the_next_run_clears_its_folder(
    tmp_path, solver, monkeypatch
):
    pid, start = killed(tmp_path, UNWRAPPING, str(solver))
    until(lambda: is_dead(pid, start), 5)
    (left,) = tmp_path.glob("pystamps-snaphu-*")
    solver.write_text("#!/bin/sh\nexit 3\n")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(Exception, match="status 3"):
        exec(UNWRAPPING.replace("sys.argv[1]", repr(str(solver))), {})
    assert not left.exists()


def test_a_worker_of_the_pool_ends_with_a_killed_run(tmp_path):
    pid, start = killed(tmp_path, POOL)
    until(lambda: is_dead(pid, start), 5)


def test_a_program_whose_starter_has_already_ended_does_not_begin(tmp_path):
    command = child_processes.ending_with_parent(["/bin/touch", str(tmp_path / "begun")])
    command[4] = "1"  # not the process that starts it here
    assert command[4] != str(os.getpid())
    assert subprocess.run(command, check=False).returncode == 1
    assert not (tmp_path / "begun").exists()


def test_killing_a_program_ends_what_it_has_started(tmp_path):
    flag = tmp_path / "pid"
    program = subprocess.Popen(
        ["/bin/sh", "-c", f"sleep 60 & echo $! > {flag}; wait"], process_group=0
    )
    until(lambda: flag.exists() and flag.read_text().strip())
    pid = int(Path(flag).read_text())
    start = process_start(pid)
    child_processes.kill(program)
    program.wait()
    until(lambda: is_dead(pid, start), 5)
