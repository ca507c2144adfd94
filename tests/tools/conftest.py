"""The finished native chain of the simulated dataset, made once."""

import shutil

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext

NATIVE = RunConfig().with_values({
    "output.fsync": False,
    "runtime.stage6_solver": "native",
    "runtime.triangulator": "native",
})  # fmt: skip


@pytest.fixture(scope="session")
def finished(simulated, tmp_path_factory):
    """The dataset after stages 1-8."""
    root = tmp_path_factory.mktemp("finished") / "scene"
    shutil.copytree(simulated, root)
    report = run_pipeline(PipelineContext(root, NATIVE))
    assert report.ok, [row.details for row in report.failures]
    return root


@pytest.fixture
def damaged(finished, tmp_path):
    """A copy of the finished dataset that a test may damage."""
    root = tmp_path / "scene"
    shutil.copytree(finished, root)
    return root
