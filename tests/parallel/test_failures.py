"""Errors on their way from the rank that met them to the others."""

import pickle

import pytest

from pystamps_hpc.errors import MatError, StageError
from pystamps_hpc.parallel.failures import annotated, portable


class WithLock(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = lambda: None


class NamesItsFile(Exception):
    def __init__(self, cause, file="?"):
        super().__init__(f"{file}: {cause}")


class TakesTwo(Exception):
    def __init__(self, key, file):
        super().__init__(f"{file}: {key}")


@pytest.mark.parametrize(
    "error", [MatError("pm1.mat: truncated"), MemoryError("12 GiB"), OSError(28, "disk full", "x")]
)
def test_an_error_travels_with_type_text_and_place(error):
    sent, message = portable(annotated(error, 3, "node7"))
    copy = pickle.loads(message)
    assert sent is error
    assert (type(copy), str(copy)) == (type(error), str(error))
    assert (copy.rank, copy.host) == (3, "node7")


@pytest.mark.parametrize(
    "error",
    [WithLock("pm1.mat: locked"), NamesItsFile("locked", "pm1.mat"), TakesTwo("locked", "pm1.mat")],
)
def test_an_error_that_pickle_would_lose_or_change_becomes_a_stage_error(error):
    sent, message = portable(annotated(error, 1, "node7"))
    for each in (sent, pickle.loads(message)):
        assert type(each) is StageError
        assert str(each) == "pm1.mat: locked"
        assert (each.rank, each.host) == (1, "node7")
    assert sent.__cause__ is error


def test_an_error_keeps_the_place_where_it_was_first_met():
    error = annotated(annotated(StageError("no PS"), 1, "node7"), 0, "node1")
    assert (error.rank, error.host) == (1, "node7")
    assert not hasattr(error, "__notes__")


def test_an_unexpected_error_brings_its_traceback_along():
    try:
        [][1]
    except IndexError as error:
        note = annotated(error, 1, "node7").__notes__[0]
    assert note.startswith("on rank 1 (node7):\nTraceback")
    assert note.endswith("IndexError: list index out of range")
