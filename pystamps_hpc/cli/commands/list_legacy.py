"""``list-legacy``: the programs of a StaMPS installation."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from ...errors import ConfigError, Exit
from ...tools.legacy import COUNTERPARTS, list_legacy
from ..command import Answer, Command, on_root
from ..shapes import Shape, table


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--stamps-root", metavar="DIR", default=os.environ.get("STAMPS_ROOT"),
                        help="StaMPS checkout ($STAMPS_ROOT)")  # fmt: skip


@on_root
def run(options: Namespace) -> Answer:
    """List the programs of a StaMPS installation."""
    if not options.stamps_root:
        raise ConfigError("list-legacy needs --stamps-root or STAMPS_ROOT")
    return list_legacy(options.stamps_root), Exit.OK


def view(document: list[str]) -> Iterator[Shape]:
    """Show the programs of a StaMPS installation and what does their work here."""
    names = [Path(path).name for path in document]
    yield table(("program", "here"), ((name, COUNTERPARTS.get(name.lower())) for name in names))


COMMAND = Command(
    "list-legacy",
    "List the programs of a StaMPS installation.",
    run,
    view,
    add_options,
    examples=("pystamps-hpc list-legacy --stamps-root /opt/StaMPS",),
    group="for developers",
    table_on_stderr=True,
)
