"""Adjacent pixels and duplicates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_kernels.dispatch import table

from .conftest import BACKENDS


def groups_by_simulation(ij):
    """Label of each point: what links to the first of the eight neighbours connect."""
    label = list(range(len(ij)))
    for p, cell in enumerate(ij):
        gap = np.abs(ij - cell).max(axis=1)
        neighbours = np.flatnonzero(gap == 1)
        if len(neighbours):
            old, new = label[p], label[neighbours[0]]
            label = [new if name == old else name for name in label]
    return np.array(label)


def test_adjacent_pixels_are_linked_to_their_first_neighbour_only(kernels):
    # 1 and 2 touch, but each is linked to the neighbour that comes first: groups {0, 2}, {1, 3}
    ij = np.array([[5, 0], [5, 3], [5, 1], [5, 2]])
    keep = kernels.stage4_adjacent_keep(ij, np.array([0.5, 0.6, 0.7, 0.9]))
    assert keep.tolist() == [False, False, True, True]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.6))
@pytest.mark.parametrize("backend", BACKENDS)
def test_each_group_keeps_its_most_coherent_pixel_the_first_of_equals(backend, seed, occupancy):
    rng = np.random.default_rng(seed)
    ij = np.argwhere(rng.uniform(size=(12, 15)) < occupancy)
    ij = ij[rng.permutation(len(ij))] + [100, 7]
    coherence = rng.integers(0, 4, len(ij)) / 4
    keep = table(backend, "double").stage4_adjacent_keep(ij, coherence)
    label = groups_by_simulation(ij)
    best = {name: np.argmax(np.where(label == name, coherence, -1)) for name in label}
    assert set(np.flatnonzero(keep)) == set(best.values())


def test_pixels_without_neighbours_stay_also_across_the_end_of_a_line(kernels):
    ij = np.array([[0, 9], [1, 0], [3, 4], [3, 6]])
    assert kernels.stage4_adjacent_keep(ij, np.zeros(4)).all()
    assert len(kernels.stage4_adjacent_keep(np.empty((0, 2), np.int64), np.zeros(0))) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_points_at_one_position_the_most_coherent_stays(kernels, dtype):
    position = np.array([[1, 2], [3, 4], [1, 2], [1, 2], [3, 4], [1, 4]], dtype)
    keep = kernels.stage4_duplicate_keep(position, np.array([0.5, 0.8, 0.9, 0.9, 0.8, 0.1]))
    assert keep.tolist() == [False, True, True, False, False, True]


def test_positions_that_are_not_numbers_equal_nothing(kernels):
    position = np.array([[np.nan, 1], [np.nan, 1], [0, np.nan]])
    assert kernels.stage4_duplicate_keep(position, np.zeros(3)).all()
    assert len(kernels.stage4_duplicate_keep(np.empty((0, 2)), np.zeros(0))) == 0


COORDINATE = st.sampled_from([0.0, -0.0, 1.0, 2.0, np.nan])


@given(st.lists(st.tuples(COORDINATE, COORDINATE, st.sampled_from([0.1, 0.5, 0.9])), max_size=12))
def test_each_position_is_left_with_the_first_of_its_most_coherent_points(points):
    x, y, coherence = np.array(points).reshape(-1, 3).T.copy()
    expected = [
        not any(
            (x[k] == x[i] and y[k] == y[i])
            and (coherence[k] > coherence[i] or (coherence[k] == coherence[i] and k < i))
            for k in range(len(x))
        )
        for i in range(len(x))
    ]
    keep = table("python", "double").stage4_duplicate_keep(np.column_stack((x, y)), coherence)
    assert keep.tolist() == expected
