"""Run copies: fresh writable trees seeded with inputs and the artifacts of earlier stages."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...dataset import parameters
from ...dataset.tree import STATE_DIRECTORY
from ...pipeline.table import BOOKKEEPING, feedback_artifacts
from ...stages.base import Scope
from ..verify.trees import owner

_NEVER = ("mean_amp.flt",)
"""Files that no stage reads."""


def seed_copy(
    goal: Path,
    layers: Iterable[Path],
    stage: int,
    scope: Scope = "patch",
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
    stage, scope : int, {"patch", "merged"}
        The first task that will run: only artifacts of earlier tasks are copied.
    feedback : bool
        Whether the smoothed look-angle error comes along.
    values : mapping, optional
        Processing parameters to set in the copy.
    """
    shutil.rmtree(goal, ignore_errors=True)
    for layer in layers:
        for path in sorted(layer.rglob("*")):
            place = path.relative_to(layer)
            if path.is_file() and _wanted(place, layer, stage, scope, feedback):
                (goal / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, goal / place)
    if values:
        held = parameters.load(goal)
        for name, value in values.items():
            held = held.set_value(name, value)
        parameters.save(held)


def _wanted(place: Path, layer: Path, stage: int, scope: Scope, feedback: bool) -> bool:
    if STATE_DIRECTORY in place.parts or place.name in _NEVER or place.name == ".golden":
        return False
    if place.suffix != ".mat" or place.stem in ("parms", "localparms"):
        return True
    if place.stem in BOOKKEEPING:
        return False
    if place.stem in feedback_artifacts():
        return feedback
    in_patch = (layer / place).parent != layer
    made_in = owner(place.stem, "patch" if in_patch else "merged")
    if made_in is None:
        return True
    return made_in < stage or (made_in == stage and in_patch and scope == "merged")
