"""What a stage publishes is finite where the schema wants it, else nothing of it is published."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest

from pystamps_hpc.config import OutputConfig
from pystamps_hpc.dataset.border import inside
from pystamps_hpc.dataset.rows import FloatArray, IntArray, Rows
from pystamps_hpc.dataset.schema import key
from pystamps_hpc.errors import StageError
from pystamps_hpc.parallel.team import UNIT, SerialTeam
from pystamps_hpc.pipeline.saving import bundle_of, publish
from pystamps_hpc.pipeline.table import task

N_PS = 20 * UNIT


@dataclass(frozen=True)
class Outputs:
    """A vector that must be finite, one that need not be, and a matrix pulled while written."""

    coherence: Annotated[FloatArray, "pm2.coh_ps"]
    phase: Annotated[Rows, "ph2.ph"]
    height: Annotated[FloatArray, "hgt2.hgt"]


def save(folder, **changed):
    values = {
        "coherence": np.ones(N_PS),
        "phase": np.ones((N_PS, 2), np.complex64),
        "height": np.full(N_PS, np.nan),
    }
    bundle = bundle_of(Outputs(**{**values, **changed}))
    return publish(task(5, "patch", "ps"), bundle, folder, SerialTeam(), OutputConfig(), "test", {})


@dataclass(frozen=True)
class Positions:
    """Points whose position bears their id, and edges that are numbered, on disk."""

    ij: Annotated[FloatArray, "ps2.ij"]
    xy: Annotated[FloatArray, "ps2.xy"]
    edges: Annotated[IntArray, "uw_interp.edgs"]


def test_ids_are_the_first_column_on_disk_only():
    ij = np.array([[7.0, 1, 2], [9, 3, 4]])
    xy = np.array([[0.5, 1.5], [2.5, 3.5]], np.float32)
    edges = np.array([[0, 1], [0, 2], [1, 2]])
    bundle = bundle_of(Positions(ij, xy, edges))
    assert bundle["ps2"]["xy"].tolist() == [[7, 0.5, 1.5], [9, 2.5, 3.5]]
    assert bundle["ps2"]["xy"].dtype == np.float32
    assert bundle["uw_interp"]["edgs"].tolist() == [[1, 1, 2], [2, 1, 3], [3, 2, 3]]
    for artifact, name, value in (
        ("ps2", "xy", xy),
        ("uw_interp", "edgs", [[0, 1], [0, 2], [1, 2]]),
    ):
        np.testing.assert_array_equal(inside(key(artifact, name), bundle[artifact][name]), value)


def with_nan(values, place):
    values[place] = np.nan
    return values


def test_finite_numbers_and_meaningful_nan_are_published(tmp_path):
    assert set(save(tmp_path)) == {"pm2", "hgt2", "ph2"}


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"coherence": with_nan(np.ones(N_PS), 7)}, "pm2.coh_ps: .* row 8, column 1"),
        (
            {"phase": with_nan(np.ones((N_PS, 2), np.complex64), (17 * UNIT + 3, 1))},
            f"ph2.ph: .* row {17 * UNIT + 4}, column 2",
        ),
    ],
)
def test_a_result_that_is_not_finite_is_named_and_nothing_is_published(tmp_path, changed, place):
    with pytest.raises(StageError, match=place):
        save(tmp_path, **changed)
    assert not list(tmp_path.rglob("*.mat"))
