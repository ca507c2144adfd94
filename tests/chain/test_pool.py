"""Patches in processes of their own: what befalls one is told, and the others stop or go on."""

import json
import signal
import subprocess
import sys

import pytest

from pystamps_hpc.tools.simulate import Options, simulate

from . import chains
from .test_interruption import assert_finished, at_fault, of, resume

POOL = ("--backend", "processes", "--cpu-workers", "2")


def told(root):
    """Return the lines of the events of the only run of a dataset."""
    (path,) = root.glob(".pystamps-hpc/runs/*/events.jsonl")
    return path.read_text()


def test_a_killed_process_is_told_with_its_patch_and_the_same_command_goes_on(
    few_candidates, first_pass, tmp_path
):
    root = chains.copy(few_candidates, tmp_path / "data")
    job = at_fault(of(root, *POOL), "hold 2 patch -", tmp_path)
    chains.until(lambda: len(chains.pool_of(job)) == 2, job)
    for pid in chains.pool_of(job):
        chains.kill(pid)
    ended = chains.wait(job, chains.HANG_SEC)
    assert ended.code == 1
    assert "Traceback" not in ended.err
    for row in chains.failed(ended):
        done = [r["stage"] for r in ended.report["results"] if r["target"] == row["target"]]
        assert done == list(range(1, row["stage"] + 1))
        assert "was ended by SIGKILL, as where memory runs out" in row["details"]
    assert {row["target"] for row in chains.failed(ended)} == {"PATCH_1", "PATCH_2"}
    resume(root)
    assert_finished(root, first_pass)


def test_after_the_end_of_one_process_another_takes_what_is_left(tmp_path):
    root = tmp_path / "data"
    simulate(root, Options(patches=(3, 1), candidates=3_000, images=8))
    job = at_fault(of(root, *POOL, "--keep-going"), "hold 2 patch -", tmp_path)
    chains.until(lambda: len(chains.pool_of(job)) == 2, job)
    first = chains.pool_of(job)[0]
    chains.kill(first)
    chains.until(lambda: "SIGKILL" in told(root), job)
    patches = {f"PATCH_{k}" for k in (1, 2, 3)}
    chains.until(lambda: all(f'"{name}", "text"' in told(root) for name in patches), job)
    chains.kill(job.pid, signal.SIGTERM)
    ended = chains.wait(job, chains.SIGNAL_SEC)
    assert ended.code == 143
    rows = chains.failed(ended)
    assert {row["target"] for row in rows} == patches
    assert sorted(str(row["signal"]) for row in rows) == ["None", "SIGTERM", "SIGTERM"]
    resume(root)
    assert not chains.leftovers(root)


def test_a_signal_stops_all_processes_in_good_order_and_is_told_once(
    few_candidates, first_pass, tmp_path
):
    root = chains.copy(few_candidates, tmp_path / "data")
    job = at_fault(of(root, *POOL), "hold 2 patch -", tmp_path)
    chains.kill(job.pid, signal.SIGTERM)
    ended = chains.wait(job, chains.SIGNAL_SEC)
    assert ended.code == 143
    assert ended.err.count("SIGTERM: stopping at the next safe point") == 1
    assert {row["signal"] for row in chains.failed(ended)} == {"SIGTERM"}
    resume(root)
    assert_finished(root, first_pass)


def test_an_error_that_nobody_expects_ends_the_run_as_without_a_pool(few_candidates, tmp_path):
    root = chains.copy(few_candidates, tmp_path / "data")
    ended = chains.run(
        of(root, *POOL), 0, "tests.chain.faulty", CHAIN_FAULT="crash 2 patch -",
        CHAIN_FLAG=str(tmp_path / "flag"),
    )  # fmt: skip
    assert ended.code == 70
    assert "in _happens" in ended.err
    assert "please report it" in ended.err


def test_a_script_without_a_guard_can_run_a_pool(few_candidates, tmp_path):
    root = chains.copy(few_candidates, tmp_path / "data")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(root=str(root)))
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert ended.stdout == "True\n", ended.stderr


SCRIPT = """
from pathlib import Path
from pystamps_hpc.config import RunConfig
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
config = RunConfig().with_values({{"runtime.backend": "processes", "runtime.cpu_workers": 2}})
print(run_pipeline(PipelineContext(Path({root!r}), config, end_step=1)).ok)
"""


@pytest.mark.parametrize("options", [(), POOL], ids=["one process", "pool"])
def test_what_happens_in_a_process_is_kept_as_if_there_were_one(few_candidates, tmp_path, options):
    root = chains.copy(few_candidates, tmp_path / "data")
    chains.run_chain(root, "--end-step", "2", *options)
    events = [json.loads(line) for line in told(root).splitlines()]
    for patch in ("PATCH_1", "PATCH_2"):
        kinds = [(e["kind"], e["stage"]) for e in events if e["target"] == patch]
        seen = [kind for kind in kinds if kind[0] in ("task_started", "task_finished")]
        assert seen == [(kind, s) for s in (1, 2) for kind in ("task_started", "task_finished")]
        published = {e.get("path") for e in events if e["target"] == patch}
        assert {f"{patch}/ps1.mat", f"{patch}/pm1.mat"} <= published
