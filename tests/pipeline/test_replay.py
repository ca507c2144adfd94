"""Strict reference replay: bundles copied from a finished tree, nothing computed."""

import os
import shutil

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.pipeline.stages import plan_pipeline, run_pipeline
from pystamps_hpc.pipeline.state import TargetState
from pystamps_hpc.pipeline.types import PipelineContext

from .. import stub_chain


@pytest.fixture
def reference(stubs, tmp_path):
    """A finished tree of two patches."""
    root = stub_chain.make_tree(tmp_path / "reference")
    assert run_pipeline(PipelineContext(root)).ok
    stubs.calls.clear()
    return root


def replaying(reference):
    return RunConfig().with_values(
        {"compat.strict_reference": True, "compat.reference_root": str(reference)}
    )


def replay(root, reference, **window):
    return run_pipeline(PipelineContext(root, replaying(reference), **window))


def test_c011_replay_of_the_whole_chain_is_the_reference_and_computes_nothing(
    tree, reference, stubs
):
    report = replay(tree, reference)
    assert stubs.calls == []
    assert {row.status for row in report.results} == {"completed"}
    assert report.results[2].details == "replayed 1 artifacts from the reference root"
    assert report.config["compat"]["strict_reference"]
    assert stub_chain.artifacts(tree) == stub_chain.artifacts(reference)


def test_a_replayed_task_is_recorded_without_parameters_and_is_never_stale(tree, reference):
    replay(tree, reference)
    record = TargetState.load(tree / "PATCH_1").records[2]
    assert record["params"] == {}
    assert record["replayed_from"] == str(reference)
    plan = plan_pipeline(PipelineContext(tree, RunConfig()))
    assert {task.action for task in plan} == {"skipped_existing"}
    assert not any(task.stale for task in plan)


def test_one_stage_can_be_computed_on_the_artifacts_of_the_reference(tree, reference, stubs):
    replay(tree, reference, end_step=6)
    stubs.value = 7.0
    report = run_pipeline(PipelineContext(tree, start_step=7, end_step=7))
    assert report.ok
    assert stubs.calls == [(7, "merged", "root")]
    made, expected = stub_chain.artifacts(tree), stub_chain.artifacts(reference)
    different = {name for name in made if made[name] != expected[name]}
    assert different == {"scla2.mat", "scla_smooth2.mat"}


def test_replay_needs_neither_earlier_stages_nor_candidates(tree, reference):
    report = replay(tree, reference, start_step=7, end_step=7)
    assert [row.status for row in report.results] == ["completed"]
    assert {path.name for path in tree.glob("*2.mat")} == {"scla2.mat", "scla_smooth2.mat"}


def test_replay_skips_what_is_finished_and_removes_what_it_outdates(tree, reference):
    replay(tree, reference)
    report = replay(tree, reference)
    assert {row.status for row in report.results} == {"skipped_existing"}
    report = replay(tree, reference, start_step=6, end_step=6, force=True)
    assert report.results[0].status == "completed"
    assert "scn2.mat" in report.results[0].invalidates
    assert not (tree / "scn2.mat").exists()
    assert (tree / "scla_smooth2.mat").exists()


def test_missing_required_files_fail_the_task_and_name_them(tree, reference):
    (reference / "PATCH_2" / "select1.mat").unlink()
    report = replay(tree, reference)
    (failed,) = report.failures
    assert (failed.stage_id, failed.target) == (3, "PATCH_2")
    assert failed.details == ("strict reference replay: missing select1.mat for stage 3 (patch)")
    assert not (tree / "PATCH_2" / "select1.mat").exists()
    assert (tree / "PATCH_2" / "pm1.mat").exists()


def test_a_tree_of_stamps_itself_lacks_the_velocity_and_is_told_what_to_do(tree, reference):
    (reference / "mean_v.mat").unlink()
    (failed,) = replay(tree, reference).failures
    assert failed.details == (
        "strict reference replay: missing mean_v.mat for stage 8 (merged); StaMPS writes it only "
        "when it plots velocities: replay up to 7, compute 8"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "strict reference replay: missing pm1.mat for stage 2"), (b"no MAT file" * 20, "{}")],
)
def test_an_empty_or_damaged_file_of_the_reference_is_not_published(tree, reference, content, told):
    damaged = reference / "PATCH_1" / "pm1.mat"
    damaged.write_bytes(content)
    (failed,) = replay(tree, reference, end_step=2).failures
    assert failed.details.startswith(told.format(damaged))
    assert not (tree / "PATCH_1" / "pm1.mat").exists()


def test_an_optional_file_that_the_reference_lacks_is_removed(tree, reference):
    replay(tree, reference)
    assert (tree / "PATCH_1" / "inc1.mat").exists()
    (reference / "PATCH_1" / "inc1.mat").unlink()
    replay(tree, reference, force=True)
    assert not (tree / "PATCH_1" / "inc1.mat").exists()


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_the_same_file_is_counted_and_stays_as_it_is(tree, reference, link):
    for name in ("ph1", "bp1", "ps1"):
        link(reference / "PATCH_1" / f"{name}.mat", tree / "PATCH_1" / f"{name}.mat")
    links = {name: os.lstat(tree / "PATCH_1" / f"{name}.mat").st_ino for name in ("ph1", "ps1")}
    report = replay(tree, reference, end_step=1, force=True)
    assert report.results[0].details == "replayed 7 artifacts from the reference root"
    for name, inode in links.items():
        path = tree / "PATCH_1" / f"{name}.mat"
        assert os.lstat(path).st_ino == inode
        assert os.path.samefile(path, reference / "PATCH_1" / f"{name}.mat")
    assert not os.path.samefile(tree / "PATCH_1" / "da1.mat", reference / "PATCH_1" / "da1.mat")


def test_a_patch_without_ps_in_the_reference_has_none_in_the_replay(tree, stubs, tmp_path):
    reference = stub_chain.make_tree(tmp_path / "reference")
    stubs.empty = {(3, "PATCH_1")}
    assert run_pipeline(PipelineContext(reference)).ok
    report = replay(tree, reference)
    assert report.ok
    rows = {(row.stage_id, row.target): row for row in report.results}
    assert rows[3, "PATCH_1"].details == "no PS left"
    assert rows[4, "PATCH_1"].status == "skipped"
    assert stub_chain.artifacts(tree) == stub_chain.artifacts(reference)


def test_replay_into_the_reference_itself_is_refused_and_harms_nothing(reference, tmp_path):
    before = stub_chain.artifacts(reference)
    with pytest.raises(DatasetError, match="replay into a copy"):
        replay(reference, reference, force=True)
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("PATCH_1", "PATCH_2"):
        (linked / name).symlink_to(reference / name)
    with pytest.raises(DatasetError, match="replay into a copy"):
        replay(linked, reference, start_step=3, force=True)
    assert stub_chain.artifacts(reference) == before


def test_a_missing_reference_root_is_a_dataset_error(tree, tmp_path):
    with pytest.raises(DatasetError, match="reference root does not exist"):
        replay(tree, tmp_path / "nowhere")


def test_strict_reference_needs_a_root():
    with pytest.raises(ConfigError, match=r"needs compat\.reference_root"):
        RunConfig().with_values({"compat.strict_reference": True})


def test_a_dry_run_of_a_replay_plans_the_same_tasks(tree, reference):
    planned = replay(tree, reference, dry_run=True)
    assert stub_chain.artifacts(tree) == {}
    done = replay(tree, reference)
    assert [row.target for row in planned.results] == [row.target for row in done.results]


def test_replay_survives_a_moved_reference(tree, reference, tmp_path):
    replay(tree, reference, end_step=3)
    moved = tmp_path / "moved"
    shutil.move(reference, moved)
    report = replay(tree, moved)
    assert report.ok
    assert [row.status for row in report.results[:6]] == ["skipped_existing"] * 6
