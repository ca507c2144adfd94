"""The MPI team does what the serial team does; run by mpirun, see test_mpi_jobs.py."""

import ctypes
import re
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_kernels.dispatch import table

from .rows import OnDisk, ignore, phase

LENGTHS = [0, 1, 4095, 4096, 4097, 50000]
SERIAL = SerialTeam()

pytestmark = pytest.mark.mpi


def shared_arrays():
    """Count the arrays in memory that this rank shares with others of its node, nameless files."""
    mapped = Path("/proc/self/maps").read_text()
    return len(re.findall(r"/dev/shm/pystamps-hpc-\S+ \(deleted\)", mapped))


def whole_of(team, rows):
    """Put together what the root pulls; the other ranks get None."""
    blocks = [(piece, block.copy()) for piece, block in team.pull(rows)]
    if team.rank > 0:
        assert blocks == []
        return None
    assert [piece.start for piece, _ in blocks] == sorted(piece.start for piece, _ in blocks)
    empty = np.empty((0, *rows.shape[1:]), rows.dtype)
    return np.concatenate([empty, *(block for _, block in blocks)])


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("shape", [(), (7,), (2, 3)])
def test_distributed_rows_are_the_serial_rows_bit_for_bit(mpi_team, n, shape):
    values = phase(n, shape)

    def fn(rows):
        return np.exp(values[rows]), np.abs(values[rows])

    expected = SERIAL.map_rows(fn, n, 8192, ignore)
    computed = mpi_team.map_rows(fn, n, 8192, ignore)
    for rows, serial in zip(computed, expected, strict=True):
        assert rows.shape == serial.shape
        assert rows.dtype == serial.dtype
        shared = mpi_team.share(rows)
        assert shared.tobytes() == serial.tobytes()
        pulled = whole_of(mpi_team, rows)
        assert mpi_team.rank > 0 or pulled.tobytes() == serial.tobytes()


@dataclass(frozen=True)
class Polar:
    """A result of several arrays."""

    angle: np.ndarray
    size: np.ndarray


@pytest.mark.parametrize("n", LENGTHS)
def test_a_result_of_several_arrays_is_of_its_class_on_all_ranks(mpi_team, n):
    values = phase(n, (3,))
    ctx = Context(table("python", "double"), RunConfig(), mpi_team)
    found = ctx.map_rows(lambda rows: Polar(np.angle(values[rows]), np.abs(values[rows])), n)
    assert isinstance(found, Polar)
    assert ctx.share(found.size).tobytes() == np.abs(values).tobytes()


def test_a_rank_without_rows_is_not_asked_to_compute(mpi_team):
    asked = []

    def fn(rows):
        asked.append(rows)
        return np.arange(rows.start, rows.stop)

    shared = mpi_team.share(mpi_team.map_rows(fn, 10, 4096, ignore))
    np.testing.assert_array_equal(shared, np.arange(10))
    assert all(rows.stop > rows.start for rows in asked)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128, np.int64, np.bool_])
def test_sums_are_the_serial_sums_bit_for_bit(mpi_team, n, dtype):
    values = phase(n, (5,), dtype)

    def fn(rows):
        return np.add.reduce(values[rows], axis=0, dtype=dtype)

    expected = SERIAL.sum_rows(fn, n, ignore)
    total = mpi_team.sum_rows(fn, n, ignore)
    assert total.dtype == expected.dtype
    assert total.tobytes() == expected.tobytes()


def test_a_sum_may_be_a_number(mpi_team):
    values = phase(50000, (), np.float64)
    total = mpi_team.sum_rows(lambda rows: values[rows].sum(), 50000, ignore)
    assert total == SERIAL.sum_rows(lambda rows: values[rows].sum(), 50000, ignore)


@pytest.mark.parametrize("n", [0, 1, 2, 23])
@pytest.mark.parametrize("with_cost", [False, True])
@pytest.mark.parametrize("width", [1, 3])
def test_task_results_come_by_index(team, n, with_cost, width):
    cost = [float(index % 5) for index in range(n)] if with_cost else None

    def fn(item):
        return {"item": item, "grid": np.full((item, 3), item, np.float32), "none": None}

    results = team.map_tasks(fn, range(n), cost, ignore, width)
    assert [result["item"] for result in results] == list(range(n))
    for item, result in enumerate(results):
        np.testing.assert_array_equal(result["grid"], np.full((item, 3), item))


def test_each_task_runs_once_and_dear_ones_first(team):
    cost = [1.0, 9.0, 3.0, 9.0, 5.0, 0.0, 2.0]
    started = []
    team.map_tasks(started.append, range(len(cost)), cost, ignore)
    assert [cost[item] for item in started] == sorted((cost[i] for i in started), reverse=True)
    everyones = chain.from_iterable(team.on_each(lambda: started))
    assert sorted(everyones) == list(range(len(cost)))


@pytest.mark.mpi(min_size=2)
def test_a_free_rank_takes_the_next_task(mpi_team):
    started = []

    def fn(item):
        started.append(item)
        time.sleep(0.5 if item == 0 else 0.01)

    mpi_team.map_tasks(fn, range(12), None, ignore)
    for work in mpi_team.on_each(lambda: started):
        assert 0 not in work or len(work) < 6


def test_progress_ends_at_one(mpi_team):
    seen = []
    mpi_team.map_tasks(int, range(5), None, seen.append)
    assert seen == sorted(seen)
    assert max(chain.from_iterable(mpi_team.on_each(lambda: seen))) == 1.0
    seen = []
    mpi_team.map_rows(lambda rows: np.zeros(rows.stop - rows.start), 50000, 4096, seen.append)
    assert seen == sorted(seen)
    assert seen[-1:] in ([], [1.0])


def test_the_root_works_once_for_all(mpi_team):
    calls = []

    def fn():
        calls.append(1)
        return {"graph": np.arange(5), "text": "arcs", "nothing": None}

    result = mpi_team.on_root(fn)
    assert len(calls) == (mpi_team.rank == 0)
    np.testing.assert_array_equal(result["graph"], np.arange(5))
    assert mpi_team.on_root(lambda: None) is None


def test_each_rank_answers_for_itself(mpi_team):
    assert mpi_team.on_each(lambda: mpi_team.rank) == list(range(mpi_team.size))


@pytest.mark.mpi(min_size=2)
def test_the_own_work_of_a_rank_is_told_from_its_waiting(mpi_team):
    busy, root = mpi_team.busy_sec, mpi_team.root_sec
    mpi_team.on_root(lambda: time.sleep(0.2))
    mpi_team.on_each(lambda: time.sleep(0.1))
    spent = mpi_team.on_each(lambda: (mpi_team.busy_sec - busy, mpi_team.root_sec - root))
    assert spent[0][1] >= 0.2
    assert spent[0][0] - spent[0][1] >= 0.1
    assert max(of_rank for of_rank, _ in spent[1:]) < 0.2
    assert {of_root for _, of_root in spent[1:]} == {0.0}


COLUMN_LENGTHS = [0, 1, 5000, 200_000]


@pytest.mark.parametrize("n", COLUMN_LENGTHS)
@pytest.mark.parametrize("width", [1, 3])
def test_columns_stand_side_by_side_in_the_order_of_their_items(team, n, width):
    values = phase(n, (11,))
    whole, rests = team.map_columns(
        lambda item: (values[:, item], {"item": item}), range(11), (n, "c8"), None, ignore, width
    )
    assert whole.tobytes() == values.tobytes()
    assert not whole.flags.writeable
    assert rests == [{"item": item} for item in range(11)]


@pytest.mark.mpi(min_size=3)
@pytest.mark.parametrize("n", COLUMN_LENGTHS)
def test_columns_computed_on_one_node_reach_the_others(mpi_team_on_two_nodes, n):
    team = mpi_team_on_two_nodes
    values = phase(n, (9,))

    def fn(item):
        time.sleep(0.005)  # so that every rank computes some
        return values[:, item], team.rank

    whole, ranks = team.map_columns(fn, range(9), (n, "c8"), None, ignore)
    assert len(set(ranks)) > 1
    assert whole.tobytes() == values.tobytes()


@pytest.mark.parametrize("n", LENGTHS)
def test_rows_on_disk_and_in_memory_are_shared_and_pulled_alike(mpi_team, n):
    values = phase(n, (4,), np.float64)
    for rows in (values, OnDisk(values)):
        assert mpi_team.share(rows).tobytes() == values.tobytes()
        pulled = whole_of(mpi_team, rows)
        assert mpi_team.rank > 0 or pulled.tobytes() == values.tobytes()


@pytest.mark.parametrize("kind", [np.asarray, OnDisk])
def test_shared_rows_cannot_be_written_to(mpi_team, kind):
    values = phase(50000, (4,), np.float64)
    for team in (SERIAL, mpi_team):
        with pytest.raises(ValueError, match="read-only"):
            team.share(kind(values))[0] = 0
    assert values.flags.writeable


@pytest.mark.mpi(min_size=2)
def test_a_large_shared_array_exists_once_per_node_and_goes_with_its_last_user(mpi_team):
    one_node = len({member.node for member in mpi_team.members}) == 1
    if not one_node:
        pytest.skip("ranks on several nodes")
    before = shared_arrays()
    shared = mpi_team.share(OnDisk(np.zeros(500_000)))
    tail = shared[10:][10:]
    del shared
    if mpi_team.rank == 0:
        ctypes.c_double.from_address(tail.ctypes.data).value = 7.0
    mpi_team.on_root(lambda: None)
    assert tail[0] == 7.0
    assert mpi_team.share(OnDisk(np.ones(500_000)))[0] == 1.0
    assert tail[0] == 7.0
    assert shared_arrays() == before + 1
    del tail
    assert shared_arrays() == before


@pytest.mark.mpi(min_size=3)
def test_ranks_of_several_nodes_share_the_same_rows(mpi_team_on_two_nodes):
    team = mpi_team_on_two_nodes
    assert [member.node for member in team.members] == [rank % 2 for rank in range(team.size)]
    values = phase(50000, (4,), np.float64)
    expected = values.tobytes()
    assert team.share(OnDisk(values)).tobytes() == expected
    shared = team.share(team.map_rows(lambda rows: values[rows], 50000, 4096, ignore))
    assert shared.tobytes() == expected
    team.on_root(lambda: None)
    if team.rank == 0:
        ctypes.c_double.from_address(shared.ctypes.data).value = 7.0
    team.on_root(lambda: None)
    assert (shared[0, 0] == 7.0) == (team.rank % 2 == 0)


def test_messages_longer_than_a_piece_arrive_whole(mpi_team, monkeypatch):
    monkeypatch.setattr("pystamps_hpc.parallel.messages.PIECE", 1000)
    values = phase(9000, (3,))
    rows = mpi_team.map_rows(lambda rows: values[rows], 9000, 4096, ignore)
    assert mpi_team.share(rows).tobytes() == values.tobytes()
    pulled = whole_of(mpi_team, rows)
    assert mpi_team.rank > 0 or pulled.tobytes() == values.tobytes()
    assert mpi_team.on_root(lambda: "x" * 12345) == "x" * 12345
    for result in mpi_team.map_tasks(lambda item: values, range(3), None, ignore):
        assert result.tobytes() == values.tobytes()


def test_distributed_rows_answer_for_the_own_stretch_only(mpi_team):
    n = 50000
    values = phase(n)
    rows = mpi_team.map_rows(lambda rows: values[rows], n, 4096, ignore)
    again = mpi_team.map_rows(lambda part: rows[part] + rows[part, :1], n, 8192, ignore)
    np.testing.assert_array_equal(mpi_team.share(again), values + values[:, :1])
    if mpi_team.size > 1:
        for key in (slice(None), (slice(None), 0), np.array([0]), slice(0, n, 2)):
            with pytest.raises(IndexError, match=r"ctx\.share"):
                rows[key]
        with pytest.raises(IndexError, match=r"ctx\.share"):
            np.asarray(rows)


def test_the_team_names_its_library_and_every_rank(mpi_team):
    assert "MPI" in mpi_team.library
    assert [member.rank for member in mpi_team.members] == list(range(mpi_team.size))
