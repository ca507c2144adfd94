"""Too little of something, or disturbed: a sample of what ``make test-limits`` tries in full."""

import random

import pytest

from .limits import LIMITS, NotHere
from .test_faults import SEED


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.kind)
def test_a_limit_of_the_machine_is_told_and_the_next_run_ends_with_the_same_bytes(lab, limit):
    value = random.Random(f"{limit.kind} {SEED}").choice(limit.values)
    try:
        outcome = limit.tried(lab, value)
    except NotHere as reason:
        pytest.skip(f"{limit.kind}: {reason}")
    assert not outcome.wrong, outcome
