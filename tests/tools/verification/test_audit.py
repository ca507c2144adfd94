"""The audit: manifest, run copies, digests, evidence; a wrong golden key is reported exactly."""

import copy
import json
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import ConfigError
from pystamps_hpc.pipeline.table import task
from pystamps_hpc.programs.snaphu import find_snaphu
from pystamps_hpc.tools.verification.audit import audit_targets
from pystamps_hpc.tools.verification.evidence import load_evidence, load_oracle, record_evidence
from pystamps_hpc.tools.verification.manifest import load_manifest, locate, tree_digest
from pystamps_hpc.tools.verification.parity_page import parity_page
from pystamps_hpc.tools.verification.run_copies import seed_copy

SHIPPED = Path(str(files("pystamps_hpc").joinpath("data/golden-mini")))
GOOD = {
    "id": "one",
    "mode": "ps",
    "layers": ["golden-mini/input"],
    "golden": "golden-mini/expected",
    "golden_sha256": "0" * 64,
    "start_step": 1,
    "end_step": 8,
}


def manifest(path, *targets, **top):
    tree = {"manifest_version": 1, "targets": list(targets), **top}
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def test_the_manifest_of_the_package_is_sound_and_its_shipped_golden_is_what_it_says():
    targets = load_manifest()
    mini = next(target for target in targets if target.id == "mini")
    assert mini.required
    assert mini.gate_default
    assert tree_digest(SHIPPED / "expected") == mini.golden_sha256
    assert all(target.run_config.compat.random_generator == "octave" for target in targets)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"golden": None}, "'golden' has an unusable value"),
        ({"golden_sha256": "12"}, "'golden_sha256' has an unusable value"),
        ({"start_step": 6, "end_step": 3}, "'start_step' has an unusable value"),
        ({"ranks": [0]}, "'ranks' has an unusable value"),
        ({"backends": ["fortran"]}, "'backends' has an unusable value"),
        ({"profile": "lenient"}, "'profile' has an unusable value"),
        ({"config": {"runtime": {"speed": 9}}}, "runtime.speed: unknown key"),
    ],
)
def test_a_manifest_with_a_mistake_is_refused(tmp_path, change, words):
    with pytest.raises(ConfigError, match="target 'one'") as error:
        load_manifest(manifest(tmp_path / "m.json", {**GOOD, **change}))
    assert words in str(error.value)


def test_all_mistakes_are_told_together(tmp_path):
    short = {key: value for key, value in GOOD.items() if key != "layers"}
    path = manifest(tmp_path / "m.json", GOOD, GOOD, short)
    with pytest.raises(ConfigError) as error:
        load_manifest(path)
    assert "id 'one' is not unique" in str(error.value)
    assert "key 'layers' is missing" in str(error.value)
    with pytest.raises(ConfigError, match="nothing else"):
        load_manifest(manifest(tmp_path / "m.json", GOOD, comment="x"))


def test_the_digest_depends_on_paths_and_contents_alone(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "a.txt").write_text("a")
    assert tree_digest(tmp_path / "one") == tree_digest(tmp_path / "other")
    (tmp_path / "other" / "sub" / "a.txt").write_text("b")
    assert tree_digest(tmp_path / "one") != tree_digest(tmp_path / "other")
    (tmp_path / "other" / "sub" / "a.txt").rename(tmp_path / "other" / "a.txt")
    assert tree_digest(tmp_path / "one") != tree_digest(tmp_path / "other")


def test_a_run_copy_holds_inputs_and_artifacts_of_earlier_tasks_only(tmp_path):
    layers = [SHIPPED / "input", SHIPPED / "expected"]

    def copied(stage, scope="patch", **options):
        seed_copy(tmp_path / "copy", layers, task(stage, scope, "ps"), **options)
        found = {str(path.relative_to(tmp_path / "copy")) for path in tmp_path.rglob("*.mat")}
        assert "parms.mat" in found
        return found - {"parms.mat"}

    assert copied(1) == set()
    assert (tmp_path / "copy" / "PATCH_1" / "pscands.1.ij").exists()
    third = copied(3)
    assert {"PATCH_1/ps1.mat", "PATCH_2/pm1.mat"} <= third
    assert not {"PATCH_1/select1.mat", "ps2.mat", "PATCH_1/ps2.mat"} & third
    assert "PATCH_1/ph2.mat" not in copied(5)
    merge = copied(5, "merged")
    assert "PATCH_1/ph2.mat" in merge
    assert "ph2.mat" not in merge
    sixth = copied(6, "merged")
    assert "ph2.mat" in sixth
    assert not {"phuw2.mat", "scla_smooth2.mat"} & sixth
    assert "scla_smooth2.mat" in copied(6, "merged", feedback=True)


def test_parameters_of_a_target_are_set_in_its_copy(tmp_path):
    first, values = task(1, "patch", "ps"), {"unwrap_grid_size": 100.0}
    seed_copy(tmp_path / "copy", [SHIPPED / "input"], first, values=values)
    assert read_mat(tmp_path / "copy" / "parms.mat")["unwrap_grid_size"] == 100


@pytest.fixture
def workflow(tmp_path, monkeypatch):
    """A workflow of stages 1-3 on a copy of the shipped set."""
    monkeypatch.setenv("PYSTAMPS_HPC_DATA_ROOT", str(tmp_path / "data"))
    shutil.copytree(SHIPPED, tmp_path / "data" / "set")
    golden = tmp_path / "data" / "set" / "expected"
    for path in golden.rglob("*.mat"):
        later = path.parent == golden or path.stem.endswith("2") or path.stem == "weed1"
        if later and path.stem != "parms":
            path.unlink()

    def make(**changes):
        row = {
            **copy.deepcopy(GOOD),
            "layers": ["set/input"],
            "golden": "set/expected",
            "golden_sha256": tree_digest(golden),
            "end_step": 3,
            "config": {"compat": {"random_generator": "octave"}},
            **changes,
        }
        return load_manifest(manifest(tmp_path / "m.json", row))

    return golden, make


def test_a_wrong_golden_key_is_reported_exactly_and_the_golden_tree_stays(workflow, tmp_path):
    golden, make = workflow
    values = read_mat(golden / "PATCH_2" / "pm1.mat")
    values["coh_ps"][11] += 1e-3
    write_mat(golden / "PATCH_2" / "pm1.mat", values)
    before = tree_digest(golden)
    report = audit_targets(make(), tmp_path / "work")
    assert not report.ok
    (audit,) = report.audits
    assert [(row["path"], row["failing_keys"]) for row in audit.verify.failed] == [
        ("PATCH_2/pm1.mat", ["coh_ps"])
    ]
    assert audit.verify.failed[0]["worst"] == {
        "patch": "PATCH_2", "row": 12, "column": None, "ifg": None, "point": None,
    }  # fmt: skip
    scopes = {row["stage"]: row for row in audit.to_json()["scopes"]}
    assert [scopes[stage]["ok"] for stage in (1, 2, 3)] == [True, False, True]
    assert tree_digest(golden) == before
    assert not list((tmp_path / "work").glob("*"))  # run copies are gone


def test_isolated_stages_run_on_golden_inputs(workflow, tmp_path):
    golden, make = workflow
    report = audit_targets(make(isolated=True, start_step=2), tmp_path / "work", keep=True)
    assert report.ok, report.to_json()
    seeded = tmp_path / "work" / "one-native-1"
    assert {path.name for path in seeded.iterdir() if path.is_dir()} == {"2-patch", "3-patch"}
    assert not (seeded / "2-patch" / "PATCH_1" / "select1.mat").exists()
    assert (seeded / "3-patch" / "PATCH_1" / "pm1.mat").read_bytes() == (
        golden / "PATCH_1" / "pm1.mat"
    ).read_bytes()


def test_a_changed_golden_tree_fails_before_anything_runs(workflow, tmp_path):
    golden, make = workflow
    targets = make()
    (golden / "PATCH_1" / "pm1.mat").unlink()
    report = audit_targets(targets, tmp_path / "work")
    assert not report.ok
    assert "the manifest says otherwise" in report.audits[0].problem


def test_absent_targets_are_missing_and_fail_only_when_required(workflow, tmp_path):
    _, make = workflow
    optional = make(layers=["nowhere"])
    report = audit_targets(optional, tmp_path / "work")
    assert [row["target"] for row in report.missing] == ["one"]
    assert not report.ok  # nothing ran at all
    required = audit_targets(make(layers=["nowhere"], required=True), tmp_path / "work")
    assert required.missing[0]["required"]


def test_evidence_is_a_successful_audit_of_a_clean_checkout(tmp_path):
    verify = {"ok": True, "run": "build/one", "golden": "/data/golden/one"}
    audits = [{"target": "one", "verify": verify}]
    good = {"ok": True, "code": {"commit": "abc", "dirty": False}, "audits": audits}
    place = record_evidence(good, tmp_path / "evidence.json")
    assert json.loads(place.read_text()) == {
        **good,
        "audits": [{"target": "one", "verify": {"ok": True}}],
    }
    for bad in ({**good, "ok": False}, {**good, "code": {"commit": "abc", "dirty": True}}):
        with pytest.raises(ConfigError, match="audit --record"):
            record_evidence(bad, tmp_path / "evidence.json")
    recorded = load_evidence()
    assert recorded is None or recorded["ok"]


def test_the_parity_page_claims_what_the_evidence_holds_and_nothing_without(workflow, tmp_path):
    assert "nothing is claimed" in parity_page(None)
    _, make = workflow
    report = audit_targets(make(end_step=1), tmp_path / "work")
    values = report.to_json()
    values["audits"][0]["verify"]["tolerated"] = [
        {"path": "PATCH_1/la1.mat", "key": "la", "max_abs": 1e-16, "tolerance": "float 1e-15"}
    ]
    page = parity_page(values)
    assert "| `one` | StaMPS | 1-1 | 1 | 40 | 40 | 0 | ok |" in page
    assert "| `la1.la` | 1e-16 | float 1e-15 | `one` |" in page
    values["audits"][0]["oracle"] = "regression"
    assert "la1.la" not in parity_page(values)


def test_the_oracle_contract_names_the_reference_and_says_what_the_shipped_set_is():
    oracle = load_oracle()
    assert oracle["upstream"]["revision"] == "c159eb81b16c446e0e8fdef7dd435eb22e0240ed"
    assert oracle["ordered_sources"] == ["cpp_wrapper", "matlab_source", "manual_references"]
    assert "not a StaMPS oracle" in oracle["data"]["golden-mini"]
    assert "not a StaMPS oracle" in (SHIPPED / "README.md").read_text()


def test_trees_are_found_below_the_data_root_then_in_the_package(tmp_path, monkeypatch):
    monkeypatch.delenv("PYSTAMPS_HPC_DATA_ROOT", raising=False)
    assert locate("golden-mini/input") == SHIPPED / "input"
    assert locate("ps-small/input") is None
    (tmp_path / "golden-mini" / "input").mkdir(parents=True)
    monkeypatch.setenv("PYSTAMPS_HPC_DATA_ROOT", str(tmp_path))
    assert locate("golden-mini/input") == tmp_path / "golden-mini" / "input"


@pytest.mark.skipif(find_snaphu("snaphu") is None, reason="SNAPHU is not installed")
def test_the_shipped_set_is_what_the_chain_makes(tmp_path):
    mini = next(target for target in load_manifest() if target.id == "mini")
    targets = [mini.__class__(**{**mini.__dict__, "ranks": (1,)})]
    report = audit_targets(targets, tmp_path)
    assert report.ok, report.to_json()
    assert np.sum([row["keys"] for row in report.audits[0].to_json()["scopes"]]) > 200
