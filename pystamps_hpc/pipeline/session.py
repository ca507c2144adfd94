"""A planned run: what every rank of it knows before work starts."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from pystamps_kernels.dispatch import KernelTable

from ..config import RunConfig
from ..dataset.parameters import Parameters
from ..dataset.tree import ROOT, Dataset, discover_dataset, require_patches, state_path
from ..parallel.memory import MemoryBudget
from ..stages.base import Mode
from .choices import require_tools, resolve_choices
from .finished import Finished
from .outlook import first_stage
from .plan import PlannedTask, Planner
from .replay import reference_root, require_own_directories
from .request import Request
from .run_parameters import differing_patches, of_other_mode, read_parameters
from .table import mode_of, stage_numbers
from .types import PipelineContext


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
    def mode(self) -> Mode:
        """Single master or small baselines."""
        return mode_of(self.parameters[ROOT])

    @property
    def folder(self) -> Path:
        """Where the run keeps its report and its log."""
        return state_path(self.dataset.root, "runs", self.run_id)

    @property
    def due(self) -> list[PlannedTask]:
        """The tasks that are to run, in report order."""
        return [planned for planned in self.plan if planned.action == "run"]

    @cached_property
    def chains(self) -> dict[str, list[PlannedTask]]:
        """Patch -> its tasks that are to run, in report order."""
        found: dict[str, list[PlannedTask]] = {}
        for planned in self.due:
            if planned.scope == "patch":
                found.setdefault(planned.target, []).append(planned)
        return found


def prepare(context: PipelineContext, kernels: KernelTable) -> Session:
    """Discover the dataset, read parameters and plan; only reads.

    Raises
    ------
    PystampsError
        Whatever is wrong with dataset, parameters, configuration or window.
    """
    dataset = discover_dataset(context.dataset_root, need_patches=False)
    request = Request(
        _start(context, dataset),
        context.end_step,
        context.part,
        context.patches,
        context.force,
        context.keep_going,
        context.again,
    )
    config = resolve_choices(context.run_config, context.native_only)
    if any(request.first <= n <= request.end for n in stage_numbers("patch")):
        require_patches(dataset)
    reference = reference_root(config)
    parameters, recognised = read_parameters(dataset, request.window, needed=reference is None)
    finished = Finished(dataset, config, parameters, kernels)
    planner = Planner(finished, request)
    plan = planner.plan()
    upstream = planner.upstream()
    due = [planned for planned in plan if planned.action == "run"]
    if reference is None:
        require_tools(config, [planned.row.spec for planned in due], finished.mode)
    else:
        require_own_directories(dataset, [planned.target for planned in due], reference)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    run_id = f"{stamp}-{secrets.token_hex(3)}"
    warnings = (
        *recognised,
        *differing_patches(parameters),
        *(of_other_mode(parameters[ROOT]) if due else ()),
        *_continued(planner, plan),
        *_substituted(context.run_config, config, due),
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


def _start(context: PipelineContext, dataset: Dataset) -> int:
    """Return the first stage of a run, which merged points without patches need not be told."""
    first = first_stage(dataset)
    chosen = context.start_step > stage_numbers()[0] or context.part == "patches"
    return context.start_step if chosen or context.end_step < first else first


def _substituted(asked: RunConfig, config: RunConfig, due: list[PlannedTask]) -> Iterator[str]:
    """Yield a warning where a free program stands in for one that is not installed."""
    chosen = (asked.runtime.triangulator, config.runtime.triangulator)
    needed = any("triangulator" in planned.row.spec.tools for planned in due)
    if chosen == ("auto", "native") and needed:
        yield (
            "Triangle is not installed (extra 'unwrap'): Qhull makes the network; points on one "
            "circle may be joined differently than by StaMPS"
        )


def _continued(planner: Planner, plan: list[PlannedTask]) -> Iterator[str]:
    """Yield a message when an earlier ``--force`` asked for work that was not done."""
    running = [task for task in plan if task.action == "run"]
    left = [task for task in running if task.stage in planner.finished.state(task.target).due]
    if left and not planner.request.redoes:
        yield f"a forced run had left {len(left)} tasks to be done again"
