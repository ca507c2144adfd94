"""What is done on a machine with a GPU, as far as one without can tell."""

import numpy as np
import pytest

from benchmarks import gpu, gpu_model
from pystamps_kernels.contracts import all_kernels

PAGE = """
| 2 patch | candidates x ifgs | 3000 | 700 GB | one per patch |
| 3 patch | occupied cells x ifgs | 4000 | 120 GB | one per patch |
"""


@pytest.mark.parametrize("part", ["check", "bench"])
def test_without_a_device_nothing_is_done(monkeypatch, capsys, tmp_path, part):
    monkeypatch.setattr(gpu, "unavailable_reason", lambda name: "no CUDA device is visible")
    assert gpu.main([part, "--output", str(tmp_path / "found.json")]) == 4
    assert capsys.readouterr().err == "no GPU: no CUDA device is visible\n"
    assert not list(tmp_path.iterdir())


def test_a_kernel_that_is_wrong_is_counted(monkeypatch):
    kernel = all_kernels()["stage2_angle"]
    monkeypatch.setattr(gpu, "forms", lambda: [(kernel, "double")])
    real = gpu.function

    def wrong(kernel, backend, arithmetic):
        found = real(kernel, "python", arithmetic)
        return (lambda z: found(z) + np.float32(1e-3)) if backend == "cuda" else found

    monkeypatch.setattr(gpu, "function", wrong)
    (row,) = gpu.kernels()
    assert not row["ok"]
    assert row["error"] == pytest.approx(1e-3, rel=1e-2)


def test_a_nan_on_one_side_is_infinitely_far():
    one, other = np.array([1.0, np.nan]), np.array([1.0, 2.0])
    assert gpu.distance(one, other) == np.inf
    assert gpu.distance(one, one) == 0


def test_the_prediction_grows_with_the_work_and_native_comes_from_the_page():
    gpus = gpu_model.GPUS
    few, many = gpu_model.steps(1e5, 50), gpu_model.steps(4e5, 50)
    for one, other in zip(few, many, strict=True):
        assert other.seconds(gpus[0]) == pytest.approx(4 * one.seconds(gpus[0]))
        assert other.seconds(gpus[1]) < other.seconds(gpus[0])
    native = gpu_model.native_seconds(1e6, 100, 16, PAGE)
    assert native["2"] == pytest.approx(3000 * 1e8 / 1e9 / 16)
    assert native["3"] == pytest.approx(4000 * 0.5e8 / 1e9 / 16)
