"""Results that are out of date: why, and what a run does about them."""

import shutil

import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import StaleError
from pystamps_hpc.pipeline.state import TargetState, stale_reasons
from tests.stub_chain import artifacts, make_tree, tree_digest

from .runs import EVERYTHING, FAIL, KEEP, QUICK, change, completed, run


def test_c001_the_state_directories_are_no_source_of_truth(stubs, tree, tmp_path):
    straight = make_tree(tmp_path / "straight")
    run(straight)
    for stage in range(1, 9):
        assert run(tree, start_step=stage, end_step=stage).ok
        for folder in (tree, tree / "PATCH_1", tree / "PATCH_2"):
            shutil.rmtree(folder / ".pystamps-hpc", ignore_errors=True)
    assert artifacts(tree) == artifacts(straight)
    assert {row.status for row in run(tree).results} == {"skipped_existing"}


def test_a_changed_parameter_is_a_stale_reason_of_the_stages_that_read_it(stubs, tree):
    run(tree)
    change(tree, clap_win=16.0, unwrap_grid_size=100.0, plot_dem_posting=40.0)  # nobody's
    report = run(tree, KEEP)
    reasons = {(row["stage"], row["target"]): row["reason"] for row in report.stale}
    assert reasons == {
        (2, "PATCH_1"): "parameters changed: clap_win",
        (2, "PATCH_2"): "parameters changed: clap_win",
        (6, "root"): "parameters changed: unwrap_grid_size",
    }
    assert {row["path"] for row in report.stale} == {
        "PATCH_1/pm1.mat", "PATCH_2/pm1.mat", "phuw2.mat",
    }  # fmt: skip
    row = next(row for row in report.results if row.stage_id == 6)
    assert row.status == "skipped_existing"
    assert row.details == ("phuw2.mat present; out of date: parameters changed: unwrap_grid_size")


def test_a_changed_configuration_is_a_stale_reason(stubs, tree):
    run(tree)
    report = run(tree, KEEP.with_values({"compat.arithmetic": "single"}))
    reason = "configuration changed: compat.arithmetic double -> single (configured)"
    assert {row["reason"] for row in report.stale} == {reason}
    assert len(report.stale) == len(EVERYTHING)


def test_a_changed_input_is_a_stale_reason_a_copied_one_is_not(stubs, tree, tmp_path):
    run(tree)
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy, copy_function=shutil.copyfile)
    assert run(copy, KEEP).stale == []
    content = read_mat(copy / "PATCH_1" / "pm1.mat")
    write_mat(copy / "PATCH_1" / "pm1.mat", {k: v + 1 for k, v in content.items()})
    assert [(row["stage"], row["target"], row["reason"]) for row in run(copy, KEEP).stale] == [
        (3, "PATCH_1", "input changed: PATCH_1/pm1.mat")
    ]


def test_the_order_of_the_patches_is_part_of_the_merge(stubs, tree):
    (tree / "patch.list").write_text("PATCH_1\nPATCH_2\n")
    run(tree)
    (tree / "patch.list").write_text("PATCH_2\nPATCH_1\n")
    assert [(row["stage"], row["target"], row["reason"]) for row in run(tree, KEEP).stale] == [
        (5, "root", "configuration changed: patch.list")
    ]


def test_a_new_science_version_is_a_stale_reason(stubs, tree):
    run(tree)
    state = TargetState.load(tree)
    state.records[7]["science_version"] = 0
    state.save()
    assert [row["reason"] for row in run(tree, KEEP).stale] == ["science version 0 -> 1"]


def test_what_is_out_of_date_is_made_again_with_what_follows_and_the_plan_says_why(stubs, tree):
    run(tree)
    change(tree, unwrap_grid_size=100.0, scn_wavelength=50.0)
    report = run(tree)
    assert completed(report) == [(s, "merged", "root") for s in (6, 7, 8)]
    assert [row.reason for row in report.results if row.status == "completed"] == [
        "parameters changed: unwrap_grid_size; first pass again, without scla_smooth2.mat",
        "after stage 6",
        "after stage 7; parameters changed: scn_wavelength",
    ]
    assert report.exit_code == 0
    again = run(tree)
    assert {row.status for row in again.results} == {"skipped_existing"}


def test_every_reason_is_told_not_the_first(stubs, tree):
    run(tree)
    change(tree, clap_win=16.0)
    content = read_mat(tree / "PATCH_1" / "ps1.mat")
    write_mat(tree / "PATCH_1" / "ps1.mat", {k: v + 1 for k, v in content.items()})
    state = TargetState.load(tree / "PATCH_1")
    state.records[2]["science_version"] = 0
    state.records[2]["config"]["compat.arithmetic"] = "single"
    state.save()
    rows = [row for row in run(tree, KEEP).stale if (row["stage"], row["target"]) == (2, "PATCH_1")]
    assert rows[0]["reason"] == (
        "parameters changed: clap_win; configuration changed: compat.arithmetic single -> double "
        "(default); input changed: PATCH_1/ps1.mat; science version 0 -> 1"
    )


def test_a_key_that_a_record_does_not_know_was_at_its_default(stubs, tree):
    run(tree)
    state = TargetState.load(tree / "PATCH_1")
    del state.records[2]["config"]["compat.arithmetic"]
    state.save()
    assert run(tree, KEEP).stale == []
    single = QUICK.with_values({"runtime.stale_policy": "keep", "compat.arithmetic": "single"})
    reasons = {(row["stage"], row["target"]): row["reason"] for row in run(tree, single).stale}
    assert reasons[2, "PATCH_1"] == reasons[2, "PATCH_2"]


def test_kept_results_that_are_out_of_date_have_an_exit_code_of_their_own(stubs, tree):
    run(tree)
    assert run(tree, KEEP).exit_code == 0
    change(tree, scn_wavelength=50.0)
    report = run(tree, KEEP)
    assert (report.ok, report.exit_code) == (True, 6)
    assert [row["path"] for row in report.stale] == ["scn2.mat"]


@pytest.mark.parametrize("options", [{}, {"force": True}, {"part": "merged", "start_step": 5}])
def test_a_window_that_builds_on_what_is_out_of_date_is_refused(stubs, tree, options):
    run(tree)
    change(tree, clap_win=16.0)
    before = tree_digest(tree)
    part = "--part patches " if "part" in options else ""
    first = options.get("start_step", 6)
    for config in (QUICK, FAIL):
        with pytest.raises(StaleError) as caught:
            run(tree, config, **{"start_step": 6, **options})
        assert str(caught.value) == (
            f"{tree}: PATCH_1/pm1.mat and 1 more are out of date (parameters changed: clap_win), "
            f"which stage {first} builds on: run with {part}--start-step 2, or go on with --stale "
            "keep (runtime.stale_policy)"
        )
    assert tree_digest(tree) == before
    report = run(tree, KEEP, **{"start_step": 6, **options})
    assert report.exit_code == 6
    assert [row["path"] for row in report.stale] == ["PATCH_1/pm1.mat", "PATCH_2/pm1.mat"]


def test_other_patches_and_later_stages_do_not_stop_a_window(stubs, tree):
    run(tree)
    own = parameters.load(tree / "PATCH_2", tree).set_value("clap_win", 16.0, local=True)
    parameters.save(own)
    change(tree, scn_wavelength=50.0)
    assert run(tree, start_step=3, end_step=4, patches=("PATCH_1",)).exit_code == 0


@pytest.mark.parametrize("recorded", ["python", None])
def test_another_kernel_backend_is_a_stale_reason_unless_the_record_does_not_know(
    stubs, tree, recorded
):
    run(tree)
    state = TargetState.load(tree)
    state.records[7]["backends"] = recorded
    state.save()
    reasons = [row["reason"] for row in run(tree, KEEP).stale]
    assert reasons == (["configuration changed: kernel backends"] if recorded else [])


def test_what_a_killed_run_has_half_written_is_removed_by_the_next(stubs, tree):
    run(tree)
    places = [
        tree / ".pystamps-hpc" / "tmp" / "parms.0a1b.mat",
        tree / ".pystamps-hpc" / ".state.json.77.tmp",
        tree / "PATCH_1" / ".pystamps-hpc" / ".state.json.77.tmp",
        tree / "products" / ".points.gpkg.77-0a1b.tmp" / "points.gpkg",
    ]
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    run(tree, force=True)
    assert not [path for path in places if path.exists()]


def test_the_policy_fail_refuses_the_run_at_plan_time(stubs, tree):
    run(tree)
    change(tree, unwrap_grid_size=100.0)
    before = tree_digest(tree)
    with pytest.raises(StaleError, match=r"phuw2.mat is out of date \(parameters changed"):
        run(tree, FAIL)
    assert tree_digest(tree) == before


def test_artifacts_without_a_record_are_never_stale(stubs, tree):
    run(tree)
    for folder in (tree, tree / "PATCH_1", tree / "PATCH_2"):
        (folder / ".pystamps-hpc" / "state.json").write_text("{damaged")
    change(tree, clap_win=16.0)
    report = run(tree)
    assert report.stale == []
    assert {row.status for row in report.results} == {"skipped_existing"}


def test_a_reason_gives_both_values_of_a_configuration_key():
    old = {
        "params": {},
        "inputs": {},
        "science_version": 1,
        "config": {"compat.arithmetic": "single"},
    }
    new = {**old, "config": {"compat.arithmetic": "double"}}
    (reason,) = stale_reasons(old, new, frozenset(), {"compat.arithmetic": "double"})
    assert reason == "configuration changed: compat.arithmetic single -> double (default)"
