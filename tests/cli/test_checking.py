"""The commands that judge: ``coverage``, ``gate``, ``warmup``, ``list-legacy``, ``verify``."""

import pytest

from pystamps_hpc.pipeline.state import TargetState
from pystamps_hpc.tools.verify import Policy


def test_c040_coverage_is_one_document_with_a_window(command):
    ended = command("coverage", "--start-step", 6)
    assert ended.code == 0
    assert ended.document["schema"] == "pystamps-hpc/coverage/1"
    assert [row["stage"] for row in ended.document["scopes"]] == [6, 7, 8]
    assert command("coverage", "--start-step", 7, "--end-step", 6).code == 2


def test_c035_list_legacy_is_an_array_and_needs_a_root(command, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "snaphu").touch()
    ended = command("list-legacy", "--stamps-root", tmp_path)
    assert (ended.code, ended.document) == (0, [str(tmp_path / "bin" / "snaphu")])
    monkeypatch.setenv("STAMPS_ROOT", str(tmp_path))
    assert command("list-legacy").document == ended.document
    monkeypatch.delenv("STAMPS_ROOT")
    ended = command("list-legacy")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "list-legacy needs --stamps-root or STAMPS_ROOT\n"


def test_an_unsafe_gate_is_a_dataset_error_and_removes_nothing(command, tree, tmp_path):
    ended = command("gate", "--dataset", tree, "--golden", tree, "--run", tree / "run")
    assert (ended.code, ended.out) == (3, "")
    assert "overlap" in ended.err
    mine = tmp_path / "mine"
    mine.mkdir()
    golden = tmp_path / "golden"
    golden.mkdir()
    ended = command("gate", "--dataset", tree, "--golden", golden, "--run", mine)
    assert ended.code == 3
    assert ended.err == f"RUN exists and was not made by the gate: {mine}\n"
    assert mine.exists()


def test_warmup_of_an_unknown_kernel_is_a_usage_error(command):
    ended = command("warmup", "--kernels", "stage9_magic")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("unknown kernel stage9_magic (known: stage1_look_angles")


def test_the_native_triangulator_widens_two_rules_and_no_other():
    triangle, qhull = Policy("strict", ("chain",)), Policy("strict", ("chain", "qhull"))
    assert qhull.rule("weed1", "ps_max").atol == 5e-3
    assert qhull.rule("weed1", "ps_std").bulk == (0.999, 5e-4)
    for artifact, key in (("weed1", "ix_weed"), ("pm1", "K_ps"), ("phuw2", "ph_uw")):
        assert qhull.rule(artifact, key) == triangle.rule(artifact, key)


@pytest.mark.parametrize(
    ("key", "value", "conditions"),
    [
        ("runtime.triangulator", "native", ["qhull"]),
        ("runtime.triangulator", "triangle", []),
        ("compat.arithmetic", "double", ["double"]),
    ],
)
def test_verify_allows_for_what_the_records_say(command, tree, key, value, conditions):
    record = {"stage": 7, "scope": "merged", "science_version": 1, "params": {}, "inputs": {},
              "config": {key: value}}  # fmt: skip
    TargetState(tree, {7: record}).save()
    ended = command("verify", "--run", tree, "--golden", tree, "--isolated")
    assert ended.document["conditions"] == conditions
