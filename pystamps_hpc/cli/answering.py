"""The answer of a command: a table for people, one JSON document for programs."""

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..dataset.publish import write_text
from ..parallel.launcher import launcher_hint
from ..pipeline.documents import json_text
from .shapes import text_of

LAUNCHERS = ("mpirun", "mpiexec", "prterun", "orterun")


def answer(document: Any, options: Namespace) -> None:
    """Print a document as a table on a terminal, as JSON elsewhere or with ``--json``.

    A command that has worked for long says its result on standard error too when the document
    goes elsewhere. ``--report`` keeps a copy of the document.
    """
    if options.report:
        _keep(Path(options.report), document)
    events = options.progress == "json"
    people = on_terminal() and not (options.json or events)
    if not people:
        sys.stdout.write(json_text(document))
        sys.stdout.flush()
    command = options.command
    silent = command.table_on_stderr and (options.quiet or events)
    if (people or command.table_on_stderr) and not silent:
        stream = sys.stdout if people else sys.stderr
        stream.write(text_of(command.view(document), stream))
        stream.flush()


def on_terminal() -> bool:
    """Whether somebody reads what goes to standard output.

    Open MPI gives every rank a terminal of its own, wherever the output goes in the end; that of
    ``mpirun`` then decides.
    """
    if not sys.stdout.isatty():
        return False
    if launcher_hint(os.environ) is None:
        return True
    parent = Path("/proc", str(os.getppid()))
    try:
        launcher = (parent / "comm").read_text().strip() in LAUNCHERS
        return launcher and os.readlink(parent / "fd" / "1").startswith(("/dev/pts/", "/dev/tty"))
    except OSError:
        return False


def _keep(path: Path, document: Any) -> None:
    try:
        write_text(path, json_text(document))
    except OSError as error:
        print(f"report {path} cannot be written: {error.strerror}", file=sys.stderr)
