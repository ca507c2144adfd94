"""One task from its inputs on disk to its published bundle."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..config import RunConfig
from ..dataset.mat import write_mat
from ..dataset.memo import MemoStore
from ..dataset.publish import Publication
from ..dataset.stamps_log import log_line
from ..dataset.tree import Dataset
from ..errors import DatasetError, MatError, StageError, explained, is_damage
from ..parallel.context import Context
from ..parallel.interruption import Interrupted
from ..parallel.memory import release_freed_memory
from ..parallel.team import Team
from ..stages.base import NoPointsLeft, Scope, artifact_fields
from .backends import declared_kernels
from .choices import program_of
from .events import Watcher
from .expected_memory import Extent, grid_size_of, kept, merged_extent, patch_extent
from .invalidation import drop_outdated_records, remove
from .loading import Found, find_inputs
from .passes import end_pass, keep_pass
from .plan import PlannedTask, first_of
from .presence import FLAGS, NO_PS, no_ps_stage, stamp
from .progress import TaskLog
from .records import task_record
from .remedies import remedy
from .replay import members, reference_directory, reference_root, replay_bundle, replay_record
from .saving import Bundle, bundle_of, publish
from .session import Session
from .standing import Standing
from .state import TargetState, fingerprint
from .table import NO_PS_FILE, VERSION_FILE, Task, maker, tasks
from .types import StageResult
from .visibility import await_bundles

BRIEF_SEC = 0.5
"""A task that takes no longer has not freed so much that it would be worth looking for."""


def run_task(
    session: Session, planned: PlannedTask, team: Team, watcher: Watcher, threads: int = 1
) -> StageResult:
    """Run one task on ranks of some threads and return its row; collective over `team`.

    A known error becomes a row ``failed``; nothing of the task is published then.
    """
    row = planned.row
    result = planned.result(
        "failed",
        rank=team.rank,
        backend=session.config.runtime.backend,
        started_at=round(time.time(), 3),
    )
    special = "; ".join(filter(None, (planned.stale, planned.note)))
    title = f"{row.spec.name} ({special})" if special else row.spec.name
    log = TaskLog(watcher, result, title)
    status, busy, root = "failed", team.busy_sec, team.root_sec
    try:
        with team.agreed():
            log.check()
            details = _execute(session, row, planned, team, log, threads)
        status = "completed"
    except Exception as error:
        told = explained(error, f"stage {planned.stage} {planned.target}")
        if told is None:
            raise
        details = told
        result.rank = getattr(error, "rank", team.rank)
        result.signal = error.name if isinstance(error, Interrupted) else None
    there = session.dataset.root  # a task that failed early, or left no PS, removed nothing
    result.invalidates = [name for name in planned.invalidates if not (there / name).exists()]
    log.share_warnings(team)
    if time.perf_counter() - log.began > BRIEF_SEC:
        release_freed_memory()
    if team.size > 1:
        of_ranks = team.on_each(lambda: (team.busy_sec - busy, team.root_sec - root))
        result.busy_sec = tuple(seconds for seconds, _ in of_ranks)
        result.root_sec = of_ranks[0][1]
    return log.close(status, details)


def _execute(
    session: Session, row: Task, planned: PlannedTask, team: Team, log: TaskLog, threads: int
) -> str:
    if session.config.compat.strict_reference:
        return team.on_root(lambda: _replay(session, row, planned, log))
    dataset, target = session.dataset, planned.target
    directory = dataset.directory(target)
    parameters = session.parameters[target]
    params: Any = parameters.to_params(row.spec.params)

    # what an earlier pass left that this one must not read; it goes with the old result
    withheld = row.judged.intersection(planned.invalidates)
    patches = team.on_root(lambda: _patches_with_ps(session, row))
    workers = session.config.runtime.io_workers
    record = team.on_root(
        lambda: task_record(
            dataset, session.config, parameters, session.kernels, row, target, patches, withheld,
            workers if row.gathers else 1,
        )
    )  # fmt: skip
    if row.spec.scope == "merged":
        _tell_dropped(dataset, row, patches, log)

    def found() -> Found:
        with _with_remedy(dataset, row, target):
            return find_inputs(
                row.spec.inputs, directory, parameters, dataset, patches, row.judged,
                workers, withheld,
            )  # fmt: skip

    # a thousand ranks do not open the files of a thousand patches each
    files = team.on_root(found) if row.gathers else found()
    with _with_remedy(dataset, row, target):
        inputs = files.filled(row.spec.inputs)
    program = team.on_root(lambda: program_of(row.spec, session.config))
    made_with = fingerprint(record, program)
    memo = MemoStore(directory, planned.stage, made_with, log.warn, log.checkpoint)
    room = team.on_root(lambda: _room(session, row, target, patches, team.size))
    kernels = declared_kernels(session.kernels, row.spec)
    before = Standing(row, directory, record)
    ctx = Context(kernels, session.config, team, log, memo, threads, room, before)
    details = ""
    with _with_remedy(dataset, row, target):
        outputs = _solved(row, planned, inputs, params, ctx, log)
        if outputs is not None:
            _publish(session, planned, bundle_of(outputs), record, team, log)
    if outputs is None:
        log.fact("lost", "; ".join(log.notes))
        team.on_root(lambda: _record_no_ps(session, row, record, directory, log))
        details = f"no PS left: {'; '.join(log.notes)}" if log.notes else "no PS left"
        log.warn(f"{details}; the patch is left out")

    def conclude() -> None:
        memo.clear()
        end_pass(row, directory)
        _stamps_log(session.config, directory, row, log)

    team.on_root(conclude)
    return details


def _publish(
    session: Session,
    planned: PlannedTask,
    bundle: Bundle,
    record: dict[str, Any],
    team: Team,
    log: TaskLog,
) -> None:
    """Publish the bundle of a task; what it outdates goes, its record comes before its marker."""
    row, dataset = planned.row, session.dataset
    directory = dataset.directory(planned.target)
    bookkeeping = _bookkeeping(row, directory)
    if planned.adds:
        bundle, bookkeeping = {name: bundle[name] for name in planned.adds}, {}
    own = not planned.adds  # else the task stays what it was: another program's

    def make_way() -> None:
        if own:
            keep_pass(row, directory, record)
        remove(dataset, planned.invalidates, directory, row.mode)

    def before_moves(marker: Path) -> None:
        if own:
            _record(session, row, record, directory, log.row.facts, marker)

    name, output = f"{session.run_id}-{planned.stage}", session.config.output
    names = publish(row, bundle, directory, team, output, name, bookkeeping, make_way, before_moves)
    log.invalidated(planned.invalidates)
    _tell_published(dataset, directory, names, log)


def _solved(
    row: Task, planned: PlannedTask, inputs: Any, params: Any, ctx: Context, log: TaskLog
) -> Any:
    """Return the outputs of a stage, None if no point of the patch is left."""
    try:
        outputs = row.spec.solve(inputs, params, ctx)
    except NoPointsLeft as lost:
        if planned.adds or not row.spec.counts:
            raise
        log.note(str(lost))
        return None
    lost_all = row.spec.counts and log.row.facts[row.spec.counts] == 0
    return None if lost_all and not planned.adds else outputs


def _room(session: Session, row: Task, target: str, patches: tuple[str, ...], ranks: int) -> float:
    """Return the memory that is left for pieces beside what the stage keeps [bytes]."""
    directory = session.dataset.directory
    try:
        if row.spec.scope == "patch":
            extents = [patch_extent(directory(target), grid_size_of(session.parameters[target]))]
        else:
            extents = [merged_extent(directory(name)) for name in patches or (target,)]
    except (DatasetError, MatError):
        extents = []  # what is wrong with the files the stage says
    points = sum(extent.points for extent in extents)
    whole = replace(extents[0], points=points) if extents else Extent(0, 0, 0)
    return max(session.memory.planned - kept(row.spec, whole, ranks), 0)


def _replay(session: Session, row: Task, planned: PlannedTask, log: TaskLog) -> str:
    """Publish the bundle of the reference instead of computing it."""
    dataset = session.dataset
    directory = dataset.directory(planned.target)
    reference = reference_root(session.config)
    assert reference is not None
    source = reference_directory(dataset, reference, planned.target)
    lost = no_ps_stage(source) if row.spec.scope == "patch" else None
    record = replay_record(row, reference)
    names = members(row, source) if lost is None or lost > row.spec.number else []
    if names:
        fsync, name = session.config.output.fsync, f"{session.run_id}-{planned.stage}"
        extra = _bookkeeping(row, directory)
        make_way = partial(remove, dataset, planned.invalidates, directory, row.mode)
        before_moves = partial(_record, session, row, record, directory, {})
        replay_bundle(row, names, source, directory, name, fsync, extra, make_way, before_moves)
        end_pass(row, directory)
        log.invalidated(planned.invalidates)
        _tell_published(dataset, directory, [*extra, *names], log)
        details = f"replayed {len(names)} artifacts from the reference root"
    else:
        _record_no_ps(session, row, record, directory, log)
        details = "no PS left"
    _stamps_log(session.config, directory, row, log)
    return details


def _tell_published(dataset: Dataset, directory: Path, names: list[str], log: TaskLog) -> None:
    below = directory.relative_to(dataset.root).as_posix()
    folder = "" if below == "." else f"{below}/"
    for name in names:
        with suppress(OSError):  # another node has written it, and it does not show here yet
            log.published(f"{folder}{name}.mat", os.stat(f"{directory}/{name}.mat").st_size)


@contextmanager
def _with_remedy(dataset: Dataset, row: Task, target: str) -> Iterator[None]:
    """Say of an input that cannot be used how it is made again."""
    try:
        yield
    except MatError as error:
        if not is_damage(error.__cause__):
            raise
        for artifact, scope, directory in _inputs(dataset, row, target):
            source = maker(artifact, scope, row.mode)
            if source is not None and f"{directory / artifact}.mat" in str(error):
                missing = str(error).endswith("file does not exist")
                advice = f"run stage {source.spec.number}" if missing else remedy(source, directory)
                raise MatError(f"{error}; {advice}") from None
        raise


def _inputs(dataset: Dataset, row: Task, target: str) -> Iterator[tuple[str, Scope, Path]]:
    """Yield the artifacts that a task reads, and where they lie."""
    for item in row.reads:
        yield item.artifact, row.spec.scope, dataset.directory(target)
    nested = row.patch_inputs
    for item in artifact_fields(nested) if nested else ():
        for patch in dataset.patches:
            yield item.artifact, "patch", dataset.directory(patch)


def _patches_with_ps(session: Session, row: Task) -> tuple[str, ...]:
    """Return the patches a task reads, once what other ranks published there can be seen."""
    gathered = row.gathers
    if gathered is None:
        return ()
    dataset = session.dataset
    made = {planned.target for planned in session.due if planned.row is gathered}
    await_bundles(dataset, sorted(made), gathered)
    kept = tuple(n for n in dataset.patches if no_ps_stage(dataset.directory(n)) is None)
    if not kept:
        raise StageError(_all_lost(dataset, row))
    return kept


def _all_lost(dataset: Dataset, row: Task) -> str:
    """Say after which stage the patches had no PS left, and why the first of each."""
    lost: dict[int, list[str]] = {}
    for name in dataset.patches:
        lost.setdefault(no_ps_stage(dataset.directory(name)) or 0, []).append(name)
    told = []
    for stage, names in lost.items():
        records = TargetState.load(dataset.directory(names[0])).records
        why = records.get(stage, {}).get("facts", {}).get("lost")
        told.append(f"{first_of(names)} after stage {stage}" + (f" ({why})" if why else ""))
    patch_stages = [each.spec for each in tasks(row.mode) if each.spec.scope == "patch"]
    advice = {spec.number: spec.none_left for spec in patch_stages}.get(max(lost))
    return f"no patch has PS left: {', '.join(told)}" + (f"; {advice}" if advice else "")


def _tell_dropped(dataset: Dataset, row: Task, patches: tuple[str, ...], log: TaskLog) -> None:
    lost = [name for name in dataset.patches if name not in patches] if patches else []
    if lost and row.gathers is not None:
        log.note(f"without {', '.join(lost)} (no PS left)")
        log.fact("dropped_patches", lost)


def _bookkeeping(row: Task, directory: Path) -> dict[str, dict[str, Any]]:
    """Return the files that StaMPS' driver expects beside the bundle of a stage."""
    files: dict[str, dict[str, Any]] = {}
    if VERSION_FILE in row.bookkeeping:
        files[VERSION_FILE] = {"psver": np.full((1, 1), float(row.spec.psver))}
    if NO_PS_FILE in row.bookkeeping or (row.spec.scope == "patch" and no_ps_stage(directory)):
        files[NO_PS_FILE] = {NO_PS: np.zeros((FLAGS, 1))}
    return files


def _record_no_ps(
    session: Session, row: Task, record: dict[str, Any], directory: Path, log: TaskLog
) -> None:
    """Record that a stage left no PS: flag it, remove the patch's artifacts from there on.

    What was merged stands until there is a new merge.
    """
    number = row.spec.number
    flags = np.zeros((FLAGS, 1))
    flags[number - 1] = 1
    found = [
        path
        for other in tasks(row.mode)
        if other.spec.scope == "patch" and other.spec.number >= number
        for name in reversed(other.bundle)
        if (path := directory / f"{name}.mat").exists()
    ]
    with Publication(directory, f"{session.run_id}-{number}") as publication:
        write_mat(publication.path(NO_PS_FILE), {NO_PS: flags})
        for path in found:
            path.unlink(missing_ok=True)
        log.invalidated(tuple(path.relative_to(session.dataset.root).as_posix() for path in found))
        drop_outdated_records(session.dataset, directory, row.mode)
        publication.commit(
            [NO_PS_FILE],
            before_moves=lambda _: _record(session, row, record, directory, log.row.facts, None),
        )


def _record(
    session: Session,
    row: Task,
    record: dict[str, Any],
    directory: Path,
    facts: Mapping[str, Any],
    marker: Path | None,
) -> None:
    """Record a finished task, given its staged marker; None of one that left no PS."""
    state = TargetState.load(directory)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    number = row.spec.number
    written = stamp(marker.stat()) if marker is not None and marker.exists() else []
    state.records[number] = {
        **record,
        "marker": written,
        "run_id": session.run_id,
        "finished_utc": now,
        "facts": dict(facts),
    }
    if marker is None:  # the patch has nothing to do again from here on
        state.due = {stage for stage in state.due if stage < number}
    state.save(session.config.output.fsync)


def _stamps_log(config: RunConfig, directory: Path, row: Task, log: TaskLog) -> None:
    """Append one line in the format of StaMPS' own log."""
    if not config.output.stamps_log:
        return
    try:
        log_line(directory, row.spec.number, "; ".join(log.notes) or row.spec.name)
    except OSError as error:  # a courtesy: the results stand
        log.warn(f"{directory / 'STAMPS.log'}: {error.strerror}")
