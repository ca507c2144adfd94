"""The command line: arguments in, one JSON document on stdout, people's messages on stderr."""

import json
import os
import sys
from collections.abc import Sequence

from .environment import prepare
from .options import build_parser


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

    from ..errors import PystampsError
    from .launch import finish, launch

    team = None
    try:
        team = launch(options)
        document, code = options.command(options, team, tuple(words))
        if team.rank == 0 and document is not None:
            sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")
            sys.stdout.flush()
    except PystampsError as error:
        code = error.exit_code
        if (team is None or team.rank == 0) and not getattr(error, "quiet", False):
            print(error, file=sys.stderr, flush=True)
    if team is not None:
        finish(team)
    return int(code)
