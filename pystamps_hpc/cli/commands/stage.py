"""``stage``: one stage of one patch, or one merged stage, whether it is finished or not."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from ...pipeline import LAST_STAGE
from ..command import Answer, Command, dataset_option
from .run import configuration, kernel_options, run_stages, view

if TYPE_CHECKING:
    from ...parallel.team import Team


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("number", type=int, choices=range(1, LAST_STAGE + 1), metavar="N",
                        help=f"stage, 1 to {LAST_STAGE}")  # fmt: skip
    parser.add_argument("--patch", metavar="DIR",
                        help="patch directory, stages 1-5 (. inside a patch)")  # fmt: skip
    dataset_option(parser, help="dataset directory, stages 5-8 (. inside a dataset)", default=None)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--force", action="store_true",
                        help="replace and remove results of other programs too")  # fmt: skip
    kernel_options(parser)


def run(options: Namespace, team: "Team") -> Answer:
    """Run one task."""
    from ...dataset.tree import dataset_here, patch_here
    from ...pipeline.stages import stage_context

    config = team.on_root(lambda: configuration(options))
    patch, dataset = options.patch, options.dataset
    if patch is None and dataset is None:
        patch, dataset = team.on_root(patch_here), team.on_root(dataset_here)
    context = stage_context(options.number, patch, dataset, config)
    context = replace(context, dry_run=options.dry_run, force=options.force)
    return run_stages(context, options, team)


COMMAND = Command(
    "stage",
    "Run one stage of one patch, or one merged stage, whether it is finished or not.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc stage 2 --patch DIR/PATCH_1",
        "pystamps-hpc stage 6 --dataset DIR",
        "cd DIR/PATCH_1 && pystamps-hpc stage 2",
    ),
    table_on_stderr=True,
    stops_in_good_order=True,
    plans=True,
)
