"""What a task that is made again may take from its result that stands."""

import os
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.pipeline.presence import stamp
from pystamps_hpc.pipeline.standing import Standing
from pystamps_hpc.pipeline.state import TargetState
from pystamps_hpc.pipeline.table import task

RECORD = {
    "stage": 2,
    "scope": "patch",
    "science_version": 1,
    "params": {"clap_alpha": 1},
    "config": {"compat.random_generator": "octave"},
    "backends": "native",
    "inputs": {
        f"PATCH_1/{name}.mat": {"bytes": 1, "mtime_ns": 1, "sample": sample}
        for name, sample in (("ps1", "a"), ("ph1", "b"))
    },
}


@pytest.fixture
def standing(tmp_path):
    marker = tmp_path / "pm1.mat"
    write_mat(marker, {"Nr": np.arange(100.0)[None, :]})
    state = TargetState(tmp_path, {2: {**RECORD, "marker": stamp(marker.stat())}})
    state.save()
    return Standing(task(2, "patch", "ps"), tmp_path, RECORD)


def values(standing, **changes):
    changed = replace(standing, record={**RECORD, **changes})
    found = changed.values(("Nr",), ("ps1",))
    return None if found is None else found["Nr"].ravel().tolist()


def inputs(**samples):
    return {
        name: {**entry, "sample": samples.get(name[8:11], entry["sample"])}
        for name, entry in RECORD["inputs"].items()
    }


def test_other_parameters_and_other_inputs_than_those_named_do_not_matter(standing):
    assert values(standing) == list(range(100))
    assert values(standing, params={"clap_alpha": 2}, inputs=inputs(ph1="c")) == list(range(100))


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": inputs(ps1="c")},
        {"inputs": {}},
        {"config": {"compat.random_generator": "matlab"}},
        {"backends": "python"},
        {"science_version": 2},
    ],
    ids=["other baselines", "no baselines", "generator", "kernels", "version"],
)
def test_what_was_made_otherwise_is_not_taken(standing, changes):
    assert values(standing, **changes) is None


def test_a_file_that_was_replaced_since_is_not_taken(standing):
    os.utime(standing.directory / "pm1.mat", ns=(1, 1))
    assert values(standing) is None
    os.unlink(standing.directory / "pm1.mat")
    assert values(standing) is None
