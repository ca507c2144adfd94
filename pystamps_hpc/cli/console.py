"""What people see of a run: bars on a terminal, lines in a batch log, and its log file."""

import json
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from ..dataset.tree import ROOT
from ..parallel.team import Team
from ..pipeline.documents import json_ready
from ..pipeline.types import StageResult
from .science import science

if TYPE_CHECKING:
    from .bars import Bars

PLAIN_EVERY_SEC = 30.0


class Console:
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
        self.steps: dict[tuple[int, str], tuple[str, float, float]] = {}
        self.told_compiling = -PLAIN_EVERY_SEC
        self.log_name = log
        self.log: IO[str] | None = None

    def __enter__(self) -> "Console":
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

    def opened(self, folder: Path) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        if self.team.rank > 0:
            return
        path = folder / "log" if self.log_name is None else Path(self.log_name)
        try:
            self.log = path.open("a", encoding="utf-8")
        except OSError as error:
            self._write(f"warning: no log is kept: {path}: {error.strerror}")

    def compiling(self, done: int, total: int) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        if self.team.rank > 0 or self.style == "none":
            return
        with self.lock:
            if self.style == "json":
                self._write(json.dumps({"kind": "compiling", "done": done, "total": total}))
            elif self.bars is not None:
                self.bars.show("compiling", f"compiling {done}/{total}, once", done / max(total, 1))
                if done == total:
                    self.bars.end("compiling")
            elif done < total and time.monotonic() - self.told_compiling >= PLAIN_EVERY_SEC:
                self.told_compiling = time.monotonic()
                self._write(f"compiling kernels for this machine, once: {done}/{total}")

    def expected(self, text: str) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        if self.style not in ("none", "json"):
            self._write(text)

    def started(self, stage: int, target: str, name: str) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        with self.lock:
            self.steps[stage, target] = ("", time.monotonic(), time.monotonic())
            if self.style == "json":
                self._event("task_started", stage, target)
            self._line(stage, target, name)

    def progress(self, stage: int, target: str, step: str, fraction: float) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        with self.lock:
            if self.bars is not None:
                self.bars.show((stage, target), f"stage {stage} {target} {step}", fraction)
            self._rarely(stage, target, step, fraction)

    def warning(self, stage: int, target: str, message: str) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        shared = target == ROOT  # every rank comes to know it, rank 0 tells it
        if shared and self.team.rank > 0:
            return
        with self.lock:
            if self.style == "json" and not self.quiet:
                self._event("warning", stage, target, text=message)
            shown = not self.quiet and self.style != "json"
            self._say(f"{self._head(stage, target)} warning: {message}", shown)

    def finished(self, row: StageResult) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        stage, target = row.stage_id, row.target
        with self.lock:
            if self.bars is not None:
                self.bars.end((stage, target))
            if self.style == "json":
                self._event("task_finished", stage, target, row=row.to_json())
            speaks = self.team.rank == 0 or row.scope == "patch"
            shown = speaks and self.style != "json"
            if row.signal is not None:
                self._say(f"stage {stage} {target}: {row.details}", shown)
            elif row.status == "failed":
                self._say(
                    f"FAILED stage {stage} {target} on rank {row.rank} "
                    f"({self.team.members[row.rank or 0].host}): {row.details}",
                    shown,
                )
            else:
                seconds = f"{row.duration_sec:.2f} s" if row.duration_sec is not None else ""
                details = f": {row.details}" if row.details else ""
                self._line(stage, target, f"done in {seconds}{details}")
                for line in science(row):
                    self._line(stage, target, line, least=1)

    def keep(self, text: str) -> None:
        """Write to the log file alone."""
        if self.log is not None:
            self.log.write(text)
            self.log.flush()

    def _rarely(self, stage: int, target: str, step: str, fraction: float) -> None:
        known, began, told = self.steps.get((stage, target), ("", 0.0, 0.0))
        now = time.monotonic()
        if step != known:
            began = now
        if now - told >= (2.0 if self.style == "json" else PLAIN_EVERY_SEC) and fraction > 0:
            told = now
            if self.style == "json":
                self._event("task_progress", stage, target, fraction=fraction, text=step)
            left = (now - began) * (1 - fraction) / fraction
            text = f"{step} {100 * fraction:.0f} %, {_duration(left)} left"
            self._line(stage, target, text, shown=self.bars is None)
        self.steps[stage, target] = (step, began, told)

    def _line(self, stage: int, target: str, text: str, least: int = 0, shown: bool = True) -> None:
        """Write a line of progress; those of other ranks, and the science, with ``--verbose``."""
        least = max(least, min(self.team.rank, 1))
        shown = shown and self.style in ("bar", "plain") and self.verbose >= least
        self._say(f"{self._head(stage, target)} {text}", shown)

    def _head(self, stage: int, target: str) -> str:
        clock = time.strftime("%H:%M:%S")
        return f"{clock} stage {stage} {target} [r{self.team.rank}]"

    def _event(self, kind: str, stage: int, target: str, **more: Any) -> None:
        event = {"kind": kind, "rank": self.team.rank, "stage": stage, "target": target, **more}
        self._write(json.dumps(json_ready(event)))

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


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
