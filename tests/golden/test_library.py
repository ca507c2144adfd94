"""Datasets that StaMPS itself has made, opened as an xarray.Dataset."""

import numpy as np
import pytest

from pystamps_hpc import open_dataset, read_mat
from pystamps_hpc.tools.products.time_series import read_series

from .parity import golden_root
from .test_values import PRODUCTS, VELOCITY, results

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]
pytest.importorskip("xarray")


@pytest.mark.parametrize("name", ["ps-small", "sb-small"])
def test_velocity_and_displacement_are_those_of_stamps(name):
    root = golden_root() / name / "expected"
    found = open_dataset(root)
    expected = results(name, "default")["v-do.ph_disp"].ravel()
    every = -(-found.sizes["ps"] // len(expected))
    np.testing.assert_allclose(found.velocity[::every], expected, rtol=0, atol=VELOCITY)
    series = read_series(root)
    moved = found.displacement.isel(date=series.columns)
    np.testing.assert_allclose(moved, series.displacement[:], rtol=0, atol=1e-5)
    assert [str(day)[:10] for day in moved.date.values] == series.dates


def test_phase_of_pairs_is_that_of_images_but_for_what_does_not_close():
    found = open_dataset(golden_root() / "sb-small" / "expected")
    image = found.unwrapped.fillna(0)
    of_pairs = image.sel(date=found.second).values - image.sel(date=found.first).values
    np.testing.assert_allclose(found.pair_inverted, of_pairs, atol=2e-5)
    assert found.pair_unwrapped.attrs["stamps"] == "phuw_sb2.ph_uw"


def test_candidates_of_a_patch_are_open_with_all_that_stages_1_to_4_found():
    patch = golden_root() / "ps-small" / "expected" / "PATCH_1"
    found = open_dataset(patch, candidates=True)
    phasors = read_mat(patch / "ph1.mat")["ph"]
    master = int(np.flatnonzero(found.date == found.first[0])[0])
    expected = np.angle(np.delete(phasors[:50], master, axis=1))
    np.testing.assert_allclose(found.wrapped[:50], expected, atol=1e-6)
    assert 0 < found.kept.sum() < found.selected.sum() < found.sizes["ps"]


def test_a_combined_dataset_of_stamps_is_open():
    root = PRODUCTS / "merge" / "mergeA" / "expected" / "MERGED"
    found = open_dataset(root)
    assert found.attrs["mode"] == "small baselines"
    assert {"filtered", "corrected", "point_bperp"} <= set(found.data_vars)
    assert found.corrected.dims == ("ps", "ifg")
    assert np.isfinite(found.corrected[::50]).all()
