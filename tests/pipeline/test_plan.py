"""The decisions of a plan hold for every dataset, window and wish."""

import errno
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import MatFile, write_mat
from pystamps_hpc.dataset.tree import ROOT, Dataset
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.pipeline import presence, state
from pystamps_hpc.pipeline.finished import Finished
from pystamps_hpc.pipeline.plan import Planner
from pystamps_hpc.pipeline.request import Request
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.state import TargetState
from pystamps_hpc.pipeline.table import tasks
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.status import collect_status
from tests.stub_chain import make_tree

PATCHES = ("PATCH_1", "PATCH_2")
TASKS = [(s, "patch", p) for s in (1, 2, 3, 4, 5) for p in PATCHES] + [
    (s, "merged", ROOT) for s in (5, 6, 7, 8)
]


@st.composite
def situations(draw):
    """What is finished, stale, due and lost on a dataset of two patches."""
    some = st.sets(st.sampled_from(TASKS))
    return {
        "complete": draw(st.one_of(st.just(set(TASKS)), some)),
        "stale": draw(st.sets(st.sampled_from(TASKS), max_size=2)),
        "due": draw(st.sets(st.sampled_from(TASKS), max_size=2)),
        "lost": draw(st.dictionaries(st.sampled_from(PATCHES), st.sampled_from([1, 3, 4, 5]))),
    }


@st.composite
def requests(draw):
    start = draw(st.integers(0, 8))
    end = draw(st.integers(max(start, 1), 8))
    parts = ["all"] + (["merged"] if end >= 5 else []) + (["patches"] if start <= 5 else [])
    part = draw(st.sampled_from(parts))
    patches = None
    if part == "patches" or end <= 4:
        patches = draw(st.sampled_from([None, ("PATCH_1",), ("PATCH_2",), PATCHES]))
    return Request(start, end, part, patches, force=draw(st.booleans()))


def planner_for(monkeypatch, situation, request, policy="keep"):
    dataset = Dataset(Path("/nowhere"), PATCHES)
    config = RunConfig().with_values({"runtime.stale_policy": policy}).resolved()
    known = {name: parameters.Parameters() for name in (ROOT, *PATCHES)}
    planner = Planner(Finished(dataset, config, known), request)

    def missing(_self, row, target):
        key = (row.spec.number, row.spec.scope, target)
        return [] if key in situation["complete"] else [row.spec.marker]

    def stale(_self, row, target):
        key = (row.spec.number, row.spec.scope, target)
        return "parameters changed: x" if key in situation["stale"] else ""

    def state(_self, target):
        due = {number for number, _, where in situation["due"] if where == target}
        return TargetState(dataset.directory(target), {}, due)

    monkeypatch.setattr(Finished, "missing", missing)
    monkeypatch.setattr(Finished, "files", lambda *_: {})
    monkeypatch.setattr(Finished, "lost", lambda _self, target: situation["lost"].get(target))
    monkeypatch.setattr(Finished, "stale_reason", stale)
    monkeypatch.setattr(Finished, "state", state)
    monkeypatch.setattr(Planner, "_require_inputs", lambda *_: None)
    return planner


def decide(situation, request, policy):
    """Say what is decided, rule by rule."""
    decided = {}
    running = {}
    for number, scope, target in TASKS:
        if not max(request.start, 1) <= number <= request.end:
            continue
        if request.part != "all" and {"patch": "patches"}.get(scope, scope) != request.part:
            continue
        if scope == "patch" and request.patches and target not in request.patches:
            continue
        key = (number, scope, target)
        earlier = running.get(target, set())
        due = request.force or key in situation["due"]
        lost = situation["lost"].get(target) if scope == "patch" else None
        if any(stage <= (lost or 0) for stage in earlier):
            lost = None  # the stage that lost them runs again
        if lost is not None and lost < number:
            decided[key] = "skipped"
        elif lost == number and not due:
            again = policy == "rerun" and key in situation["stale"]
            decided[key] = "run" if again else "skipped_existing"
        else:
            again = policy == "rerun" and key in situation["stale"]
            after = bool(earlier) or (scope == "merged" and bool(running))
            runs = due or after or key not in situation["complete"] or again
            decided[key] = "run" if runs else "skipped_existing"
        if decided[key] == "run":
            running.setdefault(target, set()).add(number)
    return decided


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(situations(), requests(), st.sampled_from(["keep", "rerun"]))
def test_every_task_is_decided_by_the_rules_in_their_order(
    stubs, monkeypatch, situation, request_, policy
):
    plan = planner_for(monkeypatch, situation, request_, policy).plan()
    found = {(p.stage, p.scope, p.target): p.action for p in plan}
    assert found == decide(situation, request_, policy)
    assert list(found) == [key for key in TASKS if key in found]
    for task in plan:
        told = task.action == "skipped_existing" and bool(task.stale)
        assert told <= (policy == "keep")


def test_the_plan_of_a_thousand_patches_takes_seconds(stubs, tmp_path):
    names = tuple(f"PATCH_{k}" for k in range(1, 1001))
    make_tree(tmp_path, names)
    known = {name: parameters.Parameters() for name in (ROOT, *names)}
    finished = Finished(Dataset(tmp_path, names), RunConfig().resolved(), known)
    planner = Planner(finished, Request())
    began = time.monotonic()
    assert len(planner.plan()) == 5 * 1000 + 4
    assert time.monotonic() - began < 60


def test_a_handed_over_patch_satisfies_the_inputs_of_a_later_stage(stubs, tmp_path):
    make_tree(tmp_path, ("PATCH_1",))

    def plan():
        known = {name: parameters.Parameters() for name in (ROOT, "PATCH_1")}
        dataset = Dataset(tmp_path, ("PATCH_1",))
        return Planner(Finished(dataset, RunConfig().resolved(), known), Request(4, 4)).plan()

    with pytest.raises(DatasetError, match=r"stage 4 needs select1.mat in PATCH_1"):
        plan()
    row = next(row for row in tasks("ps") if row.spec.number == 3)
    write_mat(tmp_path / "PATCH_1" / f"{row.spec.marker}.mat", {"x": np.ones((1, 1))})
    assert [task.action for task in plan()] == ["run"]


@pytest.mark.parametrize("look", ["status", "dry run"])
def test_looking_at_many_finished_patches_reads_no_file_of_each(stubs, tmp_path, monkeypatch, look):
    """The root's parameters are read once; what is unchanged since it was written is not opened."""
    names = tuple(f"PATCH_{k}" for k in range(1, 13))
    make_tree(tmp_path, names)
    context = PipelineContext(tmp_path, RunConfig().with_values({"output.fsync": False}))
    run_pipeline(context)
    opened = []
    real = MatFile.__init__

    def count(self, path):
        opened.append(Path(path).name)
        real(self, path)

    monkeypatch.setattr(MatFile, "__init__", count)
    monkeypatch.setattr(presence, "_FLAGS", {})  # as in a new process
    if look == "status":
        assert collect_status(tmp_path)["merged_stage"] == 8
    else:
        statuses = {row.status for row in run_pipeline(replace(context, dry_run=True)).results}
        assert statuses == {"skipped_existing"}
    assert sorted(opened) == ["no_ps_info.mat", "parms.mat", "parms.mat"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"records": {"1": 5}, "due": []}',
        '{"records": {}, "due": [1e999]}',
        '{"records": {"6": {"stage": 6}}, "due": []}',
        '{"records": {"1": {"stage": 1, "scope": "", "science_version": 1, "params": {},'
        ' "config": {}, "inputs": {"a": 5}}}, "due": []}',
    ],
)
def test_a_damaged_state_counts_as_none(tmp_path, text):
    folder = tmp_path / ".pystamps-hpc"
    folder.mkdir()
    (folder / "state.json").write_text(text)
    assert TargetState.load(tmp_path) == TargetState(tmp_path)


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ESTALE, errno.EACCES])
def test_a_state_that_cannot_be_read_is_no_empty_one(tmp_path, monkeypatch, number):
    def refuse(path):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(state, "read_json", refuse)
    with pytest.raises(DatasetError) as caught:
        TargetState.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/.pystamps-hpc/state.json: cannot be read: {os.strerror(number)}"
    )
