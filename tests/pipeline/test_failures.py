"""A task that fails is a row of the report, and costs nothing that stands."""

import pytest

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.pipeline.stages import run_stage
from pystamps_hpc.pipeline.state import TargetState
from tests.stub_chain import artifacts, statuses, tree_digest

from .runs import EVERYTHING, KEEP, PATCH_STAGES, change, completed, fail, raising, run


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


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device", "x"), "x: No space left on device; check "),
        (MemoryError("of 12. TiB"), "stage 6 root is out of memory: of 12. TiB; use "),
    ],
)
def test_trouble_of_the_machine_is_a_failed_row_with_a_remedy(stubs, tree, error, told):
    stubs.acts[6, "root"] = raising(error)
    assert run(tree).failures[0].details.startswith(told)


def test_an_unexpected_error_is_no_row(stubs, tree):
    stubs.acts[3, "PATCH_1"] = raising(KeyError("typo"))
    with pytest.raises(KeyError):
        run(tree)
    assert not list((tree / ".pystamps-hpc" / "lock").glob("*.json"))
    stubs.acts.clear()
    assert run(tree).ok


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


@pytest.mark.parametrize("stage", [5, 6, 7])
def test_a_merged_stage_that_fails_loses_nothing(stubs, tree, stage):
    run(tree)
    (tree / "products").mkdir()
    (tree / "products" / "velocity.csv").write_text("old")
    before = tree_digest(tree, without=(".pystamps-hpc", "STAMPS.log"))
    stubs.acts[stage, "root"] = fail
    report = run(tree, start_step=stage, part="merged", force=True)
    assert (report.results[0].status, report.exit_code) == ("failed", 1)
    assert report.results[0].invalidates == []
    assert [row["stage"] for row in report.not_started] == list(range(stage + 1, 9))
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


def test_inputs_that_cannot_be_read_cost_nothing_that_stands(stubs, tree):
    run(tree)
    before = artifacts(tree)
    (tree / "PATCH_1" / "ps1.mat").write_bytes(b"no mat file at all")
    report = run(tree, start_step=2, force=True)
    assert str(tree / "PATCH_1" / "ps1.mat") in report.failures[0].details
    assert report.failures[0].details.endswith("; delete it and rerun stage 1")
    after = artifacts(tree)
    assert {name: after.get(name) for name in before if name.startswith("PATCH_1/p")} == {
        **{name: digest for name, digest in before.items() if name.startswith("PATCH_1/p")},
        "PATCH_1/ps1.mat": after["PATCH_1/ps1.mat"],
    }


def test_checkpoints_of_finished_tasks_go_with_the_next_run(stubs, tree):
    run(tree)
    left = [tree / ".pystamps-hpc/memo/6-ab", tree / "PATCH_1/.pystamps-hpc/memo/3-ab"]
    mine = tree / ".pystamps-hpc/memo/8-ab"
    for folder in (*left, mine):
        folder.mkdir(parents=True)
        (folder / "part.npz").write_bytes(b"x")
    found = []
    stubs.acts[8, "root"] = lambda *_: found.append(mine.exists())
    run(tree, start_step=8, force=True)
    assert found == [True]  # a task may go on from its own
    assert not any(folder.exists() for folder in (*left, mine))


def test_what_a_task_has_published_counts_even_if_its_checkpoints_cannot_go(
    stubs, tree, monkeypatch
):
    from pystamps_hpc.dataset import memo

    monkeypatch.setattr(memo.os, "listdir", raising(OSError(5, "Input/output error")))
    assert run(tree, end_step=2).ok
