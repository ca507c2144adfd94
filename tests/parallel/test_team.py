"""How work is cut, and the team of one."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from pystamps_hpc.parallel.distributed import Distributed
from pystamps_hpc.parallel.team import (
    SerialTeam,
    fitting,
    piece_length,
    side_by_side,
    stretches,
    units,
)

LENGTHS = [0, 1, 4095, 4096, 4097, 50000]
TEAM = SerialTeam()


def ignore(fraction):
    """Take no notice of progress."""


def test_stretches_are_whole_units_in_order():
    for n in LENGTHS:
        for parts in range(1, 6):
            cuts = stretches(n, parts)
            assert cuts[0][0] == 0
            assert cuts[-1][1] == n
            assert all(a[1] == b[0] for a, b in pairwise(cuts))
            assert all(start % 4096 == 0 or start == n for start, _ in cuts)


def test_pieces_are_whole_units_whatever_length_is_asked_for():
    for length in (1, 4096, 5000, 8192, 10**9):
        pieces = list(units(8192, 50000, length))
        assert pieces[0].start == 8192
        assert pieces[-1].stop == 50000
        assert all(piece.start % 4096 == 0 for piece in pieces)
        assert all(a.stop == b.start for a, b in pairwise(pieces))
        assert all(piece.stop - piece.start <= max(length, 4096) for piece in pieces)


def test_pieces_of_wide_rows_are_short():
    narrow, wide = np.empty((1, 3), np.float32), np.broadcast_to(np.complex64(0), (1, 10_000))
    assert piece_length(narrow) == 16 * 4096
    assert piece_length(wide) * wide.shape[1] * 8 <= 2**28


@pytest.mark.parametrize("n", LENGTHS)
def test_rows_do_not_depend_on_the_piece(n):
    values = np.random.default_rng(n).normal(size=(n, 2))
    for piece in (1, 4096, 10000, 10**9):
        rows, first = TEAM.map_rows(lambda part: (values[part], values[part, 0]), n, piece, ignore)
        np.testing.assert_array_equal(rows, values)
        np.testing.assert_array_equal(first, values[:, 0])


@pytest.mark.parametrize("answer", [1, 3])
def test_rows_too_many_or_too_few_are_refused(answer):
    with pytest.raises(ValueError, match=f"{answer} rows computed for rows 0:2"):
        TEAM.map_rows(lambda rows: np.zeros((answer, 4)), 2, 4096, ignore)


def test_sums_keep_integers_and_count_truths():
    values = np.arange(10000)
    total = TEAM.sum_rows(lambda rows: values[rows].sum(), 10000, ignore)
    assert total == values.sum()
    assert total.dtype == np.int64
    assert TEAM.sum_rows(lambda rows: np.array([True]), 10000, ignore).tolist() == [3]


def test_a_sum_runs_over_units_in_ascending_order():
    values = np.random.default_rng(1).normal(size=50000)
    expected = 0.0
    for start in range(0, 50000, 4096):
        expected += values[start : start + 4096].sum()
    assert TEAM.sum_rows(lambda rows: values[rows].sum(), 50000, ignore) == expected


def test_what_the_serial_team_shares_is_read_only_and_not_a_copy():
    values = np.zeros((5, 2))
    shared = TEAM.share(values)
    assert np.shares_memory(shared, values)
    assert not shared.flags.writeable
    assert values.flags.writeable


def test_distributed_rows_say_which_rows_were_asked_for():
    rows = Distributed(np.zeros((4, 2)), 4096, 9000)
    assert rows.shape == (9000, 2)
    with pytest.raises(IndexError, match="rows 0:10 asked of distributed rows"):
        rows[:10]


@pytest.mark.parametrize("width", [1, 3])
def test_tasks_side_by_side_give_results_by_index(width):
    at_work, most, lock = [0], [0], threading.Lock()

    def task(item):
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.01)
        with lock:
            at_work[0] -= 1
        return item**2

    assert SerialTeam().map_tasks(task, range(9), None, ignore, width) == [k**2 for k in range(9)]
    assert most[0] == width


def test_kernels_of_tasks_side_by_side_run_on_one_thread_each():
    """Else every task would start as many threads as the machine has processors."""
    numba = pytest.importorskip("numba")
    before = numba.get_num_threads()
    assert SerialTeam().map_tasks(
        lambda item: numba.get_num_threads(), range(4), None, ignore, 2
    ) == [1, 1, 1, 1]
    assert numba.get_num_threads() == before


def test_a_column_of_another_length_is_refused():
    whole, rests = TEAM.map_columns(
        lambda item: (np.full(3, item), -item), range(4), (3, "f4"), None, ignore
    )
    np.testing.assert_array_equal(whole, np.broadcast_to(np.arange(4.0), (3, 4)))
    assert rests == [0, -1, -2, -3]
    with pytest.raises(ValueError, match="broadcast"):
        TEAM.map_columns(lambda item: (np.zeros(2), 0), range(4), (3, "f4"), None, ignore)


def test_after_an_error_no_further_task_is_taken_and_running_ones_end():
    taken, ended = [], []

    def places():
        for place in range(50):
            taken.append(place)
            yield place

    def task(place):
        time.sleep(0.02 if place else 0.04)
        if place in (0, 1):
            raise ValueError(f"place {place}")
        ended.append(place)

    with pytest.raises(ValueError, match="place 0"):
        list(side_by_side(task, places(), 2))
    assert taken == [0, 1]
    assert not ended


@pytest.mark.parametrize("memory", [1, 3 * 4096 * 8 * 5, 1e12])
def test_pieces_that_fit_the_memory_give_the_same_rows(memory):
    values = np.arange(50_000.0).reshape(10_000, 5)
    longest = []

    def fn(rows):
        longest.append(rows.stop - rows.start)
        return 2 * values[rows], values[rows, 0]

    whole = TEAM.map_rows(fitting(fn, memory), 10_000, 16 * 4096, ignore)
    np.testing.assert_array_equal(whole[0], 2 * values)
    np.testing.assert_array_equal(whole[1], values[:, 0])
    assert max(longest) <= max(4096, memory / 48)
    assert [len(part) for part in TEAM.map_rows(fitting(fn, memory), 0, 4096, ignore)] == [0, 0]
