"""One run of a target in a process of its own."""

import json
from pathlib import Path
from typing import Any

from ...errors import ToolMissingError
from ...stages.base import Scope
from ..child_run import ChildRun, run
from .manifest import Target


def run_copy(
    copy: Path,
    target: Target,
    backend: str,
    ranks: int,
    steps: tuple[int, int],
    scope: Scope | None = None,
) -> ChildRun:
    """Run stages on a copy with the command line.

    Parameters
    ----------
    copy : Path
        Dataset directory.
    target : Target
        Configuration and time limit.
    backend : str
        Backend of every kernel.
    ranks : int
        MPI size; 1 is started without a launcher.
    steps : (int, int)
        First and last stage.
    scope : {"patch", "merged"}, optional
        Only tasks of one scope.
    """
    config = copy.with_suffix(".json")
    config.write_text(json.dumps(_config(target, backend)), encoding="utf-8")
    arguments = ["run", "--dataset", copy, "--config", config, "--progress", "none", "--force",
                 "--start-step", steps[0], "--end-step", steps[1]]  # fmt: skip
    if scope is not None:
        arguments += ["--part", "patches" if scope == "patch" else "merged"]
    try:
        return run(arguments, ranks, timeout=target.timeout_sec)
    except ToolMissingError as error:
        return ChildRun(error.exit_code, "", str(error), 0.0)


def _config(target: Target, backend: str) -> dict[str, dict[str, Any]]:
    from pystamps_kernels.contracts import all_kernels

    tree = target.run_config.to_dict()
    tree["runtime"]["kernel_backend_overrides"] = dict.fromkeys(all_kernels(), backend)
    return tree
