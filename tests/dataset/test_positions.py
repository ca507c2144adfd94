"""Positions that contradict their pixels are found; a valid scene never loses a point."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.dataset.candidates.positions import misplaced, trusted
from pystamps_hpc.errors import DatasetError

PATH = Path("PATCH_1/pscands.1.ll")


def on_ground(azimuth, range_sample, spacing, heading, centre, terrain=None):
    """Longitude and latitude of pixels, along great circles around the centre."""
    east, north = (range_sample - 5000) * spacing[1], (azimuth - 5000) * spacing[0]
    if terrain is not None:
        east = east + terrain
    angle = np.radians(heading)
    x = east * np.cos(angle) + north * np.sin(angle)
    y = north * np.cos(angle) - east * np.sin(angle)
    distance, towards = np.hypot(x, y) / 6_371_000.0, np.arctan2(x, y)
    lat0, lon0 = np.radians(centre[1]), np.radians(centre[0])
    lat = np.arcsin(
        np.sin(lat0) * np.cos(distance) + np.cos(lat0) * np.sin(distance) * np.cos(towards)
    )
    lon = lon0 + np.arctan2(
        np.sin(towards) * np.sin(distance) * np.cos(lat0),
        np.cos(distance) - np.sin(lat0) * np.sin(lat),
    )
    degrees = np.column_stack(((np.degrees(lon) + 180) % 360 - 180, np.degrees(lat)))
    return degrees.astype(np.float32).astype(np.float64)


def pixels(kind, n, rng):
    """Lines and samples: a plain patch, a strip, two islands of unequal size, one line, a point."""
    azimuth, range_sample = rng.integers(0, 10_000, (2, n))
    if kind == "islands":
        town = rng.random(n) < 0.95
        azimuth = np.where(town, 9_900 + azimuth // 100, azimuth // 500)
        range_sample = np.where(town, 9_900 + range_sample // 100, range_sample // 500)
    elif kind == "line":
        azimuth[:] = 4711
    elif kind == "point":
        azimuth[:], range_sample[:] = 17, 4
    return azimuth, range_sample


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(["patch", "islands", "line", "point"]),
    n=st.integers(1, 400),
    spacing=st.sampled_from([(14.0, 3.0), (4.0, 20.0), (150.0, 2.0), (200.0, 25.0), (1.0, 1.0)]),
    heading=st.floats(-180, 180),
    longitude=st.sampled_from([0.0, 0.4, 12.0, 180.0, -179.9, 285.0]),
    latitude=st.sampled_from([0.0, -0.3, 45.0, -84.0, 88.0]),
    seed=st.integers(0, 1000),
)
def test_a_valid_scene_loses_no_point(kind, n, spacing, heading, longitude, latitude, seed):
    rng = np.random.default_rng(seed)
    azimuth, range_sample = pixels(kind, n, rng)
    terrain = rng.exponential(3000, n).clip(0, 15_000)  # layover of mountains
    lonlat = on_ground(azimuth, range_sample, spacing, heading, (longitude, latitude), terrain)
    assert not misplaced(lonlat, azimuth, range_sample).any()


@pytest.mark.parametrize("kind", ["patch", "islands", "line"])
@pytest.mark.parametrize("spacing", [(14.0, 3.0), (14.0, 20.0)])
@pytest.mark.parametrize("n", [6, 1805])
@pytest.mark.parametrize(
    "wrong", [(0, 0), (0, 45), (12, -45), (300, 45), (12, 91), (1e30, 45), (45.5, 12)]
)
def test_a_position_far_from_that_of_its_pixel_is_misplaced(kind, spacing, n, wrong):
    rng = np.random.default_rng(3)
    azimuth, range_sample = pixels(kind, n, rng)
    lonlat = on_ground(azimuth, range_sample, spacing, 12.0, (12.0, 45.0))
    rows = [n // 2] if n < 10 else [5, 700, 1500]
    lonlat[rows] = wrong
    lonlat[0] = np.nan
    assert np.flatnonzero(misplaced(lonlat, azimuth, range_sample)).tolist() == rows


def test_what_is_left_out_is_named_with_its_rows():
    azimuth, range_sample = pixels("patch", 100, np.random.default_rng(0))
    lonlat = on_ground(azimuth, range_sample, (14.0, 3.0), 12.0, (12.0, 45.0))
    lonlat[[3, 8, 9, 20, 40, 41]] = 0
    left, warnings = trusted(PATH, lonlat, azimuth, range_sample)
    assert warnings == (
        "PATCH_1/pscands.1.ll: 6 of 100 positions cannot be those of their pixels (rows 4, 9, 10, "
        "21, 41, ...), such as 0, 0; these candidates are left out",
    )
    assert np.flatnonzero(np.isnan(left).all(axis=1)).tolist() == [3, 8, 9, 20, 40, 41]
    assert not np.isnan(lonlat).any()
    assert trusted(PATH, left, azimuth, range_sample) == (left, ())


def test_gaps_at_zero_may_be_many_but_other_wrong_positions_may_not():
    azimuth, range_sample = pixels("patch", 100, np.random.default_rng(0))
    lonlat = on_ground(azimuth, range_sample, (14.0, 3.0), 12.0, (12.0, 45.0))
    lonlat[:70] = 0
    left, _ = trusted(PATH, lonlat, azimuth, range_sample)
    assert np.isnan(left[:, 0]).sum() == 70
    lonlat[:11] = 80, 10
    with pytest.raises(DatasetError, match=r"ll: 70 of 100 positions .* geocode again"):
        trusted(PATH, lonlat, azimuth, range_sample)


def test_a_patch_without_any_position_has_none():
    azimuth, range_sample = pixels("patch", 20, np.random.default_rng(0))
    left, warnings = trusted(PATH, np.zeros((20, 2)), azimuth, range_sample)
    assert np.isnan(left).all()
    assert len(warnings) == 1
