"""``console``: runs and results of datasets in a browser, through one SSH tunnel."""

import getpass
import socket
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...config import configured_by, load_config
from ...errors import Exit
from ..command import HERE, Answer, Command, count, on_root
from ..shapes import Shape

PORT = 8765


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--dataset", metavar="DIR", action="append",
                        help=f"dataset directory {HERE}; may be repeated")  # fmt: skip
    parser.set_defaults(parser=parser, default_dataset=".")
    parser.add_argument("--port", type=count, default=PORT, metavar="N",
                        help=f"port on this machine ({PORT}); 0: any free one")  # fmt: skip
    parser.add_argument("--allow-run", action="store_true",
                        help="runs may be started and parameters changed")  # fmt: skip


@on_root
def run(options: Namespace) -> Answer:
    """Serve the console until it is interrupted."""
    from ...tools.console.serving import serve

    given = options.dataset
    roots = [Path(root) for root in (given if isinstance(given, list) else [given])]
    serve(
        roots,
        load_config(options.config),
        options.port,
        options.allow_run,
        configured_by(options.config),
        _tell,
    )
    return None, Exit.OK


def _tell(url: str, port: int) -> None:
    """Say where the console is, and how it is reached from elsewhere."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        user = "USER"
    print(
        f"console: {url}\n"
        f"from another machine first: ssh -N -L {port}:127.0.0.1:{port} {user}@"
        f"{socket.gethostname()}\n"
        "Ctrl-C stops it; runs that it has started go on",
        file=sys.stderr,
        flush=True,
    )


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show nothing: the browser does."""
    del document
    yield from ()


COMMAND = Command(
    "console",
    "Watch runs and look into results in a browser.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc console --dataset DIR",
        "pystamps-hpc console --dataset DIR --dataset OTHER --port 0",
        "pystamps-hpc console --dataset DIR --allow-run",
    ),
)
