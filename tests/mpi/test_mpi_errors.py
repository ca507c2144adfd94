"""An error of one rank is an error of all, whichever verb met it; run by mpirun like the team."""

import time

import numpy as np
import pytest

from pystamps_hpc.errors import PublishError, StageError

from .rows import OnDisk, ignore

pytestmark = pytest.mark.mpi


class Unpicklable(Exception):
    def __init__(self, text, more):
        super().__init__(text)
        self.more = more


def some_error(kind):
    if kind == "known":
        return StageError("PATCH_1: no candidates; lower the threshold")
    if kind == "memory":
        return MemoryError("too much")
    if kind == "unpicklable":
        return Unpicklable("holds a lambda", lambda: None)
    return ValueError("unexpected")


class Broken(OnDisk):
    def __init__(self, fail):
        super().__init__(np.zeros(50000))
        self.fail = fail

    def __getitem__(self, key):
        self.fail()
        return super().__getitem__(key)


def rows_that_fail(fail):
    def fn(rows):
        fail()
        return np.zeros(rows.stop - rows.start)

    return fn


VERBS = {
    "map_tasks": lambda team, fail: team.map_tasks(
        lambda item: (time.sleep(0.05), fail()), range(4 * team.size), None, ignore
    ),
    "map_columns": lambda team, fail: team.map_columns(
        lambda item: (np.zeros(9), (time.sleep(0.05), fail())),
        range(4 * team.size),
        (9, float),
        None,
        ignore,
    ),
    "map_rows": lambda team, fail: team.map_rows(rows_that_fail(fail), 50000, 4096, ignore),
    "sum_rows": lambda team, fail: team.sum_rows(rows_that_fail(fail), 50000, ignore),
    "on_each": lambda team, fail: team.on_each(fail),
    "tick": lambda team, fail: team.map_rows(
        rows_that_fail(int), 50000, 4096, lambda fraction: fail()
    ),
    "block": lambda team, fail: fail(),
    "nested": lambda team, fail: team.map_tasks(
        lambda item: team.on_each(fail), range(4 * team.size), None, ignore
    ),
}
ROOT_VERBS = {
    "on_root": lambda team, fail: team.on_root(fail),
    "share": lambda team, fail: team.share(Broken(fail)),
    "pull": lambda team, fail: list(team.pull(Broken(fail))),
    "writing": lambda team, fail: [fail() for _ in team.pull(Broken(int))],
    "reading": lambda team, fail: [
        fail() for _ in team.pull(team.map_rows(rows_that_fail(int), 50000, 4096, ignore))
    ],
}


def assert_same_error_everywhere(team, verb, origin, kind):
    def fail():
        if team.rank == origin:
            raise some_error(kind)

    with pytest.raises(Exception) as caught, team.agreed():  # noqa: PT011, PT012
        verb(team, fail)
        team.on_each(lambda: "not reached")
    met = caught.value
    everyones = team.on_each(lambda: (type(met).__name__, str(met), met.rank, met.host))
    assert len(set(everyones)) == 1
    return met


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("origin", range(4))
def test_an_error_on_one_rank_is_raised_on_all(mpi_team, verb, origin):
    if origin >= mpi_team.size:
        pytest.skip("no such rank")
    met = assert_same_error_everywhere(mpi_team, VERBS[verb], origin, "known")
    if verb == "nested":
        assert "inside the function of another" in str(met)
    else:
        assert met.rank == origin
        assert type(met) is StageError
        assert str(met) == str(some_error("known"))


def test_an_error_in_a_dealt_task_is_raised_on_all(mpi_team_without_threads):
    team = mpi_team_without_threads
    met = assert_same_error_everywhere(team, VERBS["map_tasks"], team.size - 1, "known")
    assert met.rank == team.size - 1


@pytest.mark.parametrize("verb", ROOT_VERBS)
def test_an_error_of_the_root_is_raised_on_all(mpi_team, verb):
    met = assert_same_error_everywhere(mpi_team, ROOT_VERBS[verb], 0, "known")
    assert met.rank == 0
    assert str(met) == str(some_error("known"))


@pytest.mark.parametrize("kind", ["memory", "unexpected"])
def test_any_exception_keeps_its_type_and_tells_where_it_was_met(mpi_team, kind):
    origin = mpi_team.size - 1
    met = assert_same_error_everywhere(mpi_team, VERBS["map_rows"], origin, kind)
    assert type(met) is type(some_error(kind))
    assert f"on rank {origin}" in met.__notes__[0]
    assert "in fail" in met.__notes__[0]


def test_an_error_that_cannot_travel_becomes_a_stage_error(mpi_team):
    met = assert_same_error_everywhere(mpi_team, VERBS["map_tasks"], 0, "unpicklable")
    assert type(met) is StageError
    assert str(met) == "holds a lambda"


def test_a_result_that_cannot_travel_is_an_error_on_all_ranks(mpi_team):
    with pytest.raises(Exception, match=r"pickle|local"):
        mpi_team.map_tasks(lambda item: lambda: item, range(5), None, ignore)
    with pytest.raises(Exception, match=r"pickle|local"):
        mpi_team.on_root(lambda: lambda: None)
    assert mpi_team.on_root(lambda: 1) == 1


def test_of_several_errors_the_lowest_rank_wins(mpi_team):
    def fail():
        raise StageError(f"rank {mpi_team.rank}")

    with pytest.raises(StageError, match=r"^rank 0$"):
        mpi_team.on_each(fail)


@pytest.mark.mpi(min_size=2)
def test_after_an_error_no_task_is_handed_out(mpi_team):
    started = []

    def fn(item):
        started.append(item)
        time.sleep(0.02)
        if item == 1:
            raise StageError("ifg 2 cannot be unwrapped")

    with pytest.raises(StageError, match="ifg 2"):
        mpi_team.map_tasks(fn, range(200), None, ignore)
    assert sum(mpi_team.on_each(lambda: len(started))) < 50


@pytest.mark.mpi(min_size=2)
def test_a_root_that_cannot_write_lets_the_others_go_without_agreement_too(mpi_team):
    rows = mpi_team.map_rows(rows_that_fail(int), 50000, 4096, ignore)
    with pytest.raises((StageError, PublishError)) as caught:  # noqa: PT012
        for _ in mpi_team.pull(rows):
            raise PublishError("disk full")
    assert type(caught.value) is (PublishError if mpi_team.rank == 0 else StageError)
    assert mpi_team.on_root(lambda: 1) == 1


def test_a_pull_that_was_left_does_not_disturb_the_next(mpi_team):
    rows = mpi_team.map_rows(rows_that_fail(int), 50000, 4096, ignore)
    left = mpi_team.pull(rows)
    if mpi_team.rank == 0:
        next(left)
        mpi_team.on_root(lambda: None)
    else:
        with pytest.raises(StageError, match="stopped taking rows"):
            next(left)
        mpi_team.on_root(lambda: None)
    following = mpi_team.pull(rows)
    if mpi_team.rank > 0:
        assert list(following) == []
        return
    first = next(following)
    with pytest.raises(RuntimeError, match="left half pulled"):
        next(left)
    del left
    assert len(first[1]) + sum(len(block) for _, block in following) == 50000


def test_ranks_that_compute_different_kinds_of_rows_are_told_so(mpi_team):
    if mpi_team.size == 1:
        pytest.skip("one rank agrees with itself")
    dtype = np.float32 if mpi_team.rank == 0 else np.float64
    with pytest.raises(ValueError, match="different kinds of rows"):
        mpi_team.map_rows(lambda rows: np.zeros(rows.stop - rows.start, dtype), 50000, 4096, ignore)


def test_rows_of_objects_are_refused(mpi_team):
    with pytest.raises(TypeError, match="Python objects"):
        mpi_team.map_rows(lambda rows: np.full(rows.stop - rows.start, None), 5, 4096, ignore)
