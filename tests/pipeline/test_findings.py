"""The findings of a dataset are the sums of what its stages have recorded."""

import numpy as np

from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.dataset.tree import ROOT, discover_dataset
from pystamps_hpc.pipeline.findings import facts_of, findings, funnel


def facts():
    """Two patches of which the second has lost its points, merged and unwrapped."""
    return {
        ROOT: {
            "merged_per_patch": {"PATCH_1": 60}, "in_overlaps": 9, "same_position": 1,
            "ifg_noise_deg": [30.0, 50.0, 40.0],
            "ifg_dates": ["2020-01-01", "2020-03-01", "2020-04-01"], "ifg_numbers": [1, 3, 4],
            "interferograms": 3, "n_residues": 12, "unwrap_cost": 99.5, "stat_less_share": 0.25,
            "velocity_1_50_99_percent_mm_yr": [-3.0, 0.5, 4.0],
        },
        "PATCH_1": {"candidates": 100, "kept": 80,
                    "weeded": 70, "adjacent": 4, "same_position": 1, "noisy": 5},
        "PATCH_2": {"candidates": 20, "kept": 0},
    }  # fmt: skip


def test_every_point_that_is_gone_has_a_reason():
    found = findings(facts())
    assert found["points"] == {"candidates": 120, "selected": 80, "weeded": 70, "merged": 60}
    assert found["dropped"] == {
        "incoherent": 40, "adjacent": 4, "same_position": 2, "noisy": 5, "in_overlaps": 9,
    }  # fmt: skip
    assert sum(found["dropped"].values()) == 120 - 60


def test_the_noisiest_interferogram_is_named():
    noise = findings(facts())["noise"]
    assert noise["median_deg"] == 40
    assert noise["noisiest"][0] == {"number": 3, "date": "2020-03-01", "deg": 50}
    assert len(noise["noisiest"]) == 3


def test_the_noise_is_that_of_the_interferograms_in_use():
    found = findings(facts(), drop_ifg_index=[3.0])
    assert found["drop_ifg_index"] == [3.0]
    assert found["noise"]["median_deg"] == 35
    assert [row["number"] for row in found["noise"]["noisiest"]] == [4, 1]
    assert findings(facts(), drop_ifg_index=[1, 3, 4])["noise"] is None


def test_what_no_record_says_is_null():
    bare = {ROOT: {}, "PATCH_1": {}}
    found = findings(bare)
    assert set(found["points"].values()) == {None}
    assert (found["dropped"], found["noise"], found["velocity"]) == ({}, None, None)
    assert funnel(bare) == [
        {"patch": "PATCH_1", "candidates": None, "selected": None, "weeded": None, "merged": None}
    ]


def test_artifacts_of_another_program_tell_their_counts(tmp_path):
    for name in ("PATCH_1", "PATCH_2"):
        folder = tmp_path / name
        folder.mkdir()
        write_mat(folder / "ps1.mat", {"n_ps": 9.0})
        write_mat(folder / "select1.mat", {"keep_ix": np.array([[True], [False], [True]])})
        write_mat(folder / "weed1.mat", {"ix_weed": np.array([[True], [False]])})
    write_mat(tmp_path / "ps2.mat", {"n_ps": 2.0})
    counted = facts_of(discover_dataset(tmp_path), "ps")
    assert funnel(counted)[0] == {
        "patch": "PATCH_1", "candidates": 9, "selected": 2, "weeded": 1, "merged": None,
    }  # fmt: skip
    assert findings(counted)["points"] == {
        "candidates": 18, "selected": 4, "weeded": 2, "merged": 2,
    }  # fmt: skip
