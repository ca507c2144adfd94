"""The Delaunay network: Triangle and Qhull agree, and degenerate points have no edges."""

import importlib.util

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from pystamps_hpc.stages.shared.delaunay import edges

needs_triangle = pytest.mark.skipif(
    importlib.util.find_spec("triangle") is None, reason="Triangle is not installed"
)
BOTH = [pytest.param("triangle", marks=needs_triangle), "native"]


def scattered(n=800, seed=0):
    xy = np.random.default_rng(seed).uniform(-3000, 3000, (n, 2))
    return np.round(xy, 3).astype(np.float32)


def as_set(pairs):
    return {tuple(pair) for pair in np.sort(pairs, axis=1).tolist()}


@pytest.mark.parametrize("triangulator", BOTH)
def test_a_network_has_three_edges_per_point_less_three_and_the_hull(triangulator):
    xy = scattered()
    found, oriented = edges(xy, triangulator)
    assert len(found) == 3 * len(xy) - 3 - len(ConvexHull(xy).vertices)
    assert len(as_set(found)) == len(found)
    assert found.dtype == np.int64
    assert oriented == (triangulator == "triangle")


@needs_triangle
def test_triangle_and_qhull_join_the_same_points():
    xy = scattered()
    assert as_set(edges(xy, "triangle")[0]) == as_set(edges(xy, "native")[0])


@needs_triangle
def test_edges_of_triangle_are_left_in_its_own_order():
    found, _ = edges(scattered(), "triangle")
    assert (found[:, 0] > found[:, 1]).any()
    assert (np.diff(found[:, 0]) < 0).any()


@needs_triangle
def test_coordinates_reach_triangle_as_text_of_six_decimals(monkeypatch):
    import triangle

    seen = []
    monkeypatch.setattr(triangle, "triangulate", lambda mesh, _: seen.append(mesh) or {})
    xy = scattered() + np.float32(1e-5)
    edges(xy, "triangle")
    text = [[float(f"{value:.6f}") for value in point] for point in xy.tolist()]
    np.testing.assert_array_equal(seen[0]["vertices"], text)


@pytest.mark.parametrize("triangulator", BOTH)
@pytest.mark.parametrize("points", [[], [[0, 0]], [[0, 0], [1, 1]], [[0, 0], [1, 1], [2, 2]]])
def test_points_without_area_have_no_edges(triangulator, points):
    found, _ = edges(np.array(points, np.float32).reshape(-1, 2), triangulator)
    assert found.shape == (0, 2)
