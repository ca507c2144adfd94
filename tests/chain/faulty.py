"""The command line with one fault built in: ``python -m tests.chain.faulty ARGUMENTS``.

``CHAIN_FAULT`` says which, as ``KIND STAGE SCOPE RANK``; RANK ``-`` means any; of small baselines
``STAGE`` is ``6_sb``. ``CHAIN_FLAG`` is a file that is created when it happens.

=========  ====================================================================
fail       the stage raises an error of the family
crash      the stage raises an error that nobody expects
hold       the stage works on until the run is asked to stop
halfway    publication stands still after the first files of the bundle
writing    a rank stands still when it has written some of its rows of the marker
step       the stage stands still in the step that ``CHAIN_STEP`` names
=========  ====================================================================
"""

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from pystamps_hpc.cli import main
from pystamps_hpc.cli.environment import prepare
from pystamps_hpc.pipeline import pool

UNIT = 4096
MODULES = {("5", "patch"): "stage5_promote", ("5", "merged"): "stage5_merge"}


def install(kind: str, stage: str, scope: str, rank: str) -> None:
    """Put the fault in its place."""
    from pystamps_hpc.dataset.publish import Publication

    concerned = rank in ("-", os.environ.get("OMPI_COMM_WORLD_RANK", "0"))
    module = import_module(f"pystamps_hpc.stages.{MODULES.get((stage, scope), f'stage{stage}')}")
    spec = module.SPEC
    size = int(os.environ.get("OMPI_COMM_WORLD_SIZE", "1")) if scope == "merged" else 1

    def solve(inputs, params, ctx):
        # every rank has its part of these rows, so it is this rank that meets the fault
        ctx.map_rows(lambda rows: _happens(concerned, kind, scope, ctx, rows), size * UNIT)
        return spec.solve(inputs, params, ctx)

    if kind == "step":
        _stand_still_in(os.environ["CHAIN_STEP"], concerned)
        return
    if kind == "writing":
        _stand_still_writing(spec.marker, concerned)
        return
    if kind != "halfway":
        module.SPEC = replace(spec, solve=solve)
        return
    final, asked = Publication._final, []

    def stop_before_the_marker(self, artifact):
        if artifact == spec.marker and (self.target.name.startswith("PATCH") == (scope == "patch")):
            asked.append(artifact)
            if len(asked) == 2:  # the first time, the old marker is removed
                _flag()
                time.sleep(600)
        return final(self, artifact)

    Publication._final = stop_before_the_marker


def _stand_still_in(step: str, concerned: bool) -> None:
    from pystamps_hpc.parallel.context import Context

    map_rows = Context.map_rows

    def stopping(self, fn, n, label="", *more):
        def stopped(rows):
            if label == step and concerned:
                _flag()
                time.sleep(600)
            return fn(rows)

        return map_rows(self, stopped, n, label, *more)

    Context.map_rows = stopping


def _stand_still_writing(artifact: str, concerned: bool) -> None:
    from pystamps_hpc.pipeline import saving

    filling = saving.filling

    @contextmanager
    def stopping(path):
        with filling(path) as put:

            def stopped(*words):
                put(*words)
                if path.stem == artifact and concerned:
                    _flag()
                    time.sleep(600)

            yield stopped

    saving.filling = stopping


def _happens(concerned, kind, scope, ctx, rows):
    import numpy as np

    from pystamps_hpc.errors import StageError

    if not concerned and scope == "patch":
        _wait_for_flag()  # else this rank might do all patches, and the other one have no part
    if concerned:
        _flag()
        if kind == "fail":
            raise StageError("the stage was made to fail")
        if kind == "crash":
            raise KeyError("an unexpected fault")
        while True:
            ctx.check()
            time.sleep(0.01)
    return np.zeros((rows.stop - rows.start, 1))


def _flag() -> None:
    if "CHAIN_FLAG" in os.environ:
        Path(os.environ["CHAIN_FLAG"]).touch()


def _wait_for_flag() -> None:
    deadline = time.monotonic() + 30
    while not Path(os.environ["CHAIN_FLAG"]).exists() and time.monotonic() < deadline:
        time.sleep(0.01)


if __name__ == "__main__":
    prepare(os.environ)
    install(*os.environ["CHAIN_FAULT"].split())
    if sys.argv[1] == "work":  # a process of a pool
        pool.work(*map(int, sys.argv[2:]))
    else:
        pool.COMMAND = (sys.executable, "-m", "tests.chain.faulty", "work")
        sys.exit(main())
