"""What of a dataset is finished, who made it, and whether it is up to date; reads only."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pystamps_kernels.dispatch import KernelTable

from ..config import RunConfig
from ..dataset.parameters import Parameters
from ..dataset.tree import ROOT, Dataset
from ..stages.base import Mode, Scope
from .choices import resolve_choices
from .presence import (
    Listing,
    Look,
    missing_members,
    no_ps_stage,
    product_files,
)
from .records import inputs_record, settings_record
from .state import TargetState, plain, stale_reasons
from .table import NO_PS_FILE, Task, maker, mode_of, tasks


@dataclass
class Finished:
    """Finished work of one dataset; every directory is looked at once.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    config : RunConfig
        Resolved configuration.
    parameters : mapping
        Target -> parameters, the root included.
    kernels : KernelTable, optional
        Kernels bound to backends; without them the backends make nothing stale.
    """

    dataset: Dataset
    config: RunConfig
    parameters: Mapping[str, Parameters]
    kernels: KernelTable | None = None
    _look: Look = field(default_factory=Look)
    _states: dict[str, TargetState] = field(default_factory=dict)
    _files: dict[str, Listing] = field(default_factory=dict)
    _lost: dict[str, int | None] = field(default_factory=dict)
    _missing: dict[tuple[int, Scope, str], list[str]] = field(default_factory=dict)
    _stale: dict[tuple[int, Scope, str], str] = field(default_factory=dict)
    _settings: dict[tuple[int, Scope, int], dict[str, Any]] = field(default_factory=dict)

    @property
    def mode(self) -> Mode:
        """Single master or small baselines."""
        return mode_of(self.parameters[ROOT])

    @property
    def table(self) -> tuple[Task, ...]:
        """The stage table of the mode of the dataset."""
        return tasks(self.mode)

    def state(self, target: str) -> TargetState:
        """Return the state of a target, read once."""
        if target not in self._states:
            self._states[target] = TargetState.load(self.dataset.directory(target))
        return self._states[target]

    def files(self, target: str) -> Listing:
        """Return the MAT files of a target, looked at once; of the root the products too."""
        if target not in self._files:
            found = dict(self._look.listing(self.dataset.directory(target)))
            for name in product_files() if target == ROOT else ():
                with suppress(OSError):
                    found[name] = os.stat(self.dataset.root / name)
            self._files[target] = found
        return self._files[target]

    def lost(self, target: str) -> int | None:
        """Return the stage after which a patch had no PS left."""
        if f"{NO_PS_FILE}.mat" not in self.files(target):
            return None
        if target not in self._lost:
            self._lost[target] = no_ps_stage(self.dataset.directory(target))
        return self._lost[target]

    def foreign(self, row: Task, target: str) -> bool:
        """Whether a finished task has no record: its results are StaMPS' or somebody's own."""
        if row.spec.number in self.state(target).records:
            return False
        return row.marker_file in self.files(target)

    def missing(self, row: Task, target: str) -> list[str]:
        """Return what a task lacks of its required artifacts.

        A foreign one, made by another program or version, lacks only what later tasks need.
        """
        key = (row.spec.number, row.spec.scope, target)
        if key not in self._missing:
            self._missing[key] = self._members_missing(row, target)
        return self._missing[key]

    def _members_missing(self, row: Task, target: str) -> list[str]:
        written = self.state(target).records.get(row.spec.number, {}).get("marker", ())
        directory = self.dataset.directory(target)
        missing = missing_members(row, directory, self.files(target), written)
        if missing and self.foreign(row, target):
            needed = {row.spec.marker, *row.passed_on}
            return [name for name in missing if name in needed]
        return missing

    def foreign_files(self, row: Task, target: str) -> Iterator[str]:
        """Yield the files of a task without a record, finished or not, relative to the root."""
        if row.spec.number in self.state(target).records:
            return
        below = "" if target == ROOT else f"{target}/"
        files = self.files(target)
        yield from (f"{below}{name}.mat" for name in row.owned if f"{name}.mat" in files)

    def out_of_date(self, row: Task, target: str) -> str:
        """Say why a task is out of date; empty if it is not, not finished, or not recorded."""
        gone = self.lost(target) if row.spec.scope == "patch" else None
        if gone is not None and gone < row.spec.number:
            return ""
        if gone != row.spec.number and self.missing(row, target):
            return ""
        return self.stale_reason(row, target)

    def stale_reason(self, row: Task, target: str) -> str:
        """Say all reasons why a finished task is out of date; empty without any, or a record."""
        key = (row.spec.number, row.spec.scope, target)
        if key not in self._stale:
            self._stale[key] = self._why_stale(row, target)
        return self._stale[key]

    def _why_stale(self, row: Task, target: str) -> str:
        record = self.state(target).records.get(row.spec.number)
        if record is None or "replayed_from" in record:
            return ""
        known = record["inputs"]
        patches: list[str] = []
        if row.patch_inputs is not None:
            patches = [name for name in self.dataset.patches if self.lost(name) is None]
        parameters = self.parameters[target]
        inputs = inputs_record(self.dataset, parameters, row, target, patches, known, self._look)
        now = {**self.settings(row, target), "inputs": inputs}
        return "; ".join(stale_reasons(record, now, row.judged, _defaults(row)))

    def settings(self, row: Task, target: str) -> dict[str, Any]:
        """Return what a task is made with, once for all targets with the same parameters."""
        parameters = self.parameters[target]
        key = (row.spec.number, row.spec.scope, id(parameters))
        if key not in self._settings:
            self._settings[key] = settings_record(
                self.dataset, self.config, parameters, self.kernels, row
            )
        return self._settings[key]


@cache
def _by_default() -> RunConfig:
    """Return what holds on this machine where nothing is configured."""
    return resolve_choices(RunConfig())


@cache
def _defaults(row: Task) -> dict[str, Any]:
    """Return the keys of the configuration that a task reads, with what holds there."""
    return {key: plain(_by_default().value(key)) for key in row.spec.config}


def made_here(root: Path, artifact: str, mode: Mode) -> bool:
    """Whether the task that makes a merged artifact has a record in a dataset."""
    source = maker(artifact, "merged", mode)
    return source is not None and source.spec.number in TargetState.load(root).records
