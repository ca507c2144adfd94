"""Runs that the console has started: one per dataset, each a process that outlives the console."""

import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ...dataset.lock import require_idle
from ...errors import LockError
from .. import child_run
from .runs import now_utc
from .trees import UnknownNameError

LAST_WORDS = 4000
"""Characters kept of what an ended run has said."""


@dataclass
class Job:
    """A run that the console has started."""

    arguments: tuple[str, ...]
    process: "subprocess.Popen[bytes]"
    said: IO[bytes]
    started_utc: str = field(default_factory=now_utc)
    stopping: bool = False

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.process.poll()

    def last_words(self) -> str:
        """Return the end of what it wrote to standard error: why it was refused, say."""
        size = os.fstat(self.said.fileno()).st_size
        return os.pread(self.said.fileno(), LAST_WORDS, max(size - LAST_WORDS, 0)).decode(
            "utf-8", "replace"
        )


class Jobs:
    """The jobs of the served datasets.

    Parameters
    ----------
    config_file : str
        Configuration with which runs are started; may be empty.
    """

    def __init__(self, config_file: str = "") -> None:
        self.config_file = config_file
        self._jobs: dict[Path, Job] = {}
        self._lock = threading.Lock()

    def of(self, root: Path) -> Job | None:
        """Return the last job of a dataset."""
        return self._jobs.get(root)

    def start(self, root: Path, start: int, end: int, force: bool) -> Job:
        """Start a run of some stages.

        Raises
        ------
        LockError
            A run works on the dataset.
        """
        with self._lock:
            last = self._jobs.get(root)
            if last is not None and last.code is None:
                raise LockError(f"{root}: a run that was started here is not at its end yet")
            require_idle(root)
            arguments = self._arguments(root, start, end, force)
            said = tempfile.TemporaryFile()  # noqa: SIM115, kept with the job
            process = subprocess.Popen(
                child_run.command(arguments),
                env=child_run.environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,  # it goes on when the console is stopped
            )
            self._jobs[root] = Job(tuple(arguments), process, said)
            return self._jobs[root]

    def stop(self, root: Path) -> Job:
        """Ask the job of a dataset to stop at the next safe point.

        Raises
        ------
        UnknownNameError
            No job of ours runs there.
        """
        with self._lock:
            job = self._jobs.get(root)
            if job is None or job.code is not None:
                raise UnknownNameError(
                    "no run that this console has started is going on; stop others where they run"
                )
            job.process.terminate()
            job.stopping = True
            return job

    def _arguments(self, root: Path, start: int, end: int, force: bool) -> list[str]:
        return [
            "run", "--dataset", str(root), "--start-step", str(start), "--end-step", str(end),
            *(["--force"] if force else []),
            *(["--config", self.config_file] if self.config_file else []),
            "--progress", "plain",
        ]  # fmt: skip
