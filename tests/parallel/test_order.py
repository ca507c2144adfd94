"""What the task queue decides: the largest first, each place once, nothing after it is closed."""

import pytest

from pystamps_hpc.parallel.order import NO_MORE, Places, assign, largest_first


def test_places_are_dealt_to_the_rank_with_the_least_work():
    assert largest_first([1.0, 9.0, 3.0, 9.0], 4) == [1, 3, 2, 0]
    assert largest_first(None, 3) == [0, 1, 2]
    assert assign([9.0, 9.0, 3.0, 1.0, 1.0], 2) == [[0, 2], [1, 3, 4]]
    assert assign([], 2) == [[], []]
    with pytest.raises(ValueError, match="2 costs given for 3 items"):
        largest_first([1.0, 2.0], 3)


def test_a_place_is_given_away_once_and_none_after_the_queue_is_closed():
    places = Places(3)
    assert [places.take() for _ in range(4)] == [0, 1, 2, NO_MORE]
    closed = Places(3)
    closed.take()
    closed.close()
    assert closed.take() == NO_MORE
