"""Results that take a while: asked for once, computed once, forgotten when there are too many."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.tools.console.results import Results, Stated
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


def test_a_failure_that_nobody_asks_for_holds_no_arrays():
    store, go, held = Store(patience=0.01), threading.Event(), []

    def compute():
        array = np.zeros(3)
        held.append(weakref.ref(array))
        go.wait(20)
        try:
            raise ValueError(len(array))
        except ValueError:
            raise DatasetError("broken") from None

    with pytest.raises(NotYet):
        store.get("a", compute)
    go.set()
    until = time.monotonic() + 20
    while held[0]() is not None and time.monotonic() < until:
        time.sleep(0.05)
        gc.collect()
    assert held[0]() is None
    with pytest.raises(DatasetError, match="broken"):
        store.get("a", compute)


def test_a_closed_store_keeps_neither_results_nor_threads():
    before = set(threading.enumerate())
    store = Store(patience=20)
    threads = set(threading.enumerate()) - before
    store.get("a", lambda: np.zeros(3))
    store.close()
    for each in threads:
        each.join(20)
    assert threads
    assert not any(each.is_alive() for each in threads)
    assert store.nbytes == 0


def test_while_files_change_the_last_result_is_told_and_one_newer_is_made_at_a_time(tmp_path):
    results, go, calls = Results(tmp_path, Store(patience=20), RunConfig()), threading.Event(), []

    def latest(state):
        def compute():
            calls.append(state)
            if state != "a":
                go.wait(20)
            return Stated(state, state)

        return results.latest("counts", state, compute)

    assert [latest(state) for state in "aabcd"] == ["a"] * 5
    go.set()
    until = time.monotonic() + 20
    while latest("d") != "d" and time.monotonic() < until:
        time.sleep(0.01)
    assert calls == ["a", "b", "d"]


def test_a_request_looks_once_at_how_the_artifacts_are(tmp_path):
    store = Store()
    results = Results(tmp_path, store, RunConfig())
    before = results.state
    (tmp_path / "ps2.mat").touch()
    assert results.state == before
    assert Results(tmp_path, store, RunConfig()).state != before
