"""Which tasks run and why: presence, staleness, force, points left; decided by reading alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from ..config import RunConfig
from ..dataset.tree import ROOT, Dataset
from ..errors import DatasetError, StaleError
from ..stages.base import Scope
from .finished import Finished
from .invalidation import outdated_files
from .passes import which_pass
from .presence import PRODUCTS
from .product_origins import read_origins
from .request import Request
from .table import Task, maker
from .types import StageResult

NAMED = 6
"""How many files a message names."""

Action = Literal["run", "skipped_existing", "skipped", "failed", "not_started"]


@dataclass(frozen=True)
class PlannedTask:
    """One task and what is to be done with it.

    ``row`` is its row of the stage table; ``reason`` says why it runs, ``stale`` why its result is
    out of date, ``note`` what is special about the run; ``adds`` names the artifacts it adds to a
    result that was not made here, which otherwise stays; ``invalidates`` and ``overwrites`` are
    paths below the root, the latter of results that were not made here. ``foreign``: finished by
    another program. ``extends`` names the artifacts of earlier tasks to which this one adds keys.
    """

    row: Task
    target: str
    action: Action
    details: str = ""
    stale: str = ""
    invalidates: tuple[str, ...] = ()
    reason: str = ""
    overwrites: tuple[str, ...] = ()
    note: str = ""
    adds: tuple[str, ...] = ()
    foreign: bool = False
    extends: tuple[str, ...] = ()

    @property
    def stage(self) -> int:
        """Number of the stage."""
        return self.row.spec.number

    @property
    def scope(self) -> Scope:
        """Whether the task is one of a patch or of the merged dataset."""
        return self.row.spec.scope

    def result(self, status: str, **more: Any) -> StageResult:
        """Return the row of the report for the task."""
        return StageResult(
            self.stage,
            self.scope,
            self.target,
            status,
            invalidates=list(self.invalidates),
            overwrites=list(self.overwrites),
            reason=self.reason,
            **more,
        )

    @property
    def path(self) -> str:
        """The marker of the task relative to the root, ``PATCH_3/pm1.mat``."""
        marker = self.row.marker_file
        return marker if self.target == ROOT else f"{self.target}/{marker}"


@dataclass
class Planner:
    """Decides the tasks of one request on one dataset.

    Parameters
    ----------
    finished : Finished
        What is there.
    request : Request
        Window and treatment of finished work.
    """

    finished: Finished
    request: Request
    _running: dict[str, set[int]] = field(default_factory=dict)
    _completed: dict[str, set[int]] = field(default_factory=dict)

    @property
    def dataset(self) -> Dataset:
        """The tree."""
        return self.finished.dataset

    @property
    def config(self) -> RunConfig:
        """The resolved configuration."""
        return self.finished.config

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
        for row in self.request.rows(self.finished.table):
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
                            self.finished.settings(row, target)
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
        table = self.finished.table
        window = self.request.rows(table)
        found = []
        for row in table[: table.index(window[0])]:
            for target in self._targets(row):
                if stale := self.finished.out_of_date(row, target):
                    found.append(PlannedTask(row, target, "skipped_existing", stale=stale))
        if found and self.config.runtime.stale_policy != "keep":
            part = "--part patches " if self.request.part == "merged" else ""
            raise StaleError(
                f"{self._listed(found)}, which stage {self.request.first} builds on: "
                f"run with {part}--start-step {found[0].stage}, or go on with --stale keep "
                "(runtime.stale_policy)"
            )
        return found

    def _listed(self, stale: list[PlannedTask]) -> str:
        paths = first_of([each.path for each in stale])
        are = "are" if len(stale) > 1 else "is"
        return f"{self.dataset.root}: {paths} {are} out of date ({stale[0].stale})"

    def _targets(self, row: Task) -> Iterable[str]:
        if row.spec.scope == "merged":
            return (ROOT,)
        names = self.request.patches
        return tuple(name for name in self.dataset.patches if names is None or name in names)

    def _decide(self, row: Task, target: str) -> PlannedTask:
        number, scope = row.spec.number, row.spec.scope
        due = self.request.redoes or number in self.finished.state(target).due
        earlier = self._running.get(target, set())
        if scope == "patch":
            lost = self.finished.lost(target)
            if lost is not None and not any(stage <= lost for stage in earlier):
                if lost < number:
                    details = f"no PS left after stage {lost}"
                    return PlannedTask(row, target, "skipped", details)
                if lost == number and not due:
                    return self._settle(row, target, f"no PS left after stage {lost}")
        reasons = list(self._reasons_to_run(row, target, due))
        missing = self.finished.missing(row, target)
        if not missing and not reasons:
            elsewhere = ", made elsewhere" if self.finished.foreign(row, target) else ""
            return self._settle(row, target, f"{row.marker_file} present{elsewhere}")
        lacks = missing and not reasons and row.spec.marker not in missing
        if lacks and self.finished.foreign(row, target) and not self._replays:
            return self._complete(row, target, missing)
        reasons = reasons or [f"{', '.join(f'{name}.mat' for name in missing)} missing"]
        stale = "" if missing else self.finished.stale_reason(row, target)
        return self._run(row, target, "; ".join(reasons), stale, due, stands=not missing)

    def _settle(self, row: Task, target: str, details: str) -> PlannedTask:
        """Return a finished task, or one that is made again because it is out of date."""
        stale = self.finished.stale_reason(row, target)
        if stale and self.config.runtime.stale_policy == "rerun":
            return self._run(row, target, "", stale, asked=False)
        details = f"{details}; out of date: {stale}" if stale else details
        foreign = self.finished.foreign(row, target)
        return PlannedTask(row, target, "skipped_existing", details, stale, foreign=foreign)

    def _reasons_to_run(self, row: Task, target: str, due: bool) -> Iterator[str]:
        """Yield why a task runs whether it is finished or not."""
        if due:
            named = "forced" if self.request.force else "asked for"
            yield named if self.request.redoes else "left of a forced run"
        elif earlier := self._running.get(target):
            yield f"after stage {max(earlier)}"
        elif row.spec.scope == "merged" and self._running:
            patches = [name for name in self._running if name != ROOT]
            yield f"after {first_of(patches)}"

    def _complete(self, row: Task, target: str, missing: list[str]) -> PlannedTask:
        """Return a task that adds what later ones need to a foreign result, which stays."""
        self._completed.setdefault(target, set()).add(row.spec.number)
        reason = f"{', '.join(f'{name}.mat' for name in missing)} missing, the rest made elsewhere"
        return PlannedTask(row, target, "run", reason=reason, adds=tuple(missing))

    def _run(
        self, row: Task, target: str, reason: str, stale: str, asked: bool, stands: bool = True
    ) -> PlannedTask:
        """Return a task that runs, with what it removes and replaces."""
        root, own = outdated_files(row)
        kept = frozenset() if self.request.force else self._foreign_products
        at_root, there = self.finished.files(ROOT), self.finished.files(target)
        removed = [name for name in root if name in at_root and name not in kept]
        removed += [f"{target}/{name}" for name in own if name in there]
        first = next(iter(self._running.values()), ())  # rows come in order: nothing runs earlier
        upstream = any(number < row.spec.number for number in first)
        record = self.finished.state(target).records.get(row.spec.number)
        directory = self.dataset.directory(target)
        read_back = row.read_back(self.finished.parameters[target])
        outdated, note = which_pass(row, read_back, directory, record, asked, upstream, stands)
        return PlannedTask(
            row,
            target,
            "run",
            stale=stale,
            invalidates=(*removed, *outdated),
            reason="; ".join(filter(None, (reason, stale, note))),
            overwrites=tuple(self.finished.foreign_files(row, target)),
            note=note,
            extends=tuple(self._extended(row, target)),
        )

    def _extended(self, row: Task, target: str) -> Iterator[str]:
        """Yield the artifacts, there or planned, to which a task adds keys."""
        for name in row.extends:
            source = maker(name, row.spec.scope, row.mode)
            planned = source is not None and source.spec.number in self._made(target)
            if planned or f"{name}.mat" in self.finished.files(target):
                yield name

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
            if each.action != "run" or each.stage in self.finished.state(each.target).due:
                continue
            names = [*each.overwrites, *(name for name in each.invalidates if name in foreign)]
            if names:
                raise DatasetError(
                    f"{self.dataset.root}: {first_of(names, NAMED)}: not made by "
                    f"pystamps-hpc; stage {each.stage} of {each.target} ({each.reason}) would "
                    "replace or remove them: move them away to keep them, or insist with --force"
                )

    @cached_property
    def _foreign_products(self) -> frozenset[str]:
        """The files of maps and tables that were not made here."""
        known = read_origins(self.dataset.root)
        foreign = (PRODUCTS[product] for product in PRODUCTS if product not in known)
        return frozenset(name for files in foreign for name in files)

    def _foreign_files(self) -> Iterator[str]:
        """Yield the files, relative to the root, of tasks that were not done here."""
        for row in self.finished.table:
            for target in self._targets(row):
                yield from self.finished.foreign_files(row, target)

    @property
    def _replays(self) -> bool:
        """Whether tasks take their artifacts from a reference and so need no inputs."""
        return self.config.compat.strict_reference

    def _require_inputs(self, row: Task, target: str) -> None:
        if self._replays:
            return
        problems = []
        gathered = row.gathers
        if gathered is not None:
            for patch in self.dataset.patches:
                if gathered.spec.number in self._made(patch):
                    continue
                if self.finished.lost(patch) is None:
                    problems += self._missing(row, patch, "patch")
        problems += self._missing(row, target, row.spec.scope)
        if problems:
            raise DatasetError("; ".join(problems))

    def _made(self, target: str) -> set[int]:
        """Return the stages of which this plan makes everything, or what is missing."""
        return self._running.get(target, set()) | self._completed.get(target, set())

    def _missing(self, row: Task, target: str, scope: Scope) -> list[str]:
        made, files = self._made(target), self.finished.files(target)
        lacking: dict[int, list[str]] = {}
        for name, stages in row.needs[scope].items():
            if name not in files and made.isdisjoint(stages):
                lacking.setdefault(stages[0], []).append(name)
        where = self.dataset.root if target == ROOT else target
        return [
            f"stage {row.spec.number} needs {', '.join(names)} in {where}: run stage {stage} first"
            for stage, names in lacking.items()
        ]


def first_of(names: Sequence[str], most: int = 1) -> str:
    """Name the first of many, ``PATCH_1 and 41 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
