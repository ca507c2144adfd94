"""The command ``slurm init``."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ..dataset.tree import dataset_here

if TYPE_CHECKING:
    from ..parallel.team import Team


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
            options.dataset or dataset_here(),
            options.nodes,
            options.cpus,
            options.gpus,
            options.image,
        )

    return team.on_root(act), 0
