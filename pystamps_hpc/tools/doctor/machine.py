"""The ranks and what they run on: processors, memory, MPI, devices, programs, caches."""

import os
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pystamps_kernels.dispatch import installed, threading_layer, unavailable_reason
from pystamps_kernels.native.seed import SEED

from ...config import RunConfig
from ...errors import BackendUnavailableError, Exit
from ...parallel.cpus import cpu_budget, mixed_cpus
from ...parallel.launcher import OPEN_MPI, launcher_hint
from ...parallel.memory import group_memory, machine_memory
from ...parallel.team import Team
from ...programs.snaphu import find_snaphu
from ..backends import describe_backend_matrix
from .findings import Problem

CACHES = {"numba": "NUMBA_CACHE_DIR", "cupy": "CUPY_CACHE_DIR"}


def launcher() -> dict[str, Any]:
    """Return what the environment says about the launcher of this process."""
    hint = launcher_hint(os.environ)
    if hint is None:
        return {"name": None, "hint_size": 1, "hint_rank": 0}
    return {"name": hint.name, "hint_size": hint.size, "hint_rank": hint.rank}


def mpi(team: Team) -> dict[str, Any]:
    """Return the message-passing library in use; without one, which could be used."""
    level = None
    if team.library:
        from ...parallel.world import threads_allowed

        level = "multiple" if threads_allowed() else "less than multiple"
    return {
        "enabled": bool(team.library),
        "library": team.library or None,
        "size": team.size,
        "thread_level": level,
        "mpi4py": _version("mpi4py"),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def ranks(team: Team, config: RunConfig) -> list[dict[str, Any]]:
    """Describe every rank; collective."""
    workers = config.runtime.cpu_workers
    alone = team.on_each(
        lambda: {
            "budget": cpu_budget(team.members, team.rank, workers).threads,
            "memory_limit_mib": memory_limit_mib(),
            "devices": describe_backend_matrix(config)["providers"]["cuda"]["devices"],
        }
    )
    return [
        {
            "rank": member.rank,
            "host": member.host,
            "local_rank": member.local_rank,
            "visible_cpus": member.visible,
            "cpu_model": member.cpu_model,
            **alone[member.rank],
        }
        for member in team.members
    ]


def rank_problems(team: Team, config: RunConfig) -> Iterator[Problem]:
    """Say what is odd about the processors of the ranks."""
    open_mpi = launcher()["name"] == OPEN_MPI
    budget = cpu_budget(team.members, 0, config.runtime.cpu_workers, open_mpi=open_mpi)
    for warning in budget.warnings:
        problem, _, remedy = warning.partition("; ")
        yield Problem(problem, remedy or "lower runtime.cpu_workers")
    if mixed := mixed_cpus(team.members):
        problem, _, result = mixed.partition("; ")
        yield Problem(problem, f"{result}: ask the scheduler for one type of node")
    if team.library and mpi(team)["thread_level"] != "multiple":
        yield Problem(
            f"{team.library} allows less than MPI_THREAD_MULTIPLE",
            "work is dealt out beforehand instead of on demand; use a library built with threads",
        )


def tools(config: RunConfig) -> dict[str, Any]:
    """Return the external programs and optional packages that were found."""
    snaphu = find_snaphu(config.tools.snaphu)
    return {
        "stage6_solver": config.runtime.stage6_solver,
        "snaphu": snaphu,
        "snaphu_starts": snaphu is not None and _starts(snaphu),
        "triangle": _version("triangle") if find_spec("triangle") else None,
        "matplotlib": _version("matplotlib"),
        "numba": _version("numba"),
        "threading_layer": None if unavailable_reason("native") else threading_layer(),
    }


def _starts(program: str) -> bool:
    """Whether a program can be executed here; SNAPHU without arguments prints its usage."""
    try:
        subprocess.run([program, "-h"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return True


def tool_problems(found: dict[str, Any]) -> Iterator[Problem]:
    """Say which programs are missing and what cannot be done without them."""
    extra = "install the extra 'unwrap' (pip install '.[unwrap]' in the source folder)"
    if found["stage6_solver"] == "snaphu":
        yield from _snaphu_problems(found, extra)
    if found["triangle"] is None:
        yield Problem("Triangle was not found: ties of stages 4 and 7 differ from StaMPS", extra)
    if found["matplotlib"] is None:
        yield Problem("matplotlib was not found: no velocity map is drawn",
                      "install the extra 'viz'")  # fmt: skip


def thread_problems(found: dict[str, Any]) -> Iterator[Problem]:
    """Say what is wrong with the compiler of the kernels, or with its threads."""
    if reason := unavailable_reason("native"):
        problem, _, remedy = reason.partition("; ")
        stops = BackendUnavailableError.exit_code if installed("native") else Exit.OK
        yield Problem(f"no native kernels: {problem}", remedy or "install it", stops)
    elif found["threading_layer"] == "workqueue":
        yield Problem(
            "Numba's threads are its work queue, so kernels run one after the other",
            "install libgomp (Debian: libgomp1, Fedora: libgomp), or TBB with pip install tbb",
        )


def _snaphu_problems(found: dict[str, Any], extra: str) -> Iterator[Problem]:
    if found["snaphu"] is None:
        yield Problem("SNAPHU was not found: stage 6 cannot run", f"{extra} or set tools.snaphu")
    elif not found["snaphu_starts"]:
        yield Problem(f"{found['snaphu']} cannot be executed: stage 6 cannot run",
                      "check its permissions and libraries, or set tools.snaphu")  # fmt: skip


def caches(environ: dict[str, str]) -> dict[str, Any]:
    """Return where compiled kernels are kept and whether they can be."""
    found = {}
    for name, variable in CACHES.items():
        place = environ.get(variable)
        path = Path(place) if place else None
        found[name] = {
            "path": place,
            "writable": path is not None and _writable(path),
            "files": _compiled(path),
        }
    found["image"] = {"path": environ.get(SEED), "files": _compiled(_image_kernels(environ))}
    return found


def _compiled(path: Path | None) -> int:
    return sum(1 for _ in path.rglob("*.nbc")) if path and path.is_dir() else 0


def _image_kernels(environ: dict[str, str]) -> Path | None:
    """Return the folder of an image with kernels for this processor, whether it is there or not."""
    if SEED not in environ or unavailable_reason("native"):
        return None
    from pystamps_kernels.native.cache import fingerprint

    return Path(environ[SEED], f"kernels-{fingerprint()}")


def _writable(path: Path) -> bool:
    while not path.exists() and path != path.parent:
        path = path.parent
    return os.access(path, os.W_OK)


def cache_problems(found: dict[str, Any]) -> Iterator[Problem]:
    """Say which caches cannot be written or are still empty."""
    numba, image = found["numba"], found["image"]
    if image["files"]:
        return
    if numba["path"] and not numba["writable"]:
        yield Problem(
            f"kernel cache {numba['path']} is not writable; compiling in every process",
            "set PYSTAMPS_HPC_CACHE_DIR to a directory you may write",
        )
    elif numba["path"] and not numba["files"]:
        other = "image is of another type of processor, " if image["path"] else ""
        yield Problem(f"{other}kernel cache {numba['path']} is empty; the first run compiles",
                      "run pystamps-hpc warmup once")  # fmt: skip


def memory_limit_mib(root: Path = Path("/")) -> int | None:
    """Return the memory this process may fill [MiB]: of the machine, or less by control group."""
    limits = [*machine_memory(root, "MemTotal"), *group_memory(root)]
    return min(limits) // 2**20 if limits else None
