"""One thing goes wrong: nothing is torn or left, and the next run ends with the same bytes.

A sample of what ``make test-faults`` tries in full.
"""

import os
import random

import pytest

from tests.chain import chains

from . import trials

SAMPLE = int(os.environ.get("FAULTS_PER_KIND", "1"))
"""How many calls of each kind fail; another seed chooses others."""
SEED = os.environ.get("FAULTS_SEED", "0")


@pytest.mark.parametrize("kind", [*trials.ERRORS, "full disk"])
def test_a_call_that_fails_costs_at_most_the_run(lab, kind):
    chance = random.Random(f"{kind} {SEED}")
    full = kind == "full disk"
    these = [f for f in lab.faults() if f.stays == full and f.kind == ("write" if full else kind)]
    for fault in chance.sample(these, min(SAMPLE, len(these))):
        outcome = lab.tried(fault)
        assert not outcome.wrong, outcome


def test_a_map_that_cannot_be_written_is_told_also_to_the_quiet(lab):
    root = lab.fresh("data")
    (root / "products").write_text("in the way")
    ended = lab.run(root)
    assert ended["code"] == 1
    assert "FAILED velocity.png: " in ended["err"]
    (root / "products").unlink()
    assert lab.run(root)["code"] == 0
    assert not chains.differing(chains.artifacts(root), lab.expected)
    assert not chains.leftovers(root)
