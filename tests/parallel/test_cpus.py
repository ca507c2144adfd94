"""How many threads a rank starts."""

import os
import threading
from dataclasses import replace

import pytest

from pystamps_hpc.parallel import cpus
from pystamps_hpc.parallel.cpus import (
    Member,
    cpu_budget,
    mixed_cpus,
    require_threads,
    this_member,
    visible_cpus,
)

from .machines import in_group, write

ALL = frozenset(range(8))


def member(rank, affinity=ALL, node=0, visible=None):
    cpus_seen = len(affinity) if visible is None else visible
    return Member(rank, f"n{node}", node, rank - node, affinity, cpus_seen, 8, "Some CPU")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine of 16 processors, all allowed, with a /proc and /sys of its own."""
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    return lambda files: write(tmp_path, files)


def quota(controllers, microseconds):
    """A control group of version 1 with a quota of processor time in 0.1 s."""
    folder = f"{controllers}/job"
    values = {"cpu.cfs_quota_us": microseconds, "cpu.cfs_period_us": 100_000}
    return in_group(f"4:{controllers}:/job\n3:memory:/job",
                    {f"{folder}/{name}": value for name, value in values.items()})  # fmt: skip


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({}, {}, 16),
        ({}, {"SLURM_CPUS_PER_TASK": "4"}, 4),
        ({}, {"SLURM_CPUS_PER_TASK": "64"}, 16),
        ({}, {"SLURM_CPUS_PER_TASK": "0"}, 1),
        ({}, {"SLURM_CPUS_PER_TASK": "four"}, 16),
        (in_group("0::/job/step", {"job/step/cpu.max": "max 100000",
                                   "job/cpu.max": "250000 100000"}), {}, 3),
        (in_group("0::/../outside", {"cpu.max": "50000 100000"}), {}, 1),
        (quota("cpu,cpuacct", 600_000), {}, 6),
        (quota("cpu", -1), {}, 16),
    ],
)  # fmt: skip
def test_the_least_of_all_limits_is_visible(machine, files, environ, expected):
    assert visible_cpus(environ, machine(files)) == expected


def test_affinity_limits_what_is_visible(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    assert visible_cpus({}, tmp_path) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert visible_cpus({}, tmp_path) == 16


def test_ranks_with_the_same_processors_share_them():
    members = [member(rank) for rank in range(3)]
    assert [cpu_budget(members, rank).threads for rank in range(3)] == [2, 2, 2]


def test_ranks_with_processors_of_their_own_use_them_all():
    members = [member(0, frozenset(range(4))), member(1, frozenset(range(4, 8)))]
    assert [cpu_budget(members, rank).threads for rank in range(2)] == [4, 4]


def test_ranks_of_other_nodes_are_not_counted():
    members = [member(0), member(1), member(2, node=2)]
    assert [cpu_budget(members, rank).threads for rank in range(3)] == [4, 4, 8]


def test_more_ranks_than_processors_get_one_thread_each():
    members = [member(rank) for rank in range(20)]
    assert cpu_budget(members, 0).threads == 1


def test_cpu_workers_replace_the_budget_up_to_what_is_visible():
    members = [member(0), member(1)]
    assert cpu_budget(members, 0, 6) == cpus.CpuBudget(6)
    budget = cpu_budget(members, 1, 12)
    assert budget.threads == 8
    assert budget.warnings == ("cpu_workers=12 exceeds the 8 CPUs visible to rank 1",)


def test_open_mpi_binding_is_told_once_on_rank_0():
    members = [member(0, frozenset({0})), member(1, frozenset({1}))]
    assert cpu_budget(members, 0, open_mpi=True).warnings == (
        "rank 0 is bound to 1 of 8 CPUs; start with --bind-to none or --map-by slot:PE=N",
    )
    assert cpu_budget(members, 1, open_mpi=True).warnings == ()
    assert cpu_budget(members, 0).warnings == ()
    assert cpu_budget([member(0), member(1)], 0, open_mpi=True).warnings == ()


def test_processors_of_several_types_are_told():
    members = [member(0), member(1)]
    assert mixed_cpus(members) is None
    members.append(replace(member(2), cpu_model="Another CPU"))
    assert mixed_cpus(members) == (
        "ranks run on 2 CPU types; results may differ in the last bits from a single-type run"
    )


def test_a_process_can_describe_itself():
    me = this_member()
    assert me.visible >= 1
    assert me.host
    assert me.cpu_model


def test_threads_that_cannot_be_started_are_told_before_a_library_ends_the_process(monkeypatch):
    before, started, start = threading.active_count(), [], threading.Thread.start

    def up_to_two(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    require_threads(3)
    monkeypatch.setattr(threading.Thread, "start", up_to_two)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        require_threads(3)
    assert threading.active_count() == before
