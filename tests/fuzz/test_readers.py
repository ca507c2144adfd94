"""Every reader gives the data or one clear error, whatever the file; see ``make fuzz``."""

import pytest

from tests.fuzz.campaign import ROOM, attack

READS = {"v7.3": 200, "config": 150}


@pytest.mark.parametrize(
    "reader",
    ["v5", "v7.3", "parms", "pscands", "snap", "doris", "isce", "snap-sb", "doris-sb",
     "stack-snap", "stack-isce", "stack-doris", "patches", "config", "state", "lock", "memo",
     "report"],
)  # fmt: skip
def test_a_damaged_file_is_read_or_refused_in_bounded_time_and_memory(reader):
    told = attack(reader, READS.get(reader, 400))
    assert told["failures"] == {}
    assert told["grown"] < ROOM
