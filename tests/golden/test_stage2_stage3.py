"""Stages 2 and 3 on the golden sets."""

import numpy as np
import pytest

from pystamps_hpc.parallel.context import QuietLog

from .parity import assert_agrees

pytestmark = pytest.mark.golden

EQUAL = ("C_ps", "coh_ps", "ph_res", "ph_patch", "ph_weight", "ph_grid", "grid_ij", "n_trial_wraps")
EXACT = {"ps-small": ("K_ps", *EQUAL), "sb-small": EQUAL}  # SB: K_ps is not rounded to single
KEPT = {
    ("ps-small", "PATCH_1"): (6063, 5955),
    ("ps-small", "PATCH_2"): (7102, 7053),
    ("selection", "PATCH_1"): (5589, 5482),
    ("selection", "PATCH_2"): (6661, 6558),
    ("residues", "PATCH_1"): (6687, 6576),
    ("residues", "PATCH_2"): (7691, 7615),
    ("sb-small", "PATCH_1"): (4864, 4800),
    ("sb-small", "PATCH_2"): (2648, 2212),
}


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize("patch", ["PATCH_1", "PATCH_2"])
@pytest.mark.parametrize("name", EXACT)
def test_gamma_of_every_candidate_is_the_one_of_stamps(golden, name, patch, arithmetic):
    golden_set = golden(name)
    run = golden_set.run(2, patch, arithmetic)
    assert_agrees(golden_set, patch, run, arithmetic)
    if arithmetic == "single":
        expected = golden_set.artifact(patch, "pm1")
        for key in EXACT[name]:
            np.testing.assert_array_equal(run["pm1"][key], expected[key], err_msg=key)


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize(("name", "patch"), KEPT)
def test_the_selected_and_kept_candidates_are_those_of_stamps(golden, name, patch, arithmetic):
    golden_set, log = golden(name), QuietLog()
    run = golden_set.run(3, patch, arithmetic, log=log)
    assert (log.facts["selected"], log.facts["kept"]) == KEPT[name, patch]
    assert_agrees(golden_set, patch, run, arithmetic)
    expected = golden_set.artifact(patch, "select1")
    for key in ("ix", "keep_ix"):
        np.testing.assert_array_equal(run["select1"][key], expected[key])
