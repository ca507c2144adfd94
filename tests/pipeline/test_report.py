"""What the report says of the time of stages and ranks."""

import subprocess
import sys

import numpy as np
import pytest

from pystamps_hpc.pipeline.report import _stage_times
from pystamps_hpc.pipeline.types import StageResult


def row(stage, scope, began, seconds, rank=0, busy=(), root=0.0):
    return StageResult(
        stage, scope, "x", "completed", duration_sec=seconds, rank=rank, started_at=began,
        busy_sec=busy, root_sec=root,
    )  # fmt: skip


def test_a_patch_stage_is_as_uneven_as_its_busiest_rank():
    rows = [row(2, "patch", 0.0, 3.0, 0), row(2, "patch", 0.0, 1.0, 1)]
    (times,) = _stage_times(rows, 2)
    assert (times["wall_sec"], times["sum_sec"]) == (3.0, 4.0)
    assert times["imbalance"] == pytest.approx(1.5)
    assert times["efficiency"] == pytest.approx(4 / 6, abs=1e-3)


def test_a_merged_stage_is_judged_by_the_own_work_of_its_ranks():
    (times,) = _stage_times([row(6, "merged", 5.0, 4.0, busy=(3.0, 1.0), root=1.5)], 2)
    assert times["imbalance"] == pytest.approx(1.5)
    assert times["efficiency"] == pytest.approx(4 / 8)
    assert times["root_sec"] == 1.5


def test_one_rank_has_nobody_to_wait_for():
    (times,) = _stage_times([row(6, "merged", 5.0, 4.0)], 1)
    assert (times["imbalance"], times["efficiency"]) == (1.0, 1.0)


def test_the_peak_of_a_process_is_not_that_of_the_one_which_started_it():
    large = np.ones(60_000_000)  # 460 MiB
    told = "from pystamps_hpc.pipeline.report import peak_memory_mib; print(peak_memory_mib())"
    ended = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert large.nbytes >> 20 > 400 > int(ended.stdout)
