"""Passes with feedback, and forced runs that are stopped: they go on as what they were."""

import errno
import os
from contextlib import suppress

import pytest

from pystamps_hpc.dataset.memo import MemoStore
from pystamps_hpc.dataset.parameters import Parameters
from pystamps_hpc.dataset.publish import Publication
from pystamps_hpc.dataset.tree import Dataset
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.pipeline.passes import which_pass
from pystamps_hpc.pipeline.presence import Look
from pystamps_hpc.pipeline.records import inputs_record
from pystamps_hpc.pipeline.stages import run_stage
from pystamps_hpc.pipeline.state import TargetState, stale_reasons
from pystamps_hpc.pipeline.table import task
from tests import stub_chain
from tests.stub_chain import artifacts, tree_digest

from .runs import (
    EVERYTHING,
    Killed,
    change,
    completed,
    die,
    fail,
    run,
)


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
    def cut_short(publication, artifacts, *_):
        (publication.target / f"{artifacts[-1]}.mat").unlink()
        raise Killed

    run(tree)
    stubs.value = 2.0
    run(tree, start_step=6, force=True)
    change(tree, unwrap_grid_size=100.0)
    with monkeypatch.context() as patch:
        patch.setattr(Publication, "commit", cut_short)
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
        f"{tree}/scla_smooth2.mat is left of another pass, and stage 6 would use it: "
        "pystamps-hpc reset-scla for a first pass, run --start-step 6 --force for another"
    )
    assert tree_digest(tree) == before
    change(tree, clap_win=16.0)
    reasons = {row.stage_id: row.reason for row in run(tree).results}
    assert reasons[6] == (
        "after stage 5; first pass; it was a later one, which --start-step 6 --force makes again"
    )


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


@pytest.mark.parametrize("act", [fail, die], ids=["failed", "killed"])
@pytest.mark.parametrize("broken", [(2, "PATCH_1"), (4, "PATCH_2"), (5, "root"), (7, "root")])
def test_an_interrupted_forced_run_goes_on_without_doing_anything_twice(stubs, tree, broken, act):
    run(tree)
    stubs.calls.clear()
    stubs.acts[broken] = act
    with suppress(Killed):
        assert not run(tree, force=True).ok
    stubs.acts.clear()
    stubs.calls.remove((broken[0], "merged" if broken[1] == "root" else "patch", broken[1]))
    report = run(tree)
    assert report.ok
    assert any(text.startswith("a forced run had left ") for text in report.warnings)
    assert sorted(stubs.calls) == sorted(EVERYTHING)
    assert {row.status for row in run(tree).results} == {"skipped_existing"}


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

    def full(state, *fsync):
        if 3 in state.records:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(state, *fsync)

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


# --- values that are held ------------------------------------------------------------------------

HOLDING = Parameters(stored={"small_baseline_flag": "y", "unwrap_hold_good_values": "y"})
PLAIN = Parameters(stored={"small_baseline_flag": "y"})


@pytest.fixture
def unwrapped(tmp_path):
    """A root with what two stages of a pass have left."""
    for name in ("phuw_sb2", "scla_smooth_sb2", "phuw2"):
        (tmp_path / f"{name}.mat").write_text(name)
    return tmp_path


def unwrapping():
    return task(6, "merged", "sb")


def planned(root, parameters, record, asked, stands=True):
    read_back = unwrapping().read_back(parameters)
    return which_pass(unwrapping(), read_back, root, record, asked, False, stands)


def record_of(root, parameters, withheld=()):
    dataset = Dataset(root, ())
    inputs = inputs_record(dataset, parameters, unwrapping(), "root", (), {}, Look(), withheld)
    return {"inputs": inputs, "params": {}, "config": {}, "science_version": 1}


def test_a_record_tells_which_values_were_held(unwrapped):
    assert "phuw_sb2.mat" in record_of(unwrapped, HOLDING)["inputs"]
    assert "phuw_sb2.mat" not in record_of(unwrapped, PLAIN)["inputs"]
    single = Parameters(stored={"unwrap_hold_good_values": "y"})
    assert not single.holds_good_values


def test_a_result_that_replaces_what_it_held_is_not_out_of_date(unwrapped):
    before = record_of(unwrapped, HOLDING)
    (unwrapped / "phuw_sb2.mat").write_text("another")
    now = record_of(unwrapped, HOLDING)
    assert before["inputs"] != now["inputs"]
    assert list(stale_reasons(before, now, unwrapping().judged, {})) == []


def test_a_pass_that_held_nothing_is_repeated_as_one(unwrapped):
    first = record_of(unwrapped, HOLDING, ("phuw_sb2.mat", "scla_smooth_sb2.mat"))
    assert planned(unwrapped, HOLDING, first, asked=False) == (
        ("phuw_sb2.mat", "scla_smooth_sb2.mat"),
        "first pass again, without phuw_sb2.mat, scla_smooth_sb2.mat",
    )


def test_the_next_pass_says_what_it_holds_and_is_repeated_with_what_stands(unwrapped):
    record = record_of(unwrapped, HOLDING)
    used = "subtracts scla_smooth_sb2.mat, holds good values of phuw_sb2.mat"
    assert planned(unwrapped, HOLDING, record, asked=True) == ((), f"{used} of the pass before")
    (unwrapped / "phuw_sb2.mat").write_text("another")
    again = planned(unwrapped, HOLDING, record, asked=False)
    assert again == ((), f"pass with feedback again: {used} of the pass that stands")
    with pytest.raises(DatasetError, match=r"reset-scla and removing phuw_sb2.mat for a first"):
        planned(unwrapped, HOLDING, record, asked=False, stands=False)


@pytest.fixture
def holding(stubs, monkeypatch):
    """The stub chain with a stage 6 that reads the values of its run before."""
    chain = [(*row[:5], f"{row[5]} phuw2" * (row[0] == 6), row[6]) for row in stub_chain.CHAIN]
    monkeypatch.setattr(stub_chain, "CHAIN", chain)
    monkeypatch.setattr(Parameters, "holds_good_values", True)
    stub_chain.install(monkeypatch, stubs)
    return stubs


@pytest.mark.parametrize("windows", [[{}], [{"end_step": 5}, {}]], ids=["at once", "by parts"])
@pytest.mark.parametrize("parameter", [None, "clap_win"])
def test_values_put_aside_come_back_only_to_the_points_that_they_are_of(
    holding, tree, monkeypatch, parameter, windows
):
    run(tree)
    with monkeypatch.context() as patch:
        patch.setattr(Publication, "commit", die)
        with pytest.raises(Killed):
            run(tree, start_step=6, force=True)
    assert not (tree / "phuw2.mat").exists()
    if parameter is not None:
        change(tree, **{parameter: 16.0})
    seen = []
    holding.acts[6, "root"] = lambda ctx: seen.append((tree / "phuw2.mat").exists())
    for window in windows:
        assert run(tree, **window).ok
    assert seen == [parameter is None]
