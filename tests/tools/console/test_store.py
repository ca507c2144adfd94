"""Results that take a while: asked for once, computed once, forgotten when there are too many."""

import threading
import time

import numpy as np
import pytest

from pystamps_hpc.errors import DatasetError
from pystamps_hpc.tools.console.store import NotYet, Store


def later(store, key, compute):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            return store.get(key, compute)
        except NotYet:
            time.sleep(0.005)
    raise AssertionError("never computed")


def test_who_asks_is_told_to_wait_and_then_has_the_result_which_is_computed_once():
    store, go, calls = Store(patience=0.01), threading.Event(), []

    def compute():
        calls.append(1)
        go.wait(20)
        return np.zeros(3)

    for _ in range(3):
        with pytest.raises(NotYet):
            store.get("a", compute)
    assert store.get("b", lambda: 5) == 5  # what is quick does not wait for it
    go.set()
    assert later(store, "a", compute).shape == (3,)
    assert calls == [1]


def test_a_failure_is_told_even_to_who_asks_later_and_then_tried_again():
    store, go, calls = Store(patience=0.01), threading.Event(), []

    def compute():
        calls.append(1)
        go.wait(20)
        if len(calls) == 1:
            raise DatasetError("broken")
        return 7

    with pytest.raises(NotYet):
        store.get("a", compute)
    go.set()
    time.sleep(0.3)
    with pytest.raises(DatasetError, match="broken"):
        store.get("a", compute)
    assert calls == [1]
    assert later(store, "a", compute) == 7
    assert len(calls) == 2


def test_the_least_used_results_are_forgotten():
    store = Store(most_bytes=1000, patience=20)
    for key in "abc":
        store.get(key, lambda: np.zeros(50))  # 400 bytes each
        store.get("a", lambda: pytest.fail("was forgotten"))
    assert store.nbytes <= 1000
    again = []
    store.get("b", lambda: again.append(1) or np.zeros(50))
    assert again == [1]


def test_a_result_may_be_made_of_others():
    store = Store(patience=20)
    parts = {"x": 2, "y": 3}

    def of(name):
        return store.get(name, lambda: parts[name])

    assert store.get("sum", lambda: of("x") + of("y")) == 5
    store.forget(lambda key: key == "x")
    parts["x"] = 10
    assert of("x") == 10
    assert of("y") == 3
