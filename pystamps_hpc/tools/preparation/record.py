"""What a preparation was made with, so that the same command goes on and another is refused."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...dataset.files import read_json
from ...dataset.publish import write_text
from ...dataset.tree import state_path
from ...pipeline.documents import json_text
from ...pipeline.presence import stamp
from .layout import Layout

MARKER = "pscands.1.ph"
"""File of a patch that comes last: a patch that has it is whole."""


@dataclass
class Record:
    """What was prepared.

    Parameters
    ----------
    made_with : mapping
        Choice -> its value, of those that the candidates depend on.
    constants : list of str
        Calibration constants, empty while they are not known.
    patches : dict
        Patch -> size and time of its marker.
    """

    made_with: Mapping[str, Any]
    constants: list[str] = field(default_factory=list)
    patches: dict[str, list[int]] = field(default_factory=dict)

    def has(self, root: Path, patch: str) -> bool:
        """Whether a patch is there as it was made."""
        try:
            return stamp(os.stat(root / patch / MARKER)) == self.patches.get(patch)
        except OSError:
            return False

    def add(self, root: Path, patch: str) -> None:
        """Note that a patch has been made."""
        self.patches[patch] = stamp(os.stat(root / patch / MARKER))

    def save(self, root: Path) -> None:
        """Write the record."""
        write_text(_path(root), json_text(vars(self)))


def load(root: Path) -> Record | None:
    """Read the record of a dataset, None if there is none that can be used."""
    try:
        found = read_json(_path(root))
        return Record(dict(found["made_with"]), list(found["constants"]), dict(found["patches"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def made_with(layout: Layout) -> dict[str, Any]:
    """Return what the candidates of a layout depend on."""
    stack, rasters = layout.stack, layout.stack.rasters
    return {
        "processor": stack.processor,
        "master date": stack.master,
        "amplitude dispersion": layout.threshold,
        "patches": [[patch.name, *patch.full.lines, *patch.own.lines] for patch in layout.patches],
        "mask": layout.mask and [str(layout.mask.path), *stamp(layout.mask.path.stat())],
        "compat.preparation": "reference" if layout.reference else "sound",
        "rasters": [
            [os.path.relpath(each.path, stack.root), *stamp(each.path.stat())] for each in rasters
        ],
    }


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in which choices two preparations differ, short ones with both values."""
    told = []
    for name in (name for name in now if before.get(name) != now[name]):
        values = [before.get(name), now[name]]
        short = all(isinstance(value, str) for value in values)
        told.append(f"{name} ({values[0]}, now {values[1]})" if short else name)
    return told


def _path(root: Path) -> Path:
    return state_path(root, "prep.json")
