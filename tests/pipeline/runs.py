"""Runs over the stub chain, and what befalls their datasets before and meanwhile."""

import shutil

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.errors import StageError
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from tests.stub_chain import statuses

PATCH_STAGES = (1, 2, 3, 4, 5)
EVERYTHING = [
    *[(s, "patch", p) for s in PATCH_STAGES for p in ("PATCH_1", "PATCH_2")],
    (5, "merged", "root"), (6, "merged", "root"), (7, "merged", "root"), (8, "merged", "root"),
]  # fmt: skip

QUICK = RunConfig().with_values({"output.fsync": False})
KEEP = QUICK.with_values({"runtime.stale_policy": "keep"})
FAIL = QUICK.with_values({"runtime.stale_policy": "fail"})


def run(root, run_config=QUICK, **options):
    return run_pipeline(PipelineContext(root, run_config, **options))


def completed(report):
    return [row[:3] for row in statuses(report) if row[3] == "completed"]


def change(root, **changes):
    """Change parameters of the dataset."""
    known = parameters.load(root)
    for name, value in changes.items():
        known = known.set_value(name, value)
    parameters.save(known)


def disown(*folders):
    """Make the artifacts of a folder those of another program."""
    for folder in folders:
        shutil.rmtree(folder / ".pystamps-hpc", ignore_errors=True)


class Killed(BaseException):
    """The end of a process, as far as one process can have it."""


def raising(error):
    """Return what a stage, or anything put in the place of a function, does to fail."""

    def act(*_):
        raise error

    return act


fail = raising(StageError("PATCH_1: no candidates; look again"))
die = raising(Killed())
