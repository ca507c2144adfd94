"""What the double arithmetic may not change from candidates on: which points are selected."""

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext

pytestmark = pytest.mark.golden

INDICES = {"select1": ("ix", "keep_ix"), "weed1": ("ix_weed", "ix_weed2")}


def test_double_arithmetic_selects_and_weeds_the_points_of_stamps(golden):
    chosen = golden("ps-small")
    root = chosen.tree(1, copy=True).root
    config = RunConfig().with_values(
        {"compat.random_generator": "octave", "compat.arithmetic": "double"}
    )
    report = run_pipeline(PipelineContext(root, config, end_step=4, force=True), team=SerialTeam())
    assert report.ok, report.failures
    for patch in chosen.patches:
        for name, keys in INDICES.items():
            found, expected = read_mat(root / patch / f"{name}.mat"), chosen.artifact(patch, name)
            for key in keys:
                np.testing.assert_array_equal(found[key], expected[key], f"{patch}/{name}.{key}")
