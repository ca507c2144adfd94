"""What people see of a run: bars on a terminal, lines in a batch log, its log file and events."""

import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from ..parallel.team import Team
from ..pipeline.events import (
    Checkpoint,
    Compiling,
    Event,
    EventLines,
    Plan,
    RunStarted,
    TaskEvent,
    TaskFinished,
    TaskProgress,
    TaskStarted,
    TaskWarning,
)
from ..pipeline.outlook import shortened
from ..pipeline.types import StageResult
from .facts import fact_lines

if TYPE_CHECKING:
    from .bars import Bars

PLAIN_EVERY_SEC = 30.0
EVENT_EVERY_SEC = 2.0


@dataclass
class _Step:
    """A step of a task: since when, and when its progress was last shown and kept."""

    name: str
    began: float = field(default_factory=time.monotonic)
    shown: float = field(default_factory=time.monotonic)
    kept: float = field(default_factory=time.monotonic)


class Display:
    """A watcher that writes to stderr, and to a file all that ``--verbose`` would show.

    Parameters
    ----------
    progress : str
        ``auto`` (bars where stderr is a terminal, else plain lines), ``bar``, ``plain``, ``json``
        or ``none``.
    verbose : int
        How much more to say.
    quiet : bool
        Only errors.
    team : Team
        Ranks other than 0 write only warnings and errors, with their number.
    log : str or None
        The file; by default it lies beside the report of the run.
    """

    def __init__(
        self,
        progress: str,
        verbose: int,
        quiet: bool,
        team: Team,
        log: str | None = None,
    ) -> None:
        if progress == "auto":
            progress = "bar" if sys.stderr.isatty() and team.size == 1 else "plain"
        self.style = "none" if quiet and progress != "json" else progress
        self.quiet = quiet
        self.verbose = verbose
        self.team = team
        self.lock = threading.RLock()
        self.bars: Bars | None = None
        self.steps: dict[tuple[int, str], _Step] = {}
        self.lines = EventLines(team.rank)
        self.told_compiling = -PLAIN_EVERY_SEC
        self.log_name = log
        self.log: IO[str] | None = None

    def __enter__(self) -> "Display":
        if self.style == "bar" and self.team.rank == 0:
            from .bars import Bars

            self.bars = Bars()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bars is not None:
            self.bars.close()
            self.bars = None
        if self.log is not None:
            self.log.close()

    def __call__(self, event: Event) -> None:
        """Show what happens; see :data:`pystamps_hpc.pipeline.events.Watcher`."""
        with self.lock:
            if isinstance(event, RunStarted):
                self.lines.open(event)
            self._keep_event(event)
            match event:
                case RunStarted():
                    self._open_log(event.folder)
                case Plan() if self.team.rank == 0 and self.style not in ("none", "json"):
                    self._show_plan(event)
                case Compiling() if self.team.rank == 0:
                    self._show_compiling(event.done, event.total)
                case TaskStarted():
                    self.steps[event.stage, event.target] = _Step("")
                    self._line(event, event.text)
                case TaskProgress():
                    self._show_progress(event)
                case TaskWarning() if self._tells(event):
                    shown = not self.quiet and self.style != "json"
                    self._say(f"{self._head(event)} warning: {event.text}", shown)
                case TaskFinished():
                    self._show_finished(event, event.row)

    def _tells(self, event: Event) -> bool:
        """Whether it is for this rank to tell: what all ranks know, rank 0 does."""
        alone = isinstance(event, Checkpoint) or (
            isinstance(event, TaskEvent) and event.scope == "patch"
        )
        return alone or self.team.rank == 0

    def _keep_event(self, event: Event) -> None:
        """Keep an event as a line of JSON in the folder of the run, and show it if asked for."""
        if not self._tells(event):
            return
        if isinstance(event, TaskProgress):
            step = self._step(event)
            if event.fraction <= 0 or time.monotonic() - step.kept < EVENT_EVERY_SEC:
                return
            step.kept = time.monotonic()
        line = self.lines.add(event)
        if self.style == "json" and not (self.quiet and isinstance(event, TaskWarning)):
            self._write(line)

    def _open_log(self, folder: Path) -> None:
        if self.team.rank > 0:
            return
        path = folder / "log" if self.log_name is None else Path(self.log_name)
        try:
            self.log = path.open("a", encoding="utf-8")
        except OSError as error:
            self._write(f"warning: no log is kept: {path}: {error.strerror}")

    def _show_plan(self, plan: Plan) -> None:
        """Say before work what it takes: results that go, and memory."""
        if plan.removes:
            gone = shortened(plan.removes)
            self._write(f"replaces results and removes what was made from them: {gone}")
        if plan.memory:
            self._write(plan.memory)

    def _show_compiling(self, done: int, total: int) -> None:
        if self.bars is not None:
            self.bars.show("compiling", f"compiling {done}/{total}, once", done / max(total, 1))
            if done == total:
                self.bars.end("compiling")
        elif (
            self.style == "plain"
            and done < total
            and time.monotonic() - self.told_compiling >= PLAIN_EVERY_SEC
        ):
            self.told_compiling = time.monotonic()
            self._write(f"compiling kernels for this machine, once: {done}/{total}")

    def _step(self, event: TaskProgress) -> "_Step":
        """Return the step that a task is at; it begins anew with another name."""
        key = (event.stage, event.target)
        step = self.steps.setdefault(key, _Step(event.text))
        if step.name != event.text:
            step.name, step.began = event.text, time.monotonic()
        return step

    def _show_progress(self, event: TaskProgress) -> None:
        step, now, fraction = self._step(event), time.monotonic(), event.fraction
        if self.bars is not None:
            label = f"{_named(event)} {event.text}"
            self.bars.show((event.stage, event.target), label, fraction)
        if now - step.shown >= PLAIN_EVERY_SEC and fraction > 0:
            step.shown = now
            left = (now - step.began) * (1 - fraction) / fraction
            text = f"{event.text} {100 * fraction:.0f} %, {_duration(left)} left"
            self._line(event, text, shown=self.bars is None)

    def _show_finished(self, event: TaskEvent, row: StageResult) -> None:
        stage, target = row.stage_id, row.target
        self.steps.pop((stage, target), None)
        if self.bars is not None:
            self.bars.end((stage, target))
        shown = self._tells(event) and self.style != "json"
        if row.signal is not None:
            self._say(f"{_named(event)}: {row.details}", shown)
        elif row.status == "failed":
            self._say(
                f"FAILED {_named(event)} on rank {row.rank} "
                f"({self.team.members[row.rank or 0].host}): {row.details}",
                shown,
            )
        else:
            seconds = f"{row.duration_sec:.2f} s" if row.duration_sec is not None else ""
            details = f": {row.details}" if row.details else ""
            self._line(event, f"done in {seconds}{details}")
            for line in fact_lines(row):
                self._line(event, line, least=1)

    def keep(self, text: str) -> None:
        """Write to the log file alone."""
        if self.log is not None:
            self.log.write(text)
            self.log.flush()

    def _line(self, event: TaskEvent, text: str, least: int = 0, shown: bool = True) -> None:
        """Write a line of progress; those of other ranks, and the science, with ``--verbose``."""
        least = max(least, min(self.team.rank, 1))
        shown = shown and self.style in ("bar", "plain") and self.verbose >= least
        self._say(f"{self._head(event)} {text}", shown)

    def _head(self, event: TaskEvent) -> str:
        clock = time.strftime("%H:%M:%S")
        return f"{clock} {_named(event)} [r{self.team.rank}]"

    def _say(self, text: str, shown: bool) -> None:
        self.keep(f"{text}\n")
        if shown:
            self._write(text)

    def _write(self, text: str) -> None:
        member = self.team.members[self.team.rank]
        prefix = "" if self.team.rank == 0 else f"[r{member.rank} {member.host}] "
        if self.bars is not None:
            self.bars.write(prefix + text)
            return
        sys.stderr.write(f"{prefix}{text}\n")
        sys.stderr.flush()


def _named(event: TaskEvent) -> str:
    """Name a task: its stage and target; the preparation has none."""
    return f"stage {event.stage} {event.target}" if event.stage else "prep"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
