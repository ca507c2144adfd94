"""Whole chains on small simulated datasets: made, run by command, stopped, and compared."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pystamps_hpc.dataset.mat import MatFile
from pystamps_hpc.dataset.tree import STATE_DIRECTORY
from pystamps_hpc.pipeline.table import tasks
from pystamps_hpc.stages.base import Mode
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.child_run import ChildRun
from tests.mpi import mpi_run
from tests.stub_chain import artifacts, tree_digest

HANG_SEC = 30.0
SIGNAL_SEC = 60.0


def command(arguments: list[str], ranks: int = 0, module: str = "pystamps_hpc") -> list[str]:
    """Return a command line of the program: without a launcher (0), or on `ranks` ranks."""
    words = ["-m", module, *arguments]
    return mpi_run.command(ranks, words) if ranks else [sys.executable, *words]


def start(
    arguments: list[str], ranks: int = 0, module: str = "pystamps_hpc", **variables: str
) -> "subprocess.Popen[str]":
    """Start a command with its streams in pipes."""
    return child_run.start(
        command(arguments, ranks, module), {**mpi_run.environment(), **variables}
    )


def wait(job: "subprocess.Popen[str]", timeout: float) -> ChildRun:
    """Wait for a job; one that hangs is ended and fails the test."""
    ended = child_run.wait(job, timeout)
    assert not ended.timed_out, f"the job hangs after {timeout} s\n{ended.out}\n{ended.err}"
    return ended


def failed(ended: ChildRun) -> list[dict]:
    """Return the rows of the report that failed."""
    return [row for row in ended.report["results"] if row["status"] == "failed"]


def run(
    arguments: list[str],
    ranks: int = 0,
    module: str = "pystamps_hpc",
    timeout: float = 300.0,
    **variables: str,
) -> ChildRun:
    """Run a command to its end."""
    return wait(start(arguments, ranks, module, **variables), timeout)


def run_chain(root: Path, *options: str, ranks: int = 0, timeout: float = 300.0) -> ChildRun:
    """Run stages on a dataset; it has to succeed."""
    ended = run(["run", "--dataset", str(root), "-q", *options], ranks, timeout=timeout)
    assert ended.code == 0, ended.err
    return ended


def copy(source: Path, target: Path) -> Path:
    """Copy a dataset with its state, so that nothing in it is stale or due."""
    shutil.copytree(source, target, symlinks=True)
    return target


def files(root: Path) -> dict[str, str]:
    """Return the checksum of every file but the state directories'."""
    return tree_digest(root, without=(STATE_DIRECTORY,))


def arrays(root: Path) -> dict[str, tuple[str, tuple[int, ...], str]]:
    """Return class, shape and checksum of every array of every MAT file, in any format."""
    found = {}
    for name in artifacts(root):
        with MatFile(root / name) as file:
            for key in file.variables:
                value = file.read(key)
                found[f"{name}:{key}"] = described(value)
    return found


def described(value: object) -> tuple[str, tuple[int, ...], str]:
    """Return class, shape and checksum of a value read from a MAT file."""
    if isinstance(value, str):
        return "char", (len(value),), value
    if hasattr(value, "toarray"):
        value = value.toarray()
    array = np.ascontiguousarray(value)
    return array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest()


def differing(one: dict, other: dict) -> list[str]:
    """Return the names whose values differ or that only one side has."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def torn_bundles(root: Path, *allowed: dict[str, str], mode: Mode = "ps") -> list[str]:
    """Return what is wrong with the artifacts of a dataset that a run has left at any moment.

    Every MAT file must be readable to its last byte; a bundle whose marker is there must be whole,
    and wholly of one of the `allowed` states (name -> checksum).
    """
    wrong = []
    for name in artifacts(root):
        try:
            with MatFile(root / name) as file:
                for key in file.variables:
                    file.read(key)
        except Exception as error:
            wrong.append(f"{name} cannot be read: {error}")
    now = artifacts(root)
    folders = [root, *(path for path in root.iterdir() if path.name.startswith("PATCH_"))]
    for folder in folders:
        for row in tasks(mode):
            if (row.spec.scope == "merged") != (folder == root):
                continue
            place = "" if folder == root else f"{folder.name}/"
            if f"{place}{row.spec.marker}.mat" not in now:
                continue
            lost = [name for name in row.required if f"{place}{name}.mat" not in now]
            wrong += [f"{place}{name}.mat is missing beside its marker" for name in lost]
            # stage 8 adds to a file of stage 6, which is of neither state before that
            own = [f"{place}{name}.mat" for name in row.required if name != "uw_space_time"]
            if not any(all(now.get(n) == state.get(n) for n in own) for state in allowed):
                wrong.append(f"{place}{row.spec.marker}: files of several runs")
    return wrong


def leftovers(root: Path) -> list[str]:
    """Return staged files and checkpoints that a finished run has left behind."""
    return [
        path.relative_to(root).as_posix()
        for kind in ("tmp", "memo", "lock")
        for path in root.rglob(f"{STATE_DIRECTORY}/{kind}/*")
    ] + [path.relative_to(root).as_posix() for path in root.rglob(".*.tmp")]


def ranks_of(job: "subprocess.Popen[str]") -> dict[int, int]:
    """Return rank -> process of a running mpirun; a run without launcher is rank 0."""
    found = {}
    for pid in _descendants(job.pid):
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        for variable in variables:
            if variable.startswith(b"OMPI_COMM_WORLD_RANK=") and b"python" in words.split(b"\0")[0]:
                found.setdefault(int(variable.partition(b"=")[2]), pid)
    return found or {0: job.pid}


def pool_of(job: "subprocess.Popen[str]") -> list[int]:
    """Return the processes that a run has started to work on patches."""
    found = []
    for pid in _descendants(job.pid):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"pystamps_hpc.pipeline.pool" in words or b"work" in words:
                found.append(pid)
    return found


def _descendants(pid: int) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(status[1]) == pid:
            yield int(folder.name)
            yield from _descendants(int(folder.name))


def wait_for_ranks(job: "subprocess.Popen[str]", count: int) -> dict[int, int]:
    """Wait until mpirun has started `count` ranks; return rank -> process."""
    return until(lambda: found if len(found := ranks_of(job)) == count else None, job)


def until(happened: Callable[[], object], job: "subprocess.Popen[str]", timeout: float = 60.0):
    """Wait until something has happened in a running job; return what."""
    deadline = time.monotonic() + timeout
    while not (what := happened()):
        assert job.poll() is None, "the job ended before the awaited moment\n" + job.stderr.read()
        assert time.monotonic() < deadline, "the awaited moment did not come"
        time.sleep(0.002)
    return what


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to one process; no harm if it has just ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


SNAPHU_THAT_WAITS = """\
#!/bin/sh
# The real SNAPHU, but the third and later rasters wait until they are let through.
[ $# -eq 0 ] && exec {snaphu}
if ! mkdir {folder}/first 2>/dev/null && ! mkdir {folder}/second 2>/dev/null; then
    touch {folder}/waiting
    while [ ! -e {folder}/open ]; do sleep 0.02; done
fi
exec {snaphu} "$@"
"""


@dataclass(frozen=True)
class Gate:
    """A SNAPHU that solves two interferograms and then works until it is let through."""

    folder: Path
    config: Path

    def waiting(self) -> bool:
        """Whether a call is under way."""
        return (self.folder / "waiting").exists()

    def open(self) -> None:
        """Let all calls through."""
        (self.folder / "open").touch()


@contextmanager
def gated_snaphu(folder: Path, snaphu: str) -> Iterator[Gate]:
    """Make a gate; calls that still wait at the end are let through."""
    folder.mkdir()
    program = folder / "snaphu-that-waits"
    program.write_text(SNAPHU_THAT_WAITS.format(folder=folder, snaphu=snaphu))
    program.chmod(0o755)
    config = folder / "config.json"
    asked = {"runtime": {"stage6_solver": "snaphu"}, "tools": {"snaphu": str(program)}}
    config.write_text(json.dumps(asked))
    gate = Gate(folder, config)
    try:
        yield gate
    finally:
        gate.open()


def memos(root: Path) -> list[Path]:
    """Return the checkpoints of a dataset's merged stages."""
    return sorted((root / STATE_DIRECTORY / "memo").glob("*/*.npz"))
