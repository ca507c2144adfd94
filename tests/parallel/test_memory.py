"""How much memory a rank plans to fill, and what it must not exceed."""

import math
import resource

import pytest

from pystamps_hpc.parallel.cpus import Member
from pystamps_hpc.parallel.memory import MemoryLimits, memory_budget, memory_limits

from .machines import in_group, write

GIB = 2**30


def member(rank, first, **limits):
    """A rank on the node whose lowest rank is `first`."""
    memory = MemoryLimits(**limits)
    return Member(rank, f"n{first}", first, rank - first, frozenset(), 1, 1, "", memory)


V1 = "memory/job/memory.limit_in_bytes"


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({}, {}, math.inf),
        (in_group("0::/job", {"job/memory.max": "max"}), {}, math.inf),
        (in_group("0::/job/step", {"job/step/memory.max": 3 * GIB, "job/memory.max": 2 * GIB}),
         {}, 2 * GIB),
        (in_group("5:cpu:/other\n4:memory:/job", {V1: 4 * GIB}), {}, 4 * GIB),
        (in_group("4:memory:/job", {V1: 9223372036854771712}), {}, math.inf),
        ({}, {"SLURM_MEM_PER_NODE": "1024"}, GIB),
        ({}, {"SLURM_MEM_PER_CPU": "512", "SLURM_CPUS_ON_NODE": "4"}, 2 * GIB),
        ({}, {"SLURM_MEM_PER_NODE": "0", "SLURM_MEM_PER_CPU": "many"}, math.inf),
    ],
)  # fmt: skip
def test_the_ranks_of_a_node_share_what_group_and_slurm_grant(tmp_path, files, environ, expected):
    assert memory_limits(environ, write(tmp_path, files)).node == expected


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
