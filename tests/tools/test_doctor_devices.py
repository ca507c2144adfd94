"""``doctor gpu``: which device each rank takes, and whether a kernel is right on it."""

import pytest

from pystamps_hpc.config import parse_config
from pystamps_hpc.errors import Exit
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline import backends
from pystamps_hpc.tools.doctor import devices
from pystamps_kernels.cuda.device import MIB, using

from ..kernels.cuda.stand_in import COMPILER, StandIn


def examined(backend="auto"):
    config = parse_config({"runtime": {"backend": backend}}).resolved()
    return devices.examine_devices(SerialTeam(), config)


@pytest.fixture
def device(tmp_path, monkeypatch):
    if COMPILER is None:
        pytest.skip("no g++")
    monkeypatch.setattr(backends, "choose_device", lambda local_rank, neighbours: 0)
    with using(StandIn(tmp_path, free=700 * MIB)) as made:
        yield made


@pytest.mark.parametrize(("backend", "code"), [("auto", Exit.OK), ("gpu", Exit.MISSING)])
def test_without_a_device_only_a_run_on_one_would_stop(monkeypatch, backend, code):
    reason = "no CUDA device is visible (CUDA_VISIBLE_DEVICES=)"
    monkeypatch.setattr(devices, "unavailable_reason", lambda name: reason)
    (row,), (problem,) = examined(backend)
    assert row["device"] is None
    assert problem.problem == f"rank 0: no kernels on a GPU: {reason}"
    assert "scheduler" in problem.remedy
    assert problem.exit_code == code


def test_a_device_is_described_and_tried(device):
    rows, problems = examined("gpu")
    assert problems == []
    assert rows == [{"rank": 0, "device": 0, "free_mib": 700, "kernel": True, "problem": ""}]
    assert device.launched == [("samples", "angle")]


def test_a_device_that_computes_something_else_is_told(device, monkeypatch):
    monkeypatch.setattr(device, "launch", lambda *arguments, **options: arguments[-1].fill(7))
    (row,), (problem,) = examined("gpu")
    assert row["kernel"] is False
    assert "a kernel is wrong by" in problem.problem
    assert problem.exit_code == Exit.MISSING


def test_what_the_library_says_is_told_in_one_line(device, monkeypatch):
    def launch(*arguments, **options):
        raise RuntimeError("CUDA_ERROR_NO_BINARY_FOR_GPU\nat line 7")

    monkeypatch.setattr(device, "launch", launch)
    (row,), (problem,) = examined()
    assert row["kernel"] is None
    assert problem.problem.endswith("device 0: CUDA_ERROR_NO_BINARY_FOR_GPU")
