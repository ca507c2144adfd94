"""Signals: noted while the main thread works, and obeyed in time even without a safe point."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc import cli
from pystamps_hpc.dataset.owner import process_start
from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.errors import EXIT_OF_SIGNAL
from pystamps_hpc.parallel import interruption
from pystamps_hpc.parallel.interruption import Interrupted
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.saving import _LargeValue, _stream
from pystamps_hpc.pipeline.visibility import wait_until

LISTENER = """
import pathlib, subprocess, sys, time
from pystamps_hpc.parallel import interruption

def before_leaving(name, code):
    print(f"leaving {name} {code}", flush=True)

interruption.SAFE_POINT_WITHIN_SEC = float(sys.argv[1])
interruption.listen(before_leaving)
program = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           process_group=0)
scratch = pathlib.Path("scratch")
scratch.mkdir()
with interruption.child_program(program, scratch):
    print(program.pid, file=open("pid", "w"), flush=True)
    print("listening", flush=True)
    {work}
"""
BUSY = "time.sleep(600)"
IN_A_KERNEL = """
    from numba import njit
    @njit(nogil=True)
    def spin(n):
        total = 0
        for k in range(n):
            total ^= k * total + 1
        return total
    spin(1)
    print("working", flush=True)
    print(spin(10**13))
"""
POLLING = """
    try:
        while True:
            interruption.check()
            time.sleep(0.01)
    except interruption.Interrupted as stop:
        print("safe point", flush=True)
        sys.exit(stop.exit_code)
"""


def start(folder, work, patience, line="listening\n"):
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENER.replace("{work}", work), str(patience)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.stdout.readline() != line:
        assert process.poll() is None, process.stderr.read()
    return process


@pytest.mark.parametrize("name", EXIT_OF_SIGNAL)
def test_a_safe_point_is_waited_for(tmp_path, name):
    process = start(tmp_path, POLLING, 30)
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=20)
    assert process.returncode == EXIT_OF_SIGNAL[name]
    assert out == "safe point\n"
    assert f"{name}: stopping at the next safe point" in err


@pytest.mark.parametrize(("work", "line"), [(BUSY, "listening\n"), (IN_A_KERNEL, "working\n")])
def test_without_a_safe_point_the_process_and_its_programs_end_in_time(tmp_path, work, line):
    process = start(tmp_path, work, 0.5, line)
    began = time.monotonic()
    process.send_signal(signal.SIGUSR1)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == 75
    assert out.splitlines()[-1] == "leaving SIGUSR1 75"
    assert "no safe point within" in err
    program = int((tmp_path / "pid").read_text())
    time.sleep(0.2)
    assert process_start(program) is None
    assert not (tmp_path / "scratch").exists()


def test_waiting_for_files_of_other_nodes_hears_a_signal(monkeypatch):
    monkeypatch.setattr(interruption._listener, "received", "SIGUSR1")
    with pytest.raises(Interrupted):
        wait_until(lambda: False)


def test_a_publication_that_is_being_staged_hears_a_signal(monkeypatch):
    key = ARTIFACTS["ph1"].keys["ph"]
    stream = _stream(_LargeValue(np.zeros((5, 2), "c8"), key, "ph1.ph"), SerialTeam())
    monkeypatch.setattr(interruption._listener, "received", "SIGTERM")
    with pytest.raises(Interrupted):
        list(stream.blocks)


def test_a_second_signal_ends_at_once_and_the_same_within_two_seconds_counts_as_one(tmp_path):
    process = start(tmp_path, BUSY, 30)
    process.send_signal(signal.SIGUSR1)
    time.sleep(0.1)
    process.send_signal(signal.SIGUSR1)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    err = process.communicate(timeout=20)[1]
    assert process.returncode == 143
    assert err.endswith(
        "SIGTERM: leaving at once; the same command goes on from what is finished\n"
    )


def test_a_run_that_leaves_without_a_safe_point_reports_its_exit_code(tmp_path):
    cli._report_end(str(tmp_path / "report.json"), "SIGUSR1", 75)
    text = (tmp_path / "report.json").read_text()
    assert json.loads(text) == {"ok": False, "interrupted": "SIGUSR1", "exit_code": 75}
    assert '\n  "exit_code": 75' in text, "what the job scripts look for"
    assert Interrupted("SIGUSR1").exit_code == 75


ENDING = """
import atexit, sys, time
from pystamps_hpc.parallel import interruption
interruption.listen()
atexit.register(lambda: (print("ending", flush=True), time.sleep(1)))
while not interruption.requested():
    time.sleep(0.01)
interruption.conclude()
sys.exit(75)
"""


def test_a_second_signal_while_the_process_ends_keeps_the_exit_code():
    process = subprocess.Popen([sys.executable, "-c", ENDING], stdout=subprocess.PIPE, text=True)
    while not interruption_is_heard(process):
        time.sleep(0.05)
    assert process.stdout.readline() == "ending\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 75


def interruption_is_heard(process):
    """Send SIGUSR1 once the process listens; before, it would die of it."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = status.partition("SigCgt:")[2].split()[0]
    if not int(caught, 16) >> (signal.SIGUSR1 - 1) & 1:
        return False
    process.send_signal(signal.SIGUSR1)
    return True
