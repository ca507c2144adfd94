"""Whether an installation works: a small simulated dataset on one process and on two ranks.

The test of the image, and what to run where an image was converted or a site has installed the
package itself. Needs no dataset and no network.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pystamps_kernels.dispatch import unavailable_reason

from ..config import RunConfig
from ..dataset.publish import write_text
from ..errors import PystampsError
from ..pipeline.documents import json_text
from ..programs.snaphu import find_snaphu
from . import child_run
from .simulate import Options, simulate

SCENE = Options(candidates=1500, images=6)
NATIVE = ("--native-only", "--backend", "native", "--stage2-kernel-backend", "native")

OF_A_JOB = ("SLURM_", *child_run.LAUNCHER_VARIABLES)
ON_ANY_MACHINE = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_btl": "^ofi,uct,openib",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}
"""Open MPI with two ranks as any user, on one processor, without a network."""


class _FailedError(Exception):
    """A step did not succeed."""


def self_test(ranks: int = 2) -> dict[str, Any]:
    """Return the document ``pystamps-hpc/selftest/1``; the first step that fails is the last.

    Parameters
    ----------
    ranks : int
        MPI ranks of the second run, which must give the same bytes; with 1 there is none.
    """
    steps: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="pystamps-selftest-") as scratch:
        folder = Path(scratch)
        acts: dict[str, Callable[[], None]] = {
            "kernels": _kernels,
            "one process": lambda: _alone(folder),
        }
        if ranks > 1:
            acts[f"{ranks} ranks"] = lambda: _together(folder, ranks)
        if find_snaphu(RunConfig().tools.snaphu) is not None:
            acts["snaphu"] = lambda: _unwrap(folder)
        for name, act in acts.items():
            steps.append(_step(name, act))
            if not steps[-1]["ok"]:
                break
    return {
        "schema": "pystamps-hpc/selftest/1",
        "ok": all(step["ok"] for step in steps),
        "version": version("pystamps-hpc"),
        "steps": steps,
    }


def job_free(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which ranks start beside a job that this process may be part of."""
    kept = {k: v for k, v in environ.items() if not k.startswith(OF_A_JOB)}
    return {**kept, **ON_ANY_MACHINE, "TMPDIR": tempfile.gettempdir()}


def _step(name: str, act: Callable[[], None]) -> dict[str, Any]:
    began = time.perf_counter()
    message = ""
    try:
        act()
    except (_FailedError, PystampsError) as error:
        message = str(error)
    seconds = round(time.perf_counter() - began, 3)
    return {"name": name, "ok": not message, "sec": seconds, "message": message}


def _kernels() -> None:
    if reason := unavailable_reason("native"):
        raise _FailedError(f"no native kernels: {reason}")


def _alone(folder: Path) -> None:
    simulate(folder / "one", SCENE)
    shutil.copytree(folder / "one", folder / "several")
    _run(folder / "one", 1, *NATIVE)


def _together(folder: Path, ranks: int) -> None:
    report = _run(folder / "several", ranks, *NATIVE)
    if report["mpi"]["size"] != ranks:
        raise _FailedError(f"{ranks} ranks were started, the run had {report['mpi']['size']}")
    expected, found = _artifacts(folder / "one"), _artifacts(folder / "several")
    if other := sorted(name for name in expected if found.get(name) != expected[name]):
        raise _FailedError(f"{other[0]} differs from that of one process ({len(other)} files do)")


def _unwrap(folder: Path) -> None:
    """Unwrap once more, with SNAPHU."""
    config = folder / "snaphu.json"
    write_text(
        config, json_text({"runtime": {"stage6_solver": "snaphu", "triangulator": "native"}})
    )
    _run(folder / "one", 1, "--start-step", "6", "--force", config=config)


def _run(dataset: Path, ranks: int, *options: str, config: Path | None = None) -> Any:
    before = ("--config", config) if config else ()
    words = (*before, "--quiet", "run", "--dataset", dataset, *options)
    ended = child_run.run(words, ranks, job_free(os.environ))
    if ended.problem:
        raise _FailedError(ended.problem)
    return ended.report


def _artifacts(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*.mat")
    }
