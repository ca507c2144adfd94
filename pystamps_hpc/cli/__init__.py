"""The command line: arguments in, one JSON document on stdout, people's messages on stderr."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from .environment import prepare
from .options import build_parser

INTERNAL_ERROR = 70
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program name; by default those of the process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(words)
    prepare(os.environ)
    if getattr(options, "stops_in_good_order", False):
        from ..parallel import interruption

        interruption.listen()

    from ..errors import PystampsError
    from .launch import finish, launch, speaks

    team = None
    try:
        team = launch(options)
        with team.agreed():
            document, code = options.command(options, team, tuple(words))
        if team.rank == 0 and document is not None:
            _print(document)
    except PystampsError as error:
        code = error.exit_code
        if speaks(team, error):
            print(error, file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        if team is not None and team.size > 1:
            raise  # the other ranks wait: the hook of the team ends the job
        code = INTERRUPTED
        print("interrupted; the same command goes on from here", file=sys.stderr, flush=True)
    except Exception:
        if team is not None and team.size > 1:
            raise
        code = INTERNAL_ERROR
        traceback.print_exc(file=sys.stderr)
        print(
            "internal error: please report it with the lines above and the command",
            file=sys.stderr,
            flush=True,
        )
    if team is not None:
        finish(team, int(code))
    return int(code)


def _print(document: dict[str, Any]) -> None:
    from ..pipeline.documents import json_text

    sys.stdout.write(json_text(document))
    sys.stdout.flush()
