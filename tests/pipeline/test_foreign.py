"""Results of another program count, and are neither replaced nor removed unasked."""

import pytest

from pystamps_hpc.dataset.tree import discover_dataset
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.pipeline.invalidation import drop_outdated_records
from pystamps_hpc.pipeline.stages import run_stage
from tests.stub_chain import CHAIN, artifacts, tree_digest

from .runs import KEEP, QUICK, change, completed, disown, run


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
    later = [row[2] for row in CHAIN if row[1] == "merged" and row[0] > last]
    for name in " ".join(later).split():
        (tree / f"{name}.mat").unlink()
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
    drop_outdated_records(discover_dataset(tree), tree, "ps")
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


def test_a_report_says_which_stages_another_program_made(stubs, tree):
    run(tree)
    assert run(tree).made_elsewhere == []
    disown(tree)
    assert run(tree).made_elsewhere == [5, 6, 7, 8]
