"""Chains with ``--backend gpu`` on a device that the processor stands in for."""

import os
import shutil

import numpy as np
import pytest

from pystamps_hpc.config import parse_config
from pystamps_hpc.dataset import parameters
from pystamps_hpc.pipeline import backends
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.stages import stage2
from pystamps_hpc.tools.products.values import read_values
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_kernels.cuda.device import using

from ..kernels.cuda.stand_in import StandIn


@pytest.fixture
def without_native(monkeypatch):
    """Let kernels without a CUDA form run in Python, which need not be compiled."""
    known = backends.unavailable_reason
    monkeypatch.setattr(
        backends, "unavailable_reason", lambda name: "left out" if name == "native" else known(name)
    )
    monkeypatch.setattr(backends, "installed", lambda name: False)
    monkeypatch.setattr(backends, "choose_device", lambda local_rank, neighbours: 0)
    counts = 1000 * np.exp(-(((np.arange(100) - 30) / 15) ** 2)).round()
    monkeypatch.setattr(stage2, "random_histogram", lambda *arguments: counts)


QUICK = {"filter_grid_size": 120.0, "gamma_max_iterations": 2}
"""Parameters of a small filter grid: its windows take long here."""


def run(root, backend):
    runtime = {"backend": backend, "stage6_solver": "native"}
    return run_pipeline(PipelineContext(root, parse_config({"runtime": runtime})))


def scenes(tmp_path, options, values):
    """Two copies of a scene."""
    reference, gpu = tmp_path / "reference", tmp_path / "gpu"
    simulate(reference, options)
    parms = parameters.load(reference)
    for name, value in values.items():
        parms = parms.set_value(name, value)
    parameters.save(parms)
    shutil.copytree(reference, gpu)
    return reference, gpu


def check(reference, gpu, launched):
    run(reference, "auto")
    report = run(gpu, "gpu")
    assert {source for source, _ in launched} >= {
        "topofit", "windows", "edge_stats", "patch", "series", "scn", "samples", "sums", "raster",
        "arcs", "geometry",
    }  # fmt: skip
    assert ("patch", "unit_against_cells") in launched
    assert report.ok
    assert report.backends["stage7_scla"] == "cuda"
    assert report.backends["stage2_matlab_uniform"] == "python"
    one, other = (read_values(root, "v") for root in (reference, gpu))
    assert one.rows.shape == other.rows.shape
    np.testing.assert_allclose(other.rows[:], one.rows[:], atol=1e-4)


def test_a_chain_by_the_calls_of_cupy_finds_the_points_and_velocities_of_the_reference(
    tmp_path, without_native, cupy, late
):
    scene = scenes(tmp_path, Options(candidates=120, images=5, patches=(1, 1)), QUICK)
    check(*scene, cupy.device.launched)


@pytest.mark.skipif("PYSTAMPS_HPC_TEST_GPU_CHAIN" not in os.environ, reason="takes minutes")
def test_a_larger_chain_on_a_device_finds_the_points_and_velocities_of_the_reference(
    tmp_path, without_native, built
):
    scene = scenes(tmp_path, Options(candidates=500, images=8), {})
    with using(StandIn(built)) as device:
        check(*scene, device.launched)
