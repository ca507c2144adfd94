"""A task that runs removes what depends on it and nothing else."""

import pytest

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.pipeline.stages import run_stage
from pystamps_hpc.pipeline.state import TargetState
from tests.stub_chain import CHAIN, OF_KRIGING, tree_digest

from .runs import QUICK, run

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


@pytest.mark.parametrize("stage", [7, 8])
def test_files_of_kriging_go_when_it_is_left_off_or_outdated(stubs, tree, stage):
    stubs.absent.clear()
    run(tree)
    files = {f"{name}.mat" for name in OF_KRIGING}
    assert files <= set(tree_digest(tree))
    stubs.absent.update(OF_KRIGING)
    assert run_stage(stage, dataset=tree, run_config=QUICK).status == "completed"
    assert not files & set(tree_digest(tree))
    assert (tree / "scn2.mat").exists() == (stage == 8)


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


def test_a_forced_second_pass_over_stages_6_to_8_is_stale_nowhere(stubs, tree):
    run(tree)
    assert run(tree, start_step=6, force=True).ok
    assert run(tree).stale == []
