"""The native gate: a clean copy, the chain natively, verified, reported; and its safety rules."""

import json
import os
import shutil

import numpy as np
import pytest

from pystamps_hpc.cli import main
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.tools import child_run, warmup
from pystamps_hpc.tools.verification import gate
from pystamps_hpc.tools.verification.gate import GateOptions, run_gate, target_options
from pystamps_hpc.tools.verification.manifest import Target, tree_digest
from pystamps_kernels.contracts import all_kernels

REPORTS = {
    "config.json",
    "coverage.json",
    "gate.json",
    "native_run.json",
    "native_run.log",
    "timings.json",
    "verification.json",
}


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Skip the first step: kernels are compiled when they are used."""
    monkeypatch.setattr(gate, "warm_up", lambda **options: {"problems": []})


def passed(options):
    lines = []
    return run_gate(options, lines.append), lines


@pytest.fixture(scope="module")
def through(finished, tmp_path_factory):
    """One passage through the gate, of a dataset that holds results already."""
    run = tmp_path_factory.mktemp("gate") / "run"
    inputs = tmp_path_factory.mktemp("inputs") / "scene"
    shutil.copytree(finished, inputs)
    before = tree_digest(inputs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "warm_up", lambda **options: {"problems": []})
        document = run_gate(GateOptions((inputs,), finished, run), lambda line: None)
    assert tree_digest(inputs) == before
    return run, document


@pytest.fixture
def finished_at_once(through, finished, monkeypatch):
    """Put the finished chain in the place of a run, so that only what follows is exercised."""

    def run(arguments, ranks, log):
        made = arguments[arguments.index("--dataset") + 1]
        shutil.copytree(finished, made, dirs_exist_ok=True)
        report = through[0] / gate.REPORTS / "native_run.json"
        shutil.copy(report, arguments[arguments.index("--report") + 1])
        return child_run.ChildRun(0, report.read_text(), "", 1.0)

    monkeypatch.setattr(child_run, "run", run)


def read(run, name):
    return json.loads((run / gate.REPORTS / name).read_text())


def test_c077_the_chain_passes_the_gate_against_its_own_result(through, finished):
    run, document = through
    assert document["ok"], document["steps"]
    assert [step["name"] for step in document["steps"]] == [
        "warmup", "copy", "coverage", "run", "verify",
    ]  # fmt: skip
    assert document["golden_sha256"] == tree_digest(finished)
    assert document == read(run, "gate.json")


def test_c078_every_report_is_written(through):
    run, _ = through
    assert {path.name for path in (run / gate.REPORTS).iterdir()} == REPORTS
    assert read(run, "coverage.json")["summary"]["scopes"] == 18
    assert read(run, "verification.json")["ok"]
    timings = read(run, "timings.json")
    assert len(timings["stages"]) == 9
    assert timings["wall_sec"] >= timings["run_sec"] > 0
    assert timings["ranks"][0]["peak_rss_mib"] > 0


def test_c037_the_gate_runs_native_only(through):
    run, document = through
    report = read(run, "native_run.json")
    assert "--native-only" in report["command"]
    assert set(report["backends"].values()) == {"native"}
    assert report["config"]["runtime"]["triangulator"] == "native"
    assert {row["status"] for row in report["results"]} == {"completed"}
    assert report["config"]["runtime"]["stage6_solver"] == "native"
    assert document["allowed"] == []


def test_c079_results_in_the_dataset_are_not_copied_and_nothing_there_changes(through, simulated):
    run, _ = through
    assert {row["status"] for row in read(run, "native_run.json")["results"]} == {"completed"}
    inputs = {path.relative_to(simulated) for path in simulated.rglob("pscands.1.*")}
    assert inputs
    assert inputs == {path.relative_to(run) for path in run.rglob("pscands.1.*")}


def test_a_wrong_value_in_golden_stops_at_verify_and_says_where(
    simulated, damaged, finished_at_once, tmp_path
):
    path = damaged / "PATCH_1" / "select1.mat"
    values = read_mat(path)
    values["coh_ps2"][4, 0] += 0.25
    write_mat(path, values)
    document, lines = passed(GateOptions((simulated,), damaged, tmp_path / "run"))
    assert not document["ok"]
    last = document["steps"][-1]
    assert (last["name"], last["exit_code"]) == ("verify", 1)
    assert "select1.mat" in last["message"]
    assert "row 5" in last["message"]
    assert any("PATCH_1/select1.mat" in line for line in lines)


def test_a_run_that_fails_stops_the_gate_with_its_message(simulated, finished, tmp_path):
    layer = tmp_path / "broken"
    shutil.copytree(simulated, layer)
    stack = layer / "PATCH_1" / "pscands.1.ph"
    stack.write_bytes(stack.read_bytes()[:-4])
    document, _ = passed(GateOptions((layer,), finished, tmp_path / "run"))
    assert [step["name"] for step in document["steps"]] == ["warmup", "copy", "coverage", "run"]
    assert "pscands.1.ph" in document["steps"][-1]["message"]
    assert not document["ok"]


@pytest.mark.parametrize("place", ["same", "inside", "around"])
@pytest.mark.parametrize("what", ["dataset", "golden"])
def test_run_must_not_touch_dataset_or_golden(what, place, simulated, finished, tmp_path):
    trees = {"dataset": tmp_path / "a" / "dataset", "golden": tmp_path / "b" / "golden"}
    shutil.copytree(simulated, trees["dataset"])
    shutil.copytree(simulated, trees["golden"])
    tree = trees[what]
    run = {"same": tree, "inside": tree / "run", "around": tree.parent}[place]
    before = tree_digest(tmp_path)
    with pytest.raises(DatasetError, match="overlap"):
        passed(GateOptions((trees["dataset"],), trees["golden"], run))
    assert tree_digest(tmp_path) == before


def test_a_link_to_the_dataset_is_the_dataset(simulated, finished, tmp_path):
    (tmp_path / "link").symlink_to(simulated)
    with pytest.raises(DatasetError, match="overlap"):
        passed(GateOptions((simulated,), finished, tmp_path / "link"))


def test_a_foreign_directory_is_never_removed(simulated, finished, tmp_path):
    run = tmp_path / "thesis"
    run.mkdir()
    (run / "chapter1").write_text("years of work")
    with pytest.raises(DatasetError, match=f"RUN exists and was not made by the gate: {run}"):
        passed(GateOptions((simulated,), finished, run))
    assert (run / "chapter1").exists()


def test_a_run_of_the_gate_is_replaced(simulated, finished, through, finished_at_once, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(through[0], run)
    (run / "left.txt").write_text("over")
    document, _ = passed(GateOptions((simulated,), finished, run))
    assert document["ok"]
    assert not (run / "left.txt").exists()


def test_an_interrupted_gate_can_be_repeated(simulated, finished, tmp_path, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    run = tmp_path / "run"
    monkeypatch.setattr(child_run, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        passed(GateOptions((simulated,), finished, run))
    gate.require_safe([simulated], finished, run)
    assert read(run, "gate.json")["ok"] is False


def test_without_trees_the_default_target_of_the_manifest_is_taken(
    simulated, finished, monkeypatch
):
    target = Target(
        *("x", "ps", ("in",), "out", "0" * 64, 1, 8),
        gate_default=True,
        profile="scientific",
        config={"compat": {"random_generator": "octave"}},
    )
    monkeypatch.setattr(gate, "locate", lambda place: {"in": simulated, "out": finished}[place])
    options = target_options([target], simulated.parent / "run", ranks=2)
    assert (options.layers, options.golden, options.ranks) == ((simulated,), finished, 2)
    assert options.profile == "scientific"
    assert options.config.compat.random_generator == "octave"
    with pytest.raises(ConfigError, match="gate_default"):
        target_options([], simulated.parent / "run")
    monkeypatch.setattr(gate, "locate", lambda place: None)
    with pytest.raises(DatasetError, match="PYSTAMPS_HPC_DATA_ROOT"):
        target_options([target], simulated.parent / "run")


def test_the_command_needs_both_trees_or_none(capsys):
    assert main(["gate", "--dataset", os.curdir]) == 2
    assert "both --dataset and --golden" in capsys.readouterr().err


def test_warmup_compiles_every_native_kernel_in_both_forms():
    found = warmup.warm_up()
    assert found["problems"] == []
    assert found["not_compiled"] == {}
    for name, kernel in all_kernels().items():
        assert list(found["kernels"][name]) == list(kernel.forms), name
        assert all(np.isfinite(list(found["kernels"][name].values())))
