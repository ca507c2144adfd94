"""``--native-only``: nothing outside the native kernels is used, and no program is started."""

import json
import shutil
import subprocess

import pytest

from pystamps_hpc.cli import main
from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import ConfigError
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext

NATIVE = RunConfig().with_values(
    {
        "output.fsync": False,
        "runtime.backend": "native",
        "runtime.stage2_kernel_backend": "native",
    }
)


@pytest.fixture
def copy(simulated, tmp_path):
    return shutil.copytree(simulated, tmp_path / "scene")


def test_c071_all_stages_run_without_any_program(copy, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError(f"a program was started: {arguments}")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setenv("PATH", "")
    report = run_pipeline(PipelineContext(copy, NATIVE, native_only=True))
    assert report.ok, report.failures
    assert {row.status for row in report.results} == {"completed"}
    assert set(report.backends.values()) == {"native"}
    runtime = report.config["runtime"]
    assert (runtime["triangulator"], runtime["stage6_solver"]) == ("native", "native")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"runtime.backend": "auto"}, "requires --backend native"),
        ({"runtime.stage2_kernel_backend": "auto"}, "requires --backend native"),
        ({"runtime.triangulator": "triangle"}, "triangulator must resolve to native"),
        ({"runtime.stage6_solver": "snaphu"}, "stage6_solver must resolve to native"),
        ({"runtime.kernel_backend_overrides": {"stage7_scla": "python"}}, "override of stage7"),
    ],
)
def test_c037_any_choice_outside_is_a_usage_error(copy, values, problem):
    context = PipelineContext(copy, NATIVE.with_values(values), end_step=5, native_only=True)
    with pytest.raises(ConfigError, match=problem):
        run_pipeline(context)


def test_c038_a_dry_run_plans_the_native_work_and_writes_nothing(copy, capsys):
    before = sorted(copy.rglob("*"))
    words = ["run", "--dataset", str(copy), "--end-step", "5", "--dry-run", "--native-only"]
    words += ["--backend", "native", "--stage2-kernel-backend", "native", "--cpu-workers", "1"]
    assert main([*words, "--stage2-native-threads", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["status"] for row in report["results"]} == {"planned"}
    assert set(report["backends"].values()) == {"native"}
    assert sorted(copy.rglob("*")) == before
