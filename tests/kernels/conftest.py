"""Kernels of either backend."""

import pytest

from pystamps_kernels.dispatch import table

BACKENDS = ["python", "native"]


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture
def kernels(backend):
    return table(backend, "double")
