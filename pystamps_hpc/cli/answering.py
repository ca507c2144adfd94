"""The answer of a command: a table for people, one JSON document for programs."""

import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import Any

from ..dataset.publish import write_text
from ..pipeline.documents import json_text


def answer(document: Any, options: Namespace) -> None:
    """Print a document as a table on a terminal, as JSON elsewhere or with ``--json``.

    A command that has worked for long says its result on standard error too when the document
    goes elsewhere. ``--report`` keeps a copy of the document.
    """
    if options.report:
        _keep(Path(options.report), document)
    events = options.progress == "json"
    people = sys.stdout.isatty() and not (options.json or events)
    if not people:
        sys.stdout.write(json_text(document))
        sys.stdout.flush()
    silent = options.tells and (options.quiet or events)
    if (people or options.tells) and not silent:
        stream = sys.stdout if people else sys.stderr
        stream.write(view_text(document, options, stream))
        stream.flush()


def view_text(document: Any, options: Namespace, stream: Any) -> str:
    """Return what people read of a document."""
    from .shapes import text_of

    module, _, function = options.view.partition(":")
    view = getattr(import_module(f".views.{module}", __package__), function)
    return text_of(view(document), stream)


def _keep(path: Path, document: Any) -> None:
    try:
        write_text(path, json_text(document))
    except OSError as error:
        print(f"report {path} cannot be written: {error.strerror}", file=sys.stderr)
