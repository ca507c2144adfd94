"""One laboratory for all tests of this package."""

import pytest

from pystamps_hpc.programs.snaphu import find_snaphu

from . import trials


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    if trials.compiler() is None:
        pytest.skip("the shim needs a C compiler")
    if find_snaphu("snaphu") is None:
        pytest.skip("SNAPHU is not installed")
    with trials.laboratory(tmp_path_factory.mktemp("faults")) as lab:
        yield lab
