"""How many patches one process works on side by side, and where."""

import math
from types import SimpleNamespace

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.memory import MemoryBudget
from pystamps_hpc.pipeline.pool import CHAINS_EACH, MANY, PROCESS_BYTES, SMALL_PATCH_BYTES, Pool
from pystamps_hpc.pipeline.pool import choose_pool as choose

ONE = Pool(1)
SMALL = [SMALL_PATCH_BYTES] * MANY


def session(backend="auto", planned=math.inf):
    config = RunConfig().with_values({"runtime.backend": backend})
    return SimpleNamespace(config=config, memory=MemoryBudget(planned=planned))


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_a_pool_that_is_asked_for_has_a_place_per_thread_or_patch(backend):
    asked = session(backend)
    assert choose(asked, 1, 8, [1] * 3) == Pool(3, backend == "processes")
    assert choose(asked, 1, 2, [1] * 3) == Pool(2, backend == "processes")
    assert (
        choose(asked, 1, 1, [1] * 3) == choose(asked, 1, 8, [1]) == choose(asked, 1, 8, []) == ONE
    )


@pytest.mark.parametrize("backend", ["auto", "threads", "processes"])
def test_ranks_share_the_patches_without_a_pool(backend):
    assert choose(session(backend), 2, 8, SMALL) == ONE


def test_many_small_patches_are_shared_by_processes_unasked():
    assert choose(session(), 1, 4, SMALL) == Pool(4, processes=True)
    assert choose(session(), 1, 4, SMALL[1:]) == ONE
    assert choose(session(), 1, 4, [*SMALL, SMALL_PATCH_BYTES + 1]) == ONE
    assert choose(session(), 1, 4, [*SMALL, 0]) == ONE  # of unknown size
    assert choose(session(), 1, 1, SMALL) == ONE


def test_no_more_processes_than_have_patches_and_memory():
    assert choose(session(), 1, 64, SMALL).width == MANY // CHAINS_EACH
    assert choose(session(planned=2.9 * PROCESS_BYTES), 1, 4, SMALL).width == 2
    assert choose(session(planned=0), 1, 4, SMALL).width == 1


@pytest.mark.parametrize("backend", ["native", "gpu"])
def test_other_backends_take_patch_after_patch(backend):
    assert choose(session(backend), 1, 4, SMALL) == ONE
