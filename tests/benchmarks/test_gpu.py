"""What is done on a machine with a GPU, as far as one without can tell."""

from collections import Counter

import numpy as np
import pytest

from benchmarks import gpu, gpu_model, kernel_shares
from pystamps_hpc.tools.verification.compare import Difference, Rule
from pystamps_kernels.contracts import all_kernels
from tests.golden import parity

PAGE = """
1000 candidates, 100 interferograms, 400 PS:

| stage | processor time [s] | kernels with a CUDA form [s] | the longest of them |
| ---: | ---: | ---: | --- |
| 1 | 9.00 | 0.10 |  |
| 2 | 3.00 | 2.50 | `stage2_topofit` 1.50 |
| 8 | 0.50 | 0.60 | `stage8_spatial_lowpass` 0.60 |
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
    (row,) = gpu.kernels(gpu.Clock(9))
    assert not row["ok"]
    assert row["error"] == pytest.approx(1e-3, rel=1e-2)


FEW = ("stage2_ph_weight", "stage2_histogram", "stage6_phase_steps")


@pytest.fixture
def few_kernels(monkeypatch):
    chosen = [(all_kernels()[name], "double") for name in FEW]
    monkeypatch.setattr(gpu, "forms", lambda: chosen)


def test_kernels_on_the_device_are_compared_with_the_reference(late, few_kernels):
    rows = list(gpu.kernels(gpu.Clock(9)))
    assert {row["what"].split()[0] for row in rows} == set(FEW)
    assert all(row["ok"] for row in rows)


def test_little_memory_changes_no_bit_and_a_kernel_that_it_changes_is_found(
    cupy, late, few_kernels, monkeypatch
):
    monkeypatch.setattr(gpu, "SCRATCH_MIB", 1)
    rows = list(gpu.crowded(gpu.Clock(9)))
    assert all(row["ok"] for row in rows)
    real = gpu.results

    def shaken(kernel, form, backend, arguments):
        found = real(kernel, form, backend, arguments)
        return [each + 1 for each in found] if cupy.memory.get_limit() else found

    monkeypatch.setattr(gpu, "results", shaken)
    assert not any(row["ok"] for row in gpu.crowded(gpu.Clock(9)))
    assert not cupy.memory.get_limit()


def test_the_limit_that_the_pool_had_is_there_again(cupy, late):
    cupy.memory.set_limit(size=1 << 30)
    with gpu.memory(1 << 20):
        assert cupy.memory.get_limit() == 1 << 20
    assert cupy.memory.get_limit() == 1 << 30


class Ended:
    """A run that has ended."""

    def __init__(self, problem="", code=0):
        self.problem, self.code, self.seconds = problem, code, 1.0


@pytest.fixture
def runs(monkeypatch):
    """Command lines of the runs that were asked for, and how they end."""
    made = {"asked": [], "ends": Ended()}

    def run(words, ranks=1, environ=None, timeout=None):
        made["asked"].append((words[0], *words[words.index("--backend") + 1 :][:1], ranks)
                             if "--backend" in words else (words[0],))  # fmt: skip
        return made["ends"]

    monkeypatch.setattr(gpu.child_run, "run", run)
    monkeypatch.setattr(gpu, "simulate", lambda root, options: root.mkdir())
    return made


def test_without_memory_a_kernel_and_a_run_have_to_say_so(late, runs):
    problem = "stage 2 PATCH_1 failed: device 0 has 0 MiB free, 3 MiB needed"
    runs["ends"] = Ended(problem, 1)
    assert [row["ok"] for row in gpu.full(gpu.Clock(9))] == [True, True]
    runs["ends"] = Ended("exit code 1: Traceback", 1)
    assert [row["ok"] for row in gpu.full(gpu.Clock(9))] == [True, False]
    runs["ends"] = Ended()
    assert [row["ok"] for row in gpu.full(gpu.Clock(9))] == [True, False]


def test_chains_are_run_on_one_rank_and_on_two_and_compared_with_native(runs):
    rows = list(gpu.chains(gpu.Clock(9)))
    assert runs["asked"] == [
        ("run", "native", 1), ("run", "gpu", 1), ("verify",), ("run", "gpu", 2), ("verify",)
    ]  # fmt: skip
    assert [row["ok"] for row in rows] == [True] * 5
    runs["ends"] = Ended("stage 4 failed", 1)
    assert not any(row["ok"] for row in gpu.chains(gpu.Clock(9)))


def test_a_golden_chain_has_to_be_judged_as_native_is(monkeypatch, tmp_path):
    verdicts = {"native": (True, False), "gpu": (True, False)}

    def chained(golden, arithmetic, backend, solver):
        for key, ok in zip(("ph_uw", "K_ps"), verdicts[backend], strict=True):
            yield parity.Line("ps-small", "root/x", key, Difference(ok, 0.0), Rule("exact"))

    monkeypatch.setattr(gpu.parity, "golden_root", lambda: tmp_path)
    monkeypatch.setattr(gpu.parity, "chained", chained)
    assert [row["ok"] for row in gpu.golden_chain(gpu.Clock(9))] == [True, True]
    verdicts["gpu"] = (False, False)
    assert [row["ok"] for row in gpu.golden_chain(gpu.Clock(9))] == [False, True]


def test_what_is_not_done_is_neither_right_nor_wrong(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(gpu, "unavailable_reason", lambda name: "")
    monkeypatch.setattr(gpu.parity, "golden_root", lambda: tmp_path / "golden")
    monkeypatch.setattr(gpu, "CHECKS", {"golden": gpu.golden_chain})
    assert gpu.main(["check", "--output", str(tmp_path / "found.json")]) == 0
    assert capsys.readouterr().out.endswith("1 tried, 0 wrong, 1 not done\n")


def test_a_sanitizer_that_finds_something_or_does_not_end_is_told(monkeypatch, tmp_path):
    tool = tmp_path / "compute-sanitizer"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert [row["ok"] for row in gpu.sanitized(gpu.Clock(9))] == [None]
    for script, ok in (("exit 0", True), ("echo race; exit 9", False), ("sleep 9", False)):
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        clock = gpu.Clock(9 if "sleep" not in script else 0.2)
        rows = list(gpu.sanitized(clock))
        assert [row["ok"] for row in rows] == [ok] * len(gpu.SANITIZERS)


def test_every_form_is_run_once_on_few_rows(late, few_kernels):
    assert [row["what"] for row in gpu.once(gpu.Clock(9))] == [f"{name} double" for name in FEW]


def test_a_part_that_fails_or_has_no_time_does_not_hide_the_others(monkeypatch):
    kept = []

    def breaks(clock):
        yield {"what": "one", "ok": True}
        raise RuntimeError("no such file")

    def uses_up(clock):
        clock._end = 0
        yield {"what": "two", "ok": True}

    parts = {"breaks": breaks, "uses up": uses_up, "late": lambda clock: iter(())}
    monkeypatch.setattr(gpu, "CHECKS", parts)
    found = gpu.check(gpu.Clock(100), lambda rows: kept.append(len(rows)))
    wrong = [(row["what"], row["problem"]) for row in found if not row["ok"]]
    assert wrong == [
        ("breaks", "RuntimeError: no such file"),
        ("late", "TimeoutError: not done, 0 s were left"),
    ]
    assert len(kept) == len(parts)
    assert kept == sorted(kept)


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
    assert native == {
        "2": gpu_model.Native(3 * 1000 / 16, 0.5 * 1000 / 16),
        "8": gpu_model.Native(0.5 * 1000 / 16, 0),
    }
    with pytest.raises(ValueError, match="kernel_shares --ifgs 50"):
        gpu_model.native_seconds(1e6, 50, 16, PAGE)


def test_what_no_kernel_does_on_a_device_is_added_to_its_time():
    found = [gpu_model.Step("2: fit", 0, 0, 25e9)]
    (row,) = gpu_model.summary(found, {"2": gpu_model.Native(30.0, 5.0)}, 16)
    of_bus = 25e9 / gpu_model.GPUS[0].bus / gpu_model.REACHED["bus"]
    whole = f"{5 + of_bus:.2f} s, {30 / (5 + of_bus):.1f} x"
    assert row[-2] == f"{whole}; kernels alone {25 / of_bus:.1f} x"


def test_shares_of_a_stage_are_those_of_kernels_with_a_cuda_form():
    one = {(2, ""): 3.0, (2, "stage2_topofit"): 2.0, (2, "stage2_matlab_uniform"): 0.5}
    spent = kernel_shares.least([Counter(one), Counter({**one, (2, ""): 2.5})])
    assert kernel_shares.on_device(spent, 2) == {"stage2_topofit": 2.0}
    assert kernel_shares.rows_of(spent) == [["2", "2.50", "2.00", "`stage2_topofit` 2.00"]]
