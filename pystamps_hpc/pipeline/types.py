"""The records of a run: its context, one result per task, and the report."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..errors import EXIT_OF_SIGNAL, Exit
from ..stages.base import Scope
from . import LAST_STAGE

STATUSES = ("completed", "skipped_existing", "skipped", "planned", "failed")


@dataclass
class PipelineContext:
    """What to run.

    Parameters
    ----------
    dataset_root : Path
        Dataset directory.
    run_config : RunConfig
        Configuration.
    start_step, end_step : int
        Window of stages; start 0 is 1.
    dry_run, force, keep_going, native_only, break_lock : bool
        As the options of ``pystamps-hpc run``.
    again : bool
        Whether finished tasks of the window are done again; unlike ``force`` this does not replace
        results that were not made here.
    part : str
        ``all``, ``patches`` (patch stages only) or ``merged`` (merge and later).
    patches : tuple of str or None
        Restriction of the patch tasks.
    comm : mpi4py communicator or None
        Ranks to use; None decides by the launcher's environment.
    command : tuple of str
        Command line for the report.
    config_file : str
        Full path of the file that the configuration comes from, for the report.
    """

    dataset_root: Path
    run_config: RunConfig = field(default_factory=RunConfig)
    start_step: int = 1
    end_step: int = LAST_STAGE
    dry_run: bool = False
    force: bool = False
    again: bool = False
    part: str = "all"
    patches: tuple[str, ...] | None = None
    comm: Any = None
    keep_going: bool = False
    native_only: bool = False
    break_lock: bool = False
    command: tuple[str, ...] = ()
    config_file: str = ""


@dataclass
class StageResult:
    """What became of one task; one row of the report.

    ``reason`` says why it ran or would run; ``overwrites`` names what it replaces that was not made
    here; ``started_at`` is in seconds since 1970; ``signal`` names the signal that stopped the
    task; ``busy_sec`` is the own work of each rank in a task that all share, empty otherwise, and
    ``root_sec`` what of it rank 0 did while all waited for that.
    """

    stage_id: int
    scope: Scope
    target: str
    status: str
    details: str = ""
    duration_sec: float | None = None
    rank: int | None = None
    backend: str | None = None
    warnings: list[str] = field(default_factory=list)
    invalidates: list[str] = field(default_factory=list)
    overwrites: list[str] = field(default_factory=list)
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    started_at: float | None = None
    signal: str | None = None
    busy_sec: tuple[float, ...] = ()
    root_sec: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the row with the report's key names; lists are not copied."""
        row = dict(vars(self))
        del row["busy_sec"], row["root_sec"]
        return {"stage": row.pop("stage_id"), **row}


@dataclass
class PipelineReport:
    """The report of a run: the rows and everything around them."""

    run_id: str
    results: list[StageResult]
    dataset: str = ""
    version: str = ""
    command: list[str] = field(default_factory=list)
    config_file: str = ""
    window: tuple[int, int] = (1, LAST_STAGE)
    dry_run: bool = False
    force: bool = False
    started_utc: str = ""
    finished_utc: str = ""
    wall_sec: float = 0.0
    mpi: dict[str, Any] = field(default_factory=dict)
    backends: dict[str, str] = field(default_factory=dict)
    science_versions: dict[str, int] = field(default_factory=dict)
    stages: list[dict[str, Any]] = field(default_factory=list)
    stale: list[dict[str, Any]] = field(default_factory=list)
    made_elsewhere: list[int] = field(default_factory=list)
    funnel: list[dict[str, Any]] = field(default_factory=list)
    findings: dict[str, Any] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    not_made: dict[str, str] = field(default_factory=dict)
    would_make: list[str] = field(default_factory=list)
    dropped_patches: list[str] = field(default_factory=list)
    not_started: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def failures(self) -> list[StageResult]:
        """Rows that failed."""
        return [row for row in self.results if row.status == "failed"]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failures and not self.not_made

    @property
    def signal(self) -> str | None:
        """The signal that stopped the run, None if it was not stopped."""
        return next((row.signal for row in self.results if row.signal), None)

    @property
    def exit_code(self) -> int:
        """Exit code of the command."""
        if self.signal is not None:
            return EXIT_OF_SIGNAL[self.signal]
        if not self.ok:
            return Exit.FAILED
        return Exit.KEPT if self.stale else Exit.OK

    def to_json(self) -> dict[str, Any]:
        """Return the document ``pystamps-hpc/run-report/1``."""
        document = {
            item: getattr(self, item) for item in self.__dataclass_fields__ if item != "results"
        }
        counts = {name: sum(row.status == name for row in self.results) for name in STATUSES}
        return {
            "schema": "pystamps-hpc/run-report/1",
            **document,
            "ok": self.ok,
            "interrupted": self.signal is not None,
            "exit_code": self.exit_code,
            "counts": counts,
            "results": [row.to_json() for row in self.results],
        }
