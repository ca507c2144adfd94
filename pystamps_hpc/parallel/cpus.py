"""The processors a rank may use, and how many threads it should start."""

import os
import platform
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .control_groups import control_groups, text_of
from .memory import MemoryLimits, memory_limits


@dataclass(frozen=True)
class Member:
    """One rank of a team and where it runs.

    Parameters
    ----------
    rank : int
        Number of the rank in the team.
    host : str
        Name of its machine.
    node : int
        Lowest rank on the same machine: ranks of one node have the same value.
    local_rank : int
        Position among the ranks of its node.
    affinity : frozenset of int
        Processors the operating system lets it run on; empty where the system does not say.
    visible : int
        Processors it may use, see :func:`visible_cpus`.
    installed : int
        Processors of the machine.
    cpu_model : str
        Name of the processor type.
    memory : MemoryLimits
        Memory it may fill.
    """

    rank: int
    host: str
    node: int
    local_rank: int
    affinity: frozenset[int]
    visible: int
    installed: int
    cpu_model: str
    memory: MemoryLimits = field(default_factory=MemoryLimits)


@dataclass(frozen=True)
class CpuBudget:
    """Threads for this rank's kernels, and what the user should know about them."""

    threads: int
    warnings: tuple[str, ...] = ()


def this_member(rank: int = 0, node: int = 0, local_rank: int = 0) -> Member:
    """Describe the calling process as a member of a team."""
    return Member(
        rank=rank,
        host=platform.node(),
        node=node,
        local_rank=local_rank,
        affinity=_affinity(),
        visible=visible_cpus(os.environ),
        installed=os.cpu_count() or 1,
        cpu_model=_cpu_model(Path("/")),
        memory=memory_limits(os.environ),
    )


def visible_cpus(environ: Mapping[str, str], root: Path = Path("/")) -> int:
    """Count the processors this process may use.

    The least of: installed, allowed by affinity, quota of the control group, and
    ``SLURM_CPUS_PER_TASK``; what cannot be found out is left out. At least 1.
    """
    limits = [os.cpu_count() or 1, *_cgroup_limits(root)]
    if affinity := _affinity():
        limits.append(len(affinity))
    if (cpus_per_task := environ.get("SLURM_CPUS_PER_TASK", "")).isdecimal():
        limits.append(int(cpus_per_task))
    return max(min(limits), 1)


def cpu_budget(
    members: Sequence[Member], rank: int, cpu_workers: int = 0, *, open_mpi: bool = False
) -> CpuBudget:
    """Share the processors of a node among its ranks.

    Parameters
    ----------
    members : sequence of Member
        The whole team, by rank.
    rank : int
        The rank that asks.
    cpu_workers : int
        Number of threads the user asked for; 0 to share evenly.
    open_mpi : bool
        Whether Open MPI's launcher started the team (it binds ranks to single cores by default).

    Returns
    -------
    CpuBudget
        Ranks of one node with the same affinity share what they see; ranks with sets of their
        own use all of it.
    """
    me = members[rank]
    sharing = sum(m.node == me.node and m.affinity == me.affinity for m in members)
    threads = max(1, me.visible // sharing)
    warnings = []
    if cpu_workers > 0:
        threads = min(cpu_workers, me.visible)
        if cpu_workers > me.visible:
            warnings.append(
                f"cpu_workers={cpu_workers} exceeds the {me.visible} CPUs visible to rank {rank}"
            )
    bound = next((m for m in members if _bound_too_tightly(m, members)), None)
    if rank == 0 and open_mpi and bound is not None:
        warnings.append(
            f"rank {bound.rank} is bound to 1 of {bound.installed} CPUs; "
            "start with --bind-to none or --map-by slot:PE=N"
        )
    return CpuBudget(threads, tuple(warnings))


def give_kernel_threads(threads: int) -> None:
    """Set how many threads run the kernels that the calling thread calls, if Numba is loaded."""
    numba = sys.modules.get("numba")
    if numba is not None:
        numba.set_num_threads(max(1, min(threads, numba.config.NUMBA_NUM_THREADS)))


def require_threads(count: int) -> None:
    """Make sure that a rank can start threads; the OpenMP library ends the process if it cannot.

    Raises
    ------
    RuntimeError
        One of `count` threads cannot be started.
    """
    enough = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(count):
            thread = threading.Thread(target=enough.wait)
            thread.start()
            started.append(thread)
    finally:
        enough.set()
        for thread in started:
            thread.join()


def _bound_too_tightly(one: Member, members: Sequence[Member]) -> bool:
    """Whether a rank has one processor while others of its node have no rank."""
    used = frozenset[int]().union(*(m.affinity for m in members if m.node == one.node))
    return len(one.affinity) == 1 and len(used) < one.installed


def mixed_cpus(members: Sequence[Member]) -> str | None:
    """Return a warning if the ranks run on processors of several types."""
    types = {each.cpu_model for each in members}
    if len(types) == 1:
        return None
    return (
        f"ranks run on {len(types)} CPU types; "
        "results may differ in the last bits from a single-type run"
    )


def _affinity() -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset()


def _cgroup_limits(root: Path) -> Iterator[int]:
    """Yield the processor quotas of the control group and of all above it, rounded up."""
    for folder in control_groups("cpu", root):
        yield from _quota(folder)


def _quota(folder: Path) -> Iterator[int]:
    """Yield quota / period of one control group, version 2 or 1, if it has one."""
    fields = text_of(folder / "cpu.max").split() or [
        *text_of(folder / "cpu.cfs_quota_us").split(),
        *text_of(folder / "cpu.cfs_period_us").split(),
    ]
    if len(fields) == 2 and all(field.isdecimal() for field in fields):
        quota, period = map(int, fields)
        yield -(-quota // max(period, 1))


def _cpu_model(root: Path) -> str:
    for line in text_of(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
