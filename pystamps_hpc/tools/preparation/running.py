"""A preparation as a run: lock, log and events around it."""

import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ...config import RunConfig
from ...dataset.lock import DatasetLock, new_owner
from ...dataset.stamps_log import log_line
from ...dataset.tree import ROOT, Dataset, state_path
from ...errors import Exit, PystampsError
from ...parallel.context import Context
from ...parallel.cpus import cpu_budget
from ...parallel.memory import memory_budget
from ...parallel.team import Team
from ...pipeline.backends import resolve_kernels
from ...pipeline.events import RunFinished, RunStarted, TaskFinished, Watcher, ignore
from ...pipeline.progress import TaskLog
from ...pipeline.report import peak_memory_mib
from ...pipeline.stages import keep_last, locked
from ...pipeline.types import StageResult
from ...stages.prepare.selection import KERNELS
from ..drawing.page import load_matplotlib_beside
from . import Options, Prepared, plan_preparation, prepare_stack
from .layout import Layout
from .overview import show_patches
from .picture import candidates_picture

STAGE = 0
"""Number of the preparation in events."""


def run_preparation(
    root: Path,
    options: Options,
    config: RunConfig,
    team: Team,
    watcher: Watcher = ignore,
    command: tuple[str, ...] = (),
    break_lock: bool = False,
) -> Prepared:
    """Prepare a dataset while it is locked; collective when several ranks run it.

    Parameters
    ----------
    root : Path
        The dataset.
    options : Options
        Threshold, patches and the like.
    config : RunConfig
        Configuration.
    team : Team
        Ranks.
    watcher : Watcher, optional
        Told what happens.
    command : tuple of str
        Command line, for the lock and the log.
    break_lock : bool
        Whether a foreign lock is removed.

    Raises
    ------
    DatasetError
        As :func:`prepare_stack`, or the dataset is in use or cannot be written.
    """
    config = config.resolved()
    kernels = resolve_kernels(config, team, names=KERNELS)
    memory = memory_budget(team.members, config.runtime.memory_gb).planned
    root = root.resolve()
    layout = team.on_root(lambda: plan_preparation(root, options, config, team.size, memory))
    run_id = team.on_root(_run_id)
    folder = state_path(root, "runs", run_id)
    lock = DatasetLock(root, new_owner(run_id, command), None, break_lock)
    with locked(Dataset(root, ()), lock, team) as taken_over:
        team.on_root(lambda: _make_folder(folder))
        watcher(RunStarted(folder, run_id, command, lock.owner))
        row = StageResult(STAGE, "merged", ROOT, "failed", started_at=round(time.time(), 3))
        log = TaskLog(watcher, row, f"Prepare {layout.summary}")
        for message in taken_over:
            log.warn(message)
        threads = cpu_budget(team.members, team.rank, config.runtime.cpu_workers).threads
        ctx = Context(kernels, config, team, log, threads=threads)
        try:
            if team.rank == 0:  # which draws
                load_matplotlib_beside()
            with team.agreed():
                found = prepare_stack(
                    layout, options.force, ctx, run_id, lambda found: _picture(layout, found, log)
                )
        except Exception as error:
            watcher(RunFinished(getattr(error, "exit_code", Exit.INTERNAL)))
            raise
        log.share_warnings(team)
        details = f"{sum(found.candidates.values()):,} candidates"
        row = log.close("completed", details)
        if config.output.stamps_log:
            team.on_root(lambda: log_line(root, "prep", details))
        watcher(TaskFinished(STAGE, "merged", ROOT, row))
        watcher(RunFinished(0))
    peaks = team.on_each(peak_memory_mib)
    return replace(found, warnings=row.warnings, peak_rss_mib=peaks)


def _run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}-prep"


def _make_folder(folder: Path) -> None:
    """Make the folder of a preparation; of those before, the last ones stay."""
    folder.mkdir(parents=True, exist_ok=True)
    keep_last(sorted(folder.parent.glob("*-prep")))


def _picture(layout: Layout, found: Prepared, log: TaskLog) -> Path | None:
    """Draw the candidates; return why not as a warning."""
    root, overview = layout.stack.root, found.overview
    show_patches(overview, layout, {name: root / name for name in found.kept}, log.warn)
    try:
        path = root / "products" / "candidates.png"
        return candidates_picture(layout, found.candidates, overview, path)
    except (PystampsError, OSError) as error:
        log.warn(f"no picture of the candidates: {error}")
    return None
