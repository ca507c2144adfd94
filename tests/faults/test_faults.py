"""One thing goes wrong: nothing is torn or left, and the next run ends with the same bytes.

A sample of what ``make test-faults`` tries in full.
"""

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pystamps_hpc.tools import child_run
from tests.chain import chains

from . import trials

SAMPLE = int(os.environ.get("FAULTS_PER_KIND", "1"))
"""How many calls of each kind fail; another seed chooses others."""
SEED = os.environ.get("FAULTS_SEED", "0")


def command(root):
    return child_run.command(["run", "--dataset", root, "-q"])


def environment(lab):
    path = os.pathsep.join(filter(None, [str(trials.ROOT), *sys.path]))
    return {**os.environ, "PYTHONPATH": path, "TMPDIR": str(lab.folder / "tmp")}


def start(lab, root):
    return child_run.start(command(root), environment(lab))


def assert_finished(lab, root):
    again = lab.run(root)
    assert again["code"] == 0, again["err"]
    assert not chains.differing(chains.artifacts(root), lab.expected)
    assert not chains.leftovers(root)


@pytest.mark.parametrize("kind", [*trials.ERRORS, "full disk"])
def test_a_call_that_fails_costs_at_most_the_run(lab, kind):
    chance = random.Random(f"{kind} {SEED}")
    full = kind == "full disk"
    these = [f for f in lab.faults() if f.stays == full and f.kind == ("write" if full else kind)]
    for fault in chance.sample(these, min(SAMPLE, len(these))):
        outcome = lab.tried(fault)
        assert not outcome.wrong, outcome


@pytest.mark.parametrize(
    ("limit", "value"), [("AS", 250 << 20), ("AS", 1100 << 20), ("NOFILE", 14)]
)
def test_a_limit_of_the_machine_is_told_and_never_waited_for(lab, limit, value):
    """OpenBLAS, if it is loaded at all, would ask for its buffers for ever."""
    root = lab.fresh("data")
    which = getattr(resource, f"RLIMIT_{limit}")
    ended = subprocess.run(
        command(root), env=environment(lab), capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: resource.setrlimit(which, (value, value)),
    )  # fmt: skip
    assert ended.returncode in (0, 1), ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip() or ended.returncode == 0
    assert_finished(lab, root)


def test_of_two_runs_at_once_one_is_refused_and_the_other_finishes(lab):
    root = lab.fresh("data")
    jobs = [start(lab, root) for _ in range(2)]
    pair = [chains.wait(job, 120) for job in jobs]
    codes = sorted(ended.code for ended in pair)
    assert codes in ([0, 3], [0, 0]), pair  # the second may come when the first has finished
    assert codes == [0, 0] or any("data set is in use" in ended.err for ended in pair)
    assert_finished(lab, root)


def test_a_run_that_is_stopped_goes_on_and_files_of_the_future_are_no_obstacle(lab):
    root = lab.fresh("data")
    for path in root.rglob("*"):
        os.utime(path, (time.time() + 1e6,) * 2)
    job = start(lab, root)
    chains.until(lambda: (root / chains.STATE_DIRECTORY / "lock" / "root.json").exists(), job)
    job.send_signal(signal.SIGSTOP)
    refused = chains.wait(start(lab, root), 120)
    assert refused.code == 3
    assert "data set is in use" in refused.err
    job.send_signal(signal.SIGCONT)
    ended = chains.wait(job, 120)
    assert ended.code == 0, ended.err
    assert_finished(lab, root)


def test_files_that_vanish_are_named(lab):
    root = lab.fresh("data")
    job = start(lab, root)
    chains.until((root / "PATCH_1" / "ph1.mat").exists, job)
    taken = root / "PATCH_2" / "pscands.1.ph"
    kept = taken.read_bytes()
    taken.unlink()
    ended = chains.wait(job, 120)
    if ended.code != 0:  # else it had been read before
        assert re.search(r"PATCH_2/\w+[.\w]* ?", ended.err), ended.err
        assert "Traceback" not in ended.err
        assert ended.code in (1, 3)
    Path(taken).write_bytes(kept)
    assert_finished(lab, root)


def test_a_map_that_cannot_be_written_is_told_also_to_the_quiet(lab):
    root = lab.fresh("data")
    (root / "products").write_text("in the way")
    ended = lab.run(root)
    assert ended["code"] == 1
    assert "FAILED velocity.png: " in ended["err"]
    (root / "products").unlink()
    assert_finished(lab, root)
