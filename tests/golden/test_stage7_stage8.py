"""Stages 7 and 8 on the golden sets: single arithmetic to the last digits, double to its means."""

import numpy as np
import pytest

from .parity import golden_root

pytestmark = pytest.mark.golden

SETS = ["ps-small", "iterate", "selection", "residues"]

# slopes in double: the last bits of the weights are LAPACK's, and so the processor's
SINGLE = {
    "scla2": {"K_ps_uw": 1e-16, "C_ps_uw": 5e-7, "ph_scla": 0.0, "ifg_vcm": 0.0},
    "scla_smooth2": {"K_ps_uw": 1e-16, "C_ps_uw": 5e-7, "ph_scla": 0.0},
}
SINGLE_SB = {
    "scla2": {"K_ps_uw": 5e-17, "C_ps_uw": 5e-7, "ph_scla": 0.0, "ifg_vcm": 0.0},
    "scla_sb2": {"K_ps_uw": 5e-17, "C_ps_uw": 0.0, "ph_scla": 0.0, "ifg_vcm": 0.0},
    "scla_smooth_sb2": {"K_ps_uw": 5e-17, "C_ps_uw": 0.0, "ph_scla": 0.0},
}
DOUBLE = {
    "scla2": {"K_ps_uw": 1e-6, "C_ps_uw": 3e-5, "ph_scla": 4e-4, "ifg_vcm": 0.0},
    "scla_smooth2": {"K_ps_uw": 1e-6, "C_ps_uw": 3e-5, "ph_scla": 4e-4},
}
DOUBLE_SB = {
    "scla2": {"K_ps_uw": 1e-7, "C_ps_uw": 1e-5, "ph_scla": 3e-5},
    "scla_sb2": {"K_ps_uw": 2e-7, "ph_scla": 1e-4},
    "scla_smooth_sb2": {"K_ps_uw": 2e-7, "ph_scla": 1e-4},
}
NOISE = {"scn2": {"ph_hpt": 1e-6, "ph_scn_slave": 6e-6}}


def assert_artifacts(found, golden, tolerances):
    for artifact, keys in tolerances.items():
        expected = golden.artifact("root", artifact)
        assert found[artifact].keys() == expected.keys()
        for key, value in expected.items():
            assert found[artifact][key].shape == value.shape, key
            assert found[artifact][key].dtype == value.dtype, key
            np.testing.assert_allclose(
                found[artifact][key], value, rtol=0, atol=keys.get(key, 0), err_msg=key
            )


@pytest.mark.parametrize("backend", ["native", "python"])
@pytest.mark.parametrize("name", SETS)
def test_single_arithmetic_gives_the_look_angle_error_of_stamps(golden, name, backend):
    assert_artifacts(golden(name).run(7, backend=backend), golden(name), SINGLE)


@pytest.mark.parametrize("name", SETS)
def test_double_arithmetic_differs_by_the_sums_of_stamps_only(golden, name):
    assert_artifacts(golden(name).run(7, arithmetic="double"), golden(name), DOUBLE)


@pytest.mark.parametrize("backend", ["native", "python"])
def test_single_arithmetic_gives_the_look_angle_errors_of_small_baselines(golden, backend):
    assert_artifacts(golden("sb-small").run(7, backend=backend), golden("sb-small"), SINGLE_SB)


def test_double_arithmetic_of_small_baselines_differs_by_the_sums_only(golden):
    found = golden("sb-small").run(7, arithmetic="double")
    assert_artifacts(found, golden("sb-small"), DOUBLE_SB)


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize("name", [*SETS, "sb-small"])
def test_spatially_correlated_noise_is_that_of_stamps(golden, name, arithmetic):
    found = golden(name).run(8, arithmetic=arithmetic)
    assert_artifacts(found, golden(name), NOISE)


def test_the_keys_of_stage_6_stay_as_they_are(golden):
    found = golden("residues").run(8)["uw_space_time"]
    expected = golden("residues").artifact("root", "uw_space_time")
    added = {"edge_noise_std", "ifg_noise_std", "n_edge_rejected", "stage"}
    assert found.keys() - expected.keys() == added
    for key, value in expected.items():
        if hasattr(value, "nnz"):
            assert (found[key] != value).nnz == 0
        else:
            np.testing.assert_array_equal(found[key], value)
    rejected = np.isnan(expected["dph_noise"]).any(axis=1)
    np.testing.assert_array_equal(np.isnan(found["edge_noise_std"][:, 0]), rejected)
    assert found["n_edge_rejected"] == rejected.sum() > 0


def test_mean_velocity_is_close_to_the_truth(golden):
    found = golden("ps-small").run(8)["mean_v"]
    assert found["m"].shape == (2, 9857)
    assert found["mean_v"].shape == (9857, 1)
    assert found["value_type"] == "v-do"
    assert 11 not in found["unwrap_ifg_index"]
    points = golden("ps-small").artifact("root", "ps2")
    azimuth, sample = points["ij"][:, 1:].astype(int).T
    towards = -np.load(golden_root() / "ps-small" / "truth.npz")["vel"][azimuth, sample]
    plane = np.column_stack((points["xy"][:, 1:].astype(float), np.ones(9857)))
    deramped = towards - plane @ np.linalg.lstsq(plane, towards, rcond=None)[0]
    assert np.corrcoef(found["mean_v"][:, 0], deramped)[0, 1] > 0.93
