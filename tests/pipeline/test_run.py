"""Whole runs over the stub chain: skip, dry run, force, invalidation, no PS, failure."""

import errno
import itertools
import json
import os
import shutil

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.memo import MemoStore
from pystamps_hpc.dataset.publish import Publication, write_text
from pystamps_hpc.dataset.tree import discover_dataset
from pystamps_hpc.errors import ConfigError, DatasetError, MatError, StageError, StaleError
from pystamps_hpc.pipeline import execute
from pystamps_hpc.pipeline.choices import resolve_choices
from pystamps_hpc.pipeline.documents import json_text
from pystamps_hpc.pipeline.finished import Finished
from pystamps_hpc.pipeline.invalidation import drop_outdated_records
from pystamps_hpc.pipeline.outlook import Outlook, named, outlook, shortened
from pystamps_hpc.pipeline.stages import plan_pipeline, run_pipeline, run_stage
from pystamps_hpc.pipeline.state import TargetState, fingerprint, stale_reasons
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.status import collect_status
from tests.stub_chain import CHAIN, MARKERS, artifacts, make_tree, statuses, tree_digest

PATCH_STAGES = (1, 2, 3, 4, 5)
EVERYTHING = [
    *[(s, "patch", p) for s in PATCH_STAGES for p in ("PATCH_1", "PATCH_2")],
    (5, "merged", "root"), (6, "merged", "root"), (7, "merged", "root"), (8, "merged", "root"),
]  # fmt: skip


QUICK = RunConfig().with_values({"output.fsync": False})
KEEP = QUICK.with_values({"runtime.stale_policy": "keep"})
FAIL = QUICK.with_values({"runtime.stale_policy": "fail"})


def run(root, run_config=QUICK, **options):
    return run_pipeline(PipelineContext(root, run_config, **options))


def completed(report):
    return [row[:3] for row in statuses(report) if row[3] == "completed"]


def fail(_ctx):
    raise StageError("PATCH_1: no candidates; look again")


def change(root, **changes):
    """Change parameters of the dataset."""
    known = parameters.load(root)
    for name, value in changes.items():
        known = known.set_value(name, value)
    parameters.save(known)


# -- statuses, order, skipping ------------------------------------------------------------


@pytest.mark.parametrize("dropped", [(), 7.0, (3.0, 7.0)])
def test_the_report_lists_the_interferograms_left_out(stubs, tree, dropped):
    change(tree, drop_ifg_index=dropped)
    listed = run(tree, end_step=1, dry_run=True).findings["drop_ifg_index"]
    assert listed == ([7.0] if dropped == 7.0 else list(dropped))


def test_c003_a_run_does_every_task_in_the_order_of_the_table(stubs, tree):
    report = run(tree)
    assert completed(report) == EVERYTHING
    assert report.ok
    assert report.exit_code == 0
    assert sorted(stubs.calls) == sorted(EVERYTHING)


def test_c009_a_second_run_skips_everything(stubs, tree):
    run(tree)
    before = artifacts(tree)
    stubs.calls.clear()
    report = run(tree)
    assert {row.status for row in report.results} == {"skipped_existing"}
    assert report.results[0].details == "ps1.mat present"
    assert stubs.calls == []
    assert artifacts(tree) == before


def test_c010_a_row_carries_the_wall_time_of_its_task(stubs, tree):
    assert all(row.duration_sec > 0 for row in run(tree).results)
    assert all(row.duration_sec is None for row in run(tree).results)
    assert all(row.duration_sec is None for row in run(tree, force=True, dry_run=True).results)


@pytest.mark.parametrize("window", [(1, 4), (2, 3), (0, 2), (5, 5), (6, 8), (3, 7)])
def test_c006_a_window_runs_its_stages_only(stubs, tree, window):
    run(tree)
    stubs.calls.clear()
    report = run(tree, start_step=window[0], end_step=window[1], force=True)
    wanted = [row for row in EVERYTHING if window[0] <= row[0] <= window[1]]
    assert completed(report) == wanted


@pytest.mark.parametrize(
    ("part", "scopes"),
    [("patches", {"patch"}), ("merged", {"merged"}), ("all", {"patch", "merged"})],
)
def test_a_part_selects_patches_or_merged_stages(stubs, tree, part, scopes):
    run(tree)
    report = run(tree, part=part, force=True)
    assert {row.scope for row in report.results} == scopes


def test_patches_restrict_the_patch_tasks(stubs, tree):
    report = run(tree, part="patches", patches=("PATCH_2",))
    assert {row.target for row in report.results} == {"PATCH_2"}
    assert not (tree / "PATCH_1" / "ps1.mat").exists()
    run(tree, patches=("PATCH_1",), end_step=4)
    assert (tree / "PATCH_1" / "weed1.mat").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_step": 6, "end_step": 3}, "--start-step 6 is after --end-step 3"),
        ({"patches": ("PATCH_1",)}, "--patches needs --part patches or --end-step 4 or lower"),
        (
            {"patches": ("PATCH_1",), "end_step": 5},
            "--patches needs --part patches or --end-step 4 or lower",
        ),
        ({"part": "merged", "end_step": 4}, "--part merged needs --end-step 5 or higher"),
        ({"part": "patches", "start_step": 6}, "--part patches needs --start-step 5 or lower"),
        ({"start_step": 9}, "steps must lie in 1..8, got 9..8"),
        ({"end_step": 0}, "steps must lie in 1..8, got 1..0"),
        ({"part": "some"}, "part is 'some': use all, patches or merged"),
    ],
)
def test_a_contradictory_window_is_refused_before_anything_is_written(
    stubs, tree, options, message
):
    with pytest.raises(ConfigError) as caught:
        run(tree, **options)
    assert str(caught.value) == message
    assert tree_digest(tree) == {}


def test_an_unknown_patch_is_refused_with_the_known_ones(stubs, tree):
    with pytest.raises(DatasetError, match=r"has no patch PATCH_9; patches: PATCH_1, PATCH_2"):
        run(tree, part="patches", patches=("PATCH_9",))


def test_c005_a_missing_member_makes_its_task_run_again(stubs, tree):
    run(tree)
    for stage, scope, required, *_ in CHAIN:
        target = "PATCH_1" if scope == "patch" else "root"
        context = PipelineContext(
            tree, start_step=stage, end_step=stage, part={"patch": "patches"}.get(scope, scope)
        )
        for member in required.split():
            path = (tree / target if scope == "patch" else tree) / f"{member}.mat"
            path.rename(path.with_suffix(".away"))
            planned = [(p.stage, p.scope, p.target) for p in plan_pipeline(context)
                       if p.action == "run"]  # fmt: skip
            assert planned == [(stage, scope, target)], member
            path.with_suffix(".away").rename(path)


@pytest.mark.parametrize("content", [b"", b"no MAT file, cut off"])
def test_an_unreadable_marker_makes_its_task_run_again(stubs, tree, content):
    run(tree)
    (tree / "PATCH_1" / "pm1.mat").write_bytes(content)
    assert (2, "patch", "PATCH_1") in completed(run(tree))


# -- dry run ------------------------------------------------------------------------------


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("lost", ["", "PATCH_2/select1.mat", "phuw2.mat", "PATCH_1/bp1.mat"])
def test_c007_a_dry_run_writes_nothing_and_plans_what_the_run_completes(stubs, tree, lost, force):
    run(tree)
    if lost:
        (tree / lost).unlink()
    before = tree_digest(tree)
    dry = run(tree, dry_run=True, force=force)
    assert tree_digest(tree) == before
    assert stubs.calls
    planned = [row[:3] for row in statuses(dry) if row[3] == "planned"]
    assert planned == completed(run(tree, force=force))
    details = {row.details for row in dry.results if row.status == "planned"}
    assert all(text.startswith("Would produce ") for text in details)


def test_a_dry_run_of_a_new_dataset_leaves_it_without_state_directory(stubs, tree):
    report = run(tree, dry_run=True)
    assert {row.status for row in report.results} == {"planned"}
    assert not (tree / ".pystamps-hpc").exists()
    assert sorted(path.name for path in tree.rglob("*")) == ["PATCH_1", "PATCH_2"]


def test_a_dry_run_names_what_running_would_remove(stubs, tree):
    run(tree)
    rows = {(r.stage_id, r.scope): r for r in run(tree, dry_run=True, force=True).results}
    assert rows[7, "merged"].invalidates == ["scn2.mat", "mean_v.mat"]
    assert rows[8, "merged"].invalidates == []


# -- missing inputs -----------------------------------------------------------------------


def test_missing_inputs_are_refused_at_plan_time(stubs, tree):
    with pytest.raises(DatasetError) as caught:
        run(tree, start_step=6)
    assert str(caught.value) == f"stage 6 needs ph2.mat in {tree}: run stage 5 first"
    with pytest.raises(DatasetError, match=r"stage 3 needs pm1.mat in PATCH_1: run stage 2 first"):
        run(tree, start_step=3, end_step=4)
    assert tree_digest(tree) == {}


def test_keep_going_turns_a_patch_without_inputs_into_a_failed_row(stubs, tree):
    run(tree, part="patches", patches=("PATCH_2",), end_step=2)
    report = run(tree, start_step=3, keep_going=True)
    assert statuses(report) == [
        (3, "patch", "PATCH_1", "failed"),
        (3, "patch", "PATCH_2", "completed"),
        (4, "patch", "PATCH_2", "completed"),
        (5, "patch", "PATCH_2", "completed"),
    ]
    assert report.results[0].details == "stage 3 needs pm1.mat in PATCH_1: run stage 2 first"
    assert report.exit_code == 1
    targets = {(row["stage"], row["target"]) for row in report.not_started}
    assert targets == {(4, "PATCH_1"), (5, "PATCH_1"), *((s, "root") for s in (5, 6, 7, 8))}


# -- invalidation -------------------------------------------------------------------------

FOREIGN = ("mv2", "scla_sb2", "scla_smooth_sb2")
MERGED = {
    5: "ps2 ph2 pm2 bp2 rc2 hgt2 la2 inc2 ifgstd2",
    6: "uw_grid uw_interp uw_space_time uw_phaseuw phuw2",
    7: "scla2 scla_smooth2 scla_sb2 scla_smooth_sb2",
    8: "mean_v scn2 mv2",
}
PATCH = {
    2: "pm1",
    3: "select1",
    4: "weed1",
    5: "ps2 pm2 bp2 rc2 ph2 hgt2 la2 inc2",
}
UNKNOWN = ("notes.txt", "mine.mat", "PATCH_1/mine.mat", "PATCH_1/ps1.mat.bak", "psver.mat")


def removed_by(stage, scope):
    """Return what a new run of the stage removes, relative to the root."""
    if scope == "patch":
        later = [
            f"PATCH_1/{n}.mat" for s, names in PATCH.items() if s > stage for n in names.split()
        ]
        return {*later, *(f"{n}.mat" for names in MERGED.values() for n in names.split())}
    if stage == 6:
        kept = "scla_smooth2"  # its next pass reads it
        later = f"{MERGED[7]} {MERGED[8]}".split()
        return {f"{name}.mat" for name in later if name != kept}
    return {f"{n}.mat" for s, names in MERGED.items() if s > stage for n in names.split()}


@pytest.mark.parametrize(("stage", "scope"), [row[:2] for row in CHAIN])
def test_a_task_removes_what_depends_on_it_and_nothing_else(stubs, tree, stage, scope):
    run(tree)
    for name in FOREIGN:
        write_mat(tree / f"{name}.mat", {"x": read_mat(tree / "scn2.mat")["ph_scn_slave"]})
    for name in UNKNOWN[:4]:
        (tree / name).write_text("mine")
    before = set(tree_digest(tree, without=(".pystamps-hpc",)))
    target = {"patch": tree / "PATCH_1"} if scope == "patch" else {"dataset": tree}
    row = run_stage(stage, **target, run_config=QUICK)
    after = set(tree_digest(tree, without=(".pystamps-hpc",)))
    assert row.status == "completed"
    assert before - after == removed_by(stage, scope)
    assert set(row.invalidates) == removed_by(stage, scope)
    assert all((tree / name).exists() for name in UNKNOWN)


def test_markers_go_first_and_the_last_stage_before_the_others(stubs, tree):
    run(tree)
    names = run_stage(5, dataset=tree).invalidates
    assert names.index("scn2.mat") < names.index("mean_v.mat") < names.index("scla2.mat")
    assert names.index("scla2.mat") < names.index("scla_smooth2.mat") < names.index("phuw2.mat")
    assert names.index("phuw2.mat") < names.index("uw_grid.mat")


def test_records_of_removed_tasks_are_removed_too(stubs, tree):
    run(tree)
    assert set(TargetState.load(tree).records) == {5, 6, 7, 8}
    run_stage(6, dataset=tree)
    assert set(TargetState.load(tree).records) == {5, 6, 7}  # scla_smooth2 stays, and stays ours
    run_stage(5, dataset=tree)
    assert set(TargetState.load(tree).records) == {5}


def test_the_smoothed_scla_survives_a_new_stage_6_and_no_new_stage_5(stubs, tree):
    run(tree)
    run_stage(6, dataset=tree)
    assert (tree / "scla_smooth2.mat").exists()
    run_stage(5, dataset=tree)
    assert not (tree / "scla_smooth2.mat").exists()


def test_a_forced_second_pass_over_stages_6_to_8_is_stale_nowhere(stubs, tree):
    run(tree)
    assert run(tree, start_step=6, force=True).ok
    assert run(tree).stale == []


# -- staleness ----------------------------------------------------------------------------


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
    change(tree, clap_win=16.0, unwrap_grid_size=100.0)
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


def test_a_parameter_of_another_stage_makes_nothing_stale(stubs, tree):
    run(tree)
    change(tree, plot_dem_posting=40.0)
    assert run(tree).stale == []


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


def test_inputs_that_cannot_be_read_cost_nothing_that_stands(stubs, tree):
    run(tree)
    before = artifacts(tree)
    (tree / "PATCH_1" / "ps1.mat").write_bytes(b"no mat file at all")
    report = run(tree, start_step=2, force=True)
    assert report.failures[0].details.endswith("delete it and rerun stage 1")
    after = artifacts(tree)
    assert {name: after.get(name) for name in before if name.startswith("PATCH_1/p")} == {
        **{name: digest for name, digest in before.items() if name.startswith("PATCH_1/p")},
        "PATCH_1/ps1.mat": after["PATCH_1/ps1.mat"],
    }


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
    ]
    for path in places:
        path.parent.mkdir(exist_ok=True)
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


def test_a_record_that_lacks_parts_counts_as_none(stubs, tree):
    run(tree)
    path = tree / ".pystamps-hpc" / "state.json"
    content = json.loads(path.read_text())
    content["records"]["6"] = {"stage": 6}
    path.write_text(json.dumps(content))
    assert {row.status for row in run(tree).results} == {"skipped_existing"}


# -- results that were not made here ------------------------------------------------------


def disown(*folders):
    """Make the artifacts of a folder those of another program."""
    for folder in folders:
        shutil.rmtree(folder / ".pystamps-hpc", ignore_errors=True)


def test_what_another_program_finished_counts_as_finished_whatever_it_does_not_write(stubs, tree):
    run(tree)
    disown(tree, tree / "PATCH_1", tree / "PATCH_2")
    for name in ("mean_v", "uw_grid", "scla_smooth2", "PATCH_1/ph1"):
        (tree / f"{name}.mat").unlink()
    before = artifacts(tree)
    for options in ({}, {"start_step": 8}):
        report = run(tree, **options)
        assert {row.status for row in report.results} == {"skipped_existing"}
        assert report.results[-1].details == "scn2.mat present, made elsewhere"
    assert artifacts(tree) == before


@pytest.mark.parametrize("last", [5, 6, 7])
def test_a_run_goes_on_where_another_program_stopped(stubs, tree, last):
    run(tree)
    for stage in range(last + 1, 9):
        for name in MERGED[stage].split():
            (tree / f"{name}.mat").unlink(missing_ok=True)
    disown(tree, tree / "PATCH_1", tree / "PATCH_2")
    assert completed(run(tree)) == [(s, "merged", "root") for s in range(last + 1, 9)]


def test_results_that_were_not_made_here_are_neither_replaced_nor_removed_unasked(stubs, tree):
    run(tree)
    disown(tree, tree / "PATCH_1")
    (tree / "PATCH_1" / "select1.mat").unlink()
    before = tree_digest(tree)
    with pytest.raises(DatasetError) as caught:
        run(tree)
    assert str(caught.value) == (
        f"{tree}: scn2.mat, mean_v.mat, scla2.mat, scla_smooth2.mat, phuw2.mat, uw_phaseuw.mat and "
        "21 more: not made by pystamps-hpc; stage 3 of PATCH_1 (select1.mat missing) would "
        "replace or remove them: move them away to keep them, or insist with --force"
    )
    assert tree_digest(tree) == before
    rows = {(r.stage_id, r.target): r for r in run(tree, dry_run=True, force=True).results}
    assert rows[2, "PATCH_1"].details == "Would produce pm1.mat: forced; overwrites PATCH_1/pm1.mat"
    assert rows[2, "PATCH_2"].details == "Would produce pm1.mat: forced"
    assert run(tree, force=True).ok


@pytest.mark.parametrize(("marker", "stage"), [("scn2", 6), ("PATCH_1/select1", 3)])
def test_what_another_program_left_unfinished_is_not_replaced_unasked(stubs, tree, marker, stage):
    run(tree)
    disown(tree, tree / "PATCH_1")
    (tree / f"{marker}.mat").unlink()
    before = tree_digest(tree)
    with pytest.raises(DatasetError, match=r"mean_v.mat.*not made by pystamps-hpc"):
        run(tree, start_step=stage)
    assert tree_digest(tree) == before
    last = run(tree, start_step=stage, force=True, dry_run=True).results[-1]
    assert "mean_v.mat" in last.overwrites


def test_our_own_results_stay_ours_without_their_marker(stubs, tree):
    run(tree)
    run_stage(6, dataset=tree)
    assert run(tree).ok  # replaces the spared scla_smooth2
    (tree / "phuw2.mat").unlink()
    drop_outdated_records(discover_dataset(tree), tree)
    assert run(tree).ok


def test_parameters_that_change_do_not_cost_results_that_were_not_made_here(stubs, tree):
    run(tree)
    disown(tree)
    change(tree, clap_win=16.0)
    with pytest.raises(DatasetError, match=r"stage 2 of PATCH_1 \(parameters changed: clap_win\)"):
        run(tree)
    assert run(tree, end_step=8, start_step=5, run_config=KEEP).exit_code == 6


def test_what_later_stages_need_is_added_to_results_of_another_program(stubs, tree):
    run(tree, end_step=2)
    disown(tree, tree / "PATCH_1", tree / "PATCH_2")
    for name in ("bp1", "hgt1", "psver"):
        (tree / "PATCH_1" / f"{name}.mat").unlink()
    before = artifacts(tree)
    stubs.value = 2.0
    rows = {(r.stage_id, r.target): r for r in run(tree, dry_run=True).results}
    assert rows[1, "PATCH_1"].details == (
        "Would produce bp1.mat: bp1.mat missing, the rest made elsewhere"
    )
    report = run(tree)
    assert completed(report)[0] == (1, "patch", "PATCH_1")
    assert (2, "patch", "PATCH_1") not in completed(report)
    after = artifacts(tree)
    assert {n for n in before if after[n] != before[n]} == {"PATCH_2/psver.mat"}
    assert (tree / "PATCH_1" / "bp1.mat").exists()
    assert not (tree / "PATCH_1" / "hgt1.mat").exists()
    change(tree, clap_win=16.0)
    again = run(tree)
    assert {row.status for row in again.results} == {"skipped_existing"}


# -- passes -------------------------------------------------------------------------------


def feedback(tree):
    """Return whether the last stage 6 read the smoothed SCLA."""
    return "scla_smooth2.mat" in TargetState.load(tree).records[6]["inputs"]


@pytest.mark.parametrize("parameter", [None, "unwrap_grid_size"])
def test_a_lost_or_outdated_first_pass_is_made_again_as_a_first_pass(stubs, tree, parameter):
    run(tree)
    before = artifacts(tree)
    if parameter is None:
        (tree / "phuw2.mat").unlink()
    else:
        change(tree, unwrap_grid_size=100.0)
    report = run(tree)
    assert "first pass again, without scla_smooth2.mat" in report.results[-3].reason
    assert "scla_smooth2.mat" in report.results[-3].invalidates
    assert not feedback(tree)
    parms = {"parms.mat": artifacts(tree)["parms.mat"]}
    assert artifacts(tree) == {**before, **parms}


def test_a_second_pass_is_asked_for_and_says_what_it_subtracts(stubs, tree):
    run(tree)
    rows = run(tree, start_step=6, force=True).results
    assert rows[0].reason == "forced; subtracts scla_smooth2.mat of the pass before"
    assert feedback(tree)
    (tree / "phuw2.mat").unlink()
    assert run(tree).results[-3].reason == "phuw2.mat missing; subtracts scla_smooth2.mat as before"


def test_a_standing_pass_with_feedback_is_repeated_when_its_parameters_change(stubs, tree):
    run(tree)
    stubs.value = 2.0
    run(tree, start_step=6, force=True)
    change(tree, unwrap_grid_size=100.0)
    assert run(tree).results[-3].reason == (
        "parameters changed: unwrap_grid_size; pass with feedback again: subtracts "
        "scla_smooth2.mat of the pass that stands"
    )
    assert feedback(tree)


def test_a_repeated_pass_with_feedback_that_is_killed_in_its_publication_goes_on(
    stubs, tree, monkeypatch
):
    class Killed(BaseException):
        pass

    def die(publication, artifacts, *_):
        (publication.target / f"{artifacts[-1]}.mat").unlink()
        raise Killed

    run(tree)
    stubs.value = 2.0
    run(tree, start_step=6, force=True)
    change(tree, unwrap_grid_size=100.0)
    with monkeypatch.context() as patch:
        patch.setattr(Publication, "commit", die)
        with pytest.raises(Killed):
            run(tree)
    report = run(tree)
    assert completed(report) == [(s, "merged", "root") for s in (6, 7, 8)]
    assert feedback(tree)
    assert TargetState.load(tree).due == set()


def test_a_later_pass_whose_input_is_gone_is_not_made_up(stubs, tree):
    run(tree)
    stubs.value = 2.0
    run(tree, start_step=6, force=True)
    (tree / "phuw2.mat").unlink()
    before = tree_digest(tree)
    with pytest.raises(DatasetError) as caught:
        run(tree)
    assert str(caught.value) == (
        f"{tree}/scla_smooth2.mat is left of another pass, and stage 6 would subtract it: "
        "pystamps-hpc reset-scla for a first pass, run --start-step 6 --force for another"
    )
    assert tree_digest(tree) == before
    change(tree, clap_win=16.0)
    reasons = {row.stage_id: row.reason for row in run(tree).results}
    assert reasons[6] == (
        "after stage 5; first pass; it was a later one, which --start-step 6 --force makes again"
    )


# -- due marks ----------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [(2, "PATCH_1"), (4, "PATCH_2"), (5, "root"), (7, "root")])
def test_an_interrupted_forced_run_goes_on_without_doing_anything_twice(stubs, tree, broken):
    run(tree)
    stubs.calls.clear()
    stubs.acts[broken] = fail
    assert not run(tree, force=True).ok
    stubs.acts.clear()
    stubs.calls.remove((broken[0], "merged" if broken[1] == "root" else "patch", broken[1]))
    report = run(tree)
    assert report.ok
    assert any(text.startswith("a forced run had left ") for text in report.warnings)
    assert sorted(stubs.calls) == sorted(EVERYTHING)
    assert {row.status for row in run(tree).results} == {"skipped_existing"}


def test_a_killed_forced_run_goes_on_where_it_was(stubs, tree):
    class Killed(BaseException):
        pass

    def die(_ctx):
        raise Killed

    run(tree)
    stubs.calls.clear()
    stubs.acts[6, "root"] = die
    with pytest.raises(Killed):
        run(tree, force=True)
    stubs.acts.clear()
    assert completed(run(tree)) == [(s, "merged", "root") for s in (6, 7, 8)]


@pytest.mark.parametrize(
    ("stage", "target", "parameter", "empty"),
    [
        (4, "PATCH_1", "weed_time_win", False),
        (4, "PATCH_1", "weed_time_win", True),
        (6, "root", "unwrap_grid_size", False),
    ],
)
def test_a_run_killed_right_after_a_publication_has_recorded_it(
    stubs, tree, monkeypatch, stage, target, parameter, empty
):
    class Killed(BaseException):
        pass

    def die(_memo):
        raise Killed

    run(tree, end_step=stage - 1)
    if empty:
        stubs.empty.add((stage, target))
    with monkeypatch.context() as patch:
        patch.setattr(MemoStore, "clear", die)
        with pytest.raises(Killed):
            run(tree, start_step=stage, end_step=stage)
    change(tree, **{parameter: 100.0})
    report = run(tree, start_step=stage, end_step=stage, dry_run=True)
    reasons = {row.target: row.reason for row in report.results}
    assert reasons[target].startswith("parameters changed: ")


def test_a_record_that_cannot_be_written_publishes_nothing(stubs, tree, monkeypatch):
    run(tree, end_step=2)
    real = TargetState.save

    def full(state):
        if 3 in state.records:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(state)

    with monkeypatch.context() as patch:
        patch.setattr(TargetState, "save", full)
        report = run(tree, start_step=3, end_step=3)
    assert [row.status for row in report.results][:1] == ["failed"]
    assert not (tree / "PATCH_1" / "select1.mat").exists()
    assert run(tree).ok


def test_stage_always_executes(stubs, tree, monkeypatch):
    run(tree)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert run_stage(8, dataset=tree).status == "completed"
    assert run_stage(3, patch=tree / "PATCH_2").status == "completed"


# -- no PS --------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [1, 3, 4, 5])
def test_a_patch_that_loses_all_ps_leaves_the_run(stubs, tree, stage):
    run(tree)
    stubs.empty.add((stage, "PATCH_1"))
    report = run(tree, force=True)
    rows = {row.stage_id: row for row in report.results if row.target == "PATCH_1"}
    assert (rows[stage].status, rows[stage].details) == ("completed", "no PS left")
    for later in PATCH_STAGES[PATCH_STAGES.index(stage) + 1 :]:
        assert rows[later].status == "skipped"
        assert rows[later].details == f"no PS left after stage {stage}"
    flags = read_mat(tree / "PATCH_1" / "no_ps_info.mat")["stamps_step_no_ps"]
    assert flags.shape == (5, 1)
    assert flags.reshape(-1).tolist() == [float(k == stage) for k in PATCH_STAGES]
    kept = {path.stem for path in (tree / "PATCH_1").glob("*.mat")} - {"no_ps_info", "psver"}
    names = [row[2].split() + row[3].split() for row in CHAIN if row[1] == "patch"]
    assert kept == set(itertools.chain(*names[: stage - 1]))
    merge = next(row for row in report.results if (row.stage_id, row.scope) == (5, "merged"))
    assert merge.details == "without PATCH_1 (no PS left)"
    assert report.dropped_patches == ["PATCH_1"]
    assert report.ok

    stubs.calls.clear()
    again = {(r.stage_id, r.target): r for r in run(tree).results}
    assert stubs.calls == []
    assert again[stage, "PATCH_1"].status == "skipped_existing"
    assert again[stage, "PATCH_1"].details == f"no PS left after stage {stage}"


def test_what_a_patch_without_ps_skips_is_not_left_of_a_forced_run(stubs, tree):
    run(tree)
    stubs.empty.add((3, "PATCH_1"))
    run(tree, force=True)
    state = TargetState.load(tree / "PATCH_1")
    assert state.due == set()
    state.due = {4, 5}  # as an earlier version left them
    state.save()
    assert collect_status(tree)["due"] == 0
    assert not any("a forced run had left" in text for text in run(tree).warnings)
    state.due = {3, 4}
    state.save()
    assert collect_status(tree)["due"] == 2
    assert "a forced run had left 2 tasks to be done again" in run(tree).warnings


def test_a_patch_is_not_emptied_when_that_it_lost_its_ps_cannot_be_written(
    stubs, tree, monkeypatch
):
    run(tree)
    before = artifacts(tree)
    stubs.empty.add((4, "PATCH_1"))

    def full(path, variables):
        raise MatError(f"{path}: no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(execute, "write_mat", full)
        report = run(tree, start_step=4, end_step=4, force=True, keep_going=True)
    assert [row.status for row in report.results if row.target == "PATCH_1"] == ["failed"]
    after = artifacts(tree)
    kept = {name for name in before if name.startswith("PATCH_1/")}
    assert {name: after.get(name) for name in kept} == {name: before[name] for name in kept}


def test_a_patch_without_ps_is_tried_again_when_what_decided_it_changes(stubs, tree):
    stubs.empty.add((4, "PATCH_1"))
    run(tree)
    assert {row.status for row in run(tree).results} == {"skipped_existing", "skipped"}
    change(tree, weed_time_win=365.0)
    assert [row["path"] for row in run(tree, KEEP).stale] == [
        "PATCH_1/weed1.mat", "PATCH_2/weed1.mat",
    ]  # fmt: skip
    stubs.empty.clear()
    report = run(tree)
    assert [row.status for row in report.results if row.target == "PATCH_1"][3:] == [
        "completed", "completed",
    ]  # fmt: skip
    assert report.dropped_patches == []


def test_a_patch_that_has_ps_again_comes_back(stubs, tree):
    stubs.empty.add((3, "PATCH_1"))
    run(tree)
    stubs.empty.clear()
    report = run(tree, force=True)
    assert completed(report) == EVERYTHING
    flags = read_mat(tree / "PATCH_1" / "no_ps_info.mat")["stamps_step_no_ps"]
    assert not flags.any()


def test_a_patch_without_ps_is_tried_again_when_its_parameters_have_changed(stubs, tree):
    stubs.empty.add((4, "PATCH_1"))
    run(tree)
    stubs.empty.clear()
    change(tree, weed_time_win=400.0)
    config = QUICK.with_values({"runtime.stale_policy": "rerun"})
    report = run(tree, run_config=config)
    assert (4, "patch", "PATCH_1") in completed(report)
    assert report.dropped_patches == []


def test_without_any_patch_with_ps_the_merge_fails(stubs, tree):
    stubs.empty |= {(4, "PATCH_1"), (3, "PATCH_2")}
    for _ in range(2):
        report = run(tree)
        row = next(row for row in report.results if row.scope == "merged")
        assert (row.status, row.details) == (
            "failed",
            "no patch has PS left: PATCH_1 after stage 4, PATCH_2 after stage 3; "
            "relax the selection or weeding parameters",
        )
        assert report.exit_code == 1


def test_stage_1_writes_the_flags_and_the_version_that_stamps_expects(stubs, tree):
    run(tree, end_step=1)
    assert not read_mat(tree / "PATCH_1" / "no_ps_info.mat")["stamps_step_no_ps"].any()
    assert read_mat(tree / "PATCH_1" / "psver.mat")["psver"] == 1
    run(tree)
    assert read_mat(tree / "PATCH_1" / "psver.mat")["psver"] == 2
    assert read_mat(tree / "psver.mat")["psver"] == 2


# -- failure ------------------------------------------------------------------------------


def test_c012_a_failed_row_carries_the_message_and_the_rest_is_not_started(stubs, tree):
    stubs.acts[2, "PATCH_1"] = fail
    report = run(tree)
    assert report.exit_code == 1
    (row,) = report.failures
    assert (row.stage_id, row.target, row.rank) == (2, "PATCH_1", 0)
    assert row.details == "PATCH_1: no candidates; look again"
    assert row.duration_sec > 0
    assert not (tree / "PATCH_1" / "pm1.mat").exists()
    reported = {row[:3] for row in statuses(report)}
    missing = {(row["stage"], row["scope"], row["target"]) for row in report.not_started}
    assert reported | missing == set(EVERYTHING)
    assert not reported & missing
    assert (2, "patch", "PATCH_2") in missing


def test_keep_going_finishes_the_other_patches_and_does_not_merge(stubs, tree):
    stubs.acts[2, "PATCH_1"] = fail
    report = run(tree, keep_going=True)
    assert report.exit_code == 1
    done = completed(report)
    assert [row for row in done if row[2] == "PATCH_2"] == [
        (s, "patch", "PATCH_2") for s in PATCH_STAGES
    ]
    assert not any(row[1] == "merged" for row in done)
    stubs.acts.clear()
    stubs.calls.clear()
    assert run(tree).ok
    assert (1, "patch", "PATCH_1") not in stubs.calls
    assert all(target != "PATCH_2" for _, _, target in stubs.calls)


def test_a_failed_merged_stage_stops_the_run_and_keeps_what_was_done(stubs, tree):
    stubs.acts[7, "root"] = fail
    report = run(tree)
    assert statuses(report)[-1] == (7, "merged", "root", "failed")
    assert report.not_started == [{"stage": 8, "scope": "merged", "target": "root"}]
    stubs.acts.clear()
    assert completed(run(tree)) == [(7, "merged", "root"), (8, "merged", "root")]


def test_an_error_of_the_file_system_is_a_failed_row(stubs, tree):
    def full(_ctx):
        raise OSError(28, "No space left on device", "somewhere")

    stubs.acts[1, "PATCH_1"] = full
    report = run(tree)
    assert report.failures[0].details.startswith("somewhere: No space left on device; ")


def test_running_out_of_memory_is_a_failed_row_with_a_remedy(stubs, tree):
    def big(_ctx):
        raise MemoryError("Unable to allocate 12. TiB")

    stubs.acts[6, "root"] = big
    details = run(tree).failures[0].details
    assert details.startswith("stage 6 root is out of memory: Unable to allocate 12. TiB; use ")


def test_an_unexpected_error_is_no_row(stubs, tree):
    def typo(_ctx):
        raise KeyError("typo")

    stubs.acts[3, "PATCH_1"] = typo
    with pytest.raises(KeyError):
        run(tree)
    assert not list((tree / ".pystamps-hpc" / "lock").glob("*.json"))
    stubs.acts.clear()
    assert run(tree).ok


def test_a_damaged_input_names_the_stage_that_makes_it_again(stubs, tree):
    run(tree)
    path = tree / "PATCH_1" / "ps1.mat"
    path.write_bytes(path.read_bytes()[:-20])
    row = run_stage(2, patch=tree / "PATCH_1")
    assert row.status == "failed"
    assert str(path) in row.details
    assert row.details.endswith("; delete it and rerun stage 1")


def test_the_advice_for_a_damaged_result_of_another_program_can_be_followed(stubs, tree):
    run(tree)
    (tree / "PATCH_1" / ".pystamps-hpc" / "state.json").unlink()
    path = tree / "PATCH_1" / "bp1.mat"
    path.write_bytes(path.read_bytes()[:-20])
    row = run_stage(2, patch=tree / "PATCH_1", force=True)
    assert row.details.endswith("; restore it from a copy, or make it again with --start-step 1 "
                                "--force")  # fmt: skip
    assert run(tree, force=True).ok


def test_an_input_of_the_wrong_shape_is_a_failed_row(stubs, tree):
    run(tree)
    content = read_mat(tree / "phuw2.mat")
    write_mat(tree / "phuw2.mat", {"other": next(iter(content.values()))})
    row = run_stage(7, dataset=tree)
    assert row.status == "failed"
    assert "key 'ph_uw' is missing; the file holds other" in row.details


# -- around the run -----------------------------------------------------------------------


def test_leftovers_of_dead_runs_are_removed_and_counted(stubs, tree):
    for target in (tree, tree / "PATCH_2"):
        folder = target / ".pystamps-hpc" / "tmp" / "20200101T000000Z-aaaaaa-3"
        folder.mkdir(parents=True)
        (folder / "select1.mat").write_bytes(b"half")
    report = run(tree)
    assert "removed what 2 interrupted tasks had left half-written" in report.warnings
    assert not list(tree.rglob(".pystamps-hpc/tmp/*"))


def test_patch_mode_leaves_the_leftovers_of_other_patches(stubs, tree):
    other = tree / "PATCH_2" / ".pystamps-hpc" / "tmp" / "x-1"
    other.mkdir(parents=True)
    run(tree, part="patches", patches=("PATCH_1",))
    assert other.exists()


def test_a_patch_with_parameters_of_its_own_is_told(stubs, tree):
    parameters.save(parameters.load(tree))
    own = parameters.load(tree / "PATCH_2")
    parameters.save(own.set_value("clap_win", 16.0))
    report = run(tree)
    assert [text for text in report.warnings if "PATCH_2/parms.mat" in text] == [
        "PATCH_2/parms.mat: clap_win is 16.0, in the root 32.0; 16.0 holds here"
    ]


def test_stage_1_writes_the_parameters_of_the_root_once(stubs, tree):
    run(tree, end_step=1)
    assert float(parameters.load(tree).value("heading")) == -168.0
    assert not list(tree.glob("PATCH_*/parms.mat"))
    stamp = (tree / "parms.mat").stat().st_mtime_ns
    run(tree, force=True)
    assert (tree / "parms.mat").stat().st_mtime_ns == stamp


def test_small_baselines_are_refused_before_anything_is_written(stubs, tree):
    change(tree, small_baseline_flag="y")
    before = tree_digest(tree)
    with pytest.raises(DatasetError, match="not supported"):
        run(tree)
    assert tree_digest(tree) == before


def test_every_record_says_that_the_stack_has_a_single_master(stubs, tree):
    run(tree)
    for target in (tree, tree / "PATCH_1"):
        for record in TargetState.load(target).records.values():
            assert record["params"]["small_baseline_flag"] is False


def test_the_newest_fifty_run_directories_are_kept(stubs, tree):
    runs = tree / ".pystamps-hpc" / "runs"
    for k in range(60):
        write_text(runs / f"20200101T0000{k:02d}Z-aaaaaa" / "report.json", "{}")
    going_on = runs / "20190101T000000Z-bbbbbb"
    going_on.mkdir()
    report = run(tree)
    assert len(list(runs.glob("*/report.json"))) == 50
    assert going_on.exists()
    saved = json.loads((runs / report.run_id / "report.json").read_text())
    assert saved == json.loads(json_text(report.to_json()))


def test_stamps_log_gets_one_line_per_task(stubs, tree):
    run(tree)
    lines = (tree / "PATCH_1" / "STAMPS.log").read_text().splitlines()
    assert [line.split()[2] for line in lines] == [f"PYSTAMPS_HPC_{k}" for k in PATCH_STAGES]
    run(tree, force=True, run_config=QUICK.with_values({"output.stamps_log": False}))
    assert len((tree / "PATCH_1" / "STAMPS.log").read_text().splitlines()) == len(PATCH_STAGES)


def test_no_file_is_written_outside_of_the_known_places(stubs, tree):
    run(tree)
    known = {f"{n}.mat" for row in CHAIN for n in f"{row[2]} {row[3]}".split()}
    known |= {"psver.mat", "no_ps_info.mat", "parms.mat", "STAMPS.log", "state.json", "report.json"}
    assert {path.name for path in tree.rglob("*") if path.is_file()} <= known
    assert MARKERS[8, "merged"] == "scn2"


def test_parts_of_another_version_of_a_program_are_never_found(stubs, tree):
    run(tree)
    record = TargetState.load(tree).records[6]
    names = {fingerprint(record, f"snaphu {version}") for version in ("2.0.6", "2.0.7")}
    assert len(names) == 2


# -- a stage that fails costs nothing -----------------------------------------------------


@pytest.mark.parametrize("stage", [5, 6, 7])
def test_a_merged_stage_that_fails_loses_nothing(stubs, tree, stage):
    run(tree)
    (tree / "products").mkdir()
    (tree / "products" / "velocity.csv").write_text("old")
    before = tree_digest(tree, without=(".pystamps-hpc", "STAMPS.log"))
    stubs.acts[stage, "root"] = fail
    report = run(tree, start_step=stage, part="merged", force=True)
    assert (report.results[0].status, report.exit_code) == ("failed", 1)
    assert tree_digest(tree, without=(".pystamps-hpc", "STAMPS.log")) == before
    assert set(TargetState.load(tree).records) == {5, 6, 7, 8}


def test_an_outdated_result_whose_making_fails_stands_and_is_out_of_date(stubs, tree):
    run(tree)
    before = artifacts(tree)
    change(tree, unwrap_grid_size=100.0)
    stubs.acts[6, "root"] = fail
    assert run(tree).exit_code == 1
    assert artifacts(tree) == {**before, "parms.mat": artifacts(tree)["parms.mat"]}
    assert [row["stage"] for row in run(tree, KEEP).stale][:1] == [6]


def test_what_was_merged_stands_when_no_patch_has_ps_left(stubs, tree):
    run(tree)
    merged = {name for name in artifacts(tree) if "/" not in name}
    stubs.empty |= {(4, "PATCH_1"), (4, "PATCH_2")}
    change(tree, weed_time_win=100.0)
    for _ in range(2):
        assert run(tree).exit_code == 1
        assert merged <= set(artifacts(tree))
    assert not (tree / "PATCH_1" / "ps2.mat").exists()


def test_outdated_feedback_is_withheld_and_goes_with_the_new_result(stubs, tree):
    run(tree)
    change(tree, unwrap_grid_size=100.0)
    stubs.acts[6, "root"] = fail
    run(tree)
    assert (tree / "scla_smooth2.mat").exists()
    stubs.acts.clear()
    seen = []
    stubs.acts[7, "root"] = lambda ctx: seen.append((tree / "scla_smooth2.mat").exists())
    assert run(tree).ok
    assert seen == [False]
    assert not feedback(tree)


# -- one stage ----------------------------------------------------------------------------


@pytest.mark.parametrize(("stage", "lost"), [(6, "phuw2.mat"), (7, "scn2.mat")])
def test_one_stage_does_not_cost_results_of_another_program_unasked(stubs, tree, stage, lost):
    run(tree)
    disown(tree)
    before = tree_digest(tree)
    with pytest.raises(
        DatasetError, match=f"{lost}.*not made by pystamps-hpc.*insist with --force"
    ):
        run_stage(stage, dataset=tree, run_config=QUICK)
    assert tree_digest(tree) == before
    assert run_stage(stage, dataset=tree, run_config=QUICK, force=True).status == "completed"


# -- what the plan says -------------------------------------------------------------------


def test_a_dry_run_names_a_file_that_a_task_extends(stubs, tree):
    details = {(r.stage_id, r.scope): r.details for r in run(tree, dry_run=True).results}
    assert details[8, "merged"].startswith("Would produce scn2.mat and extend uw_space_time.mat: ")
    assert "extend" not in details[7, "merged"]


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


def test_a_report_says_which_stages_another_program_made(stubs, tree):
    run(tree)
    assert run(tree).made_elsewhere == []
    disown(tree)
    assert run(tree).made_elsewhere == [5, 6, 7, 8]


def test_the_outlook_says_what_a_plain_run_would_do(stubs, tree):
    run(tree)
    change(tree, scn_wavelength=50.0)
    (tree / "products").mkdir()
    (tree / "products" / "velocity.png").write_text("old")
    assert ahead(tree).text == "stage 8"
    state = TargetState.load(tree)
    state.products["velocity.png"] = {}
    state.save()
    assert ahead(tree).text == "stage 8, map and table"
    disown(tree)
    assert ahead(tree) == Outlook()
    change(tree, clap_win=16.0)
    assert "not made by pystamps-hpc" in ahead(tree).refused


def ahead(root):
    dataset = discover_dataset(root)
    known = parameters.load_all(dataset)
    return outlook(Finished(dataset, resolve_choices(QUICK), known))


def test_many_files_are_counted():
    assert shortened(["PATCH_1/pm1.mat", "PATCH_2/pm1.mat"]) == "pm1.mat"
    names = [f"PATCH_{k}/{name}.mat" for k in range(4) for name in ("pm1", "select1")]
    assert shortened(names) == "pm1.mat, select1.mat (8 files)"
    assert named([2, 3, 4, 6]) == "stages 2-4, 6"
