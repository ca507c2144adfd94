"""The network of interferograms: a single master and small baselines as values of one class."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pystamps_hpc.dataset.rows import ComputedRows
from pystamps_hpc.errors import StageError
from pystamps_hpc.stages.shared.ifgs import (
    Ifgs,
    date_of,
    inverted_images,
    listed_columns,
    one_based,
    used_columns,
)

DAY = 736000.0 + 12 * np.arange(5)
BPERP = np.array([50.0, -20, 80, 10], np.float32)
STAR = Ifgs.of_master(1, BPERP, DAY, DAY[1])
PAIRS = Ifgs(np.array([[0, 1], [1, 2], [1, 3], [3, 4]]), BPERP, DAY, DAY[1], None)


def test_a_single_master_joins_every_other_image():
    assert STAR.pairs.tolist() == [[1, 0], [1, 2], [1, 3], [1, 4]]
    assert STAR.elapsed.tolist() == [-12, 0, 12, 24, 36]
    assert (len(STAR), STAR.n_columns, STAR.columns.tolist()) == (4, 5, [0, 2, 3, 4])
    assert (len(PAIRS), PAIRS.n_columns, PAIRS.columns.tolist()) == (4, 4, [0, 1, 2, 3])


def test_columns_are_told_by_the_dates_of_their_images():
    first, second = date_of(DAY[1]), date_of(DAY[2])
    assert STAR.date_of(2) == second
    assert PAIRS.date_of(1) == f"{first} to {second}"


def test_small_baselines_are_inverted_to_all_images_but_the_master_unless_a_list_says_less():
    assert inverted_images(PAIRS.series, None).tolist() == [0, 2, 3, 4]
    assert inverted_images(PAIRS.series, np.array([3, 1, 0])).tolist() == [0, 3]


def test_what_files_say_of_a_network_makes_the_same_one():
    keys = STAR.keys
    assert keys["bperp"].tolist() == [50, 0, -20, 80, 10]
    assert keys["bperp"].dtype == np.float32
    assert (keys["master_ix"], keys["n_ifg"], keys["n_image"]) == (1, 5, 5)
    again = Ifgs.of_keys(keys)
    np.testing.assert_array_equal(again.pairs, STAR.pairs)
    np.testing.assert_array_equal(again.bperp, STAR.bperp)
    pairs = Ifgs.of_keys(PAIRS.keys)
    assert (pairs.master, PAIRS.keys["master_ix"]) == (None, 1)
    assert PAIRS.keys["ifgday"].tolist() == DAY[PAIRS.pairs].tolist()
    np.testing.assert_array_equal(pairs.pairs, PAIRS.pairs)
    np.testing.assert_array_equal(pairs.bperp, BPERP)
    with pytest.raises(StageError, match="master_ix is 9, but there are 5 days"):
        Ifgs.of_keys({**keys, "master_ix": 8})
    with pytest.raises(StageError, match="ifgday_ix is 6, but there are 5 days"):
        Ifgs.of_keys({**PAIRS.keys, "ifgday_ix": PAIRS.pairs + 1})


def test_the_design_has_the_first_image_minus_and_the_second_plus():
    assert PAIRS.design.tolist() == [
        [-1, 1, 0, 0, 0], [0, -1, 1, 0, 0], [0, -1, 0, 1, 0], [0, 0, 0, -1, 1],
    ]  # fmt: skip
    assert PAIRS.degrees().tolist() == [1, 3, 1, 2, 1]
    assert PAIRS.of_image(3).tolist() == [2, 3]


def test_some_interferograms_keep_the_images_that_occur_in_them():
    late = STAR.only(np.array([2, 3]))
    assert late.pairs.tolist() == [[0, 1], [0, 2]]
    assert (late.master, late.day.tolist(), late.bperp.tolist()) == (0, DAY[[1, 3, 4]].tolist(),
                                                                    [80, 10])  # fmt: skip
    assert PAIRS.only(np.array([1, 3])).pairs.tolist() == [[0, 1], [2, 3]]


def test_a_network_is_one_island_or_falls_apart():
    assert [island.tolist() for island in STAR.islands] == [[0, 1, 2, 3, 4]]
    PAIRS.require_connected()
    parts = replace(PAIRS, pairs=np.array([[4, 3], [0, 2], [4, 1], [3, 1]]))
    assert [island.tolist() for island in parts.islands] == [[1, 3, 4], [0, 2]]
    told = r"2 islands of images: 2015-02-17, .*, 2015-03-25 \| 2015-02-05, 2015-03-01; add pairs"
    with pytest.raises(StageError, match=told):
        parts.require_connected()
    assert len(parts.only(np.array([0, 2, 3])).islands) == 1
    assert parts.only(np.array([], int)).islands == []


def test_images_are_joined_to_the_master_over_those_that_are_not_left_out():
    assert PAIRS.joined_to_master(np.array([], int)).tolist() == [0, 1, 2, 3, 4]
    assert PAIRS.joined_to_master(np.array([3])).tolist() == [0, 1, 2]
    assert PAIRS.joined_to_master(np.array([1, 3])).tolist() == [0, 1, 2]
    assert PAIRS.joined_to_master(np.array([0, 2, 3])).tolist() == [1]


def test_pairs_without_the_master_among_the_images_have_no_series():
    with pytest.raises(StageError, match="2015-02-10, which is the day of none of the 5 images"):
        _ = replace(PAIRS, master_day=DAY[1] - 7).series


def test_an_image_in_no_interferogram_is_on_no_island():
    alone = replace(PAIRS, pairs=np.array([[0, 1], [1, 3], [0, 3], [3, 4]]))
    assert [island.tolist() for island in alone.islands] == [[0, 1, 3, 4]]
    alone.require_connected()


@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 14))
def test_images_of_an_island_are_those_that_paths_join(seed, n_image, n_ifg):
    rng = np.random.default_rng(seed)
    pairs = np.array([rng.choice(n_image, 2, replace=False) for _ in range(n_ifg)])
    network = Ifgs(pairs, np.zeros(n_ifg), np.arange(float(n_image)), 0.0, None)
    reached = np.eye(n_image, dtype=bool)
    for _ in range(n_image):
        for first, second in pairs:
            reached[first] |= reached[second]
            reached[second] |= reached[first]
    found = {frozenset(island.tolist()) for island in network.islands}
    assert found == {frozenset(np.flatnonzero(reached[k]).tolist()) for k in np.unique(pairs)}
    n_used = sum(map(len, found))
    assert np.linalg.matrix_rank(network.design) == n_used - len(found)


def test_the_master_joins_arrays_and_rows_but_not_those_of_small_baselines():
    values = np.arange(12.0).reshape(3, 4)
    whole = np.insert(values, 1, 7, axis=1)
    rows = ComputedRows(values.shape, values.dtype, lambda r, c: values[r][:, c])
    for joined in (STAR.with_master(values, 7), STAR.with_master(rows, 7)):
        assert joined.shape == (3, 5)
        for key in (slice(1, 3), (slice(None), 1), (slice(None), slice(1, 4)), np.array([2, 0])):
            np.testing.assert_array_equal(joined[key], whole[key])
    assert STAR.with_master(values, np.array([1, 2, 3]))[:, 1].tolist() == [1, 2, 3]
    assert PAIRS.with_master(values, 7) is values


def test_a_single_master_has_noise_of_its_own_and_dates_of_one_image():
    offset = np.array([0.3, -2])
    assert STAR.master_noise(offset) is offset
    assert PAIRS.master_noise(offset).tolist() == [0, 0]
    assert [STAR.date_of(1), PAIRS.date_of(1)] == ["2015-02-17", "2015-02-17 to 2015-03-01"]


def test_dropped_numbers_count_the_column_of_the_master():
    assert STAR.used((1, 4)).tolist() == [1, 3]
    assert STAR.used((2,)).tolist() == [0, 1, 2, 3]
    assert STAR.used_columns((1, 2)).tolist() == [2, 3, 4]
    assert PAIRS.used((1, 4)).tolist() == [1, 2]
    with pytest.raises(StageError, match="leaves 1 of 4 interferograms, at least 2 are needed"):
        STAR.used((1, 3, 4), fewest=2)


def test_a_master_that_is_not_at_its_day_is_refused():
    STAR.require_master_at_its_day("rerun stage 1")
    with pytest.raises(StageError, match=r"master_ix is 4, but 1 days come before .*rerun stage 1"):
        replace(STAR, master=3).require_master_at_its_day("rerun stage 1")


def test_lists_of_numbers_become_sorted_columns():
    assert listed_columns((5, 2, 5), 6, "drop_ifg_index").tolist() == [1, 4]
    assert listed_columns((), 6, "drop_ifg_index").tolist() == []
    assert used_columns((4, 2, 4), 5).tolist() == [0, 2, 4]
    assert used_columns((2,), 5, fewest=3, without=3).tolist() == [0, 2, 4]
    with pytest.raises(StageError, match="drop_ifg_index: 0, 7 is outside 1 to 6"):
        listed_columns((0, 2, 7), 6, "drop_ifg_index")


def test_numbers_and_days_are_written_for_people():
    assert one_based(np.array([0, 4])) == "1, 5"
    assert one_based(np.array([0, 1, 2, 6])) == "1-3, 7"
    assert date_of(730486.0) == "2000-01-01"
    assert STAR.name_of(2) == "interferogram 3 (2015-03-01)"
    assert PAIRS.name_of(2) == "interferogram 3 (2015-02-17 to 2015-03-13)"
