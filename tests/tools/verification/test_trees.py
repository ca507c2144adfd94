"""Trees against trees: what is compared, how points are matched, what the report says."""

import json
import re
import shutil

import numpy as np
import pytest

from pystamps_hpc.config import ToleranceConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.pipeline.documents import json_ready
from pystamps_hpc.pipeline.state import TargetState
from pystamps_hpc.tools.verification.compare import (
    Policy,
    Window,
    unlike,
    velocity_agreement,
    verify_run_against_golden,
    verify_run_alone,
)
from pystamps_hpc.tools.verification.compare.policy import policy_table
from pystamps_hpc.tools.verification.compare.trees import artifact_files

from .trees import MINI, column, mini_files, write_tree


@pytest.fixture
def run(tmp_path):
    shutil.copytree(MINI, tmp_path / "run")
    return tmp_path / "run"


def change(path, **changes):
    write_mat(path, {**read_mat(path), **changes}, fsync=False)


@pytest.mark.parametrize("profile", ["strict", "scientific"])
def test_a_tree_equals_itself_with_zero_differences(profile):
    report = verify_run_against_golden(MINI, MINI, Policy(profile))
    assert report.ok
    assert report.tolerated == report.notes == report.overlap == report.extra == []
    assert report.checked == len(mini_files())
    assert sum(result.difference.max_abs for result in report.keys) == 0


@pytest.mark.parametrize("mat_format", ["v5", "v7.3"])
@pytest.mark.parametrize("compress", [False, True])
def test_the_container_makes_no_difference(run, mat_format, compress):
    for path in run.rglob("*.mat"):
        keys = dict(reversed(read_mat(path).items()))  # nor does the order of the keys
        write_mat(path, keys, mat_format=mat_format, compress=compress, fsync=False)
    report = verify_run_against_golden(run, MINI)
    assert report.ok
    assert report.tolerated == report.notes == []


def test_one_difference_never_hides_another(run):
    values = read_mat(run / "PATCH_1" / "pm1.mat")
    residual, slope = values["ph_res"].copy(), values["K_ps"].copy()
    slope[7] += 1
    residual[3, 2] += 1
    change(run / "PATCH_1" / "pm1.mat", ph_res=residual, K_ps=slope)
    (run / "PATCH_2" / "rc2.mat").unlink()
    (run / "phuw2.mat").write_bytes(b"torn")
    report = verify_run_against_golden(run, MINI).to_json()
    assert [row["path"] for row in report["failed"]] == [
        "PATCH_1/pm1.mat", "PATCH_2/rc2.mat", "phuw2.mat",
    ]  # fmt: skip
    first = report["failed"][0]
    assert set(first["failing_keys"]) == {"K_ps", "ph_res"}
    assert report["summary"]["first_boundary_failure"]["path"] == "PATCH_1/pm1.mat"
    assert [group["failure_class"] for group in report["summary"]["groups"]] == [
        "stage 2 patch", "stage 5 patch", "stage 6 merged",
    ]  # fmt: skip


def test_the_report_is_json_with_the_keys_of_the_contract(run):
    change(run / "scla2.mat", K_ps_uw=read_mat(run / "scla2.mat")["K_ps_uw"] + np.inf)
    document = json_ready(verify_run_against_golden(run, MINI).to_json(detail=True))
    json.dumps(document, allow_nan=False)
    assert document["schema"] == "pystamps-hpc/verify-report/1"
    assert set(document) >= {
        "ok", "profile", "run", "golden", "window", "final_products_only", "policy_version",
        "checked", "keys_checked", "failed", "tolerated", "extra", "notes", "summary", "keys",
    }  # fmt: skip
    failure = document["failed"][0]
    assert set(failure) >= {
        "path", "message", "stage", "scope", "failure_kind", "failing_key", "failing_keys",
        "shape_run", "shape_golden", "max_abs", "outliers", "failure_class", "worst",
    }  # fmt: skip
    assert (failure["stage"], failure["scope"]) == (7, "merged")
    assert failure["max_abs"] is None
    assert len(document["keys"]) == document["keys_checked"]


def test_the_report_names_the_worst_offender_and_its_place(run):
    phase = read_mat(run / "phuw2.mat")["ph_uw"]
    phase[41, 3] += 2 * np.pi
    change(run / "phuw2.mat", ph_uw=phase)
    (row,) = verify_run_against_golden(run, MINI).failed
    text = row["message"]
    assert row["path"] == "phuw2.mat"
    assert "cycle mismatch for key 'ph_uw'" in text
    assert "max_abs=6.28 at row 42, ifg 4" in text
    assert "1 on another cycle" in text


def test_velocities_are_compared_in_mm_per_year_whatever_the_reference(run):
    assert velocity_agreement(run, MINI) == "The velocities of 1,411 points are the same."
    days = read_mat(run / "ps2.mat")
    elapsed = (days["day"] - days["master_day"]).ravel()
    phase = read_mat(run / "phuw2.mat")["ph_uw"]
    wavelength = parameters.load(run).value("lambda")
    shift = -4 * np.pi / wavelength / 1000 / 365.25 * elapsed  # 1 mm/yr towards the satellite
    phase[: len(phase) // 2] += shift.astype(np.float32)
    change(run / "phuw2.mat", ph_uw=phase)
    assert "differ by a median of 0.5 mm/yr, 99 % by less than 0.5" in velocity_agreement(run, MINI)
    change(run / "phuw2.mat", ph_uw=read_mat(MINI / "phuw2.mat")["ph_uw"] + shift.astype("f4"))
    (largest,) = re.findall(r"the largest by (\S+)\.$", velocity_agreement(run, MINI))
    assert float(largest) < 1e-5  # all points together: only the reference has moved


def test_trees_without_phase_or_common_points_say_so(run):
    points = read_mat(run / "ps2.mat")
    points["ij"][:, 1] += 10_000
    change(run / "ps2.mat", ij=points["ij"])
    assert "no point in common" in velocity_agreement(run, MINI)
    (run / "phuw2.mat").unlink()
    assert velocity_agreement(run, MINI) == ""


def test_what_is_unlike_the_golden_tree_is_told(run, tmp_path):
    def made_with(tree, **compat):
        tree.mkdir(exist_ok=True)
        config = {f"compat.{name}": value for name, value in compat.items()}
        record = {"stage": 2, "scope": "patch", "science_version": 1, "params": {}, "inputs": {},
                  "config": {**config, "runtime.triangulator": "triangle"}}  # fmt: skip
        TargetState(tree, {2: record}).save()

    assert unlike(run, MINI) == []
    (neither,) = unlike(run, MINI, selects_alike=False)
    assert neither.endswith("this run does not say it either (compat.random_generator).")
    made_with(run, arithmetic="double", random_generator="matlab")
    first, second = unlike(run, MINI)
    assert first == "Not as in the golden tree: compat.arithmetic is double, there single."
    assert "does not say whether MATLAB or Octave" in second
    made_with(tmp_path / "golden", arithmetic="double", random_generator="octave")
    assert unlike(run, tmp_path / "golden") == [
        "Not as in the golden tree: compat.random_generator is matlab, there octave."
    ]
    change(run / "parms.mat", unwrap_grid_size=50.0)
    assert unlike(run, MINI)[-1] == "parms.mat differs: unwrap_grid_size is 50, there 200."


def test_a_window_compares_the_artifacts_of_its_stages_alone(run):
    shutil.rmtree(run / "PATCH_1")
    (run / "PATCH_1").mkdir()
    assert not verify_run_against_golden(run, MINI).ok
    report = verify_run_against_golden(run, MINI, window=Window(6, 7))
    assert report.ok
    assert {result.file.stage for result in report.keys} == {6, 7}


def test_final_products_leave_out_intermediate_artifacts_and_diagnostic_keys(run):
    (run / "uw_grid.mat").unlink()
    (run / "scla_smooth2.mat").unlink()
    change(run / "PATCH_1" / "pm1.mat", gamma_change_save=column(9.0))
    report = verify_run_against_golden(run, MINI, window=Window(final_products_only=True))
    assert report.ok
    assert report.checked < len(artifact_files(MINI, Window()))


def test_without_golden_artifacts_nothing_is_verified(run, tmp_path):
    (tmp_path / "empty").mkdir()
    report = verify_run_against_golden(run, tmp_path / "empty")
    assert [row["failure_kind"] for row in report.failed] == ["missing_golden_artifacts"]
    assert "no golden artifacts found" in report.failed[0]["message"]
    with pytest.raises(DatasetError):
        verify_run_against_golden(tmp_path / "nowhere", MINI)


def test_files_and_keys_of_the_run_alone_are_extra_and_no_failure(run, tmp_path):
    golden = tmp_path / "golden"
    shutil.copytree(MINI, golden)
    (golden / "scn2.mat").unlink()
    change(run / "scla2.mat", more=column(1.0))
    report = verify_run_against_golden(run, golden)
    assert report.ok
    assert report.extra == ["scn2.mat", "scla2.mat:more"]


def points(n, skip=()):
    """A tree of points with values that follow from their place."""
    ij = np.array([(0, 10 * k, 3 * k % 50) for k in range(n) if k not in skip], float)
    ij[:, 0] = np.arange(1, len(ij) + 1)
    place = ij[:, 1:2] / 10
    return {
        "ps2": {"ij": ij, "n_ps": np.full((1, 1), len(ij), float)},
        "pm2": {"K_ps": place * 1e-4, "ph_patch": np.exp(1j * place * [[1, 2]])},
        "mean_v": {"m": np.hstack([place, place]).T.copy()},
    }


def test_points_of_different_selections_are_matched_by_azimuth_and_range(tmp_path):
    golden = write_tree(tmp_path / "golden", points(2000))
    run = write_tree(tmp_path / "run", points(2000, skip={17, 930}))
    scientific = Policy("scientific")
    assert not verify_run_against_golden(run, golden).ok
    report = verify_run_against_golden(run, golden, scientific)
    assert report.ok, report.failed
    assert report.overlap == [
        {
            "directory": "root", "rows": "points", "run": 1998, "golden": 2000,
            "common": 1998, "unmatched_fraction": 0.001,
        }
    ]  # fmt: skip
    assert {"path": "ps2.mat", "key": "n_ps", "note": "index key skipped under point matching"} in (
        report.notes
    )
    spoilt = points(2000, skip={17, 930})
    spoilt["pm2"]["K_ps"][100] += 1.0
    run = write_tree(tmp_path / "run", spoilt)
    report = verify_run_against_golden(run, golden, scientific)
    assert [row["failing_keys"] for row in report.failed] == [["K_ps"]]


def test_too_few_common_points_fail_the_file_that_defines_them(tmp_path):
    golden = write_tree(tmp_path / "golden", points(2000))
    run = write_tree(tmp_path / "run", points(2000, skip={1, 2, 3, 4, 5}))
    report = verify_run_against_golden(run, golden, Policy("scientific"))
    assert [row["path"] for row in report.failed] == ["ps2.mat"]
    assert (
        "5 points of 2000 are only on one side (0.25%, allowed 0.20%)"
        in (report.failed[0]["message"])
    )


def test_configured_tolerances_are_stronger_than_the_policy(run):
    slope = read_mat(run / "scla2.mat")["K_ps_uw"]
    change(run / "scla2.mat", K_ps_uw=slope + 1e-3)
    assert not verify_run_against_golden(run, MINI).ok
    given = ToleranceConfig(key_tolerances={"scla2.K_ps_uw": {"atol": 2e-3}})
    assert verify_run_against_golden(run, MINI, Policy(tolerance=given)).ok
    wrong = ToleranceConfig(key_tolerances={"K_ps_uw": {"max_outlier_fraction": 0.1}})
    with pytest.raises(ConfigError, match="scientific"):
        verify_run_against_golden(run, MINI, Policy(tolerance=wrong))


def test_the_policy_has_rules_for_keys_of_the_schemas_only_and_is_never_tighter_when_looser():
    for name in policy_table()["keys"]:
        artifact, key = name.split(".")
        assert key in ARTIFACTS[artifact].keys, name
        strict = Policy("strict", []).rule(artifact, key)
        chain = Policy("strict", ["chain", "double"]).rule(artifact, key)
        assert chain.atol + chain.rtol >= strict.atol + strict.rtol
        scientific = Policy("scientific", []).rule(artifact, key)
        if scientific.kind == strict.kind:
            assert scientific.atol >= strict.atol


def test_a_finished_run_is_consistent_in_itself():
    report = verify_run_alone(MINI)
    assert report.ok, report.failed
    assert {"phuw2", "scla2", "uw_interp"} <= {result.file.artifact for result in report.keys}


@pytest.mark.parametrize(
    ("artifact", "key", "row", "ifg", "amount", "words"),
    [
        ("phuw2", "ph_uw", 30, 1, 0.01, "congruence"),
        ("phuw2", "ph_uw", 30, "master", 6.3, "columns are zero"),
        ("scla2", "ph_scla", 12, 2, 0.1, "slope times baseline"),
        ("mean_v", "m", 1, 7, np.nan, "not finite"),
        ("uw_interp", "Z", 3, 3, 1e6, "above"),
        ("ps2", "master_ix", 0, 0, -50, "below 1"),
    ],
)
def test_an_inconsistent_run_is_found_without_golden(run, artifact, key, row, ifg, amount, words):
    master = int(read_mat(run / "ps2.mat")["master_ix"].item()) - 1
    value = read_mat(run / f"{artifact}.mat")[key]
    value[row, master if ifg == "master" else ifg] += amount
    change(run / f"{artifact}.mat", **{key: value})
    failed = verify_run_alone(run).failed
    assert any(failure["path"] == f"{artifact}.mat" for failure in failed)
    assert any(words in failure["message"] for failure in failed), failed


def test_a_missing_point_is_found_without_golden(run):
    values = read_mat(run / "scn2.mat")
    change(run / "scn2.mat", ph_scn_slave=values["ph_scn_slave"][1:])
    messages = [failure["message"] for failure in verify_run_alone(run).failed]
    assert any("ps2.n_ps is" in message for message in messages)
