"""Stages isolated by replay of the golden tree, and the native chain, verified key by key."""

import shutil
from pathlib import Path

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.programs.snaphu import find_snaphu
from pystamps_hpc.tools.verification.compare import Policy, Window, verify_run_against_golden
from pystamps_hpc.tools.verification.gate import native_config

from .parity import golden_root

pytestmark = pytest.mark.golden

CONFIG = RunConfig().with_values(
    {"compat.random_generator": "octave", "output.fsync": False, "runtime.stage6_solver": "snaphu"}
)


@pytest.fixture
def candidates(golden, tmp_path):
    """A copy of the inputs of ps-small."""
    return copied("ps-small", tmp_path)


def copied(name, folder):
    return Path(shutil.copytree(golden_root() / name / "input", folder / "run"))


def expected(name="ps-small"):
    return golden_root() / name / "expected"


@pytest.mark.skipif(find_snaphu("snaphu") is None, reason="SNAPHU is not installed")
@pytest.mark.parametrize(("name", "conditions"), [("ps-small", ()), ("sb-small", ("double",))])
def test_c011_replay_of_stages_1_to_5_and_computed_6_to_8_equals_golden(
    golden, tmp_path, name, conditions
):
    candidates, reference = copied(name, tmp_path), expected(name)
    replay = CONFIG.with_values(
        {"compat.strict_reference": True, "compat.reference_root": str(reference)}
    )
    report = run_pipeline(PipelineContext(candidates, replay, end_step=5))
    assert {row.status for row in report.results} == {"completed"}
    assert all(row.details.startswith("replayed ") for row in report.results)
    exact = verify_run_against_golden(candidates, reference, Policy("strict", ()), Window(1, 5))
    assert exact.ok, exact.failed
    assert max(key.difference.max_abs for key in exact.keys) == 0

    report = run_pipeline(PipelineContext(candidates, CONFIG))
    assert [row.status for row in report.results] == ["skipped_existing"] * 11 + ["completed"] * 3
    whole = verify_run_against_golden(candidates, reference, Policy("strict", conditions))
    assert whole.ok, whole.failed


def test_c071_the_native_chain_equals_golden_but_for_the_orientation_of_edges(
    candidates, monkeypatch
):
    monkeypatch.setenv("PATH", "")
    config = native_config(CONFIG)
    report = run_pipeline(PipelineContext(candidates, config, native_only=True))
    assert report.ok, report.failures
    assert set(report.backends.values()) == {"native"}
    strict = verify_run_against_golden(candidates, expected(), Policy("strict", ("chain",)))
    differing = {(row["path"].split("/")[-1], *row["failing_keys"]) for row in strict.failed}
    assert differing <= {("weed1.mat", "ps_max"), ("weed1.mat", "ps_std", "ps_max")}
    native = verify_run_against_golden(candidates, expected(), Policy("strict", ("chain", "qhull")))
    assert native.ok, native.failed
