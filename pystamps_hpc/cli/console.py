"""What people see on stderr: bars on a terminal, plain lines with rates in a batch log."""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tqdm import tqdm

from ..dataset.tree import ROOT
from ..parallel.team import Team
from ..pipeline.documents import json_ready, json_text
from ..pipeline.types import PipelineReport, StageResult

PLAIN_EVERY_SEC = 30.0


class Console:
    """A watcher that writes to stderr.

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
    compiles : callable
        Whether the first task has to wait for the compiler; asked when it starts.
    """

    def __init__(
        self, progress: str, verbose: int, quiet: bool, team: Team, compiles: Callable[[], bool]
    ) -> None:
        if progress == "auto":
            progress = "bar" if sys.stderr.isatty() and team.size == 1 else "plain"
        self.style = "none" if quiet and progress != "json" else progress
        self.quiet = quiet
        self.verbose = verbose
        self.team = team
        self.lock = threading.RLock()
        self.bars: dict[tuple[int, str], tqdm[Any]] = {}
        self.steps: dict[tuple[int, str], tuple[str, float, float]] = {}
        self.compiles = compiles
        self.began = False

    def __enter__(self) -> "Console":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for bar in self.bars.values():
            bar.close()

    def started(self, stage: int, target: str, name: str) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        with self.lock:
            self.steps[stage, target] = ("", time.monotonic(), time.monotonic())
            if self.style == "json":
                self._event("task_started", stage, target)
            else:
                self._line(stage, target, name)
                if not self.began and self.style != "none" and self.team.rank == 0:
                    self._tell_compiler()
            self.began = True

    def progress(self, stage: int, target: str, step: str, fraction: float) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        with self.lock:
            if self.style == "bar":
                self._bar(stage, target, step, fraction)
            elif self.style in ("plain", "json"):
                self._rarely(stage, target, step, fraction)

    def warning(self, stage: int, target: str, message: str) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        shared = target == ROOT  # every rank comes to know it, rank 0 tells it
        if self.quiet or (shared and self.team.rank > 0):
            return
        with self.lock:
            if self.style == "json":
                self._event("warning", stage, target, text=message)
            else:
                self._write(f"{self._head(stage, target)} warning: {message}")

    def finished(self, row: StageResult) -> None:
        """See :class:`pystamps_hpc.pipeline.progress.Watcher`."""
        with self.lock:
            bar = self.bars.pop((row.stage_id, row.target), None)
            if bar is not None:
                bar.close()
            if self.style == "json":
                self._event("task_finished", row.stage_id, row.target, row=row.to_json())
            elif row.signal is not None:
                if self.team.rank == 0 or row.scope == "patch":
                    self._write(f"stage {row.stage_id} {row.target}: {row.details}")
            elif row.status == "failed":
                if self.team.rank == 0 or row.scope == "patch":
                    self._write(
                        f"FAILED stage {row.stage_id} {row.target} on rank {row.rank} "
                        f"({self.team.members[row.rank or 0].host}): {row.details}"
                    )
            else:
                seconds = f"{row.duration_sec:.2f} s" if row.duration_sec is not None else ""
                details = f": {row.details}" if row.details else ""
                removed = f"; {len(row.invalidates)} later results removed" * bool(row.invalidates)
                self._line(row.stage_id, row.target, f"done in {seconds}{details}{removed}")

    def conclude(self, report: PipelineReport) -> None:
        """Say how the run ended, and where its products are."""
        if self.quiet or self.style == "json":
            return
        statuses = {row.status for row in report.results}
        if statuses == {"skipped_existing"} and not report.stale:
            print(
                "nothing to do: all selected stages are complete (use --force to recompute)",
                file=sys.stderr,
            )
        if report.dry_run:
            print(_plan(report.results), file=sys.stderr)
        if report.signal is not None:
            print(
                f"stopped by {report.signal} in good order; the same command, without --force, "
                "goes on from here",
                file=sys.stderr,
            )
        for warning in [*_out_of_date(report), *report.warnings]:
            print(f"warning: {warning}", file=sys.stderr)
        if any(row.stage_id in (5, 8) and row.status == "completed" for row in report.results):
            print(_funnel(report.funnel), file=sys.stderr)
        for path in report.products.values():
            print(path, file=sys.stderr)
        if self.verbose:
            chosen = sorted({f"{name}: {backend}" for name, backend in report.backends.items()})
            print("\n".join(["kernels:", *chosen]), file=sys.stderr)
        if self.verbose > 1:
            print(f"configuration:\n{json_text(report.config)}", file=sys.stderr, end="")

    def _bar(self, stage: int, target: str, step: str, fraction: float) -> None:
        bar = self.bars.get((stage, target))
        if bar is None:
            bar = self.bars[stage, target] = tqdm(
                total=1.0,
                leave=False,
                file=sys.stderr,
                bar_format="{desc} {percentage:3.0f} %|{bar:30}| {elapsed} < {remaining}",
            )
        text = f"stage {stage} {target} {step}"
        if bar.desc != text or fraction < bar.n:
            bar.reset(total=1.0)
            bar.set_description_str(text, refresh=False)
        bar.update(fraction - bar.n)

    def _rarely(self, stage: int, target: str, step: str, fraction: float) -> None:
        known, began, told = self.steps.get((stage, target), ("", 0.0, 0.0))
        now = time.monotonic()
        if step != known:
            began = now
        if now - told >= (2.0 if self.style == "json" else PLAIN_EVERY_SEC) and fraction > 0:
            told = now
            if self.style == "json":
                self._event("task_progress", stage, target, fraction=fraction, text=step)
            else:
                left = (now - began) * (1 - fraction) / fraction
                text = f"{step} {100 * fraction:.0f} %, {_duration(left)} left"
                self._line(stage, target, text)
        self.steps[stage, target] = (step, began, told)

    def _line(self, stage: int, target: str, text: str) -> None:
        if self.style != "none" and (self.team.rank == 0 or self.verbose):
            self._write(f"{self._head(stage, target)} {text}")

    def _tell_compiler(self) -> None:
        if self.compiles():
            self._write(
                "kernels are compiled for this machine, each at its first use: minutes in all, and "
                "once (pystamps-hpc warmup does it ahead)"
            )

    def _head(self, stage: int, target: str) -> str:
        clock = time.strftime("%H:%M:%S")
        return f"{clock} stage {stage} {target} [r{self.team.rank}]"

    def _event(self, kind: str, stage: int, target: str, **more: Any) -> None:
        event = {"kind": kind, "rank": self.team.rank, "stage": stage, "target": target, **more}
        self._write(json.dumps(json_ready(event)))

    def _write(self, text: str) -> None:
        member = self.team.members[self.team.rank]
        prefix = "" if self.team.rank == 0 else f"[r{member.rank} {member.host}] "
        tqdm.write(prefix + text, file=sys.stderr)
        sys.stderr.flush()


def _out_of_date(report: PipelineReport) -> list[str]:
    """Say which finished results were kept although they are out of date."""
    if not report.stale:
        return []
    first = report.stale[0]
    more = f" and {len(report.stale) - 1} more" if len(report.stale) > 1 else ""
    return [f"{first['path']}{more} out of date ({first['reason']}); kept, redo with --stale rerun"]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _plan(rows: list[StageResult]) -> str:
    """Say what a run would do: how many targets of each stage would run or stay."""
    counts = Counter((row.stage_id, row.scope, row.status, row.details) for row in rows)
    return "\n".join(
        f"stage {stage} {scope:<6} {count:>4} {status.replace('_', ' ')}: {details}"
        for (stage, scope, status, details), count in counts.items()
    )


def _funnel(rows: list[dict[str, Any]]) -> str:
    """Lay out the table of points per patch."""
    columns = ("patch", "candidates", "selected", "weeded", "merged")
    table = [[str(row.get(c) if row.get(c) is not None else "-") for c in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *table, strict=True)]
    lines = [columns, *table]
    return "\n".join(
        "  ".join(word.rjust(w) if i else word.ljust(w)
                  for i, (word, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )  # fmt: skip
