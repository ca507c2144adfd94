"""A chain with ``--backend gpu`` on a device that the processor stands in for; takes minutes."""

import os
import shutil

import numpy as np
import pytest

from pystamps_hpc.config import parse_config
from pystamps_hpc.pipeline import backends
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.stages import stage2
from pystamps_hpc.tools.products.values import read_values
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_kernels.cuda.device import using

from ..kernels.cuda.stand_in import COMPILER, StandIn


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


LONG = {"stage3_clap_cells": "python"}
"""A window for every cell takes long here."""


def run(root, backend):
    runtime = {"backend": backend, "stage6_solver": "native", "kernel_backend_overrides": LONG}
    return run_pipeline(PipelineContext(root, parse_config({"runtime": runtime})))


@pytest.mark.skipif(COMPILER is None, reason="no g++")
@pytest.mark.skipif("PYSTAMPS_HPC_TEST_GPU_CHAIN" not in os.environ, reason="takes minutes")
def test_a_chain_on_a_device_finds_the_points_and_velocities_of_the_reference(
    tmp_path, without_native
):
    reference, gpu = tmp_path / "reference", tmp_path / "gpu"
    simulate(reference, Options(candidates=500, images=8))
    shutil.copytree(reference, gpu)
    run(reference, "auto")
    with using(StandIn(tmp_path)) as device:
        report = run(gpu, "gpu")
    sources = {source for source, _ in device.launched}
    assert sources >= {"topofit", "windows", "edge_stats", "patch", "series", "scn", "samples"}
    assert report.backends["stage7_scla"] == "cuda"
    assert report.backends["stage2_matlab_uniform"] == "python"
    one, other = (read_values(root, "v") for root in (reference, gpu))
    assert one.rows.shape == other.rows.shape
    np.testing.assert_allclose(other.rows[:], one.rows[:], atol=1e-4)
