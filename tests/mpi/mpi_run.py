"""Start programs under mpirun, quietly, on a machine that has fewer cores than ranks."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from benchmarks import machine
from pystamps_hpc.errors import ToolMissingError
from pystamps_hpc.parallel.launcher import launcher_hint
from pystamps_hpc.tools import child_run

ROOT = Path(__file__).parents[2]


def why_not() -> str:
    """Say why MPI programs cannot be started here; an empty string if they can."""
    if importlib.util.find_spec("mpi4py") is None:
        return "mpi4py is not installed"
    try:
        child_run.mpirun(2)
    except ToolMissingError as error:
        return str(error)
    return ""


needs_mpi = pytest.mark.skipif(bool(why_not()), reason=why_not() or "MPI runs")
starts_jobs = [
    needs_mpi,
    pytest.mark.skipif(
        launcher_hint(os.environ) is not None, reason="jobs are not started from inside a job"
    ),
]


def environment() -> dict[str, str]:
    """Return the environment of a child run; what the caller has set wins."""
    paths = [str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
    return {
        **machine.child_environment(os.environ),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def command(n: int, arguments: list[str]) -> list[str]:
    """Return the command line that runs Python with `arguments` on `n` ranks."""
    return [*child_run.mpirun(n), sys.executable, *arguments]


def run(n: int, arguments: list[str], timeout: float = 60.0) -> child_run.ChildRun:
    """Run Python with `arguments` on `n` ranks; a run that hangs fails the test."""
    ended = child_run.wait(child_run.start(command(n, arguments), environment()), timeout)
    assert not ended.timed_out, f"{n} ranks hang after {timeout} s\n{ended.out}\n{ended.err}"
    return ended
