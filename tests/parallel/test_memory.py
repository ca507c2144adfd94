"""How much memory a rank plans to fill, and what it must not exceed."""

import math
import resource

import pytest

from pystamps_hpc.parallel.cpus import Member
from pystamps_hpc.parallel.memory import MemoryLimits, memory_budget, memory_limits

GIB = 2**30


def member(rank, first, **limits):
    """A rank on the node whose lowest rank is `first`."""
    memory = MemoryLimits(**limits)
    return Member(rank, f"n{first}", first, rank - first, frozenset(), 1, 1, "", memory)


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({}, {}, math.inf),
        ({"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/memory.max": "max\n"}, {}, math.inf),
        (
            {
                "proc/self/cgroup": "0::/job/step\n",
                "sys/fs/cgroup/job/step/memory.max": f"{3 * GIB}\n",
                "sys/fs/cgroup/job/memory.max": f"{2 * GIB}\n",
            },
            {},
            2 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu:/other\n4:memory:/job\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{4 * GIB}\n",
            },
            {},
            4 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/job\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "9223372036854771712\n",
            },
            {},
            math.inf,
        ),
        ({}, {"SLURM_MEM_PER_NODE": "1024"}, GIB),
        ({}, {"SLURM_MEM_PER_CPU": "512", "SLURM_CPUS_ON_NODE": "4"}, 2 * GIB),
        ({}, {"SLURM_MEM_PER_NODE": "0", "SLURM_MEM_PER_CPU": "many"}, math.inf),
    ],
)
def test_the_ranks_of_a_node_share_what_group_and_slurm_grant(tmp_path, files, environ, expected):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert memory_limits(environ, tmp_path).node == expected


def test_the_address_space_of_a_process_is_a_limit_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (3 * GIB, resource.RLIM_INFINITY))
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:  1048576 kB\n")
    assert memory_limits({}, tmp_path) == MemoryLimits(math.inf, 3 * GIB, GIB)


def test_a_rank_plans_with_four_fifths_of_its_share_of_the_fullest_node():
    members = [member(0, 0, node=8 * GIB), member(1, 0, node=8 * GIB), member(2, 2, node=8 * GIB)]
    budget = memory_budget(members)
    assert (budget.planned, budget.limit) == (0.8 * 4 * GIB, 4 * GIB)
    assert budget.source == "the memory limit of the job"


def test_free_memory_bounds_the_plan_but_refuses_nothing():
    budget = memory_budget([member(0, 0, free=GIB)])
    assert (budget.planned, budget.limit) == (0.8 * GIB, math.inf)


def test_what_the_user_grants_is_taken_at_its_word():
    budget = memory_budget([member(0, 0, node=GIB)], 2.5)
    assert (budget.planned, budget.limit, budget.source) == (2.5e9, 2.5e9, "runtime.memory_gb")
