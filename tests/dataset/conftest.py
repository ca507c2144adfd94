"""A file and a stack to put into it."""

import numpy as np
import pytest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.mat"


@pytest.fixture
def stack():
    """A complex stack of 1000 PS and 7 interferograms."""
    rng = np.random.default_rng(1)
    parts = rng.standard_normal((2, 1000, 7)).astype(np.float32)
    return parts[0] + 1j * parts[1]
