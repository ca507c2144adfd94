"""``warmup``: compile every native kernel into the cache."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from ...config import load_config
from ...errors import Exit
from ..command import Answer, Command, count, on_root
from ..shapes import BAD, FAINT, Shape, paragraph, table


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--kernels", metavar="K,...", default="", help="report only these")
    parser.add_argument("--threads", type=count, default=0, metavar="N",
                        help="threads of the kernels (0: all)")  # fmt: skip


@on_root
def run(options: Namespace) -> Answer:
    """Compile every native kernel into the cache."""
    from ...tools.warmup import warm_up

    names = tuple(name for name in options.kernels.split(",") if name)
    found = warm_up(names, load_config(options.config), options.threads)
    return found, Exit.FAILED if found["problems"] else Exit.OK


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show how long each kernel took to compile."""
    yield table(
        ("kernel", "double [s]", "single [s]"),
        (
            (name, found.get("double"), found.get("single"))
            for name, found in document["kernels"].items()
        ),
    )
    for name, reason in document["not_compiled"].items():
        yield paragraph(f"not compiled: {name}: {reason}", style=FAINT)
    for problem in document["problems"]:
        yield paragraph(f"FAILED: {problem}", style=BAD)
    yield paragraph(f"{len(document['kernels'])} kernels in {document['total_sec']:.1f} s")


COMMAND = Command(
    "warmup",
    "Compile every native kernel into the cache.",
    run,
    view,
    add_options,
    group="for developers",
)
