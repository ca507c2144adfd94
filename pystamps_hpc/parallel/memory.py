"""The memory a rank may fill: what the user grants, or a share of what its surroundings leave."""

import ctypes
import math
import resource
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .control_groups import control_groups, text_of

if TYPE_CHECKING:
    from .cpus import Member

SHARE = 0.8
"""Share of what is left to a rank that it plans to fill."""
NO_LIMIT = 1 << 62
"""What control groups write for no limit is at least this."""


@dataclass(frozen=True)
class MemoryLimits:
    """Memory that the surroundings of a process leave [bytes]; infinite where nothing is said.

    Parameters
    ----------
    node : float
        For all ranks of the node together, by control group or by SLURM; who takes more is ended.
    process : float
        For each process, by its limit of address space.
    free : float
        Free memory of the machine.
    """

    node: float = math.inf
    process: float = math.inf
    free: float = math.inf


@dataclass(frozen=True)
class MemoryBudget:
    """Memory of one rank [bytes].

    Parameters
    ----------
    planned : float
        What its pieces are cut to.
    limit : float
        What work that takes more is refused for; infinite where nothing ends it.
    source : str
        Where the limit comes from.
    """

    planned: float = math.inf
    limit: float = math.inf
    source: str = ""


def memory_limits(environ: Mapping[str, str], root: Path = Path("/")) -> MemoryLimits:
    """Find out what the calling process may fill."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return MemoryLimits(
        min([*group_memory(root), *_slurm_memory(environ)], default=math.inf),
        math.inf if soft == resource.RLIM_INFINITY else float(soft),
        min(machine_memory(root, "MemAvailable"), default=math.inf),
    )


def memory_budget(members: "Sequence[Member]", memory_gb: float = 0) -> MemoryBudget:
    """Return the memory of each rank of a team, that of the rank which has least.

    Parameters
    ----------
    members : sequence of Member
        The whole team, by rank; the ranks of a node share its memory.
    memory_gb : float
        What the user grants to a rank [GB]; 0 for a share of what is left.
    """
    if memory_gb > 0:
        return MemoryBudget(memory_gb * 1e9, memory_gb * 1e9, "runtime.memory_gb")
    sharing = Counter(member.node for member in members)
    limit, source = min(
        limit
        for member in members
        for limit in (
            (member.memory.node / sharing[member.node], "the memory limit of the job"),
            (member.memory.process, "the address-space limit of a process"),
        )
    )
    free = min(member.memory.free / sharing[member.node] for member in members)
    return MemoryBudget(SHARE * min(limit, free), limit, source)


def group_memory(root: Path = Path("/")) -> Iterator[int]:
    """Yield the memory limits of the control groups of this process [bytes]."""
    for folder in control_groups("memory", root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = text_of(folder / name).strip()
            if text.isdecimal() and int(text) < NO_LIMIT:
                yield int(text)


def machine_memory(root: Path, field: str) -> Iterator[int]:
    """Yield a field of ``/proc/meminfo`` [bytes], nothing if there is none."""
    for line in text_of(root / "proc/meminfo").splitlines():
        if line.startswith(f"{field}:"):
            yield int(line.split()[1]) * 1024


def _slurm_memory(environ: Mapping[str, str]) -> Iterator[int]:
    """Yield the memory that SLURM grants to the job on this node [bytes]; 0 there means all."""
    per_node, per_cpu, cpus = (
        environ.get(f"SLURM_{name}", "") for name in ("MEM_PER_NODE", "MEM_PER_CPU", "CPUS_ON_NODE")
    )
    if per_node.isdecimal() and int(per_node):
        yield int(per_node) << 20
    if per_cpu.isdecimal() and cpus.isdecimal() and int(per_cpu) * int(cpus):
        yield int(per_cpu) * int(cpus) << 20


def release_freed_memory() -> None:
    """Give memory that was freed back to the system, where the C library can."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
