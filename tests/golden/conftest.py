"""Fixtures of the golden tests.

``golden`` gives a set by name::

    def test_stage2(golden):
        run = golden("ps-small").run(2, "PATCH_1", arithmetic="single")     # isolated
        expected = golden("ps-small").artifact("PATCH_1", "pm1")
        difference = compare(run["pm1"]["K_ps"], expected["K_ps"], Rule("exact"))
        assert difference.ok, difference

Sets: ``ps-small``, ``iterate``, ``selection``, ``residues``, ``doris``, ``isce``; targets are patch
names or ``"root"``. Golden tests are skipped where the data are not there.
"""

from collections.abc import Callable

import pytest

from .parity import GoldenSet, golden_root


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], GoldenSet]:
    """Return a golden set by name."""
    if not golden_root().exists():
        pytest.skip(f"no golden data in {golden_root()}; set PYSTAMPS_HPC_DATA_ROOT")
    scratch = tmp_path_factory.mktemp("golden")
    return lambda name: GoldenSet(name, scratch)
