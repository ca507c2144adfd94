"""Patches that lose all their points leave the run, and come back when something changes."""

import itertools

import pytest

from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.errors import MatError
from pystamps_hpc.pipeline import execute
from pystamps_hpc.pipeline.state import TargetState
from pystamps_hpc.tools.status import collect_status
from tests.stub_chain import CHAIN, artifacts

from .runs import EVERYTHING, KEEP, PATCH_STAGES, change, completed, raising, run


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

    with monkeypatch.context() as patch:
        patch.setattr(execute, "write_mat", raising(MatError("no space left on device")))
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


def test_what_was_merged_stands_when_no_patch_has_ps_left(stubs, tree):
    run(tree)
    merged = {name for name in artifacts(tree) if "/" not in name}
    stubs.empty |= {(4, "PATCH_1"), (4, "PATCH_2")}
    change(tree, weed_time_win=100.0)
    for _ in range(2):
        assert run(tree).exit_code == 1
        assert merged <= set(artifacts(tree))
    assert not (tree / "PATCH_1" / "ps2.mat").exists()
