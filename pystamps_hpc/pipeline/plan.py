"""Which tasks run and why: presence, staleness, force, points left; decided by reading alone."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pystamps_kernels.dispatch import KernelTable

from ..config import RunConfig
from ..dataset.parameters import Parameters
from ..dataset.tree import ROOT, Dataset
from ..errors import ConfigError, DatasetError, StaleError
from ..stages.base import Scope, artifact_fields
from .passes import feedback_inputs, which_pass
from .presence import (
    Listing,
    listing,
    missing_members,
    no_ps_stage,
    outdated_files,
    owned_files,
    passed_on,
    product_files,
)
from .records import inputs_record, settings_record
from .state import TargetState, stale_reasons
from .table import Task, maker, patch_inputs, task, tasks

NAMED = 6
"""How many files a message names."""

Action = Literal["run", "skipped_existing", "skipped", "failed", "not_started"]


@dataclass(frozen=True)
class Request:
    """The window of a run and how finished work is treated."""

    start: int = 1
    end: int = 8
    part: str = "all"
    patches: tuple[str, ...] | None = None
    force: bool = False
    keep_going: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.start <= 8 or not 1 <= self.end <= 8:
            raise ConfigError(f"steps must lie in 1..8, got {self.start}..{self.end}")
        if max(self.start, 1) > self.end:
            raise ConfigError(f"--start-step {self.start} is after --end-step {self.end}")
        if self.patches is not None and self.part != "patches" and self.end > 4:
            raise ConfigError("--patches needs --part patches or --end-step 4 or lower")
        if self.part == "merged" and self.end < 5:
            raise ConfigError("--part merged needs --end-step 5 or higher")
        if self.part == "patches" and self.start > 5:
            raise ConfigError("--part patches needs --start-step 5 or lower")
        if self.part not in ("all", "patches", "merged"):
            raise ConfigError(f"part is {self.part!r}: use all, patches or merged")

    @property
    def first(self) -> int:
        """First stage of the window."""
        return max(self.start, 1)

    def rows(self) -> list[Task]:
        """Return the selected rows of the stage table, in order."""
        scopes = {"all": ("patch", "merged"), "patches": ("patch",), "merged": ("merged",)}
        return [
            row
            for row in tasks()
            if self.first <= row.spec.number <= self.end and row.spec.scope in scopes[self.part]
        ]


@dataclass(frozen=True)
class PlannedTask:
    """One task and what is to be done with it.

    ``reason`` says why it runs, ``stale`` why its result is out of date, ``note`` what is special
    about the run; ``adds`` names the artifacts it adds to a result that was not made here, which
    otherwise stays; ``invalidates`` and ``overwrites`` are paths below the root, the latter of
    results that were not made here.
    """

    stage: int
    scope: Scope
    target: str
    action: Action
    details: str = ""
    stale: str = ""
    invalidates: tuple[str, ...] = ()
    reason: str = ""
    overwrites: tuple[str, ...] = ()
    note: str = ""
    adds: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The marker of the task relative to the root, ``PATCH_3/pm1.mat``."""
        marker = f"{task(self.stage, self.scope).spec.marker}.mat"
        return marker if self.target == ROOT else f"{self.target}/{marker}"


@dataclass
class Planner:
    """Decides the tasks of one request on one dataset.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    config : RunConfig
        Resolved configuration.
    parameters : mapping
        Target -> parameters, the root included.
    request : Request
        Window and treatment of finished work.
    kernels : KernelTable, optional
        Kernels bound to backends; without them the backends make nothing stale.
    """

    dataset: Dataset
    config: RunConfig
    parameters: Mapping[str, Parameters]
    request: Request
    kernels: KernelTable | None = None
    _states: dict[str, TargetState] = field(default_factory=dict)
    _files: dict[str, Listing] = field(default_factory=dict)
    _flags: dict[bytes, int | None] = field(default_factory=dict)
    _running: dict[str, set[int]] = field(default_factory=dict)
    _completed: dict[str, set[int]] = field(default_factory=dict)
    _settings: dict[tuple[int, Scope, int], dict[str, Any]] = field(default_factory=dict)

    def plan(self) -> list[PlannedTask]:
        """Return every task of the window in report order.

        Raises
        ------
        DatasetError
            An input that no earlier task of the plan makes is missing, a patch name is unknown, or
            results that were not made here would be replaced or removed without being asked for.
        StageError
            A parameter of a task that would run is out of range or not supported.
        StaleError
            Finished work is out of date and the policy is ``fail``.
        """
        unknown = set(self.request.patches or ()) - set(self.dataset.patches)
        if unknown:
            raise DatasetError(
                f"{self.dataset.root} has no patch {', '.join(sorted(unknown))}; "
                f"patches: {', '.join(self.dataset.patches) or 'none'}"
            )
        planned: list[PlannedTask] = []
        broken: set[str] = set()
        for row in self.request.rows():
            for target in self._targets(row):
                task = self._decide(row, target)
                if task.action == "run" and (target in broken or (broken and target == ROOT)):
                    task = replace(task, action="not_started", invalidates=())
                elif task.action == "run":
                    try:
                        self._require_inputs(row, target)
                    except DatasetError as error:
                        if not self.request.keep_going or target == ROOT:
                            raise
                        broken.add(target)
                        task = replace(task, action="failed", details=str(error), invalidates=())
                    else:
                        if not self._replays:
                            self._settings_of(row, target)
                    if not task.adds:
                        self._running.setdefault(target, set()).add(row.spec.number)
                planned.append(task)
        self._refuse_stale(planned)
        self._refuse_foreign(planned)
        return planned

    def upstream(self) -> list[PlannedTask]:
        """Return the finished tasks before the window that are out of date, if they are kept.

        Raises
        ------
        StaleError
            There are some, and the policy is not ``keep``: a run does not reach them.
        """
        window = self.request.rows()
        before = [row for row in tasks() if row not in window]
        found = []
        for row in before[: tasks().index(window[0])]:
            for target in self._targets(row):
                gone = self.lost(target)
                if (gone is not None and gone < row.spec.number) or self.missing(row, target):
                    continue
                if stale := self.stale_reason(row, target):
                    action: Action = "skipped_existing"
                    found.append(
                        PlannedTask(row.spec.number, row.spec.scope, target, action, "", stale)
                    )
        if found and self.config.runtime.stale_policy != "keep":
            part = "--part patches " if self.request.part == "merged" else ""
            raise StaleError(
                f"{self._listed(found)}, which stage {self.request.first} builds on: "
                f"run with {part}--start-step {found[0].stage}, or with --stale keep to go on"
            )
        return found

    def _listed(self, stale: list[PlannedTask]) -> str:
        more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
        are = "are" if more else "is"
        return f"{self.dataset.root}: {stale[0].path}{more} {are} out of date ({stale[0].stale})"

    def _targets(self, row: Task) -> Iterable[str]:
        if row.spec.scope == "merged":
            return (ROOT,)
        names = self.request.patches
        return tuple(name for name in self.dataset.patches if names is None or name in names)

    def state(self, target: str) -> TargetState:
        """Return the state of a target, read once."""
        if target not in self._states:
            self._states[target] = TargetState.load(self.dataset.directory(target))
        return self._states[target]

    def files(self, target: str) -> Listing:
        """Return the MAT files of a target, looked at once; of the root the products too."""
        if target not in self._files:
            found = dict(listing(self.dataset.directory(target)))
            for name in product_files() if target == ROOT else ():
                with suppress(OSError):
                    found[name] = os.stat(self.dataset.root / name)
            self._files[target] = found
        return self._files[target]

    def lost(self, target: str) -> int | None:
        """Return the stage after which a patch had no PS left; files alike are read once."""
        if "no_ps_info.mat" not in self.files(target):
            return None
        path = self.dataset.directory(target) / "no_ps_info.mat"
        try:
            content = path.read_bytes()
            if content not in self._flags:
                lost = no_ps_stage(path.parent)
                if path.read_bytes() != content:  # another run has just written it
                    return lost
                self._flags[content] = lost
        except OSError:
            return None
        return self._flags[content]

    def foreign(self, row: Task, target: str) -> bool:
        """Whether a finished task has no record: its results are StaMPS' or somebody's own."""
        if row.spec.number in self.state(target).records:
            return False
        return f"{row.spec.marker}.mat" in self.files(target)

    def missing(self, row: Task, target: str) -> list[str]:
        """Return what a task lacks of its required artifacts.

        A foreign one, made by another program or version, lacks only what later tasks need.
        """
        written = self.state(target).records.get(row.spec.number, {}).get("marker", ())
        directory = self.dataset.directory(target)
        missing = missing_members(row, directory, self.files(target), written)
        if missing and self.foreign(row, target):
            needed = {row.spec.marker, *passed_on(row)}
            return [name for name in missing if name in needed]
        return missing

    def _decide(self, row: Task, target: str) -> PlannedTask:
        number, scope = row.spec.number, row.spec.scope
        marker = f"{row.spec.marker}.mat"

        def stay(action: Action, details: str, stale: str = "") -> PlannedTask:
            return PlannedTask(number, scope, target, action, details, stale)

        due = self.request.force or number in self.state(target).due
        earlier = self._running.get(target, set())
        if scope == "patch":
            lost = self.lost(target)
            if lost is not None and not any(stage <= lost for stage in earlier):
                if lost < number:
                    return stay("skipped", f"no PS left after stage {lost}")
                if lost == number and not due:
                    return stay("skipped_existing", f"no PS left after stage {lost}")
        reasons = list(self._reasons_to_run(row, target, due))
        missing = self.missing(row, target)
        stale = "" if missing else self.stale_reason(row, target)
        lacks = missing and not reasons and row.spec.marker not in missing
        if lacks and self.foreign(row, target) and not self._replays:
            return self._complete(row, target, missing)
        if missing and not reasons:
            reasons = [f"{', '.join(f'{name}.mat' for name in missing)} missing"]
        if not reasons and not stale:
            elsewhere = ", made elsewhere" if self.foreign(row, target) else ""
            return stay("skipped_existing", f"{marker} present{elsewhere}")
        if not reasons and self.config.runtime.stale_policy != "rerun":
            return stay("skipped_existing", f"{marker} present; out of date: {stale}", stale)
        return self._run(row, target, "; ".join(reasons), stale, due)

    def _reasons_to_run(self, row: Task, target: str, due: bool) -> Iterator[str]:
        """Yield why a task runs whether it is finished or not."""
        if due:
            yield "forced" if self.request.force else "left of a forced run"
        elif earlier := self._running.get(target):
            yield f"after stage {max(earlier)}"
        elif row.spec.scope == "merged" and self._running:
            patches = [name for name in self._running if name != ROOT]
            yield f"after {patches[0]}" + (f" and {len(patches) - 1} more" * (len(patches) > 1))

    def _complete(self, row: Task, target: str, missing: list[str]) -> PlannedTask:
        """Return a task that adds what later ones need to a foreign result, which stays."""
        self._completed.setdefault(target, set()).add(row.spec.number)
        reason = f"{', '.join(f'{name}.mat' for name in missing)} missing, the rest made elsewhere"
        return PlannedTask(
            row.spec.number, row.spec.scope, target, "run", reason=reason, adds=tuple(missing)
        )

    def _run(self, row: Task, target: str, reason: str, stale: str, asked: bool) -> PlannedTask:
        """Return a task that runs, with what it removes and replaces."""
        root, own = outdated_files(row)
        removed = [name for name in root if name in self.files(ROOT)]
        removed += [f"{target}/{name}" for name in own if name in self.files(target)]
        upstream = any(n < row.spec.number for numbers in self._running.values() for n in numbers)
        record = self.state(target).records.get(row.spec.number)
        directory = self.dataset.directory(target)
        outdated, note = which_pass(row, directory, record, asked, upstream)
        replaced = self._existing(row, target) if self.foreign(row, target) else ()
        return PlannedTask(
            row.spec.number,
            row.spec.scope,
            target,
            "run",
            stale=stale,
            invalidates=(*removed, *outdated),
            reason="; ".join(filter(None, (reason, stale, note))),
            overwrites=tuple(replaced),
            note=note,
        )

    def stale_reason(self, row: Task, target: str) -> str:
        """Say all reasons why a finished task is out of date; empty without any, or a record."""
        record = self.state(target).records.get(row.spec.number)
        if record is None or "replayed_from" in record:
            return ""
        known = record["inputs"]
        patches: list[str] = []
        if patch_inputs(row) is not None:
            patches = [name for name in self.dataset.patches if self.lost(name) is None]
        parameters = self.parameters[target]
        inputs = inputs_record(self.dataset, parameters, row, target, patches, known)
        now = {**self._settings_of(row, target), "inputs": inputs}
        return "; ".join(stale_reasons(record, now, feedback_inputs(row)))

    def _settings_of(self, row: Task, target: str) -> dict[str, Any]:
        """Return what a task is made with, once for all targets with the same parameters."""
        parameters = self.parameters[target]
        key = (row.spec.number, row.spec.scope, id(parameters))
        if key not in self._settings:
            self._settings[key] = settings_record(
                self.dataset, self.config, parameters, self.kernels, row
            )
        return self._settings[key]

    def _refuse_stale(self, planned: list[PlannedTask]) -> None:
        if self.config.runtime.stale_policy != "fail":
            return
        stale = [task for task in planned if task.stale and task.action == "skipped_existing"]
        if stale:
            raise StaleError(f"{self._listed(stale)}; run with --stale rerun, or keep to go on")

    def _refuse_foreign(self, planned: list[PlannedTask]) -> None:
        """Refuse to replace or remove results that were not made here, unless that is asked for."""
        if self.request.force:
            return
        foreign = set(self._foreign_files())
        for each in planned:
            if each.action != "run" or each.stage in self.state(each.target).due:
                continue
            names = [*each.overwrites, *(name for name in each.invalidates if name in foreign)]
            if names:
                more = f" and {len(names) - NAMED} more" * (len(names) > NAMED)
                raise DatasetError(
                    f"{self.dataset.root}: {', '.join(names[:NAMED])}{more}: not made by "
                    f"pystamps-hpc; stage {each.stage} of {each.target} ({each.reason}) would "
                    "replace or remove them: move them away to keep them, or insist with --force"
                )

    def _foreign_files(self) -> Iterator[str]:
        """Yield the files, relative to the root, of finished tasks that were not done here."""
        for row in tasks():
            for target in self._targets(row):
                if self.foreign(row, target):
                    yield from self._existing(row, target)

    def _existing(self, row: Task, target: str) -> Iterator[str]:
        """Yield the files of a task that are there, relative to the root."""
        below = "" if target == ROOT else f"{target}/"
        files = self.files(target)
        yield from (f"{below}{name}.mat" for name in owned_files(row) if f"{name}.mat" in files)

    @property
    def _replays(self) -> bool:
        """Whether tasks take their artifacts from a reference and so need no inputs."""
        return self.config.compat.strict_reference

    def _require_inputs(self, row: Task, target: str) -> None:
        if self._replays:
            return
        problems = []
        nested = patch_inputs(row)
        if nested is not None:
            for patch in self.dataset.patches:
                if 5 in self._made(patch):
                    continue
                if self.lost(patch) is None:
                    problems += self._missing(nested, row, patch, "patch")
        problems += self._missing(row.spec.inputs, row, target, row.spec.scope)
        if problems:
            raise DatasetError("; ".join(problems))

    def _made(self, target: str) -> set[int]:
        """Return the stages of which this plan makes everything, or what is missing."""
        return self._running.get(target, set()) | self._completed.get(target, set())

    def _missing(self, cls: type, row: Task, target: str, scope: Scope) -> list[str]:
        made = {
            name
            for other in tasks()
            if other.spec.scope == scope and other.spec.number in self._made(target)
            for name in other.bundle
        }
        lacking: dict[int, list[str]] = {}
        for item in artifact_fields(cls):
            source = maker(item.artifact, scope)
            if item.optional or item.artifact in made or source is None:
                continue
            if f"{item.artifact}.mat" not in self.files(target):
                names = lacking.setdefault(source.spec.number, [])
                if f"{item.artifact}.mat" not in names:
                    names.append(f"{item.artifact}.mat")
        where = self.dataset.root if target == ROOT else target
        return [
            f"stage {row.spec.number} needs {', '.join(names)} in {where}: run stage {stage} first"
            for stage, names in lacking.items()
        ]
