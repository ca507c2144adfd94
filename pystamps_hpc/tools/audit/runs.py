"""One run of a target in a process of its own, as a user would start it."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...stages.base import Scope
from .manifest import Target

AS_ROOT = (
    "mpirun refuses to run as root; use another account, or set OMPI_ALLOW_RUN_AS_ROOT=1 and "
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
)


@dataclass(frozen=True)
class Run:
    """What became of one run.

    Parameters
    ----------
    ok : bool
        Whether every task of the window was completed.
    message : str
        Why not.
    start_step, end_step, ranks, backend : int, int, int, str
        What was run.
    wall_sec : float
        Elapsed time.
    """

    ok: bool
    message: str
    start_step: int
    end_step: int
    ranks: int
    backend: str
    wall_sec: float


def run_copy(
    copy: Path,
    target: Target,
    backend: str,
    ranks: int,
    steps: tuple[int, int],
    scope: Scope | None = None,
) -> Run:
    """Run stages on a copy with the command line.

    Parameters
    ----------
    copy : Path
        Dataset directory.
    target : Target
        Configuration and time limit.
    backend : str
        Backend of every kernel.
    ranks : int
        MPI size; 1 is started without a launcher.
    steps : (int, int)
        First and last stage.
    scope : {"patch", "merged"}, optional
        Only tasks of one scope.
    """
    config = copy.with_suffix(".json")
    config.write_text(json.dumps(_config(target, backend)), encoding="utf-8")
    command = [sys.executable, "-m", "pystamps_hpc", "--config", str(config), "--progress", "none"]
    command += ["run", "--dataset", str(copy), "--force"]
    command += ["--start-step", str(steps[0]), "--end-step", str(steps[1])]
    if scope is not None:
        command += ["--part", "patches" if scope == "patch" else "merged"]
    if ranks > 1:
        command = [_launcher(), "-n", str(ranks), *command]
    started = time.monotonic()
    message = _outcome(command, target.timeout_sec)
    wall = round(time.monotonic() - started, 3)
    return Run(not message, message, *steps, ranks, backend, wall)


def last_words(said: str, lines: int = 1) -> str:
    """Return the end of what a run or its launcher has said, or the cause where that is known."""
    if "attempt to run as root" in said:
        return AS_ROOT
    words = [line.strip() for line in said.splitlines() if line.strip("- ")]
    return " ".join(words[-lines:]) or "no message"


def _launcher() -> str:
    """Return the ``mpirun`` that came with this interpreter, else the one on the path."""
    own = Path(sys.executable).with_name("mpirun")
    return str(own) if own.exists() else "mpirun"


def _config(target: Target, backend: str) -> dict[str, dict[str, Any]]:
    from pystamps_kernels.contracts import all_kernels

    tree = target.run_config.to_dict()
    tree["runtime"]["kernel_backend_overrides"] = dict.fromkeys(all_kernels(), backend)
    return tree


def _outcome(command: list[str], timeout: float) -> str:
    """Run a command and return what went wrong, nothing when every task was completed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return f"no end after {timeout:g} s"
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    if done.returncode:
        return f"exit code {done.returncode}: {last_words(done.stderr)}"
    rows = json.loads(done.stdout)["results"]
    left = [row for row in rows if row["status"] != "completed"]
    return "; ".join(
        f"stage {row['stage']} {row['target']} {row['status']}: {row['details']}" for row in left
    )
