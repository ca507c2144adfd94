"""Kernels are compiled before their first use: what is needed, once, by all who wait for it."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import pystamps_kernels
from pystamps_kernels.native import ahead

from . import forms

NAMES = [f"phasors.{letter}" for letter in "abcdefgh"]


class EntryPoint:
    """Notes what it is compiled for, and takes its time."""

    def __init__(self):
        self.compiled = []

    def compile(self, types):
        time.sleep(0.05)
        self.compiled.append(types)


@pytest.fixture
def entry_points(monkeypatch, tmp_path):
    """Eight entry points that no cache holds yet."""
    made = {name: EntryPoint() for name in NAMES}
    monkeypatch.setattr(ahead, "ENTRY_POINTS", made)
    monkeypatch.setattr(
        ahead, "forms", lambda: {"double": {name: ["float32:2C"] for name in NAMES}}
    )
    monkeypatch.setattr(ahead, "folder", lambda: tmp_path)
    monkeypatch.setattr(ahead, "directory", lambda: str(tmp_path))
    monkeypatch.setattr(ahead, "PAUSE_SEC", 0.01)
    return made


def test_the_list_of_forms_is_what_chains_call():
    assert forms.all_called() == json.loads(forms.FILE.read_text()), "run make forms"


def test_several_at_once_compile_everything_once_and_all_return_when_it_is_there(entry_points):
    def share(_):
        ahead.compile_share(["double"])
        return ahead.outstanding(["double"])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(share, range(4))) == [[]] * 4
    assert [len(each.compiled) for each in entry_points.values()] == [1] * len(NAMES)


def test_what_another_left_unfinished_is_taken_over(entry_points):
    with ThreadPoolExecutor(1) as pool:
        with ahead._held(ahead.folder() / f"{NAMES[0]}.lock") as mine:
            assert mine
            waiting = pool.submit(ahead.compile_share, ["double"])
            time.sleep(1)
            assert not waiting.done()
            assert ahead.outstanding(["double"]) == [("double", NAMES[0])]
        waiting.result(timeout=10)
    assert len(entry_points[NAMES[0]].compiled) == 1


def test_progress_counts_what_was_missing_and_a_stop_leaves_the_rest(entry_points):
    told = []
    ahead.compile_share(["double"], lambda done, total: told.append((done, total)))
    assert told == [(done, 8) for done in range(9)]
    for mark in ahead.folder().glob("*.compiled"):
        mark.unlink()
    ahead.compile_share(["double"], stop=lambda: True)
    assert len(ahead.outstanding(["double"])) == 7


def test_a_cache_that_cannot_be_written_is_left_alone(entry_points, monkeypatch):
    monkeypatch.setattr(ahead, "folder", lambda: Path("/proc/kernels"))
    ahead.compile_share(["double"])
    assert not any(each.compiled for each in entry_points.values())


USE_ONE = """
import numpy as np
from pystamps_kernels.native import phasors
from pystamps_kernels.native.cache import fingerprint

phasors.angle(np.ones((2, 2), np.complex64))
print(fingerprint(), sum(phasors.angle.stats.cache_hits.values()))
"""


def test_a_second_installation_finds_what_the_first_compiled_until_a_source_changes(tmp_path):
    installed = Path(pystamps_kernels.__file__).parent
    found = []
    for name in ("first", "second", "changed"):
        copy = tmp_path / name / "pystamps_kernels"
        shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if name == "changed":
            with (copy / "native" / "angle.py").open("a") as file:
                file.write("# another\n")
        ended = subprocess.run(
            [sys.executable, "-c", USE_ONE], capture_output=True, text=True, check=True,
            cwd=tmp_path / name,
            env={
                **os.environ,
                "PYTHONPATH": str(tmp_path / name),
                "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
            },
        )  # fmt: skip
        found.append(ended.stdout.split())
    (first, _), (second, hits), (changed, others) = found
    assert (first, hits) == (second, "1")
    assert changed != first
    assert others == "0"
