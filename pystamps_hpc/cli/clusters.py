"""The command ``slurm init``."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..parallel.team import Team

TEMPLATES = ("single-node", "multi-node", "gpu", "patch-array")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text}: expected a positive number")
    return int(text)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    init = actions.add_parser("init", help="write a job script", allow_abbrev=False)
    init.add_argument("--template", choices=TEMPLATES, required=True, help="kind of job")
    init.add_argument("--dataset", metavar="DIR",
                      help="dataset that the numbers are estimated for")  # fmt: skip
    init.add_argument("--nodes", type=_positive, metavar="N", help="nodes of the job")
    init.add_argument("--cpus", type=_positive, metavar="N", help="processors of a node (16)")
    init.add_argument("--gpus", type=_positive, metavar="N", help="GPUs of a node (1)")
    init.add_argument("--image", metavar="FILE", help="Apptainer image to run in")
    init.add_argument("--out", metavar="FILE", help="file to write (name of the template)")


def slurm(
    options: Namespace, team: "Team", words: tuple[str, ...]
) -> tuple[dict[str, Any] | None, int]:
    """Write a job script."""
    del words

    def act() -> dict[str, Any]:
        from ..tools.slurm import write_job

        return write_job(
            options.template,
            options.out,
            options.dataset,
            options.nodes,
            options.cpus,
            options.gpus,
            options.image,
        )

    return team.on_root(act), 0
