"""Which tasks run: presence, staleness, force, points left; decided without touching anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from ..config import RunConfig
from ..dataset.mat import MatFile, read_mat
from ..dataset.parameters import Parameters
from ..dataset.tree import ROOT, Dataset
from ..errors import ConfigError, DatasetError, MatError, StaleError
from ..stages.base import Scope, artifact_fields
from .loading import input_files
from .state import TargetState, digest, plain, stale_reason
from .table import Task, maker, patch_inputs, tasks

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
    """One task and what is to be done with it."""

    stage: int
    scope: Scope
    target: str
    action: Action
    details: str = ""
    stale: str = ""
    invalidates: tuple[str, ...] = ()


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
    """

    dataset: Dataset
    config: RunConfig
    parameters: Mapping[str, Parameters]
    request: Request
    _states: dict[str, TargetState] = field(default_factory=dict)
    _running: dict[str, set[int]] = field(default_factory=dict)

    def plan(self) -> list[PlannedTask]:
        """Return every task of the window in report order.

        Raises
        ------
        DatasetError
            An input that no earlier task of the plan makes is missing, or a patch name is unknown.
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
                            self.parameters[target].to_params(row.spec.params)
                    self._running.setdefault(target, set()).add(row.spec.number)
                planned.append(task)
        return planned

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

    def _decide(self, row: Task, target: str) -> PlannedTask:
        number, scope = row.spec.number, row.spec.scope
        directory = self.dataset.directory(target)

        def task(action: Action, details: str = "", stale: str = "") -> PlannedTask:
            removed = tuple(invalidated(self.dataset, row, target)) if action == "run" else ()
            return PlannedTask(number, scope, target, action, details, stale, removed)

        due = self.request.force or number in self.state(target).due
        earlier = self._running.get(target, set())
        if scope == "patch":
            lost = no_ps_stage(directory)
            if lost is not None and not any(stage <= lost for stage in earlier):
                if lost < number:
                    return task("skipped", f"no PS left after stage {lost}")
                if lost == number and not due:
                    return task("skipped_existing", f"no PS left after stage {lost}")
        if due or earlier or (scope == "merged" and self._running):
            return task("run")
        if missing_members(row, directory):
            return task("run")
        stale = self.stale_reason(row, target)
        if not stale:
            return task("skipped_existing", f"{row.spec.marker}.mat present")
        policy = self.config.runtime.stale_policy
        if policy == "fail":
            raise StaleError(f"{target}/{row.spec.marker}.mat is stale: {stale}")
        if policy == "rerun":
            return task("run", stale=stale)
        details = f"{row.spec.marker}.mat present; stale: {stale} (use --stale rerun or --force)"
        return task("skipped_existing", details, stale)

    def stale_reason(self, row: Task, target: str) -> str:
        """Say why a finished task is out of date; empty when it is not, or has no record."""
        record = self.state(target).records.get(row.spec.number)
        if record is None or "replayed_from" in record:
            return ""
        now = task_record(
            self.dataset, self.config, self.parameters[target], row, target, record["inputs"]
        )
        return stale_reason(record, now, feedback_inputs(row))

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
                if 5 in self._running.get(patch, set()):
                    continue
                if no_ps_stage(self.dataset.directory(patch)) is None:
                    problems += self._missing(nested, row, patch, "patch")
        problems += self._missing(row.spec.inputs, row, target, row.spec.scope)
        if problems:
            raise DatasetError("; ".join(problems))

    def _missing(self, cls: type, row: Task, target: str, scope: Scope) -> list[str]:
        directory = self.dataset.directory(target)
        made = {
            name
            for other in tasks()
            if other.spec.scope == scope and other.spec.number in self._running.get(target, set())
            for name in other.bundle
        }
        lacking: dict[int, list[str]] = {}
        for item in artifact_fields(cls):
            source = maker(item.artifact, scope)
            if item.optional or item.artifact in made or source is None:
                continue
            if not (directory / f"{item.artifact}.mat").exists():
                names = lacking.setdefault(source.spec.number, [])
                if f"{item.artifact}.mat" not in names:
                    names.append(f"{item.artifact}.mat")
        where = self.dataset.root if target == ROOT else target
        return [
            f"stage {row.spec.number} needs {', '.join(names)} in {where}: run stage {stage} first"
            for stage, names in lacking.items()
        ]


def missing_members(row: Task, directory: Path) -> list[str]:
    """Return the required artifacts of a task that are missing, empty or (marker) unreadable."""
    missing = []
    for name in row.required:
        path = directory / f"{name}.mat"
        if not path.exists() or path.stat().st_size == 0:
            missing.append(name)
        elif name == row.spec.marker:
            try:
                with MatFile(path) as file:
                    _ = file.variables
            except MatError:
                missing.append(name)
    return missing


def no_ps_stage(directory: Path) -> int | None:
    """Return the first stage after which a patch had no PS left, None while it has some."""
    path = directory / "no_ps_info.mat"
    if not path.exists():
        return None
    try:
        flags = read_mat(path)["stamps_step_no_ps"].reshape(-1)
    except (MatError, KeyError):
        return None
    lost = [stage for stage, flag in enumerate(flags, 1) if flag]
    return lost[0] if lost else None


def feedback_inputs(row: Task) -> frozenset[str]:
    """Return the files that a task reads although later stages write them."""
    names = set()
    for item in row.reads:
        source = maker(item.artifact, row.spec.scope)
        if source is not None and source.spec.number > row.spec.number:
            names.add(f"{item.artifact}.mat")
    return frozenset(names)


def task_record(
    dataset: Dataset,
    config: RunConfig,
    parameters: Parameters,
    row: Task,
    target: str,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a task would be made with now.

    Parameters
    ----------
    dataset, config, parameters : Dataset, RunConfig, Parameters
        Of the target.
    row : Task
        Row of the stage table.
    target : str
        Patch or ``"root"``.
    known : mapping, optional
        Earlier digests by relative path, so that unchanged files are not read again.
    """
    params: Any = parameters.to_params(row.spec.params)
    found = _input_paths(dataset, parameters, row, target)
    paths = {_relative(path, dataset.root): path for path in found}
    order = {} if patch_inputs(row) is None else {"patch.list": plain(dataset.patches)}
    return {
        "stage": row.spec.number,
        "scope": row.spec.scope,
        "science_version": row.spec.version,
        "params": {
            "small_baseline_flag": parameters.small_baselines,
            **{item.name: plain(getattr(params, item.name)) for item in fields(params)},
        },
        "config": {**order, **{key: plain(config.value(key)) for key in row.spec.config}},
        "inputs": {name: digest(path, (known or {}).get(name)) for name, path in paths.items()},
    }


def _relative(path: Path, root: Path) -> str:
    """Return the path below the root; a file that a link brings in keeps its full name."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _input_paths(
    dataset: Dataset, parameters: Parameters, row: Task, target: str
) -> Iterable[Path]:
    nested = patch_inputs(row)
    if nested is not None:
        for patch in dataset.patches:
            if no_ps_stage(dataset.directory(patch)) is None:
                yield from input_files(nested, dataset.directory(patch), parameters)
    own = {f"{name}.mat" for name in row.bundle}
    paths = input_files(row.spec.inputs, dataset.directory(target), parameters)
    yield from (path for path in paths if path.name not in own)


FOREIGN_PRODUCTS = {"mv2": 8, "scla_sb2": 7, "scla_smooth_sb2": 7}
"""Root artifacts of StaMPS that we do not write (yet), with the stage they follow."""


def invalidated(dataset: Dataset, row: Task, target: str) -> list[str]:
    """Return the existing files that running a task removes, relative to the root.

    Markers come first, in descending stage order. The smoothed SCLA survives a new stage 6, which
    subtracts it before unwrapping; every earlier stage removes it.
    """
    number = row.spec.number
    if row.spec.scope == "patch":
        pairs = [(ROOT, name) for name in _products("merged", 5)]
        pairs += [(target, name) for name in _products("patch", number + 1)]
    else:
        names = _products("merged", number + 1)
        if number == 6:
            names = [name for name in names if not name.startswith("scla_smooth")]
        pairs = [(ROOT, name) for name in names]
    paths = (dataset.directory(where) / f"{name}.mat" for where, name in pairs)
    return [path.relative_to(dataset.root).as_posix() for path in paths if path.exists()]


def _products(scope: Scope, first: int) -> list[str]:
    """Return what a scope makes from stage `first` on: last stage first, markers first.

    A file that an earlier stage makes and a later one extends belongs to the earlier.
    """
    names: list[str] = []
    for row in reversed(tasks()):
        if row.spec.scope == scope and row.spec.number >= first:
            owned = (name for name in reversed(row.bundle) if maker(name, scope) is row)
            names += owned
    if scope == "merged":
        names += [name for name, stage in FOREIGN_PRODUCTS.items() if stage >= first]
    return names
