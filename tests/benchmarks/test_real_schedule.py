"""Patches that sleep on real ranks, handed out by the driver's queue, beside simulated ones."""

import pytest

from benchmarks import real_schedule, schedule
from tests.mpi.mpi_run import starts_jobs

pytestmark = starts_jobs


def loads(tasks, takers):
    """Return how long each rank sleeps, the laziest first."""
    return sorted(
        sum(seconds for (seconds, _), taker in zip(tasks, takers, strict=True) if taker == rank)
        for rank in set(takers)
    )


def test_real_ranks_take_as_long_as_simulated_ones_and_share_the_work_alike():
    tasks = schedule.sleeping("one of 20 x", 24, 4.0, seed=1)
    real, model = real_schedule.run(tasks, 3), schedule.simulated(tasks, 3)
    assert real["seconds"] == pytest.approx(model.seconds, rel=0.12)
    assert loads(tasks, real["takers"]) == pytest.approx(loads(tasks, model.takers), rel=0.2)
    # the bound is not an idle one: a queue that did not know the sizes would miss it
    blind = schedule.simulated([(seconds, 1.0) for seconds, _ in tasks], 3)
    assert blind.seconds > 1.2 * model.seconds
