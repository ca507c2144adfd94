"""What every rank of a run knows before work starts, and what the root does before it."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pystamps_kernels.dispatch import KernelTable

from ..config import RunConfig
from ..dataset import candidates
from ..dataset import parameters as parms
from ..dataset.candidates import sensor_parameters
from ..dataset.findings import Findings
from ..dataset.parameters import Parameters
from ..dataset.publish import staging_root, write_text
from ..dataset.tree import ROOT, Dataset, discover_dataset, state_path
from ..errors import DatasetError, MpiEnvironmentError
from ..parallel.memory import MemoryBudget
from ..parallel.team import Team
from .choices import require_tools, resolve_choices
from .finished import Finished
from .plan import PlannedTask, Planner
from .presence import missing_members
from .replay import reference_root, require_own_directories
from .request import Request
from .state import TargetState
from .table import task, tasks
from .types import PipelineContext
from .visibility import becomes_true


@dataclass(frozen=True)
class Session:
    """A planned run; picklable, the same on all ranks.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    config : RunConfig
        Configuration in which every choice that changes numbers is made.
    parameters : mapping
        Target -> parameters.
    kernels : KernelTable
        Kernels bound to backends.
    plan : tuple of PlannedTask
        All tasks of the window, in report order.
    run_id : str
        Name of the run.
    keep_going : bool
        Whether a failed patch lets the others go on.
    upstream : tuple of PlannedTask
        Finished tasks before the window that are out of date and kept.
    warnings : tuple of str
        What the user should know before work starts.
    memory : MemoryBudget
        Memory of a rank.
    """

    dataset: Dataset
    config: RunConfig
    parameters: Mapping[str, Parameters]
    kernels: KernelTable
    plan: tuple[PlannedTask, ...]
    run_id: str
    keep_going: bool
    upstream: tuple[PlannedTask, ...] = ()
    warnings: tuple[str, ...] = ()
    memory: MemoryBudget = field(default_factory=MemoryBudget)

    @property
    def folder(self) -> Path:
        """Where the run keeps its report and its log."""
        return _runs(self.dataset.root) / self.run_id


def prepare(context: PipelineContext, kernels: KernelTable) -> Session:
    """Discover the dataset, read parameters and plan; only reads.

    Raises
    ------
    PystampsError
        Whatever is wrong with dataset, parameters, configuration or window.
    """
    request = Request(
        context.start_step,
        context.end_step,
        context.part,
        context.patches,
        context.force,
        context.keep_going,
        context.again,
    )
    config = resolve_choices(context.run_config, context.native_only)
    dataset = discover_dataset(context.dataset_root, need_patches=request.first <= 5)
    reference = reference_root(config)
    parameters, recognised = _parameters(
        dataset, sensor=request.first == 1, needed=reference is None
    )
    require_mode(parameters)
    finished = Finished(dataset, config, parameters, kernels)
    planner = Planner(finished, request)
    plan = planner.plan()
    upstream = planner.upstream()
    due = [planned for planned in plan if planned.action == "run"]
    if reference is None:
        require_tools(config, [task(planned.stage, planned.scope).spec for planned in due])
    else:
        require_own_directories(dataset, [planned.target for planned in due], reference)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    run_id = f"{stamp}-{secrets.token_hex(3)}"
    warnings = (
        *recognised,
        *_own_parameters(parameters),
        *_continued(planner, plan),
        *_substituted(context.run_config, config, [p.stage for p in due]),
    )
    return Session(
        dataset,
        config,
        parameters,
        kernels,
        tuple(plan),
        run_id,
        context.keep_going,
        tuple(upstream),
        warnings,
    )


def require_mode(parameters: Mapping[str, Parameters]) -> None:
    """Refuse small baselines while a stage cannot process them.

    Raises
    ------
    DatasetError
        Names the stages.
    """
    lacking = [row.spec.number for row in tasks() if "sb" not in row.spec.modes]
    if lacking and any(own.small_baselines for own in parameters.values()):
        raise DatasetError(
            f"small_baseline_flag='y' is not supported in stages {lacking[0]}-{lacking[-1]}; "
            "supported: 'n'"
        )


def _own_parameters(parameters: Mapping[str, Parameters]) -> Iterator[str]:
    """Yield a warning for every patch whose ``parms.mat`` differs from the root's."""
    root = parameters[ROOT]
    for name, own in parameters.items():
        if own.file != root.file and own.file.exists():
            for key, (here, there) in parms.disagreements(own, root).items():
                yield f"{name}/parms.mat: {key} is {here}, in the root {there}; {here} holds here"


def _substituted(asked: RunConfig, config: RunConfig, stages: list[int]) -> Iterator[str]:
    """Yield a warning where a free program stands in for one that is not installed."""
    chosen = (asked.runtime.triangulator, config.runtime.triangulator)
    if chosen == ("auto", "native") and {4, 7} & set(stages):
        yield (
            "Triangle is not installed (extra 'unwrap'): Qhull makes the network; points on one "
            "circle may be joined differently than by StaMPS"
        )


def _continued(planner: Planner, plan: list[PlannedTask]) -> Iterator[str]:
    """Yield a message when an earlier ``--force`` asked for work that was not done."""
    left = [task for task in plan if task.stage in planner.finished.state(task.target).due]
    if left and not planner.request.redoes:
        yield f"a forced run had left {len(left)} tasks to be done again"


def _parameters(
    dataset: Dataset, sensor: bool, needed: bool
) -> tuple[dict[str, Parameters], list[str]]:
    """Read the parameters of every target, with the sensor values that stage 1 finds out.

    Also returns a warning where the processor is said nowhere and the files had to tell it.
    """
    found = parms.load_all(dataset)
    values = _sensor_values(dataset, found[ROOT], needed) if sensor else {}
    filled = {id(own): own.with_values(values) for own in found.values()}  # what is shared stays so
    warnings = []
    if "insar_processor" in values:
        warnings.append(
            f"{dataset.root / 'processor.txt'}: not found; by their files the interferograms are "
            f"of {values['insar_processor']}, kept as insar_processor in parms.mat"
        )
    return {name: filled[id(own)] for name, own in found.items()}, warnings


def _sensor_values(dataset: Dataset, root: Parameters, needed: bool) -> Mapping[str, str | float]:
    """Read heading, wavelength and platform; a loaded dataset no longer needs the files."""
    first = tasks()[0]
    folders = [dataset.directory(name) for name in dataset.patches]
    found = Findings()
    values = found.tried(sensor_parameters, dataset.root, root, folders)
    if needed and values is None:
        waiting = [folder for folder in folders if missing_members(first, folder)]
        for examined in candidates.examine(dict.fromkeys(waiting, root)):
            found.messages += examined.problems
        if waiting:
            found.require_none()
    return values or {}


def before_work(session: Session, context: PipelineContext, team: Team) -> list[str]:
    """Prepare the tree for the plan; collective.

    Removes leftovers of dead runs, writes the parameters that stage 1 found out, marks forced
    tasks, and makes sure that every rank sees the dataset.

    Returns
    -------
    list of str
        What the user should know about it.
    """

    def clear() -> list[str]:
        try:
            return _clear_the_way(session, context)
        except OSError as error:
            raise DatasetError(
                f"data set is not writable: {error.filename or session.dataset.root} "
                f"({error.strerror})"
            ) from None

    messages = team.on_root(clear)
    with team.agreed():
        _require_sight(session, team.rank)
    return messages


def _clear_the_way(session: Session, context: PipelineContext) -> list[str]:
    dataset = session.dataset
    due = [planned for planned in session.plan if planned.action == "run"]
    session.folder.mkdir(parents=True, exist_ok=True)
    targets = (ROOT, *dataset.patches) if context.patches is None else context.patches
    leftovers = 0
    for target in targets:
        directory = dataset.directory(target)
        staging = staging_root(directory)
        leftovers += len(list(staging.iterdir())) if staging.is_dir() else 0
        shutil.rmtree(staging, ignore_errors=True)
        for place in (directory, state_path(directory), directory / "products"):
            for half_written in place.glob(".*.[0-9]*.tmp"):
                half_written.unlink(missing_ok=True)
    if any(planned.stage == 1 for planned in due):
        _save_parameters(session)
    if context.force or context.again:
        for target in {planned.target for planned in due}:
            state = TargetState.load(dataset.directory(target))
            state.due |= {planned.stage for planned in due if planned.target == target}
            state.save()
        write_text(session.folder / "forced", _start(context.command))
    return (
        [f"removed what {leftovers} interrupted tasks had left half-written"] if leftovers else []
    )


def already_forced(root: Path, command: tuple[str, ...]) -> bool:
    """Whether an earlier start of this SLURM job, by this command, has marked all it has to redo.

    The mark is on the dataset: what is left of it is redone without being forced once more.
    """
    if not int(os.environ.get("SLURM_RESTART_COUNT") or 0):
        return False
    marks = _runs(root).glob("*/forced")
    return any(mark.read_text(encoding="utf-8") == _start(command) for mark in marks)


def _runs(root: Path) -> Path:
    return state_path(root, "runs")


def _start(command: tuple[str, ...]) -> str:
    return " ".join((os.environ.get("SLURM_JOB_ID", ""), *command))


def _save_parameters(session: Session) -> None:
    known = parms.load(session.dataset.root)
    if not known.file.exists() or parms.disagreements(known, session.parameters[ROOT]):
        parms.save(session.parameters[ROOT])


def _require_sight(session: Session, rank: int) -> None:
    if not becomes_true(session.folder.exists):
        raise MpiEnvironmentError(
            f"rank {rank} on {os.uname().nodename} does not see {session.dataset.root}: "
            "the data set must be on a file system shared by all nodes"
        )


def remove(dataset: Dataset, relative: tuple[str, ...], directory: Path) -> None:
    """Delete what a task outdates, in the order given, and the records in the task's directory.

    Every rank may remove artifacts of the root; its records are dropped by :func:`forget`.
    """
    for name in relative:
        (dataset.root / name).unlink(missing_ok=True)
    forget(dataset, directory)


def forget(dataset: Dataset, directory: Path) -> None:
    """Drop the records of tasks whose marker is gone."""
    scope = "merged" if directory == dataset.root else "patch"
    state = TargetState.load(directory)
    outdated = [
        row.spec.number
        for row in tasks()
        if row.spec.scope == scope
        and row.spec.number in state.records
        and not (directory / f"{row.spec.marker}.mat").exists()
    ]
    for number in outdated:
        del state.records[number]
    if outdated:
        state.save()
