"""``coverage``, ``gate``, ``warmup``, ``list-legacy``, ``verify`` and ``audit``."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.pipeline.state import TargetState

MINI = Path(str(files("pystamps_hpc").joinpath("data/golden-mini/expected")))


@pytest.fixture
def mini(tmp_path):
    shutil.copytree(MINI, tmp_path / "run")
    return tmp_path / "run"


def changed(path, key, index, by):
    values = read_mat(path)
    values[key][index] += by
    write_mat(path, values, fsync=False)


def spoil(tree):
    changed(tree / "PATCH_2" / "pm1.mat", "K_ps", 99, 1)


def test_an_equal_tree_is_verified(command, mini):
    ended = command("verify", "--run", mini, "--golden", MINI, "--report", mini / "verify.json")
    assert ended.code == 0
    assert ended.document["ok"]
    assert ended.document["profile"] == "strict"
    assert ended.document["conditions"] == ["chain"]
    assert json.loads((mini / "verify.json").read_text()) == ended.document


@pytest.mark.parametrize("profile", ["strict", "scientific"])
def test_a_difference_ends_with_code_one_and_is_told_with_its_place(command, mini, profile):
    spoil(mini)
    ended = command("verify", "--run", mini, "--golden", MINI, "--profile", profile, "--detail")
    assert ended.code == 1
    failure = ended.document["failed"][0]
    assert (failure["path"], failure["failing_key"]) == ("PATCH_2/pm1.mat", "K_ps")
    assert failure["worst"]["row"] == 100
    assert "FAILED PATCH_2/pm1.mat" in ended.err
    assert "PATCH_2, row 100" in ended.err
    assert any(row["key"] == "K_ps" and not row["ok"] for row in ended.document["keys"])


def test_a_window_may_leave_the_difference_out(command, mini):
    spoil(mini)
    ended = command("verify", "--run", mini, "--golden", MINI, "--from-stage", 3)
    assert ended.code == 0
    assert ended.document["window"] == [3, 8]
    ended = command("verify", "--run", mini, "--golden", MINI, "--through-stage", 1)
    assert ended.code == 0


def test_without_golden_the_run_is_checked_in_itself(command, mini):
    ended = command("verify", "--run", mini)
    assert ended.code == 0
    assert ended.document["golden"] is None
    assert ended.document["profile"] == "consistency"


@pytest.mark.parametrize(
    ("key", "value", "conditions"),
    [
        ("runtime.triangulator", "native", ["qhull"]),
        ("runtime.triangulator", "triangle", []),
        ("compat.arithmetic", "double", ["double"]),
    ],
)
def test_verify_allows_for_what_the_records_say(command, mini, key, value, conditions):
    record = {"stage": 7, "scope": "merged", "science_version": 1, "params": {}, "inputs": {},
              "config": {key: value}}  # fmt: skip
    TargetState(mini, {7: record}).save()
    ended = command("verify", "--run", mini, "--golden", MINI, "--through-stage", 6)
    assert ended.document["conditions"] == ["chain"]
    ended = command("verify", "--run", mini, "--golden", MINI, "--isolated")
    assert ended.document["conditions"] == conditions


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--from-stage", "6", "--through-stage", "3"], 2, "--from-stage 6 is after"),
        (["--golden", "/nowhere/at/all"], 3, "does not exist"),
    ],
)
def test_unusable_options_leave_stdout_empty(command, mini, words, code, message):
    ended = command("verify", "--run", mini, "--golden", MINI, *words)
    assert ended.code == code
    assert ended.document is None
    assert message in ended.err


def test_what_is_not_identical_is_named_and_of_what(command, mini):
    changed(mini / "scla2.mat", "K_ps_uw", 99, 1e-9)
    ended = command("verify", "--run", mini, "--golden", MINI)
    assert ended.code == 0
    assert f"not identical to {MINI}: 1 keys (scla2.mat:K_ps_uw)." in ended.err
    changed(mini / "mean_v.mat", "m", (1, 99), 1)
    ended = command("verify", "--run", mini, "--golden", MINI)
    assert "at row 2, point 100" in ended.err
    assert ended.document["failed"][0]["worst"]["point"] == 100


def test_differences_of_storage_come_last_and_say_so(command, mini):
    spoil(mini)
    path = mini / "PATCH_1" / "pm1.mat"
    values = read_mat(path)
    values["K_ps"] = values["K_ps"].T
    write_mat(path, values, fsync=False)
    told = [
        line for line in command("verify", "--run", mini, "--golden", MINI).err.splitlines()
        if line.startswith("FAILED")
    ]  # fmt: skip
    assert told[0].startswith("FAILED PATCH_2/pm1.mat: ")
    assert told[1].startswith("FAILED in shape or class alone, PATCH_1/pm1.mat: ")


def test_a_terminal_lists_every_key_with_detail_and_the_rules_without_golden(command, mini):
    err = command("verify", "--run", mini, "--golden", MINI, "--detail").err
    assert "PATCH_1/pm1.mat:K_ps" in err
    err = command("verify", "--run", mini).err
    assert "Checked in itself: every number is finite, every index at least 1; the products" in err
    assert "the look-angle error phase is slope times baseline" in err


def test_an_audit_of_unknown_targets_is_refused(command, tmp_path):
    ended = command("audit", "--targets", "atlantis", "--work", tmp_path)
    assert ended.code == 2
    assert "no audit target 'atlantis'" in ended.err


def test_an_audit_without_its_data_fails_and_says_what_is_missing(command, tmp_path, monkeypatch):
    monkeypatch.setenv("PYSTAMPS_HPC_DATA_ROOT", str(tmp_path))
    ended = command("audit", "--targets", "doris", "--work", tmp_path / "work")
    assert ended.code == 1
    assert ended.document["missing"][0]["trees"] == [
        "loaders/doris/input",
        "loaders/doris/expected",
    ]
    assert json.loads((tmp_path / "work" / "latest.json").read_text()) == ended.document
    assert "audit FAILED" in ended.err


def test_c040_coverage_is_one_document_with_a_window(command):
    ended = command("coverage", "--start-step", 6)
    assert ended.code == 0
    assert ended.document["schema"] == "pystamps-hpc/coverage/1"
    assert [(row["mode"], row["stage"]) for row in ended.document["scopes"]] == [
        (mode, stage) for mode in ("ps", "sb") for stage in (6, 7, 8)
    ]
    assert ended.document["window"] == [6, 8]
    assert command("coverage", "--start-step", 7, "--end-step", 6).code == 2


def test_c035_list_legacy_is_an_array_and_needs_a_root(command, tmp_path, monkeypatch):
    assert command("list-legacy", "--stamps-root", tmp_path).document == []
    (tmp_path / "bin" / "deeper").mkdir(parents=True)
    for name in ("snaphu", "calamp"):
        (tmp_path / "bin" / name).touch()
    ended = command("list-legacy", "--stamps-root", tmp_path)
    listed = [str(tmp_path / "bin" / name) for name in ("calamp", "snaphu")]
    assert (ended.code, ended.document) == (0, listed)
    monkeypatch.setenv("STAMPS_ROOT", str(tmp_path))
    assert command("list-legacy").document == ended.document
    monkeypatch.delenv("STAMPS_ROOT")
    ended = command("list-legacy")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "list-legacy needs --stamps-root or STAMPS_ROOT\n"


def test_an_unsafe_gate_is_a_dataset_error(command, tree):
    ended = command("gate", "--dataset", tree, "--golden", tree, "--run", tree / "run")
    assert (ended.code, ended.out) == (3, "")
    assert "overlap" in ended.err


def test_warmup_of_an_unknown_kernel_is_a_usage_error(command):
    ended = command("warmup", "--kernels", "stage9_magic")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("unknown kernel stage9_magic (known: prep_amplitude_sum")
