"""Rows for the tests of the team, and who takes no notice of progress."""

import numpy as np


def ignore(fraction):
    """Take no notice of progress."""


def phase(n, shape=(3,), dtype=np.complex64):
    rng = np.random.default_rng(n)
    values = rng.normal(size=(n, *shape))
    if np.issubdtype(dtype, np.complexfloating):
        values = values + 1j * rng.normal(size=values.shape)
    return values.astype(dtype)


class OnDisk:
    """Rows that are read on demand, the same on all ranks, and nowhere else in memory."""

    def __init__(self, values):
        self.values = values
        self.shape = values.shape
        self.dtype = values.dtype

    def __getitem__(self, key):
        return self.values[key].copy()
