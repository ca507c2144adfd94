"""Coverage is computed: from the stage table, the kernels that are there, the recorded audit."""

import copy
import dataclasses
import re
from pathlib import Path

import pytest

from pystamps_hpc import stages
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.backends import declared_kernels
from pystamps_hpc.pipeline.events import TaskStarted
from pystamps_hpc.pipeline.scheduling import run_merged, run_patches
from pystamps_hpc.pipeline.session import prepare
from pystamps_hpc.pipeline.starting import before_work
from pystamps_hpc.pipeline.table import tasks
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.simulate import simulate
from pystamps_hpc.tools.verification import coverage
from pystamps_hpc.tools.verification.coverage import (
    coverage_document,
    native_coverage,
    native_scopes,
)
from pystamps_hpc.tools.verification.manifest import Target
from pystamps_hpc.tools.warmup import SCENES
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import KernelTable, table
from tests.tools.conftest import NATIVE

DIGEST = "5" * 64
MODES = ("ps", "sb")
TARGETS = tuple(Target(f"mini-{mode}", mode, ("a",), "b", DIGEST, 1, 8) for mode in MODES)


def audit_of(mode, **changes):
    """The audit of a mode that certifies every scope in its current version."""
    entries = [
        {
            "stage": row.spec.number,
            "scope": row.spec.scope,
            "science_version": row.spec.version,
            "ok": True,
            "keys": 3,
            "identical": 3,
        }
        for row in tasks(mode)
    ]
    return {
        "target": f"mini-{mode}",
        "ok": True,
        "profile": "strict",
        "golden_sha256": DIGEST,
        "run": {"backend": "native"},
        "scopes": entries,
        **changes,
    }


def evidence(modes=MODES, **changes):
    """An audit report that certifies every scope of the modes."""
    return {"ok": True, "generated_utc": "2026-01-01T00:00:00Z", "code": {"commit": "c"},
            "audits": [audit_of(mode, **changes) for mode in modes]}  # fmt: skip


def certified(report, manifest=TARGETS, oracle=""):
    scopes = coverage_document(native_scopes(), report, manifest, oracle)["scopes"]
    return [(row["mode"], row["stage"], row["scope"]) for row in scopes
            if row["parity_certified"]]  # fmt: skip


class Recorder(KernelTable):
    """Kernels that note by which stage they are asked for."""

    calls: dict = {}  # noqa: RUF012  one recorder per test run
    stage = None

    def __getattr__(self, name):
        bound = super().__getattr__(name)
        Recorder.calls.setdefault(Recorder.stage, set()).add(name)
        return bound


class Spread(SerialTeam):
    """A team that notes which stages share their work."""

    stages: set = set()  # noqa: RUF012  one per test run

    def __getattribute__(self, name):
        if name in ("map_tasks", "map_columns", "map_rows", "sum_rows"):
            Spread.stages.add(Recorder.stage)
        return super().__getattribute__(name)


def follow(event):
    if isinstance(event, TaskStarted):
        Recorder.stage = (event.stage, event.scope)


@pytest.mark.parametrize(("mode", "share"), [("ps", 1 / 3), ("sb", 1 / 6)])  # no arcs in stage 4
def test_c070_a_stage_has_the_kernels_it_declares_and_spreads_as_it_says(mode, share, tmp_path):
    root = tmp_path / "scene"
    simulate(root, SCENES[mode])
    context = PipelineContext(root, NATIVE.with_values({"compat.arithmetic": "double"}))
    kernels = Recorder(dict.fromkeys(all_kernels(), "native"), "double")
    Recorder.calls.clear()
    Spread.stages.clear()
    session, team = prepare(context, kernels), Spread()
    before_work(session, context, team)
    rows = run_patches(session, team, follow) + run_merged(session, team, follow)
    assert {row.status for row in rows} == {"completed"}
    assert len(Recorder.calls) == 9
    for row in tasks(mode):
        stage = row.spec.number, row.spec.scope
        called, declared = Recorder.calls[stage], set(row.spec.kernels)
        assert called <= declared, row.spec.name
        assert len(called) >= len(declared) * share, row.spec.name
        assert row.spec.spreads == (row.spec.scope == "patch" or stage in Spread.stages)


@pytest.mark.parametrize("row", [*tasks("ps"), *tasks("sb")], ids=lambda row: row.spec.name)
def test_every_declared_kernel_is_one_that_the_stages_call(row):
    code = "".join(path.read_text() for path in Path(stages.__path__[0]).rglob("*.py"))
    assert set(row.spec.kernels) <= set(all_kernels())
    assert set(row.spec.kernels) <= set(re.findall(r"kernels\.(\w+)", code))


def test_a_stage_has_no_kernel_that_it_does_not_declare():
    spec = tasks("ps")[0].spec
    kernels = declared_kernels(table("python", "double"), spec)
    assert all(callable(getattr(kernels, name)) for name in spec.kernels)
    with pytest.raises(AttributeError, match="stage7_scla"):
        kernels.stage7_scla  # noqa: B018


def test_c070_nine_scopes_of_each_mode_stage_five_twice():
    document = native_coverage()
    rows = [(row["mode"], row["stage"], row["scope"]) for row in document["scopes"]]
    assert rows == [
        (mode, stage, scope)
        for mode in MODES
        for scope, stages_ in (("patch", range(1, 6)), ("merged", range(5, 9)))
        for stage in stages_
    ]
    assert document["summary"]["scopes"] == 18
    for k, name in ((5, "stage5_merge"), (14, "stage5_merge"), (15, "stage6_sb")):
        assert document["scopes"][k]["entrypoint"] == f"pystamps_hpc.stages.{name}:solve"


def test_every_scope_is_driven_natively_and_nothing_blocks_it():
    scopes = native_scopes()
    assert all(scope.driven for scope in scopes)
    assert all(scope.executable for scope in scopes)
    for row in coverage_document(scopes, evidence(), TARGETS)["scopes"]:
        assert row["blockers"] == []


def test_a_stage_whose_folder_knows_a_program_names_it():
    folder = Path(stages.__path__[0])
    knowing = [
        path for path in folder.rglob("*.py") if re.search(r"from \.+programs", path.read_text())
    ]
    assert knowing
    for path in knowing:
        package = ".".join((stages.__name__, *path.relative_to(folder).parts[:1]))
        rows = [row for mode in MODES for row in tasks(mode)
                if row.spec.solve.__module__.startswith(package)]  # fmt: skip
        assert rows
        assert all("unwrapper" in row.spec.tools for row in rows)


def test_a_kernel_without_native_form_shows_as_python_and_blocks_its_stage(monkeypatch):
    supported = coverage.supported_backends

    def lacking(kernel):
        found = supported(kernel)
        return [b for b in found if b != "native"] if kernel.name == "stage7_scla" else found

    monkeypatch.setattr(coverage, "supported_backends", lacking)
    rows = {row.row.spec.number: row for row in native_scopes(7, 8) if row.row.mode == "ps"}
    assert rows[7].kernels["stage7_scla"] == "python"
    assert not rows[7].driven
    assert rows[7].lacking == ("no native implementation of stage7_scla",)
    assert rows[8].executable


def test_without_numba_nothing_is_executable(monkeypatch):
    monkeypatch.setattr(
        coverage, "unavailable_reason", lambda backend: "no numba" if backend == "native" else ""
    )
    assert not any(scope.executable for scope in native_scopes())


def test_c075_nothing_is_certified_without_evidence():
    assert certified(None) == []
    rows = coverage_document(native_scopes(), None, TARGETS)["scopes"]
    assert all("no audit evidence is recorded" in row["blockers"] for row in rows)


def test_c075_strict_evidence_of_a_listed_golden_certifies_every_scope_it_names():
    assert len(certified(evidence())) == 18
    for row in coverage_document(native_scopes(), evidence(), TARGETS)["scopes"]:
        assert row["evidence"]["target"] == f"mini-{row['mode']}"
        assert row["evidence"]["identical"] == 3


def test_c075_evidence_of_one_mode_certifies_nothing_of_the_other():
    for mode in MODES:
        assert {found for found, *_ in certified(evidence([mode]))} == {mode}


@pytest.mark.parametrize(
    "change",
    [
        {"ok": False},
        {"profile": "scientific"},
        {"target": "another"},
        {"golden_sha256": "6" * 64},
        {"run": {"backend": "python"}},
        {"scopes": []},
    ],
)
def test_c075_any_other_evidence_certifies_nothing(change):
    assert certified(evidence(**change)) == []


def test_c075_evidence_of_an_earlier_science_version_does_not_count():
    report = evidence()
    entry = report["audits"][0]["scopes"][2]
    entry["science_version"] -= 1
    assert ("ps", 3, "patch") not in certified(report)
    assert len(certified(report)) == 17
    blockers = coverage_document(native_scopes(3, 3), report, TARGETS)["scopes"][0]["blockers"]
    (text,) = blockers
    assert text.startswith("no strict evidence for science version")
    assert "evidence is of version" in text


def test_c075_a_scope_that_failed_is_not_certified():
    report = copy.deepcopy(evidence())
    report["audits"][0]["scopes"][4]["ok"] = False
    assert ("ps", 5, "patch") not in certified(report)
    assert ("ps", 5, "merged") in certified(report)


def test_c075_an_unusable_oracle_contract_certifies_nothing():
    assert certified(evidence(), oracle="nothing can be certified: no revision") == []


def test_c075_agreement_with_a_tree_that_stamps_did_not_make_certifies_nothing():
    regression = [dataclasses.replace(target, oracle="regression") for target in TARGETS]
    assert certified(evidence(), regression) == []
