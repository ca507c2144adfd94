"""``selftest``: whether this installation works, on one process and on several ranks."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from ...errors import Exit
from ..command import Answer, Command, on_root, positive
from ..shapes import BAD, GOOD, Shape, marked, paragraph, table, verdict


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--ranks", type=positive, default=2, metavar="N",
                        help="ranks that must give the same bytes as one process (2)")  # fmt: skip


@on_root
def run(options: Namespace) -> Answer:
    """Run a small simulated dataset on one process, on ranks, and with SNAPHU if it is there."""
    from ...tools.selftest import self_test

    document = self_test(options.ranks)
    return document, Exit.OK if document["ok"] else Exit.FAILED


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show the steps."""
    yield table(
        ("step", "seconds", "", ""),
        (
            (row["name"], row["sec"], verdict(row["ok"]), row["message"])
            for row in document["steps"]
        ),
    )
    yield paragraph()
    ended = "passed" if document["ok"] else "FAILED"
    yield marked(f"pystamps-hpc {document['version']}: self-test {ended}",
                 GOOD if document["ok"] else BAD)  # fmt: skip


COMMAND = Command(
    "selftest",
    "Run a small simulated dataset on one process and on two ranks: the same bytes?",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc selftest",
        "apptainer exec pystamps-hpc.sif pystamps-hpc selftest",
    ),
)
