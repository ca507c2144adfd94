"""The examples in the definitions of the kernels are what they say."""

import doctest
from importlib import import_module

import pytest

from pystamps_kernels.contracts import SUBJECTS


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_examples_of_a_subject_are_true(subject):
    found = doctest.testmod(import_module(f"pystamps_kernels.reference.{subject}"))
    assert found.failed == 0
