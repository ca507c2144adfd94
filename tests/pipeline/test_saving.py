"""What a stage publishes is finite where the schema wants it, else nothing of it is published."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest

from pystamps_hpc.config import OutputConfig
from pystamps_hpc.dataset.rows import FloatArray, Rows
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
    return publish(task(5, "patch"), bundle, folder, SerialTeam(), OutputConfig(), "test", {})


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
