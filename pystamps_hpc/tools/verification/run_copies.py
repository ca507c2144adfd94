"""Run copies: fresh trees with inputs and the artifacts of earlier stages, and their runs."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pystamps_kernels.contracts import all_kernels

from ...dataset import parameters
from ...dataset.tree import STATE_DIRECTORY
from ...errors import ToolMissingError
from ...pipeline.table import BOOKKEEPING, Task, feedback_artifacts
from ...stages.base import Scope
from ..child_run import ChildRun, run
from .compare.trees import owner
from .manifest import Target

_NEVER = ("mean_amp.flt",)
"""Files that no stage reads."""


def seed_copy(
    goal: Path,
    layers: Iterable[Path],
    first: Task,
    feedback: bool = False,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Make a tree that is ready for one stage.

    Parameters
    ----------
    goal : Path
        Directory to make; an old one is removed.
    layers : iterable of Path
        Trees, each copied over those before it.
    first : Task
        The first task that will run: only artifacts of earlier ones are copied.
    feedback : bool
        Whether the smoothed look-angle error comes along.
    values : mapping, optional
        Processing parameters to set in the copy.
    """
    shutil.rmtree(goal, ignore_errors=True)
    for layer in layers:
        for path in sorted(layer.rglob("*")):
            place = path.relative_to(layer)
            if path.is_file() and _wanted(place, layer, first, feedback):
                (goal / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, goal / place)
    if values:
        held = parameters.load(goal)
        for name, value in values.items():
            held = held.set_value(name, value)
        parameters.save(held)


def _wanted(place: Path, layer: Path, first: Task, feedback: bool) -> bool:
    if STATE_DIRECTORY in place.parts or place.name in _NEVER or place.name == ".golden":
        return False
    if place.suffix != ".mat" or place.stem in ("parms", "localparms"):
        return True
    if place.stem in BOOKKEEPING:
        return False
    if place.stem in feedback_artifacts(first.mode):
        return feedback
    in_patch = (layer / place).parent != layer
    made_in = owner(place.stem, "patch" if in_patch else "merged", first.mode)
    if made_in is None:
        return True
    gathered = made_in == first.spec.number and in_patch and first.spec.scope == "merged"
    return made_in < first.spec.number or gathered


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
    tree = target.run_config.to_dict()
    tree["runtime"]["kernel_backend_overrides"] = dict.fromkeys(all_kernels(), backend)
    return tree
