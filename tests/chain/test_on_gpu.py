"""A chain with ``--backend gpu`` on a device that the processor stands in for, beside native."""

import shutil

import numpy as np
import pytest

from pystamps_hpc.config import parse_config
from pystamps_hpc.pipeline import backends
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.products.values import read_values
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_kernels.cuda.device import using

from ..kernels.cuda.stand_in import COMPILER, StandIn

LONG = {"stage2_topofit_coh_row_invariant": "native"}
"""Fits of 300,000 random phases take long here."""


def run(root, backend):
    runtime = {"backend": backend, "kernel_backend_overrides": LONG, "stage6_solver": "native"}
    return run_pipeline(PipelineContext(root, parse_config({"runtime": runtime})))


@pytest.mark.skipif(COMPILER is None, reason="no g++")
def test_a_chain_on_a_device_finds_the_points_and_velocities_of_a_native_one(tmp_path, monkeypatch):
    monkeypatch.setattr(backends, "choose_device", lambda local_rank, neighbours: 0)
    native, gpu = tmp_path / "native", tmp_path / "gpu"
    simulate(native, Options(candidates=600, images=8))
    shutil.copytree(native, gpu)
    run(native, "native")
    with using(StandIn(tmp_path)) as device:
        report = run(gpu, "gpu")
    assert {source for source, _ in device.launched} >= {"topofit", "windows", "edge_stats"}
    assert report.backends["stage7_scla"] == "cuda"
    assert report.backends["stage2_matlab_uniform"] == "native"
    one, other = (read_values(root, "v") for root in (native, gpu))
    assert one.rows.shape == other.rows.shape
    np.testing.assert_allclose(other.rows[:], one.rows[:], atol=1e-3)
