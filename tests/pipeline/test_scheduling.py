"""A tiny simulated dataset: how patches are scheduled and cut never changes a byte."""

import shutil

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.simulate import Options, simulate
from tests.stub_chain import artifacts


def run(root, start=1, end=8, **values):
    runtime = {f"runtime.{name}": value for name, value in values.items()}
    config = RunConfig().with_values({"output.fsync": False, **runtime})
    context = PipelineContext(root, config, start_step=start, end_step=end, force=start > 1)
    report = run_pipeline(context)
    assert report.ok, [row.details for row in report.failures]
    assert all(row.status == "completed" for row in report.results)
    return report


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    root = tmp_path_factory.mktemp("scene") / "raw"
    simulate(root, Options(candidates=600, images=6, patches=(2, 1)))
    return root


@pytest.fixture(scope="module")
def plain(raw, tmp_path_factory):
    """The dataset after a run in one process, patch after patch."""
    root = tmp_path_factory.mktemp("plain") / "data"
    shutil.copytree(raw, root)
    run(root, backend="auto")
    return root


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_c050_c066_a_pool_of_patches_gives_the_same_artifacts(raw, plain, tmp_path, backend):
    root = tmp_path / "data"
    shutil.copytree(raw, root)
    run(root, end=5, backend=backend, cpu_workers=2)
    merged = {"ps2", "ph2", "pm2", "bp2", "rc2", "hgt2", "la2", "inc2", "ifgstd2"}
    wanted = {
        name: digest
        for name, digest in artifacts(plain).items()
        if "/" in name or name.removesuffix(".mat") in merged
    }
    found = artifacts(root)
    assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    "values",
    [
        {"stage7_chunk_ps": 1, "stage8_chunk_edges": 1, "cpu_workers": 1},
        {"stage7_chunk_ps": 1000, "stage8_chunk_edges": 100_000, "stage2_native_threads": 1},
    ],
)
def test_c062_c063_pieces_and_threads_change_no_byte(plain, tmp_path, values):
    root = tmp_path / "data"
    shutil.copytree(plain, root)
    run(root, start=7, **values)
    assert artifacts(root) == artifacts(plain)
